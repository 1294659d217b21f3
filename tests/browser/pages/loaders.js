// Loads by hls.js's own loader or by the SDK's, and says what hls.js would have heard.
// @ts-ignore: where the test's origin has js/.
import { createFetch, fetchRange, mayFetch } from '/sdk/cdn-fetch.js';

const { Hls } = /** @type {any} */ (globalThis);
const Own = Hls.DefaultConfig.loader;

/**
 * @typedef {object} Load
 * @property {'own' | 'ours'} by
 * @property {string} url
 * @property {[from: number, to: number]} [range]
 * @property {Record<string, string>} [headers]
 * @property {number} [firstByteMs] the most that hls.js waits for it
 * @property {number} [wholeMs]
 * @property {number} [abortAfterMs]
 * @property {number} [destroyAfterMs]
 * @property {boolean} [stops] ours alone: what its first bytes are not has come otherwise by then
 */

/** @param {ArrayBuffer} data */
async function digest(data) {
  const hash = await crypto.subtle.digest('SHA-256', data);
  return Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** @param {Load} what @returns {Promise<any>} what came of it: what both must say alike, and `body`, which is ours alone */
async function load({ by, url, range, headers, firstByteMs = 10_000, wholeMs = 20_000, ...ends }) {
  const config = { ...Hls.DefaultConfig };
  const own = new Own(config);
  const { stats } = own;
  const loader = by === 'own' ? own : createFetch(stats);
  const [rangeStart, rangeEnd] = range ?? [0, 0];
  const context = { url, headers, responseType: 'arraybuffer', rangeStart, rangeEnd };
  const loadPolicy = { maxTimeToFirstByteMs: firstByteMs, maxLoadTimeMs: wholeMs };
  const settings = { loadPolicy, timeout: 0 };
  /** @type {any[]} */
  const heard = [];
  /** What arrived on the way. @type {{ total?: number, bytes: number[], order: boolean }} */
  const body = { bytes: [], order: true };
  let arrived = 0;
  const called = performance.now();
  await new Promise((resolve) => {
    const told = (/** @type {any[]} */ ...what) => {
      heard.push(...what);
      resolve(undefined);
    };
    const callbacks = {
      onSuccess: (/** @type {any[]} */ ...[response, itsStats, itsContext, details]) => {
        const { data, code } = response;
        const same = itsStats === stats && itsContext === context;
        told('success', { data, code, url: plain(response.url), same, details: shown(details) });
      },
      onError: (/** @type {any[]} */ ...[error, , details, itsStats]) =>
        told('error', { ...error, same: itsStats === stats, details: shown(details) }),
      onTimeout: (/** @type {any[]} */ ...[itsStats, , details]) =>
        told('timeout', { same: itsStats === stats, status: details.status }),
      onAbort: (/** @type {any[]} */ ...[itsStats, , details]) =>
        told('abort', { same: itsStats === stats, status: details.status }),
      onBytes: (
        /** @type {number} */ offset,
        /** @type {Uint8Array} */ bytes,
        /** @type {number} */ total,
      ) => {
        body.order &&= offset === arrived;
        body.total = total;
        arrived += bytes.length;
        body.bytes.push(bytes.length);
        if (!ends.stops) return;
        loader.stop();
        loader.destroy();
        setTimeout(resolve, 1500);
      },
      onStall: () => told('stall'),
    };
    try {
      loader.load(context, settings, callbacks);
    } catch (error) {
      told('throw', error instanceof Error || error instanceof DOMException);
    }
    const { abortAfterMs, destroyAfterMs } = ends;
    if (abortAfterMs) setTimeout(() => loader.abort(), abortAfterMs);
    if (destroyAfterMs) {
      setTimeout(() => loader.destroy(), destroyAfterMs);
      setTimeout(resolve, destroyAfterMs + 1500);
    }
  });
  const { loading, loaded, total, aborted, bwEstimate } = stats;
  const { start, first, end } = loading;
  const outcome = heard[1]?.data
    ? { ...heard[1], bytes: heard[1].data.byteLength, data: await digest(heard[1].data) }
    : heard[1];
  return {
    heard: heard.length > 2 ? heard : heard[0],
    outcome,
    aborted,
    // hls.js says in its error how long it waited.
    waits: settings.timeout,
    loaded: outcome?.data === undefined ? undefined : loaded,
    total: outcome?.data === undefined ? undefined : total,
    estimate:
      outcome?.data &&
      (end === first ||
        loaded === 0 ||
        Math.abs(bwEstimate / ((loaded * 8000) / (end - first)) - 1) < 0.01),
    order: start >= called - 1 && (first === 0 || first >= start) && (end === 0 || end >= first),
    ended: end > 0,
    began: first > 0,
    header: loader.getResponseHeader('age'),
    body: { ...body, arrived, firstAt: first - start, tookMs: performance.now() - called },
  };
}

/**
 * @typedef {object} RangeLoad
 * @property {string} url
 * @property {[from: number, to: number]} [range] the segment's, in its file
 * @property {Record<string, string>} [headers]
 * @property {[from: number, to: number]} part that is wanted of the segment
 * @property {number} [waitMs] as long as an answer may take to begin
 * @property {number} [endAfterMs]
 * @property {number} [wanted] so many bytes are
 */

/** @param {RangeLoad} what @returns {Promise<any>} what came of a part of a segment */
async function loadPart({
  url,
  range,
  headers,
  part,
  waitMs = 10_000,
  endAfterMs,
  wanted = Infinity,
}) {
  const [rangeStart, rangeEnd] = range ?? [];
  const [from, to] = part;
  /** @type {any} */
  const came = { bytes: 0, order: true, parts: 0 };
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  await new Promise((resolve) => {
    const end = fetchRange(
      /** @type {any} */ ({ url, headers, rangeStart, rangeEnd }),
      { maxTimeToFirstByteMs: waitMs, maxLoadTimeMs: 20_000 },
      from,
      to,
      {
        onBytes: (
          /** @type {number} */ offset,
          /** @type {Uint8Array} */ bytes,
          /** @type {number} */ total,
        ) => {
          came.offset ??= offset;
          came.order &&= offset === came.offset + came.bytes;
          came.bytes += bytes.length;
          came.total = total;
          came.parts++;
          parts.push(bytes.slice());
          return came.bytes <= wanted;
        },
        onDone: (/** @type {number} */ size, /** @type {number} */ tookMs) =>
          resolve(Object.assign(came, { done: size, tookMs })),
        onFail: () => resolve((came.failed = true)),
      },
    );
    if (endAfterMs) setTimeout(end, endAfterMs);
  });
  return { ...came, digest: await digest(await new Blob(parts).arrayBuffer()) };
}

/** @param {string} url of which the query is the load's own */
const plain = (url) => url.replace(/\?.*/, '');

/** What pages read of the details. @param {any} details */
function shown(details) {
  if (!details) return details;
  const { status, statusText, responseURL, readyState, response } = details;
  return {
    ...{ status, statusText, readyState },
    // Servers say in the body of a refusal why they refuse. Of no answer, Firefox has an empty body and Chromium none.
    says: new TextDecoder().decode(response?.slice(0, 20)),
    // Where there is no answer, Firefox sometimes has one and Chromium has none.
    url: status && plain(responseURL),
    type: details.getResponseHeader('content-type'),
  };
}

Object.assign(globalThis, {
  load,
  loadPart,
  // Whether a fetch may stand for what a site has set up.
  may: (/** @type {string} */ set, /** @type {string} */ url) => {
    const { XMLHttpRequest } = globalThis;
    const { send, open } = XMLHttpRequest.prototype;
    const { load, openAndSendXhr } = Own.prototype;
    const { fetch } = globalThis;
    try {
      // What only passes calls on says `[native code]`, as what it passes them on to.
      if (set === 'open in a Proxy') XMLHttpRequest.prototype.open = new Proxy(open, {});
      if (set === 'requests in a Proxy') globalThis.XMLHttpRequest = new Proxy(XMLHttpRequest, {});
      if (set === 'bound fetch') globalThis.fetch = fetch.bind(globalThis);
      if (set === 'loading otherwise') Own.prototype.load = function () {};
      if (set === 'opening otherwise') Own.prototype.openAndSendXhr = function () {};
      if (set === 'sent') XMLHttpRequest.prototype.send = function () {};
      if (set === 'fetched') globalThis.fetch = () => Promise.reject();
      const loaders = /** @type {Record<string, any>} */ ({
        derived: class extends Own {},
        overriding: class extends Own {
          openAndSendXhr() {}
        },
        bound: Own.bind(null),
        other: class {},
      });
      const Loader = loaders[set] ?? Own;
      return mayFetch(Loader, { ...(set === 'xhrSetup' && { xhrSetup() {} }) }, url);
    } finally {
      Object.assign(globalThis, { XMLHttpRequest, fetch });
      Object.assign(XMLHttpRequest.prototype, { send, open });
      Object.assign(Own.prototype, { load, openAndSendXhr });
    }
  },
});
