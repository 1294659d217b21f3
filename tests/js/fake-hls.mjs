/** Stand-ins for what hls.js brings: a player, and a loader class whose loads the test answers by hand. */
import { EventEmitter } from 'node:events';

export function newStats() {
  return {
    aborted: false,
    loaded: 0,
    retry: 0,
    total: 0,
    chunkCount: 0,
    bwEstimate: 0,
    loading: { start: 0, first: 0, end: 0 },
    parsing: { start: 0, end: 0 },
    buffering: { start: 0, first: 0, end: 0 },
  };
}

/** Behaves as hls.js's base loader does; `made` holds every one, oldest first. */
export function fakeLoaderClass() {
  /** @type {any[]} */
  const made = [];
  class FakeLoader {
    /** @param {any} config */
    constructor(config) {
      this.config = config;
      this.stats = newStats();
      this.context = null;
      this.destroyed = 0;
      made.push(this);
    }
    /** @param {any} context @param {any} _config @param {any} callbacks */
    load(context, _config, callbacks) {
      if (this.stats.loading.start) throw new Error('Loader can only be used once.');
      this.stats.loading.start = performance.now();
      this.context = context;
      this.callbacks = callbacks;
    }
    abort() {
      this.stats.aborted = true;
      this.callbacks?.onAbort?.(this.stats, this.context, 'inner details');
    }
    destroy() {
      this.destroyed++;
      this.callbacks = this.context = null;
    }
    getCacheAge() {
      return 7;
    }
    /** @param {string} name */
    getResponseHeader(name) {
      return `value of ${name}`;
    }
    /** The CDN answers. @param {ArrayBuffer} data */
    answer(data) {
      const { stats, context, callbacks } = this;
      stats.loading.first = stats.loading.start + 1;
      stats.loading.end = stats.loading.first + 20;
      stats.loaded = stats.total = data.byteLength;
      callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, 'inner details');
    }
  }
  return { FakeLoader: /** @type {any} */ (FakeLoader), made };
}

/** @param {object} [frag] @param {object} [context] @returns {any} */
export function fragmentContext(frag, context) {
  const url = 'https://cdn.example/v/seg7.ts';
  return {
    url,
    type: 'media-fragment',
    responseType: 'arraybuffer',
    frag: {
      sn: 7,
      type: 'main',
      level: 0,
      relurl: 'seg7.ts',
      url,
      start: 12,
      duration: 2,
      ...frag,
    },
    part: null,
    rangeStart: 0,
    rangeEnd: 0,
    ...context,
  };
}

/** Does what hls.js's fragment loader does: records each callback and destroys the loader in it. */
export function recorder() {
  /** @type {any[][]} */
  const calls = [];
  /** @type {any} */
  let loader;
  const note =
    (/** @type {string} */ name) =>
    (/** @type {any[]} */ ...args) => {
      calls.push([name, ...args]);
      loader?.destroy();
    };
  return {
    calls,
    names: () => calls.map(([name]) => name),
    /** @param {any} of */
    destroys(of) {
      loader = of;
    },
    /** @type {any} */
    callbacks: {
      onSuccess: note('success'),
      onError: note('error'),
      onTimeout: note('timeout'),
      onAbort: note('abort'),
    },
  };
}

/** A media element that is paused at its first frame. */
const shownMedia = () =>
  Object.assign(new EventTarget(), {
    readyState: 2,
    currentTime: 0,
    paused: true,
    playbackRate: 1,
    buffered: { length: 0 },
    played: { length: 0 },
  });

/** A player without anything to play; `emit` stands for hls.js's `trigger`. */
export class FakeHls extends EventEmitter {
  /** @type {string | null} */
  url = null;
  /** @type {any} */
  media = null;
  /** @type {any[]} */
  levels = [];
  loadLevel = -1;
  /** @type {any[]} */
  audioTracks = [];
  audioTrack = -1;
  /** @type {any[]} */
  subtitleTracks = [];
  /** @type {any} */
  latestLevelDetails = null;

  /** @param {any} loader */
  constructor(loader) {
    super();
    /** @type {any} */
    this.config = { loader, fLoader: undefined };
  }

  /** @param {string} url */
  loadSource(url) {
    this.url = url;
    this.emit('hlsManifestLoading', 'hlsManifestLoading', { url });
    // The first segment comes at once, and with it an element that shows it.
    setTimeout(() => {
      this.emit('hlsFragBuffered', 'hlsFragBuffered', { frag: {} });
      if (!this.media) this.attachMedia(shownMedia());
    });
  }

  /** @param {any} media */
  attachMedia(media) {
    this.media = media;
    this.emit('hlsMediaAttached', 'hlsMediaAttached', { media });
  }

  /** One load, as hls.js's fragment loader makes it. */
  fragment(context = fragmentContext()) {
    const Loader = this.config.fLoader ?? this.config.loader;
    const loader = new Loader(this.config);
    const seen = recorder();
    seen.destroys(loader);
    loader.load(context, {}, seen.callbacks);
    return { loader, ...seen };
  }
}
