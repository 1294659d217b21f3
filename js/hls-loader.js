/** The `fLoader` that hls.js makes for each fragment. */

import { LoadSource, TrackKind } from './abi.js';
import { messageOf } from './errors.js';
import { withoutCredentials } from './identity.js';

/** @typedef {import('hls.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('hls.js').LoaderCallbacks<FragmentLoaderContext>} Callbacks */
/** @typedef {new (config: import('hls.js').HlsConfig) => import('hls.js').Loader<FragmentLoaderContext>} LoaderClass */
/** @typedef {import('hls.js').LoaderStats} LoaderStats */
/** @typedef {import('./driver.js').LoadFacts} LoadFacts */
/** @typedef {Pick<import('./driver.js').Driver,
 *   'register' | 'load' | 'loadAborted' | 'fetchDone' | 'fetchFailed'>} LoadDriver */

/**
 * What a loader needs of its mesh.
 * @typedef {object} LoaderHost
 * @property {LoadDriver | null} driver null: everything goes to the CDN
 * @property {number} sourceCount how many sources were loaded: what one names, another may use for other media
 * @property {import('./early-loads.js').EarlyLoads | null} early where segments are kept while the engine is still to come
 * @property {() => void} reportPlayhead
 * @property {(frag: import('hls.js').Fragment) => boolean} moved whether its playlist was redirected to another folder
 * @property {(segment: import('./index.js').SegmentInfo) => string | null | undefined} segmentId the site's own id, when it
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
 * @param {LoaderClass} Inner what would load fragments without us, and loads from the CDN for us: so the site's set-up,
 *   credentials, timeouts and error codes stay what they were. It does not retry; hls.js does.
 * @returns {LoaderClass}
 */
