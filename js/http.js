/**
 * A CDN fetch: the loader that hls.js would have used, so that the site's set-up, credentials, timeouts and error codes stay
 * what they were. It does not retry; hls.js does.
 */

/** @typedef {import('hls.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('hls.js').Loader<FragmentLoaderContext>} Loader */
/** @typedef {import('hls.js').LoaderCallbacks<FragmentLoaderContext>} Callbacks */
/** @typedef {import('hls.js').LoaderConfiguration} LoaderConfiguration */
/** @typedef {new (config: import('hls.js').HlsConfig) => Loader} LoaderClass */

export class CdnFetch {
  /** @type {Loader | null} */
  #inner;
  #started = false;

  /**
   * @param {LoaderClass} Inner
   * @param {import('hls.js').HlsConfig} config
   */
  constructor(Inner, config) {
    this.#inner = new Inner(config);
    // hls.js keeps this very object for the fragment, whoever fills it in.
    this.stats = this.#inner.stats;
  }

  /** @returns {boolean} */
  get started() {
    return this.#started;
  }

  /**
   * Starts the fetch; a second call has no effect.
   * @param {FragmentLoaderContext} context
   * @param {LoaderConfiguration} config
   * @param {Callbacks} callbacks
   */
  start(context, config, callbacks) {
    if (this.#started || !this.#inner) return;
    this.#started = true;
    // A loader refuses to start twice and knows it by this field; what a peer sent so far does not count.
    const { stats } = this;
    stats.loading.start = stats.loading.first = stats.loading.end = 0;
    stats.loaded = stats.total = 0;
    this.#inner.load(context, config, callbacks);
  }

  abort() {
    if (this.#started) this.#inner?.abort();
  }

  /** @returns {number | null} */
  cacheAge() {
    return this.#started ? (this.#inner?.getCacheAge?.() ?? null) : null;
  }

  /**
   * @param {string} name
   * @returns {string | null}
   */
  header(name) {
    return this.#started ? (this.#inner?.getResponseHeader?.(name) ?? null) : null;
  }

  destroy() {
    const inner = this.#inner;
    this.#inner = null;
    inner?.destroy();
  }
}
