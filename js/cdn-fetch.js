/**
 * Fetches from the CDN, giving the bytes as they come: a segment, as a loader for hls.js, and a part of one, for the engine alone.
 *
 * To hls.js the loader is as the one that hls.js has for XMLHttpRequest, which gives a segment when it is whole: the same request,
 * times, timeouts, errors and answer.
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

/** A method of hls.js's loader for XMLHttpRequest, which classes derived from that inherit, or have in its place. */
const OWN = 'openAndSendXhr';

/**
 * Whether a fetch may stand for what the site has set up: hls.js would use its own XMLHttpRequest, and nobody has changed that.
 * @param {any} Loader that hls.js would load by
 * @param {import('hls.js').HlsConfig} config
 * @param {string} url
 * @returns {boolean}
 */
export function mayFetch(Loader, config, url) {
  const { prototype = {} } = Loader;
  return (
    // Both have this text in every version, unless the page has put others in their place.
    /used once[^]+GET/.test(prototype.load + prototype[OWN]) &&
    !(OWN in Object.getPrototypeOf(prototype)) &&
    !config.xhrSetup &&
    // fetch() takes neither other schemes, which some web views have, nor a name and a password.
    /^https?:\/\/[^@/?#]+([/?#]|$)/i.test(url) &&
    // A page may have replaced either, to sign requests or to answer them. Proxies and bound functions are native too, and nameless.
    [fetch, XMLHttpRequest, XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send].every(
      (own) => /^function \w[^]+\[native/.test(String(own)),
    )
  );
}

/**
 * How long an answer may take to begin.
 * @param {any} policy hls.js's `LoaderConfig`
 */
const patience = ({ maxTimeToFirstByteMs: first, maxLoadTimeMs: whole }) =>
  (Number.isFinite(first) && first) || whole;

/**
 * @param {Response['body']} body
 * @param {(bytes: Uint8Array) => boolean} take returns false if it takes no more
 */
async function readTo(body, take) {
  const reader = body?.getReader();
  for (let piece; reader && !(piece = await reader.read()).done && take(piece.value););
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
  /** Its `timeout` is the one that runs: hls.js names it in an error. @type {any} */
  let settings;
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
    // An XMLHttpRequest forgets its answer then.
    if (aborted) answer = NO_ANSWER;
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

  // Browsers tell an XMLHttpRequest of the head together with the first byte of the body.
  const begun = () => {
    if (loading.first) return;
    loading.first = Math.max(performance.now(), loading.start);
    settings.timeout = settings.loadPolicy.maxLoadTimeMs;
    timeoutIn(settings.timeout - (loading.first - loading.start));
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
    /** @type {Uint8Array[]} */
    const chunks = [];
    let at = 0;
    await readTo(body, (bytes) => {
      if (over) return false;
      begun();
      chunks.push(bytes);
      if (asked) callbacks.onBytes(at, bytes, stats.total);
      at += bytes.length;
      stats.loaded += bytes.length;
      return true;
    });
    return joined(chunks);
  };

  /** @param {Promise<Response>} pending */
  const run = async (pending) => {
    let data;
    try {
      const response = await pending;
      if (over) return;
      answer = response;
      data = await read(response);
    } catch {
      answer = NO_ANSWER;
    }
    if (over) return;
    begun();
    end();
    const { url, status: code, statusText: text } = answer;
    const told = details(data);
    if (!data || !told.ok) return callbacks.onError({ code, text }, context, told, stats);
    loading.end = Math.max(performance.now(), loading.first);
    stats.loaded = stats.total = data.byteLength;
    stats.bwEstimate = (stats.total * 8000) / (loading.end - loading.first);
    callbacks.onSuccess({ url, data, code }, stats, context, told);
  };

  return {
    /**
     * @param {FragmentLoaderContext} what
     * @param {import('hls.js').LoaderConfiguration} config
     * @param {import('hls.js').LoaderCallbacks<FragmentLoaderContext> & BodyCallbacks} told
     */
    load(what, config, told) {
      context = what;
      settings = config;
      callbacks = told;
      loading.start = performance.now();
      const { url, rangeStart, rangeEnd } = what;
      const headers = new Headers(what.headers);
      if (rangeEnd) headers.set('Range', `bytes=${rangeStart}-${rangeEnd - 1}`);
      config.timeout = patience(config.loadPolicy);
      timeoutIn(config.timeout);
      document.addEventListener('resume', stall);
      run(fetch(url, { headers, signal: controller.signal }));
    },
    abort() {
      end(true);
      callbacks.onAbort(stats, context, details());
    },
    destroy: () => end(true),
    /** Ends it, and nobody hears of that: what it has not brought has come otherwise. */
    stop: () => end(),
    getResponseHeader: (/** @type {string} */ name) => answer.headers.get(name),
  };
}

/**
 * Who hears of a part of a segment: onDone or onFail comes last, also of a fetch that was ended.
 * @typedef {object} RangeCallbacks
 * @property {(offset: number, bytes: Uint8Array, total: number) => boolean} onBytes `offset` in the segment: 0 where the server sends all
 *   of it; `total` bytes of the segment, 0: unknown. Returns false if they are not wanted, and so no others
 * @property {(size: number, bodyMs: number) => void} onDone `bodyMs` from the answer's head to its end
 * @property {() => void} onFail
 */

/**
 * Fetches bytes of a segment by Range. What is said to be another part is given as such; what the head shows to be no answer fails.
 * @param {FragmentLoaderContext} context of the segment's load
 * @param {any} policy hls.js's `LoaderConfig`. The fetch fails once nothing has come for as long as an answer may take to begin.
 * @param {number} from
 * @param {number} to exclusive; 0: the segment's end
 * @param {RangeCallbacks} told
 * @returns {() => void} ends it
 */
export function fetchRange({ url, headers, rangeStart = 0, rangeEnd = 0 }, policy, from, to, told) {
  const controller = new AbortController();
  const end = () => controller.abort();
  const start = rangeEnd && rangeStart;
  const size = rangeEnd && rangeEnd - start;
  let left = (to || size || Infinity) - from;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(end, patience(policy));
  };

  const run = async () => {
    const own = new Headers(headers);
    const first = start + from;
    own.set('Range', `bytes=${first}-${left < Infinity ? first + left - 1 : ''}`);
    watch();
    // Chromium would join it with older parts in its cache, and let it wait for others.
    const cache = 'no-store';
    const answer = await fetch(url, { headers: own, cache, signal: controller.signal });
    const began = performance.now();
    const { status, body } = answer;
    const length = Number(answer.headers.get('content-length'));
    const range = /^bytes (\d+).*\/(\d*)/.exec(answer.headers.get('content-range') ?? '');
    let offset = from;
    let total = size;
    if (status === 200 && !size) {
      offset = 0;
      left = Infinity;
      total = length;
    } else if (status === 206 && range) {
      offset = Number(range[1]) - start;
      total ||= Number(range[2]);
    } else if (status !== 206 || !length || length > left) {
      // Where the page may not read the range, its length must do.
      throw 0;
    }
    let arrived = 0;
    await readTo(body, (piece) => {
      watch();
      const bytes = piece.subarray(0, left);
      if (!bytes.length) return false;
      if (!told.onBytes(offset + arrived, bytes, total)) throw 0;
      arrived += bytes.length;
      left -= bytes.length;
      return true;
    });
    told.onDone(arrived, performance.now() - began);
  };
  run()
    .catch(told.onFail)
    .then(() => {
      clearTimeout(timer);
      end();
    });
  return end;
}