export function createFragmentLoader(host, Inner) {
  /** What the CDN's latest answer took to begin, in milliseconds. */
  let firstByteMs = 0;

  /**
   * One load of one fragment; a second `load()` throws, as hls.js's own loaders do. Sites derive classes from this one.
   */
  return class HlsMeshLoader {
    /** @type {import('hls.js').Loader<FragmentLoaderContext> | null} null once destroyed */
    #inner;
    /** The fetch from the CDN was. */
    #started = false;
    #progressive;
    /** The source of the load: a page may play another by the time it ends. */
    #source = 0;
    /** @type {import('./early-loads.js').EarlyLoads | null} */
    #early = null;
    /**
     * Copies of what went to hls.js in pieces, because it transfers those away; null where pieces are of no use.
     * @type {Uint8Array[] | null}
     */
    #pieces = null;
    /** The engine that has this load, and its name there. @type {{ driver: LoadDriver, load: number } | null} */
    #entry = null;
    /** While there is something to answer. @type {any} */
    #callbacks = null;
    /** @type {any} */
    #config = null;
    /** load() has come to its end. */
    #returned = false;
    /** What the CDN's loader threw within load(). @type {{ error: unknown } | null} */
    #refusal = null;
    /** hls.js has its answer, or wants none any more. */
    #over = false;
    /** Of an answer that is not the CDN's. @type {ReturnType<typeof detailsOf> | null} */
    #details = null;

    /** Set by load(). @type {any} */
    context = null;

    /** @param {import('hls.js').HlsConfig} config */
    constructor(config) {
      this.#inner = new Inner(config);
      // hls.js keeps this very object for the fragment, whoever fills it in.
      this.stats = this.#inner.stats;
      this.#progressive = config.progressive !== false;
      // A player that lies in a framework's Proxy calls its loaders through one, which has no private members.
      const self = /** @type {any} */ (this);
      for (const name of METHODS) self[name] = self[name].bind(this);
    }

    /**
     * @param {FragmentLoaderContext} context
     * @param {import('hls.js').LoaderConfiguration} config
     * @param {Callbacks} callbacks
     */
    load(context, config, callbacks) {
      const { loading } = this.stats;
      if (loading.start) throw new Error('Loader can only be used once.');
      loading.start = performance.now();
      this.context = context;
      this.#config = config;
      // hls.js 1.4 and 1.5 always listen for pieces, and outside of progressive mode take nothing from them.
      const { onProgress, ...others } = callbacks;
      this.#callbacks = this.#progressive ? callbacks : others;
      host.reportPlayhead();
      const { driver } = host;
      this.#source = host.sourceCount;
      if (driver) {
        const load = driver.register(this.#sink());
        this.#entry = { driver, load };
        driver.load(load, describe(context, host));
      } else {
        this.#early = host.early;
        this.#early?.segmentAsked();
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
      if (this.#started) this.#inner?.abort();
      if (this.#over) return;
      this.#over = true;
      stats.aborted = true;
      callbacks.onAbort?.(stats, context, detailsOf(context.url, 0));
    }

    destroy() {
      const inner = this.#inner;
      if (!inner) return;
      this.#inner = null;
      if (this.#callbacks && !this.#over) this.stats.aborted = true;
      this.#over = true;
      this.#release();
      this.context = this.#config = this.#callbacks = null;
      inner.destroy();
    }

    /** @returns {number | null} */
    getCacheAge() {
      return this.#started ? (this.#inner?.getCacheAge?.() ?? null) : null;
    }

    /**
     * @param {string} name
     * @returns {string | null}
     */
    getResponseHeader(name) {
      const answered = this.#details ?? (this.#started ? this.#inner : null);
      return answered?.getResponseHeader?.(name) ?? null;
    }

    /** The engine's entry, which from now on is nobody's. */
    #leave() {
      const entry = this.#entry;
      this.#entry = null;
      return entry;
    }

    /** Tells the engine that nobody waits any more. */
    #release() {
      const entry = this.#leave();
      entry?.driver.loadAborted(entry.load);
    }

    /** @returns {import('./driver.js').LoadSink} */
    #sink() {
      return {
        url: this.context.url,
        answer: this.stats,
        fetchFromCdn: () => this.#fetch(),
        progress: (loaded, total) => {
          if (this.#over || this.#started) return;
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
      if (this.#over) return;
      const { context, stats } = this;
      const { url } = context;
      const callbacks = this.#callbacks;
      this.#leave();
      fillTimes(stats, t0, t1, firstByteMs);
      const bytes = data.byteLength;
      stats.loaded = stats.total = bytes;
      const durationMs = stats.loading.end - stats.loading.first;
      stats.bwEstimate = (bytes * 8000) / durationMs;
      const from = source === LoadSource.peer ? 'peer' : 'cdn';
      host.delivered({ url, source: from, bytes, durationMs }, true);
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
      if (this.#over || this.#started) return;
      const { context, stats } = this;
      const callbacks = this.#callbacks;
      try {
        this.#started = true;
        const listening = this.#listen(callbacks);
        // A loader refuses to start twice and knows it by this field; what a peer sent so far does not count.
        stats.loading.start = stats.loading.first = stats.loading.end = 0;
        stats.loaded = stats.total = 0;
        this.#inner?.load(context, this.#config, listening);
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
          callbacks.onError({ code, text }, context, detailsOf(context.url, code), stats);
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
        onError: (...answer) => this.#finish() && callbacks.onError(...answer),
        onTimeout: (...answer) => this.#finish() && callbacks.onTimeout(...answer),
        onAbort: (stats, context, details) => {
          if (this.#over) return;
          this.#over = true;
          this.#release();
          callbacks.onAbort?.(stats, context, details);
        },
      };
      const { onProgress } = callbacks;
      if (onProgress) {
        if (isSegment(this.context)) this.#pieces = [];
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
      const entry = this.#leave();
      entry?.driver.fetchFailed(entry.load);
      return true;
    }

    /**
     * Hands the CDN's answer to the engine, also when the engine came only after the load had begun.
     * @param {import('hls.js').LoaderResponse} response
     * @param {LoaderStats} stats
     * @param {FragmentLoaderContext} context
     */
    #share(response, stats, context) {
      const facts = describe(context, host);
      const data = facts.shareable ? wholeBody(this.#pieces ?? [response.data], context) : null;
      this.#pieces = null;
      const bytes = data ? data.byteLength : stats.loaded;
      const { start, first, end } = stats.loading;
      firstByteMs = first - start;
      let entry = this.#leave();
      const { driver } = host;
      if (!entry && driver && host.sourceCount === this.#source) {
        const load = driver.register(this.#sink());
        entry = { driver, load };
        driver.load(load, facts, true);
      } else if (data) {
        this.#early?.keepCopy(facts, data, stats);
      }
      const durationMs = end - first;
      const counted = entry?.driver.fetchDone(entry.load, data, bytes, firstByteMs, durationMs);
      host.delivered({ url: context.url, source: 'cdn', bytes, durationMs }, counted ?? false);
    }
  };
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
  const headers = new Headers(data && { 'content-length': String(data.byteLength) });
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
  const id = whole ? host.segmentId({ url, sn, level, type }) : undefined;
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
  const parts = pieces.flatMap((piece) => viewOf(piece) ?? []);
  if (parts.length < pieces.length) return null;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
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
