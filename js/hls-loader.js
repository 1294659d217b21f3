/** The `fLoader` that hls.js makes for each fragment. */

import { LoadSource } from './abi.js';
import { fillTimes, unasked, viewOf, wholeBody } from './answers.js';
import { createFetch, fetchRange, mayFetch } from './cdn-fetch.js';
import { messageOf } from './errors.js';
import { asked, describe, isSegment } from './fragments.js';

/** @typedef {import('hls.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('hls.js').LoaderCallbacks<FragmentLoaderContext>} Callbacks */
/** @typedef {new (config: import('hls.js').HlsConfig) => import('hls.js').Loader<FragmentLoaderContext>} LoaderClass */
/** @typedef {import('hls.js').LoaderStats} LoaderStats */
/** @typedef {Pick<import('./driver.js').Driver,
 *   'plain' | 'load' | 'loadAborted' | 'fetchPart' | 'fetchDone' | 'fetchFailed'>} LoadDriver */

/**
 * What a loader needs of its mesh.
 * @typedef {import('./fragments.js').FragmentHost & LoaderOwner} LoaderHost
 *
 * @typedef {object} LoaderOwner
 * @property {(config: object) => boolean} serves whether the configuration is that of the mesh's player: another player may have
 *   been made from a copy of it
 * @property {LoadDriver | null} driver null: everything goes to the CDN
 * @property {number} sourceCount how many sources were loaded: what one names, another may use for other media
 * @property {import('./early-loads.js').EarlyLoads | null} early where segments are kept while the engine is still to come
 * @property {() => void} reportPlayhead
 * @property {(segment: { url: string, source: 'cdn' | 'peer', bytes: number, durationMs: number },
 *   counted: boolean) => void} delivered hls.js is about to get a segment; `counted` by the engine
 */

/**
 * What hls.js is told when the fetch could not even be started and it is too late to throw out of load(): a status that it
 * retries, as it does neither 0 nor 4xx. The retry then meets what hls.js alone would have met.
 */
const RETRIED_STATUS = 500;

/** The host of a loader that belongs to no mesh: it was made for a player with a copy of another's configuration. @type {LoaderHost} */
const NOBODY = {
  serves: () => false,
  driver: null,
  sourceCount: 0,
  early: null,
  reportPlayhead() {},
  moved: () => false,
  segmentId: () => null,
  delivered() {},
};

/** Of hls.js's interface `Loader`. */
const METHODS = ['load', 'abort', 'destroy', 'getCacheAge', 'getResponseHeader'];

/**
 * @param {LoaderHost} host
 * @param {LoaderClass | undefined} former the site's own loader of fragments, if it has one. It, or else the configuration's loader as it
 *   is then, would load fragments without us, and loads from the CDN for us: so the site's set-up, credentials, timeouts and error
 *   codes stay what they were. It does not retry; hls.js does.
 * @returns {LoaderClass}
 */
