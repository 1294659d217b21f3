/** One attached player: its options, its engine while there is one, and what the page may see of both. */

import { EventCode, FallbackReason, Option, PeerEnd } from './abi.js';
import { createCore, loadModule } from './core.js';
import { Driver } from './driver.js';
import { Emitter } from './emitter.js';
import { HlsMeshError, messageOf } from './errors.js';
import { PlayerEvents } from './hls-events.js';
import { createFragmentLoader, describeFragment } from './hls-loader.js';
import {
  changeOptions,
  engineNumbers,
  log,
  playlistChannel,
  readOptions,
  refuseName,
} from './options.js';
import { PlaybackFigures } from './playback.js';
import { PeerConnections } from './rtc.js';
import { TrackerSocket } from './socket.js';
import { addStats, emptyStats, publicStats } from './stats.js';

/** @typedef {import('hls.js').default} Hls */
/** @typedef {import('./index.js').MeshEvents} MeshEvents */
/** @typedef {import('./index.js').Mesh} MeshFace */
/** @typedef {import('./index.js').MeshStats} MeshStats */
/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/** The names of the events, as constants for those who like them. */
export const Events = Object.freeze({
  TRACKER: 'tracker',
  PEER: 'peer',
  SEGMENT: 'segment',
  STATS: 'stats',
  FALLBACK: 'fallback',
  WARNING: 'warning',
  FATAL: 'fatal',
});
const EVENT_NAMES = Object.values(Events);

/** At which level an event is logged; warnings and errors speak for themselves. */
const EVENT_LEVELS = /** @type {Partial<Record<string, import('./index.js').LogLevel>>} */ ({
  tracker: 'info',
  peer: 'info',
  segment: 'debug',
  fallback: 'debug',
});

/** How often `stats` is emitted, in milliseconds. */
const STATS_INTERVAL_MS = 1000;

/** @type {WeakMap<Hls, Mesh>} */
const attached = new WeakMap();

/**
 * @param {Hls} hls
 * @param {import('./index.js').HlsMeshOptions} options
 * @returns {Mesh}
 */
export function attach(hls, options) {
  if (!hls?.config || typeof hls.on !== 'function') {
    throw new TypeError('HlsMesh.attach: the first argument must be an Hls instance');
  }
  if (attached.has(hls)) {
    throw new Error('HlsMesh.attach: this Hls instance has a mesh; detach() that one first');
  }
  const mesh = new Mesh(hls, readOptions(options));
  attached.set(hls, mesh);
  return mesh;
}

/** @returns {boolean} */
export function isSupported() {
  return (
    typeof WebAssembly === 'object' && typeof WebSocket === 'function' && PeerConnections.available
  );
}

/** @implements {MeshFace} */
export class Mesh {
  #hls;
  #settings;
  /** @type {Emitter<MeshEvents>} */
  #emitter;
  #player;
  #playback;
  #Loader;
  /** @type {import('./driver.js').Shims['segments']} */
  #segments;
  /** @type {any} */
  #formerLoader;
  #detached = false;

  /** @type {ReturnType<typeof setInterval> | undefined} */
  #statsTimer;

  /** @type {Driver | null} */
  #driver = null;
  #channel = '';
  /** Raised whenever the engine is to be another one, so that one that is still being made is dropped. */
  #generation = 0;
  /** Counters of engines that have ended, and bytes that no engine saw. */
  #past = emptyStats();
  /** @type {Set<HlsMeshErrorCode>} */
  #warned = new Set();

