/** The `fLoader` that hls.js makes for each fragment. */

import { LoadSource, TrackKind } from './abi.js';
import { messageOf } from './errors.js';
import { CdnFetch } from './http.js';
import { withoutCredentials } from './identity.js';

/** @typedef {import('./http.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('./http.js').Callbacks} Callbacks */
/** @typedef {import('./http.js').LoaderClass} LoaderClass */
/** @typedef {import('hls.js').LoaderStats} LoaderStats */
/** @typedef {import('./driver.js').LoadFacts} LoadFacts */
/** @typedef {Pick<import('./driver.js').Driver,
 *   'register' | 'load' | 'loadAborted' | 'fetchDone' | 'fetchFailed'>} LoadDriver */

/**
 * What a loader needs of its mesh.
 * @typedef {object} LoaderHost
 * @property {LoadDriver | null} driver null: everything goes to the CDN
 * @property {number} source how many sources were loaded: what one names, another may use for other media
 * @property {import('./early-loads.js').EarlyLoads | null} early where segments are kept while the engine is still to come
 * @property {() => void} reportPlayhead
 * @property {(frag: import('hls.js').Fragment) => boolean} moved whether its playlist was redirected to another folder
 * @property {(segment: import('./index.js').SegmentInfo) => string | null | undefined} [segmentId] the site's own id, when it
 *   names segments itself: null, not to be shared; undefined, as usual
 * @property {(segment: { url: string, source: 'cdn' | 'peer', bytes: number, durationMs: number },
 *   counted: boolean) => void} delivered hls.js is about to get a segment; `counted` by the engine
 */

/**
 * The shortest transfer hls.js is told of, in milliseconds. Its bandwidth estimate divides by the time; a segment out of memory
 * must not read as an infinitely fast network.
 */
const MIN_TRANSFER_MS = 5;

/**
 * What hls.js is told when the fetch could not even be started and it is too late to throw out of load(): a status that it
 * retries, as it does neither 0 nor 4xx. The retry then meets what hls.js alone would have met.
 */
const RETRIED_STATUS = 500;

/** Of hls.js's interface `Loader`. */
const METHODS = ['load', 'abort', 'destroy', 'getCacheAge', 'getResponseHeader'];

const TRACKS = /** @type {Record<string, number>} */ ({
  main: TrackKind.main,
  audio: TrackKind.audio,
  subtitle: TrackKind.subtitle,
});

/**
 * @param {LoaderHost} host
 * @param {LoaderClass} Inner what would load fragments without us
 * @returns {LoaderClass}
 */
