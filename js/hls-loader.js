/** The `fLoader` that hls.js makes for each fragment. */

import { LoadSource, TrackKind } from './abi.js';
import { messageOf } from './errors.js';
import { CdnFetch } from './http.js';

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
 * @property {() => void} reportPlayhead
 * @property {(segment: import('./index.js').SegmentInfo) => string | null | undefined} [segmentId] the site's own id, when it
 *   names segments itself: null, not to be shared; undefined, as usual
 * @property {(segment: { url: string, source: 'cdn' | 'peer' | 'cache', bytes: number, durationMs: number },
 *   counted: boolean) => void} delivered hls.js is about to get a segment; `counted` by the engine
 */

/**
 * The shortest transfer hls.js is told of, in milliseconds. Its bandwidth estimate divides by the time; a segment out of memory
 * must not read as an infinitely fast network.
 */
const MIN_TRANSFER_MS = 5;

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
  return class HlsMeshLoader extends FragmentLoader {
    /** @param {import('hls.js').HlsConfig} config */
    constructor(config) {
      super(host, new CdnFetch(Inner, config));
    }
  };
}

/** One load of one fragment; a second `load()` throws, as hls.js's own loaders do. */
class FragmentLoader {
  #host;
  #cdn;
  /** @type {LoadDriver | null} */
  #driver = null;
  /** The engine's name for this load while it has one. */
  #load = 0;
  /** @type {Callbacks | null} */
  #callbacks = null;
  /** @type {import('./http.js').LoaderConfiguration | null} */
  #config = null;
  /** hls.js has its answer, or wants none any more. */
  #over = false;
  #destroyed = false;

  /** @type {FragmentLoaderContext | null} */
  context = null;

  /**
   * @param {LoaderHost} host
   * @param {CdnFetch} cdn
   */
  constructor(host, cdn) {
    this.#host = host;
    this.#cdn = cdn;
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
    const { driver } = this.#host;
    if (driver) {
      this.#driver = driver;
      this.#load = driver.register(this.#sink());
      driver.load(this.#load, describe(context, callbacks, this.#host));
    } else {
      this.#fetch();
    }
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
    callbacks.onAbort?.(stats, /** @type {FragmentLoaderContext} */ (context), null);
  }

  destroy() {
    if (this.#destroyed) return;
    this.#destroyed = true;
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
    return this.#cdn.header(name);
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
    this.#over = true;
    this.#load = 0;
    this.#driver = null;
    fillTimes(stats, t0, t1);
    stats.loaded = stats.total = data.byteLength;
    const { first, end } = stats.loading;
    stats.bwEstimate = (stats.total * 8000) / (end - first);
    const { url } = context;
    this.#host.delivered(
      {
        url,
        source: source === LoadSource.peer ? 'peer' : 'cache',
        bytes: data.byteLength,
        durationMs: end - first,
      },
      true,
    );
    callbacks.onSuccess({ url, data, code: 200 }, stats, context, null);
  }

  #fetch() {
    const { context } = this;
    const config = this.#config;
    const callbacks = this.#callbacks;
    if (this.#over || this.#cdn.started || !context || !config || !callbacks) return;
    try {
      this.#cdn.start(context, config, this.#listen(callbacks));
    } catch (error) {
      const text = messageOf(error);
      queueMicrotask(() => {
        if (!this.#finish()) return;
        callbacks.onError({ code: 0, text }, context, null, this.stats);
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
    if (callbacks.onProgress) wrapped.onProgress = callbacks.onProgress;
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
    const callbacks = this.#callbacks;
    const facts = describe(context, callbacks, this.#host);
    const data = facts.shareable && response.data instanceof ArrayBuffer ? response.data : null;
    const bytes = data ? data.byteLength : stats.loaded;
    let load = this.#load;
    let driver = this.#driver;
    this.#load = 0;
    this.#driver = null;
    if (!load && this.#host.driver) {
      driver = this.#host.driver;
      load = driver.register(this.#sink());
      driver.load(load, facts, true);
    }
    const counted = driver?.fetchDone(load, data, bytes) ?? false;
    const durationMs = stats.loading.end - stats.loading.first;
    this.#host.delivered({ url: context.url, source: 'cdn', bytes, durationMs }, counted);
  }
}

/**
 * @param {FragmentLoaderContext} context
 * @param {Callbacks | null} callbacks
 * @param {LoaderHost} host
 * @returns {LoadFacts}
 */
function describe({ frag, part, rangeEnd, responseType, url }, callbacks, host) {
  const media = typeof frag.sn === 'number' && frag.sn >= 0 && Boolean(frag.relurl);
  // Peers carry whole media segments. In progressive mode the bytes go to hls.js piece by piece and never come whole.
  const whole =
    media && !part && !rangeEnd && responseType === 'arraybuffer' && !callbacks?.onProgress;
  const { sn, level, type } = frag;
  const id = whole ? host.segmentId?.({ url, sn: Number(sn), level, type }) : undefined;
  return {
    kind: TRACKS[frag.type] ?? TrackKind.main,
    rendition: frag.level,
    sn: media ? Number(frag.sn) : -1,
    url: id ?? frag.relurl ?? '',
    start: finite(frag.start),
    duration: finite(frag.duration),
    shareable: whole && id !== null,
    named: typeof id === 'string',
  };
}

/** @param {number} value */
function finite(value) {
  return Number.isFinite(value) ? value : 0;
}

/**
 * The times of the actual transfer, first byte t0 to end t1. A transfer from before the request is moved to end now, so that its
 * length, from which hls.js estimates bandwidth, stays true.
 * @param {LoaderStats} stats
 * @param {number} t0
 * @param {number} t1
 */
function fillTimes({ loading }, t0, t1) {
  loading.end = t0 >= loading.start ? t1 : performance.now();
  loading.first = loading.end - Math.max(t1 - t0, MIN_TRANSFER_MS);
  loading.start = Math.min(loading.start, loading.first);
}
