/**
 * A loader for hls.js that fetches a segment from the CDN and gives its bytes as they come. To hls.js it is as the loader that hls.js
 * has for XMLHttpRequest, which gives a segment when it is whole: the same request, times, timeouts, errors and answer.
 */

import { detailsOf, joined } from './answers.js';

/** @typedef {import('hls.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('hls.js').LoaderStats} LoaderStats */

/**
 * Who hears of the body on its way, beside hls.js's own callbacks.
 * @typedef {object} BodyCallbacks
 * @property {(offset: number, bytes: Uint8Array, total: number) => void} onBytes `bytes` are to be read before this returns; `total` of
 *   the body by its head, 0 if that does not say. Not called for what was not asked for, such as the whole file for a range of it
 * @property {() => void} onStall the page had been frozen: the fetch is over, and another is to be made, by an XMLHttpRequest
 */

/**
 * Whether a fetch may stand for what the site has set up: hls.js would use its own XMLHttpRequest, and nobody has changed that.
 * @param {any} Loader that hls.js would load by. Its own has a method that no class derived from it has of itself.
 * @param {import('hls.js').HlsConfig} config
 * @param {string} url
 * @returns {boolean}
 */
export function mayFetch(Loader, config, url) {
  return (
    Object.prototype.hasOwnProperty.call(Loader.prototype, 'openAndSendXhr') &&
    !config.xhrSetup &&
    // fetch() takes neither other schemes, which some web views have, nor a name and a password.
    /^https?:\/\/[^@/?#]+([/?#]|$)/i.test(url) &&
    // A page may have replaced either, to sign requests or to answer them.
    [fetch, XMLHttpRequest, XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send].every(
      (own) => /\[native code]/.test(String(own)),
    )
  );
}

/** What an XMLHttpRequest shows of CORS, of the network and of a body cut short. */
const NO_ANSWER = { url: '', status: 0, statusText: '', headers: new Headers() };

/**
 * @param {LoaderStats} stats to be filled in
 * @returns {any} what hls.js uses of a loader; for one load
 */
export function createFetch(stats) {
  const { loading } = stats;
  const controller = new AbortController();
  /** @type {Pick<Response, 'url' | 'status' | 'statusText' | 'headers'>} */
  let answer = NO_ANSWER;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let over = false;
  /** @type {any} */
  let context;
  /** @type {any} */
  let callbacks;

  /** @param {ArrayBuffer} [data] */
  const details = (data) => detailsOf(answer, data);

  /** Ends it, and the transfer that may be under way. */
  const end = (aborted = false) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    document.removeEventListener('resume', stall);
    stats.aborted ||= aborted;
    controller.abort();
  };

  // After a page was frozen, browsers may forget a body that is being read, where they go on with an XMLHttpRequest.
  const stall = () => {
    end();
    callbacks.onStall();
  };

  const timeoutIn = (/** @type {number} */ ms) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      end(true);
      callbacks.onTimeout(stats, context, details());
    }, ms);
  };

  const begun = () => {
    loading.first ||= Math.max(performance.now(), loading.start);
  };

  /** @param {Response} response */
  const read = async ({ status, headers, body }) => {
    const { rangeStart, rangeEnd } = context;
    // The length of what is encoded is not that of the body.
    if (!headers.has('content-encoding')) stats.total = Number(headers.get('content-length'));
    // Absent where the page may not read it.
    const range = headers.get('content-range');
    const asked =
      status === (rangeEnd ? 206 : 200) &&
      (!range || range.startsWith(`bytes ${rangeStart}-${rangeEnd - 1}/`));
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const chunks = [];
    const reader = body?.getReader();
    for (let piece; reader && !(piece = await reader.read()).done && !over;) {
      const { value } = piece;
      chunks.push(value);
      if (asked) callbacks.onBytes(stats.loaded, value, stats.total);
      stats.loaded += value.length;
    }
    return joined(chunks);
  };

  /**
   * @param {Promise<Response>} pending
   * @param {number} whole
   */
  const run = async (pending, whole) => {
    let data;
    try {
      const response = await pending;
      if (over) return;
      answer = response;
      begun();
      timeoutIn(whole - (loading.first - loading.start));
      if (response.ok) data = await read(response);
    } catch {
      answer = NO_ANSWER;
    }
    if (over) return;
    begun();
    end();
    const { url, status: code, statusText: text } = answer;
    if (!data) return callbacks.onError({ code, text }, context, details(), stats);
    loading.end = Math.max(performance.now(), loading.first);
    stats.loaded = stats.total = data.byteLength;
    stats.bwEstimate = (stats.total * 8000) / (loading.end - loading.first);
    callbacks.onSuccess({ url, data, code }, stats, context, details(data));
  };

  return {
    /**
     * @param {FragmentLoaderContext} what
     * @param {import('hls.js').LoaderConfiguration} config
     * @param {import('hls.js').LoaderCallbacks<FragmentLoaderContext> & BodyCallbacks} told
     */
    load(what, { loadPolicy }, told) {
      context = what;
      callbacks = told;
      loading.start = performance.now();
      const { url, rangeStart, rangeEnd } = what;
      const headers = new Headers(what.headers);
      if (rangeEnd) headers.set('Range', `bytes=${rangeStart}-${rangeEnd - 1}`);
      const { maxTimeToFirstByteMs: first, maxLoadTimeMs: whole } = loadPolicy;
      timeoutIn((Number.isFinite(first) && first) || whole);
      document.addEventListener('resume', stall);
      run(fetch(url, { headers, signal: controller.signal }), whole);
    },
    abort() {
      end(true);
      callbacks.onAbort(stats, context, details());
    },
    destroy: () => end(true),
    getResponseHeader: (/** @type {string} */ name) => answer.headers.get(name),
  };
}