export function createFragmentLoader(host, Inner) {
  const cdnTimes = { firstByte: 0 };
  return class HlsMeshLoader extends FragmentLoader {
    #whole;

    /** @param {import('hls.js').HlsConfig} config */
    constructor(config) {
      super(host, new CdnFetch(Inner, config), cdnTimes);
      this.#whole = config.progressive === false;
      // A player that lies in a framework's Proxy calls its loaders through one, which has no private members.
      const self = /** @type {any} */ (this);
      for (const name of METHODS) self[name] = self[name].bind(this);
    }

    /**
     * @param {FragmentLoaderContext} context
     * @param {import('./http.js').LoaderConfiguration} config
     * @param {Callbacks} callbacks
     */
    load(context, config, callbacks) {
      // hls.js 1.4 and 1.5 always listen for pieces, and outside of progressive mode take nothing from them.
      const { onProgress, ...others } = callbacks;
      super.load(context, config, this.#whole ? others : callbacks);
    }
  };
}

/** One load of one fragment; a second `load()` throws, as hls.js's own loaders do. */
class FragmentLoader {
  #host;
  #cdn;
  #cdnTimes;
  /** The source of the load: a page may play another by the time it ends. */
  #source = 0;
  /** @type {import('./early-loads.js').EarlyLoads | null} */
  #early = null;
  /**
   * Copies of what went to hls.js in pieces, because it transfers those away; null where pieces are of no use.
   * @type {Uint8Array[] | null}
   */
  #pieces = null;
  /** @type {LoadDriver | null} */
  #driver = null;
  /** The engine's name for this load while it has one. */
  #load = 0;
  /** @type {Callbacks | null} */
  #callbacks = null;
  /** @type {import('./http.js').LoaderConfiguration | null} */
  #config = null;
  /** load() has come to its end. */
  #returned = false;
  /** What the CDN's loader threw within load(). @type {{ error: unknown } | null} */
  #refusal = null;
  /** hls.js has its answer, or wants none any more. */
  #over = false;
  #destroyed = false;
  /** Of an answer that is not the CDN's. @type {ReturnType<typeof detailsOf> | null} */
  #details = null;

  /** @type {FragmentLoaderContext | null} */
  context = null;

  /**
   * @param {LoaderHost} host
   * @param {CdnFetch} cdn
   * @param {{ firstByte: number }} cdnTimes what the CDN's latest answer took to begin, in milliseconds
   */
  constructor(host, cdn, cdnTimes) {
    this.#host = host;
    this.#cdn = cdn;
    this.#cdnTimes = cdnTimes;
    /** @type {LoaderStats} */
    this.stats = cdn.stats;
  }

  /**
   * @param {FragmentLoaderContext} context
   * @param {import('./http.js').LoaderConfiguration} config
   * @param {Callbacks} callbacks
   */
  load(context, config, callbacks) {
    if (this.stats.loading.start) throw new Error('Loader can only be used once.');
    this.stats.loading.start = performance.now();
    this.context = context;
    this.#config = config;
    this.#callbacks = callbacks;
    this.#host.reportPlayhead();
    const { driver, source } = this.#host;
    this.#source = source;
    if (driver) {
      this.#driver = driver;
      this.#load = driver.register(this.#sink());
      driver.load(this.#load, describe(context, this.#host));
    } else {
      this.#early = this.#host.early;
      this.#early?.asked();
      this.#fetch();
    }
    // A loader that cannot begin throws, ours as well as the one it stands for.
    if (this.#refusal) throw this.#refusal.error;
    this.#returned = true;
  }

  abort() {
    const callbacks = this.#callbacks;
    if (!callbacks || this.#over) return;
    const { stats, context } = this;
    this.#release();
    // The inner loader reports its own abort, with its own details.
    this.#cdn.abort();
    if (this.#over) return;
    this.#over = true;
    stats.aborted = true;
    const { url } = /** @type {FragmentLoaderContext} */ (context);
    callbacks.onAbort?.(stats, /** @type {FragmentLoaderContext} */ (context), detailsOf(url, 0));
  }

  destroy() {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (this.#callbacks && !this.#over) this.stats.aborted = true;
    this.#over = true;
    this.#release();
    this.context = this.#config = this.#callbacks = null;
    this.#cdn.destroy();
  }

  getCacheAge() {
    return this.#cdn.cacheAge();
  }

  /** @param {string} name */
  getResponseHeader(name) {
    return this.#details ? this.#details.getResponseHeader(name) : this.#cdn.header(name);
  }

  /** Tells the engine that nobody waits any more. */
  #release() {
    const load = this.#load;
    this.#load = 0;
    if (load) this.#driver?.loadAborted(load);
    this.#driver = null;
  }

  /** @returns {import('./driver.js').LoadSink} */
  #sink() {
    return {
      url: this.context?.url ?? '',
      answer: this.stats,
      fetchFromCdn: () => this.#fetch(),
      progress: (loaded, total) => {
        if (this.#over || this.#cdn.started) return;
        const { stats } = this;
        stats.loading.first ||= Math.max(performance.now(), stats.loading.start);
        stats.loaded = loaded;
        stats.total = total;
      },
      done: (data, source, t0, t1) => {
        // hls.js does not expect an answer from inside load().
        queueMicrotask(() => this.#deliver(data, source, t0, t1));
      },
    };
  }

  /**
   * @param {ArrayBuffer} data
   * @param {number} source LoadSource
   * @param {number} t0
   * @param {number} t1
   */
  #deliver(data, source, t0, t1) {
    const { context, stats } = this;
    const callbacks = this.#callbacks;
    if (this.#over || !context || !callbacks) return;
    this.#load = 0;
    this.#driver = null;
    fillTimes(stats, t0, t1, this.#cdnTimes.firstByte);
    stats.loaded = stats.total = data.byteLength;
    const { first, end } = stats.loading;
    stats.bwEstimate = (stats.total * 8000) / (end - first);
    const { url } = context;
    this.#host.delivered(
      {
        url,
        source: source === LoadSource.peer ? 'peer' : 'cdn',
        bytes: data.byteLength,
        durationMs: end - first,
      },
      true,
    );
    let answer = data;
    const details = (this.#details = detailsOf(url, 200, data));
    if (callbacks.onProgress) {
      // In progressive mode hls.js takes nothing from the answer itself, and may abort from within.
      callbacks.onProgress(stats, context, data, details);
      if (this.#over) return;
      answer = new ArrayBuffer(0);
    }
    this.#over = true;
    callbacks.onSuccess({ url, data: answer, code: 200 }, stats, context, details);
  }

  #fetch() {
    const { context } = this;
    const config = this.#config;
    const callbacks = this.#callbacks;
    if (this.#over || this.#cdn.started || !context || !config || !callbacks) return;
    try {
      this.#cdn.start(context, config, this.#listen(callbacks));
    } catch (error) {
      if (!this.#returned) {
        this.#refusal = { error };
        this.#finish();
        return;
      }
      const text = messageOf(error);
      queueMicrotask(() => {
        if (!this.#finish()) return;
        const code = RETRIED_STATUS;
        callbacks.onError({ code, text }, context, detailsOf(context.url, code), this.stats);
      });
    }
  }

  /**
   * hls.js's callbacks with the engine told first: hls.js destroys this loader from inside them, and transfers the data away.
   * @param {Callbacks} callbacks
   * @returns {Callbacks}
   */
  #listen(callbacks) {
    /** @type {Callbacks} */
    const wrapped = {
      onSuccess: (response, stats, context, details) => {
        if (this.#over) return;
        this.#share(response, stats, context);
        this.#over = true;
        callbacks.onSuccess(response, stats, context, details);
      },
      onError: (error, context, details, stats) => {
        if (this.#finish()) callbacks.onError(error, context, details, stats);
      },
      onTimeout: (stats, context, details) => {
        if (this.#finish()) callbacks.onTimeout(stats, context, details);
      },
      onAbort: (stats, context, details) => {
        if (this.#over) return;
        this.#over = true;
        this.#release();
        callbacks.onAbort?.(stats, context, details);
      },
    };
    const { onProgress } = callbacks;
    if (onProgress) {
      if (this.context && isSegment(this.context)) this.#pieces = [];
      wrapped.onProgress = (stats, context, data, details) => {
        const piece = viewOf(data);
        if (piece) this.#pieces?.push(piece.slice());
        onProgress(stats, context, data, details);
      };
    }
    return wrapped;
  }

  /** @returns {boolean} false when hls.js wants no answer any more */
  #finish() {
    if (this.#over) return false;
    this.#over = true;
    const load = this.#load;
    this.#load = 0;
    if (load) this.#driver?.fetchFailed(load);
    this.#driver = null;
    return true;
  }

  /**
   * Hands the CDN's answer to the engine, also when the engine came only after the load had begun.
   * @param {import('hls.js').LoaderResponse} response
   * @param {LoaderStats} stats
   * @param {FragmentLoaderContext} context
   */
  #share(response, stats, context) {
    const facts = describe(context, this.#host);
    const data = facts.shareable ? wholeBody(this.#pieces ?? [response.data], context) : null;
    this.#pieces = null;
    const bytes = data ? data.byteLength : stats.loaded;
    let load = this.#load;
    let driver = this.#driver;
    this.#load = 0;
    this.#driver = null;
    this.#cdnTimes.firstByte = stats.loading.first - stats.loading.start;
    if (!load && this.#host.driver && this.#host.source === this.#source) {
      driver = this.#host.driver;
      load = driver.register(this.#sink());
      driver.load(load, facts, true);
    } else if (data) {
      this.#early?.keep(facts, data, stats);
    }
    const durationMs = stats.loading.end - stats.loading.first;
    const counted =
      driver?.fetchDone(load, data, bytes, this.#cdnTimes.firstByte, durationMs) ?? false;
    this.#host.delivered({ url: context.url, source: 'cdn', bytes, durationMs }, counted);
  }
}

/**
 * What hls.js hands on as `networkDetails` where no request was made, for pages that read status and headers: what an
 * XMLHttpRequest and a Response have of those.
 * @param {string} url
 * @param {number} status
 * @param {ArrayBuffer} [data]
 * @returns {any}
 */
function detailsOf(url, status, data) {
  const headers = new Headers();
  if (data) headers.set('content-length', String(data.byteLength));
  return {
    url,
    responseURL: url,
    status,
    statusText: data ? 'OK' : '',
    ok: Boolean(data),
    readyState: 4,
    response: data ?? null,
    headers,
    getResponseHeader: (/** @type {string} */ name) => headers.get(name),
    getAllResponseHeaders: () => [...headers].map((pair) => `${pair.join(': ')}\r\n`).join(''),
  };
}

/**
 * Whether peers may carry it: whole media segments, as listed by their playlist.
 * @param {Pick<FragmentLoaderContext, 'frag' | 'part' | 'responseType'>} context
 */
function isSegment({ frag, part, responseType }) {
  return isMedia(frag) && !part && responseType === 'arraybuffer';
}

/** @param {FragmentLoaderContext['frag']} frag */
function isMedia({ sn, relurl }) {
  return typeof sn === 'number' && sn >= 0 && Boolean(relurl);
}

/**
 * Whether all of its bytes are encrypted, as the methods AES-128, AES-256 and AES-256-CTR do it.
 * @param {FragmentLoaderContext['frag']} frag
 */
function isOpaque({ levelkeys }) {
  return Object.values(levelkeys ?? {}).some((key) => key?.method?.startsWith('AES-'));
}

/**
 * A fragment as hls.js would load it.
 * @param {import('hls.js').Fragment} frag
 * @param {LoaderHost} host
 * @returns {LoadFacts}
 */
export function describeFragment(frag, host) {
  const { url, byteRangeStartOffset: rangeStart, byteRangeEndOffset: rangeEnd } = frag;
  return describe(
    { frag, part: null, url, responseType: 'arraybuffer', rangeStart, rangeEnd },
    host,
  );
}

/**
 * @param {Pick<FragmentLoaderContext, 'frag' | 'part' | 'url' | 'responseType' | 'rangeStart' | 'rangeEnd'>} context
 * @param {LoaderHost} host
 * @returns {LoadFacts}
 */
function describe(context, host) {
  const { frag, url, rangeStart, rangeEnd } = context;
  const { level, type } = frag;
  const sn = isMedia(frag) ? Number(frag.sn) : -1;
  const whole = isSegment(context);
  const id = whole ? host.segmentId?.({ url, sn, level, type }) : undefined;
  const name = id ?? (host.moved(frag) ? url : frag.relurl) ?? '';
  return {
    kind: TRACKS[type] ?? TrackKind.main,
    rendition: level,
    sn,
    url: name,
    cleanUrl: id ? name : withoutCredentials(name),
    start: finite(frag.start),
    duration: finite(frag.duration),
    from: rangeEnd ? (rangeStart ?? 0) : 0,
    to: rangeEnd ?? 0,
    shareable: whole && id !== null,
    named: typeof id === 'string',
    dateTime: frag.programDateTime ?? 0,
    opaque: isOpaque(frag),
  };
}

/**
 * @param {unknown[]} pieces
 * @param {FragmentLoaderContext} context
 * @returns {ArrayBuffer | null} null unless it is what was asked for: a server may ignore a range and send the whole file
 */
function wholeBody(pieces, { rangeStart = 0, rangeEnd }) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  for (const piece of pieces) {
    const part = viewOf(piece);
    if (!part) return null;
    parts.push(part);
    length += part.length;
  }
  if (length === 0 || (rangeEnd && length !== rangeEnd - rangeStart)) return null;
  const [first] = parts;
  if (length === first.buffer.byteLength) return /** @type {ArrayBuffer} */ (first.buffer);
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body.buffer;
}

/**
 * What hls.js takes for a body: a buffer, or from its own fetch loader until 1.5 and from a site's loader, a view on one.
 * @param {unknown} data
 * @returns {Uint8Array | null} null for anything else, a text say
 */
function viewOf(data) {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return data instanceof ArrayBuffer ? new Uint8Array(data) : null;
}

/** @param {number} value */
function finite(value) {
  return Number.isFinite(value) ? value : 0;
}

/**
 * The times of the actual transfer, first byte t0 to end t1. A transfer from before the request is moved to end now, so that its
 * length, from which hls.js estimates bandwidth, stays true. A segment that waited for a peer, because playback had time for
 * that, says nothing of the network: the request is dated no longer before the first byte than the CDN would have taken.
 * @param {LoaderStats} stats
 * @param {number} t0
 * @param {number} t1
 * @param {number} firstByteMs
 */
function fillTimes({ loading }, t0, t1, firstByteMs) {
  const asked = loading.start;
  loading.end = t0 >= asked ? t1 : performance.now();
  loading.first = loading.end - Math.max(t1 - t0, MIN_TRANSFER_MS);
  loading.start = loading.first - firstByteMs;
  if (t0 >= asked) loading.start = Math.min(Math.max(loading.start, asked), loading.first);
}