  /**
   * @param {Hls} hls
   * @param {import('./options.js').Settings} settings
   */
  constructor(hls, settings) {
    this.#hls = hls;
    this.#settings = settings;
    this.#emitter = new Emitter((error) => log('error', settings, error));

    const { config } = hls;
    this.#formerLoader = config.fLoader;
    const host = this.#host();
    this.#segments = (kind, from, until) =>
      this.#player.fragments(kind, from, until).map((frag) => describeFragment(frag, host));
    this.#Loader = createFragmentLoader(host, /** @type {any} */ (config.fLoader ?? config.loader));
    config.fLoader = /** @type {any} */ (this.#Loader);
    this.#playback = new PlaybackFigures(hls);
    this.#player = new PlayerEvents(hls, {
      source: () => this.#sourceChanged(),
      renditions: () => this.#driver?.setRenditions(this.#player.renditions()),
      live: (live) => this.#driver?.setLive(live),
      playhead: () => this.#reportPlayhead(),
      playlist: (kind, rendition) => this.#driver?.playlist(kind, rendition),
      destroyed: () => {
        // hls.js is about to destroy its loaders; fetching for them would be in vain.
        this.#driver?.dropLoads();
        this.detach();
      },
    });
    if (typeof addEventListener === 'function') {
      addEventListener('pagehide', this.#pageHidden);
      addEventListener('pageshow', this.#pageShown);
    }
    // Compiled while the playlists load.
    loadModule(settings.wasm).catch(() => {});
    this.#sourceChanged();
  }

  /** @returns {MeshStats} */
  get stats() {
    const present = this.#driver?.stats() ?? emptyStats();
    return publicStats(this.#past, present, this.#playback.figures);
  }

  get peers() {
    return this.#driver?.peers() ?? [];
  }

  get channel() {
    return this.#channel;
  }

  get enabled() {
    return this.#settings.enabled;
  }

  set enabled(enabled) {
    this.update({ enabled });
  }

  get upload() {
    return this.#settings.upload;
  }

  set upload(upload) {
    this.update({ upload });
  }

  /** @param {import('./index.js').MeshUpdate} options */
  update(options) {
    const names = changeOptions(this.#settings, options);
    this.#driver?.set(this.#numbers(names));
    return this;
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} listener
   */
  on(name, listener) {
    return this.#listen(name, listener, false);
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} listener
   */
  once(name, listener) {
    return this.#listen(name, listener, true);
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} [listener]
   */
  off(name, listener) {
    this.#emitter.remove(name, listener);
    this.#emitStats(false);
    return this;
  }

  detach() {
    if (this.#detached) return;
    this.#detached = true;
    attached.delete(this.#hls);
    this.#player.detach();
    if (typeof removeEventListener === 'function') {
      removeEventListener('pagehide', this.#pageHidden);
      removeEventListener('pageshow', this.#pageShown);
    }
    // Somebody who wrapped our loader since then keeps it; without an engine it only passes loads through.
    const { config } = this.#hls;
    if (config.fLoader === /** @type {unknown} */ (this.#Loader))
      config.fLoader = this.#formerLoader;
    this.#playback.detach();
    this.#stop();
    this.#emitter.clear();
    this.#emitStats(false);
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} listener
   * @param {boolean} once
   */
  #listen(name, listener, once) {
    if (!EVENT_NAMES.includes(name)) refuseName('event', name, EVENT_NAMES);
    // A mesh that is detached says nothing any more.
    if (this.#detached) return this;
    this.#emitter.add(name, listener, once);
    if (name === Events.STATS) this.#statsTimer ??= setInterval(this.#emitStats, STATS_INTERVAL_MS);
    return this;
  }

  /** Counting costs a little, so it is done only for somebody who listens. */
  #emitStats = (due = true) => {
    if (due) this.#emitter.emit('stats', this.stats);
    if (this.#emitter.has('stats')) return;
    clearInterval(this.#statsTimer);
    this.#statsTimer = undefined;
  };

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {MeshEvents[Name]} event
   */
  #emit(name, event) {
    const level = EVENT_LEVELS[name];
    if (level) log(level, this.#settings, name, event);
    this.#emitter.emit(name, event);
  }

  /** @param {string[]} [names] of options */
  #numbers(names) {
    const { enabled, uploadBytesPerSession } = this.#settings;
    return engineNumbers(
      {
        ...this.#settings,
        enabled: enabled && PeerConnections.available,
        // The session outlasts engines, of which a change of channel makes another.
        uploadBytesPerSession: Math.max(0, uploadBytesPerSession - this.#past.uploadBytes),
      },
      names,
    );
  }

  /** @returns {import('./hls-loader.js').LoaderHost} */
  #host() {
    const mesh = this;
    const { segmentId } = this.#settings;
    return {
      get driver() {
        return mesh.#driver;
      },
      get channel() {
        return mesh.#channel;
      },
      reportPlayhead: () => this.#reportPlayhead(),
      segmentId: segmentId && ((segment) => this.#segmentId(segmentId, segment)),
      delivered: (segment, counted) => {
        if (!counted) {
          this.#past.cdnBytes += segment.bytes;
          this.#past.cdnSegments += 1;
        }
        this.#emit('segment', segment);
      },
    };
  }

  /**
   * @param {NonNullable<import('./index.js').HlsMeshOptions['segmentId']>} segmentId
   * @param {import('./index.js').SegmentInfo} segment
   */
  #segmentId(segmentId, segment) {
    try {
      const id = segmentId(segment);
      if (id === undefined || id === null || (typeof id === 'string' && id)) return id;
      throw new TypeError(`segmentId gave ${String(id)}; it must be a non-empty string or null`);
    } catch (error) {
      this.#broken(error);
      return null;
    }
  }

  #reportPlayhead() {
    const playhead = this.#driver && this.#player.playhead();
    if (!playhead) return;
    this.#driver?.conditions(this.#player.conditions());
    this.#driver?.playhead(playhead);
  }

  #sourceChanged() {
    const { url } = this.#hls;
    if (!url) return;
    let channel = '';
    try {
      const { channel: wanted = playlistChannel } = this.#settings;
      channel = String((typeof wanted === 'function' ? wanted(url) : wanted) ?? '');
    } catch (error) {
      this.#broken(error);
    }
    if (channel === this.#channel) return;
    this.#stop();
    this.#channel = channel;
    this.#start();
  }

  /** Makes an engine for the channel, unless that is called off meanwhile. */
  async #start() {
    const generation = ++this.#generation;
    if (!this.#channel) return;
    try {
      const core = await createCore(await loadModule(this.#settings.wasm));
      if (generation === this.#generation) this.#run(core);
    } catch (error) {
      if (generation !== this.#generation) return;
      const reason =
        error instanceof HlsMeshError
          ? error
          : new HlsMeshError('internal', messageOf(error), error);
      this.#warn(reason.code, `${reason.message}; everything comes from the CDN`, reason);
    }
  }

  /** @param {import('./wasm.js').Core} core */
  #run(core) {
    const { trackers, token, rtcConfig, cacheBytes, platform } = this.#settings;
    const socket = new TrackerSocket(
      trackers,
      token,
      {
        opened: (fresh) => driver.socketOpened(fresh),
        text: (text) => driver.socketText(text),
        closed: () => driver.socketClosed(),
        refused: (error) =>
          this.#warn(
            'tracker-unreachable',
            `cannot open ${socket.url}: ${messageOf(error)}`,
            error,
          ),
        tokenless: (error) => this.#warn('token', `no token: ${messageOf(error)}`, error),
      },
      this.#channel,
    );
    const peers = new PeerConnections(rtcConfig, {
      signal: (peer, json) => driver.peerSignal(peer, json),
      opened: (peer, maxMessageBytes) => driver.channelOpened(peer, maxMessageBytes),
      text: (peer, text) => driver.channelText(peer, text),
      binary: (peer, data) => driver.channelBinary(peer, data),
      writable: (peer, bufferedAmount) => driver.channelWritable(peer, bufferedAmount),
      closed: (peer) => driver.peerClosed(peer),
      unavailable: (error) => {
        driver.set([[Option.p2p, 0]]);
        this.#rtcUnavailable(messageOf(error), error);
      },
    });
    const driver = new Driver(core, {
      socket,
      peers,
      segments: this.#segments,
      event: (event) => this.#engineEvent(event, socket.url),
      trapped: (error) => this.#trapped(error),
      broken: (error) => this.#broken(error),
    });
    if (!PeerConnections.available) this.#rtcUnavailable('this browser has no RTCPeerConnection');
    this.#driver = driver;
    const [seedLow, seedHigh] = crypto.getRandomValues(new Uint32Array(2));
    driver.start({
      numbers: [
        [Option.seedLow, seedLow],
        [Option.seedHigh, seedHigh],
        [Option.mobile, Number(platform.mobile)],
        [Option.cacheBytes, cacheBytes],
        [Option.trackerCount, trackers.length],
        ...this.#numbers(),
      ],
      texts: {
        [Option.channel]: this.#channel,
        [Option.browser]: platform.browser,
        [Option.os]: platform.os,
      },
    });
    this.#player.repeat();
  }

  #stop() {
    this.#generation++;
    const driver = this.#driver;
    this.#driver = null;
    this.#channel = '';
    if (!driver) return;
    driver.stop();
    addStats(this.#past, driver.stats());
  }

  #pageHidden = () => this.#stop();

  /** @param {PageTransitionEvent} event */
  #pageShown = (event) => {
    if (event.persisted) this.#sourceChanged();
  };

  /**
   * @param {import('./driver.js').EngineEvent} event
   * @param {string} tracker the one in use
   */
  #engineEvent({ code, aux, text, role, url }, tracker) {
    switch (code) {
      case EventCode.trackerConnected:
        return this.#emit('tracker', { state: 'connected', url: tracker, peerId: text });
      case EventCode.trackerDisconnected:
        this.#emit('tracker', { state: 'disconnected', url: tracker, retryInMs: aux });
        return this.#warn('tracker-unreachable', `no connection to the tracker at ${tracker}`);
      case EventCode.trackerRejected:
        this.#emit('tracker', { state: 'rejected', url: tracker, reason: text });
        return this.#warn('tracker-rejected', `the tracker at ${tracker} said no: ${text}`);
      case EventCode.peerOpened:
        return this.#emit('peer', { state: 'opened', id: text, role });
      case EventCode.peerClosed: {
        const reason = /** @type {any} */ (wordFor(PeerEnd, aux));
        return this.#emit('peer', { state: 'closed', id: text, role, reason });
      }
      case EventCode.fallback: {
        const reason = /** @type {any} */ (wordFor(FallbackReason, aux));
        return this.#emit('fallback', { url, reason });
      }
      case EventCode.peerMisbehaved:
        return this.#warn('peer-misbehaved', `a peer was dropped: ${text}`);
    }
  }

  /** @param {Error} error */
  #trapped(error) {
    const driver = this.#driver;
    this.#driver = null;
    this.#generation++;
    if (driver) addStats(this.#past, driver.stats());
    const reason = new HlsMeshError('engine-trap', `the engine died: ${error.message}`, error);
    log('error', this.#settings, reason);
    this.#emit('fatal', { error: reason });
  }

  /**
   * @param {string} why
   * @param {unknown} [cause]
   */
  #rtcUnavailable(why, cause) {
    this.#warn(
      'rtc-unavailable',
      `no peer connections: ${why}; everything comes from the CDN`,
      cause,
    );
  }

  /** @param {unknown} error */
  #broken(error) {
    this.#warn('internal', messageOf(error), error);
  }

  /**
   * Says it once: what is wrong stays wrong, and the page's console is not ours to fill.
   * @param {HlsMeshErrorCode} code
   * @param {string} message
   * @param {unknown} [cause]
   */
  #warn(code, message, cause) {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    log('warn', this.#settings, message);
    const error = cause instanceof Error ? cause : undefined;
    this.#emit('warning', { code, message, error });
  }
}

/**
 * The word for one value of an ABI enumeration, as the page sees it: kWrongSegment is `wrong-segment`.
 * @param {Record<string, number>} values
 * @param {number} value
 */
function wordFor(values, value) {
  const name = Object.keys(values).find((key) => values[key] === value) ?? 'failed';
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