export function createFragmentLoader(host, former) {
  /** What the CDN's latest answer took to begin, in milliseconds. */
  let firstByteMs = 0;

  /**
   * One load of one fragment; a second `load()` throws, as hls.js's own loaders do. Sites derive classes from this one.
   */
  return class HlsMeshLoader {
    /** @type {import('hls.js').Loader<FragmentLoaderContext> | null} null once destroyed */
    #inner;
    /** What fetches from the CDN: the inner loader, or a fetch of ours. @type {any} null while nothing does */
    #cdn = null;
    #hlsConfig;
    #Inner;
    /** Peers may have the segment, and there is an engine to take its bytes. */
    #shared = false;
    /** @type {LoaderHost} */
    #host;
    /** It is fetched from the CDN by a fetch of ours. */
    #ours = false;
    /** The source of the load: a page may play another by the time it ends. */
    #source = 0;
    /** @type {import('./early-loads.js').EarlyLoads | null} */
    #early = null;
    /**
     * Copies of what went to hls.js in pieces, because it transfers those away; null where pieces are of no use.
     * @type {Uint8Array[] | null}
     */
    #pieces = null;
    /** The engine that has this load, and as what. @type {{ driver: LoadDriver, taken: import('./driver.js').Taken } | null} */
    #entry = null;
    /** While there is something to answer. @type {any} */
    #callbacks = null;
    /** @type {any} */
    #config = null;
    /** hls.js has its answer, or wants none any more. */
    #over = false;
    /** Of an answer that is not the CDN's. @type {ReturnType<typeof unasked> | null} */
    #details = null;

    /** Set by load(). @type {any} */
    context = null;

    /** @param {import('hls.js').HlsConfig} config */
    constructor(config) {
      /** @type {LoaderClass} */
      const Inner = (this.#Inner = former ?? /** @type {any} */ (config.loader));
      const inner = (this.#inner = new Inner(config));
      this.#host = host.serves(config) ? host : NOBODY;
      // hls.js keeps this very object for the fragment, whoever fills it in.
      this.stats = inner.stats;
      this.#hlsConfig = config;
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
      asked.set(this.stats, (context.part ?? context.frag)?.elementaryStreams);
      this.#config = config;
      // hls.js 1.4 and 1.5 always listen for pieces, and outside of progressive mode take nothing from them.
      const { onProgress, ...others } = callbacks;
      this.#callbacks = this.#hlsConfig.progressive === false ? others : callbacks;
      this.#host.reportPlayhead();
      const { driver } = this.#host;
      this.#source = this.#host.sourceCount;
      if (driver) {
        const facts = describe(context, this.#host);
        // Here, and in what the engine does, a listener of the page's may have ended the load.
        if (this.#over) return;
        this.#shared = facts.shareable;
        // In progressive mode the inner loader gives pieces itself, and hls.js wants them.
        facts.streams =
          this.#shared &&
          !this.#callbacks.onProgress &&
          mayFetch(this.#Inner, this.#hlsConfig, context.url);
        this.#ours = facts.streams && !driver.plain;
        const taken = driver.load(this.#sink(), facts);
        this.#entry = { driver, taken };
        if (this.#over) this.#release();
        if (!taken.fromCdn) return;
      } else {
        this.#early = this.#host.early;
        this.#early?.segmentAsked();
      }
      try {
        this.#fetch();
      } catch (error) {
        // A loader that cannot begin throws, ours as well as the one it stands for.
        this.#finish();
        throw error;
      }
    }

    abort() {
      const callbacks = this.#callbacks;
      if (!callbacks || this.#over) return;
      const { stats, context } = this;
      this.#release();
      // What fetches reports its own abort, with its own details.
      this.#cdn?.abort();
      if (this.#over) return;
      this.#over = true;
      stats.aborted = true;
      callbacks.onAbort?.(stats, context, unasked(context.url, 0));
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
      if (this.#cdn !== inner) this.#cdn?.destroy();
    }

    /** @returns {number | null} */
    getCacheAge() {
      return this.#cdn?.getCacheAge?.() ?? null;
    }

    /**
     * @param {string} name
     * @returns {string | null}
     */
    getResponseHeader(name) {
      return (this.#details ?? this.#cdn)?.getResponseHeader?.(name) ?? null;
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
      entry?.driver.loadAborted(entry.taken);
    }

    /** @returns {import('./driver.js').LoadSink} */
    #sink() {
      return {
        url: this.context.url,
        answer: this.stats,
        fetchFromCdn: () => this.#fetchLate(),
        fetchRange: (from, to, told) =>
          fetchRange(this.context, this.#config.loadPolicy, from, to, told),
        progress: (loaded, total) => {
          if (this.#over || this.#cdn === this.#inner) return;
          const { stats } = this;
          if (!this.#cdn) {
            stats.loading.first ||= Math.max(performance.now(), stats.loading.start);
          }
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
      // The page had been frozen, and what fetches now ends by itself.
      if (this.#over || this.#cdn === this.#inner) return;
      const { context, stats } = this;
      const { url } = context;
      const callbacks = this.#callbacks;
      this.#leave();
      this.#cdn?.stop();
      fillTimes(stats, t0, t1, firstByteMs);
      const bytes = data.byteLength;
      stats.loaded = stats.total = bytes;
      const durationMs = stats.loading.end - stats.loading.first;
      stats.bwEstimate = (bytes * 8000) / durationMs;
      const from = source === LoadSource.peer ? 'peer' : 'cdn';
      this.#host.delivered({ url, source: from, bytes, durationMs }, true);
      if (this.#over) return;
      let answer = data;
      const details = (this.#details = unasked(url, 200, data));
      if (callbacks.onProgress) {
        // In progressive mode hls.js takes nothing from the answer itself, and may abort from within.
        callbacks.onProgress(stats, context, data, details);
        if (this.#over) return;
        answer = new ArrayBuffer(0);
      }
      this.#over = true;
      callbacks.onSuccess({ url, data: answer, code: 200 }, stats, context, details);
    }

    /**
     * Throws what the CDN's loader throws.
     * @param {any} [cdn] what is to fetch
     */
    #fetch(cdn) {
      if (this.#over || this.#cdn) return;
      const { stats } = this;
      cdn ??= this.#ours ? createFetch(stats) : this.#inner;
      this.#cdn = cdn;
      // A loader refuses to start twice and knows it by this field; what a peer sent so far does not count.
      stats.loading.start = stats.loading.first = stats.loading.end = 0;
      stats.loaded = stats.total = 0;
      cdn.load(this.context, this.#config, this.#listen(this.#callbacks));
    }

    /**
     * load() has returned, so that hls.js expects no throw any more.
     * @param {any} [cdn] what is to fetch
     */
    #fetchLate(cdn) {
      try {
        this.#fetch(cdn);
      } catch (error) {
        const { context, stats } = this;
        const callbacks = this.#callbacks;
        const text = messageOf(error);
        queueMicrotask(() => {
          if (!this.#finish()) return;
          const code = RETRIED_STATUS;
          callbacks.onError({ code, text }, context, unasked(context.url, code), stats);
        });
      }
    }

    /**
     * hls.js's callbacks with the engine told first: hls.js destroys this loader from inside them, and transfers the data away.
     * @param {Callbacks} callbacks
     * @returns {Callbacks & import('./cdn-fetch.js').BodyCallbacks}
     */
    #listen(callbacks) {
      /** @type {Callbacks & import('./cdn-fetch.js').BodyCallbacks} */
      const wrapped = {
        onBytes: (offset, bytes, total) => this.#hand(offset, bytes, total),
        onStall: () => {
          this.#cdn = null;
          this.#fetchLate(this.#inner);
        },
        onSuccess: (response, stats, context, details) => {
          if (this.#over) return;
          this.#share(response, stats, context);
          if (this.#over) return;
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
        let offset = 0;
        if (isSegment(this.context) && !this.#entry) this.#pieces = [];
        wrapped.onProgress = (stats, context, data, details) => {
          const piece = viewOf(data);
          if (piece) {
            this.#pieces?.push(piece.slice());
            this.#hand(offset, piece, stats.total);
            offset += piece.length;
          }
          if (!this.#over) onProgress(stats, context, data, details);
        };
      }
      return wrapped;
    }

    /**
     * Hands a part of the CDN's answer to the engine.
     * @param {number} offset
     * @param {Uint8Array} bytes
     * @param {number} total 0: unknown
     */
    #hand(offset, bytes, total) {
      const entry = this.#entry;
      if (this.#shared) entry?.driver.fetchPart(entry.taken, offset, bytes, total);
    }

    /** @returns {boolean} false when hls.js wants no answer any more */
    #finish() {
      if (this.#over) return false;
      this.#over = true;
      const entry = this.#leave();
      entry?.driver.fetchFailed(entry.taken);
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
      // A fetch of ours has handed in what it could.
      const rest = facts.shareable && this.#cdn === this.#inner;
      const data = rest ? wholeBody(this.#pieces ?? [response.data], context) : null;
      this.#pieces = null;
      const bytes = data ? data.byteLength : stats.loaded;
      const { start, first, end } = stats.loading;
      firstByteMs = first - start;
      let entry = this.#leave();
      const { driver } = this.#host;
      if (!entry && driver && this.#host.sourceCount === this.#source) {
        entry = { driver, taken: driver.load(this.#sink(), facts, true) };
      } else if (data) {
        this.#early?.keepCopy(() => describe(context, this.#host), data, stats);
      }
      if (data) entry?.driver.fetchPart(entry.taken, 0, new Uint8Array(data), bytes);
      const durationMs = end - first;
      const counted = entry?.driver.fetchDone(entry.taken, bytes, firstByteMs, durationMs);
      this.#host.delivered(
        { url: context.url, source: 'cdn', bytes, durationMs },
        counted ?? false,
      );
    }
  };
}
