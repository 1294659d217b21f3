/** One attached player: its options, its engine while there is one, and the page's view of both. */

import { EventCode, FallbackReason, Option, PeerEnd } from './abi.js';
import { fetchDigests, saysDigests } from './digests.js';
import { Driver } from './driver.js';
import { EarlyLoads } from './early-loads.js';
import { createCore } from './engine.js';
import { HlsMeshError, messageOf } from './errors.js';
import { afterFirstFrame } from './first-frame.js';
import { PlayerEvents } from './hls-events.js';
import { describeFragment } from './fragments.js';
import { createFragmentLoader } from './hls-loader.js';
import { shortChannel, withoutCredentials } from './identity.js';
import { loadModule, loadShadow } from './module.js';
import { engineNumbers, log } from './options.js';
import { PlaybackFigures } from './playback.js';
import { PeerConnections } from './rtc.js';
import { TrackerSocket } from './socket.js';
import { addStats, emptyStats, publicStats } from './stats.js';
import { Verdicts } from './verdicts.js';
import { version } from './version.js';

/** @typedef {import('hls.js').default} Hls */
/** @typedef {import('./index.js').MeshStats} MeshStats */
/** @typedef {import('./hls-loader.js').LoaderHost} LoaderHost */

/** The key of the mesh in a player's configuration. */
const SERVED_BY = Symbol('hlsmesh');

/**
 * @param {any} config of a player, maybe in a Proxy
 * @returns {Mesh | undefined}
 */
export const meshOf = (config) => config?.[SERVED_BY];

/** The time after the first peer, in milliseconds, by which the tracker has introduced the others: it sends one a second. */
const COUNTING_MS = 3500;
/** Values of the option `digests` by DigestPolicy of src/client/inputs.hpp. With true, every playlist counts as saying that there are any. */
const POLICIES = [[false], ['auto', true], ['required']];

/** URLs that mean something else, or nothing, in another browser. */
const LOCAL = /^(blob|data|file|filesystem):/i;

/** @implements {LoaderHost} */
export class Mesh {
  #hls;
  #settings;
  #voice;
  #player;
  #playback;
  #verdicts;
  #Loader;
  /** @type {import('./driver.js').Shims['segments']} */
  #segments;
  /** @type {any} */
  #formerLoader;
  #detached = false;

  driver = /** @type {Driver | null} */ (null);
  #channel = '';
  /** When it became the channel, and seconds for which the one before was. */
  #since = -Infinity;
  #stayed = Infinity;
  /** The number of sources that the player has begun to load. */
  sourceCount = 0;
  /** @type {EarlyLoads | null} the loads of hls.js before there is an engine */
  early = null;
  /** Ends the wait for the first frame. */
  #callOff = () => {};
  /** The last messages that named segments; see rtc.js. @type {import('./rtc.js').Words | undefined} */
  words;
  /** Waits for the first peers. @type {ReturnType<typeof setTimeout> | undefined} */
  #counting;
  /** Connections that never opened, by why. @type {Record<string, number>} */
  #failures = {};
  /** Raised whenever another engine is needed, so that one that is still being made is dropped. */
  #generation = 0;
  /** Figures of engines that have ended, and bytes that no engine counted. */
  #past = emptyStats();

  /**
   * @param {Hls} hls
   * @param {import('./options.js').Settings} settings
   * @param {import('./voice.js').Voice} voice
   */
  constructor(hls, settings, voice) {
    this.#hls = hls;
    this.#settings = settings;
    this.#voice = voice;

    const { config } = hls;
    this.#formerLoader = config.fLoader;
    this.#segments = (kind, from, until) =>
      this.#player.fragmentsBetween(kind, from, until).map((frag) => describeFragment(frag, this));
    this.#Loader = createFragmentLoader(this, /** @type {any} */ (config.fLoader));
    config.fLoader = /** @type {any} */ (this.#Loader);
    // The property is not enumerable: a copy of the configuration lacks it, but a Proxy has it.
    Object.defineProperty(config, SERVED_BY, { value: this, configurable: true });
    this.#playback = new PlaybackFigures(hls);
    this.#verdicts = new Verdicts(hls, (answer, seconds) =>
      (this.driver ?? this.early)?.verdict(answer, seconds),
    );
    this.#player = new PlayerEvents(hls, {
      sourceLoading: () => this.#sourceChanged(true),
      renditionsChanged: () =>
        this.driver?.engine.setRenditions(this.#player.listRenditions(), this.#player.sourceUrl()),
      liveKnown: (live) => {
        this.driver?.engine.setLive(live);
        this.driver?.engine.conditions(this.#player.conditions());
      },
      playheadDue: () => this.reportPlayhead(),
      detailsLoaded: (kind, rendition, details) =>
        this.driver?.engine.detailsLoaded(
          kind,
          rendition,
          details,
          settings.digests === true || saysDigests(details),
        ),
      playlistFollowed: (kind, rendition) => this.driver?.engine.playlistFollowed(kind, rendition),
      playerDestroyed: () => {
        // hls.js is about to destroy its loaders, so a fetch for them would be wasted.
        this.driver?.dropLoads();
        this.detach();
      },
    });
    globalThis.addEventListener?.('pagehide', this.#pageHidden);
    globalThis.addEventListener?.('pageshow', this.#pageShown);
    this.#sourceChanged(false);
  }

  /** @returns {MeshStats} */
  get stats() {
    return publicStats(this.#past, this.driver?.stats(), this.#playback.figures, this.#failures);
  }

  get peers() {
    return this.driver?.peers() ?? [];
  }

  get channel() {
    return this.#channel;
  }

  /** @param {object} config of a player whose loader is made */
  serves(config) {
    return meshOf(config) === this;
  }

  /** @param {string[]} names of options that have new values */
  changed(names) {
    this.driver?.engine.set(this.#numbers(names));
  }

  detach() {
    if (this.#detached) return;
    this.#detached = true;
    this.#player.detach();
    this.#verdicts.detach();
    globalThis.removeEventListener?.('pagehide', this.#pageHidden);
    globalThis.removeEventListener?.('pageshow', this.#pageShown);
    // If somebody has wrapped our loader since then, it stays; without an engine it is a pass-through.
    const { config } = this.#hls;
    if (config.fLoader === /** @type {unknown} */ (this.#Loader))
      config.fLoader = this.#formerLoader;
    delete (/** @type {any} */ (config)[SERVED_BY]);
    this.#playback.detach();
    this.#stop();
    this.#voice.end();
  }

  /** @param {string[]} [names] of options */
  #numbers(names) {
    const { enabled, uploadBytesPerSession } = this.#settings;
    return engineNumbers(
      {
        ...this.#settings,
        enabled: enabled && PeerConnections.available,
        // The session lasts longer than an engine: a change of channel makes another engine.
        uploadBytesPerSession: Math.max(0, uploadBytesPerSession - this.#past.uploadBytes),
      },
      names,
    );
  }

  /** @type {LoaderHost['delivered']} */
  delivered(segment, counted) {
    if (!counted) {
      this.#past.cdnBytes += segment.bytes;
      this.#past.cdnSegments += 1;
    }
    this.#voice.emit('segment', segment);
  }

  /** @type {LoaderHost['segmentId']} */
  segmentId(segment) {
    // It plays as without hlsmesh.
    if (this.#settings.control) return null;
    try {
      const id = this.#settings.segmentId?.(segment);
      if (id === undefined || id === null || (typeof id === 'string' && id)) return id;
      throw new TypeError(`segmentId gave ${String(id)}; it must be a non-empty string or null`);
    } catch (error) {
      this.#broken(error);
      return null;
    }
  }

  /** @type {LoaderHost['moved']} */
  moved(frag) {
    return this.#player.moved(frag);
  }

  reportPlayhead() {
    const { driver } = this;
    if (!driver) return;
    driver.engine.conditions(this.#player.conditions());
    driver.engine.playback(this.#playback.figures);
    const playhead = this.#player.readPlayhead();
    if (playhead) driver.engine.playheadMoved(playhead);
  }

  /** @param {boolean} fresh hls.js is about to load it */
  #sourceChanged(fresh) {
    const { url } = this.#hls;
    if (!url) return;
    this.sourceCount++;
    let channel = '';
    try {
      const { channel: wanted = withoutCredentials } = this.#settings;
      channel = shortChannel(typeof wanted === 'function' ? wanted(url) : wanted);
    } catch (error) {
      this.#broken(error);
    }
    if (LOCAL.test(url) && !this.#settings.channel) {
      channel = '';
      this.#voice.warn(
        'channel',
        'only this viewer has the playlist at that URL: nothing is shared without the option `channel`',
      );
    }
    if (this.driver && channel === this.#channel) {
      this.driver.engine.presentation();
      return;
    }
    this.#stop();
    const now = performance.now();
    this.#stayed = (now - this.#since) / 1000;
    this.#since = now;
    this.#channel = channel;
    if (!channel) return;
    this.#say(
      `hlsmesh ${version}, hls.js ${/** @type {any} */ (this.#hls.constructor).version}: channel ${channel}, tracker ${this.#settings.trackers}`,
    );
    const early = new EarlyLoads();
    this.early = early;
    const generation = ++this.#generation;
    this.#callOff = afterFirstFrame(
      this.#hls,
      fresh,
      () => early.anyAsked,
      () => this.#start(generation),
    );
  }

  /**
   * Makes an engine for the channel, unless the generation changes meanwhile.
   * @param {number} generation
   */
  async #start(generation) {
    try {
      const { p2p, wasm } = this.#settings;
      const agreed = !p2p || (await p2p()) === true;
      const core = agreed && (await createCore(await loadModule(wasm)));
      const shadow = core && this.#settings.shadow ? await loadShadow() : () => {};
      if (generation !== this.#generation) return;
      if (core) this.#run(core, shadow);
      else this.early = null;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.early = null;
      const reason =
        error instanceof HlsMeshError
          ? error
          : new HlsMeshError('internal', messageOf(error), error);
      this.#voice.warn(reason.code, `${reason.message}; everything comes from the CDN`, reason);
    }
  }

  /** @param {import('./core.js').Core} core @param {import('./module.js').EnterShadow} enterShadow */
  #run(core, enterShadow) {
    const { trackers, token, cacheBytes, platform, digests, control } = this.#settings;
    const { warn } = this.#voice;
    const shims = /** @type {import('./driver.js').Shims} */ ({
      segments: this.#segments,
      recover: () => this.#verdicts.recover(),
      digests: (kind, rendition) => this.#fetchDigests(kind, rendition),
      event: (event) => this.#engineEvent(event, socket.url),
      trapped: (error) => this.#trapped(error),
      broken: (error) => this.#broken(error),
    });
    const driver = new Driver(core, shims);
    enterShadow(driver, shims, this.#past);
    const socket = new TrackerSocket(trackers, token, driver.engine, warn, this.#channel);
    shims.socket = socket;
    this.words = { ours: '', theirs: '' };
    shims.peers = new PeerConnections(this.#settings, driver.engine, warn, this.words);
    if (!PeerConnections.available) {
      warn('rtc-unavailable', 'no RTCPeerConnection in this browser: all comes from the CDN');
    }
    this.driver = driver;
    const [seedLow, seedHigh] = crypto.getRandomValues(new Uint32Array(2));
    driver.start({
      numbers: [
        [Option.seedLow, seedLow],
        [Option.seedHigh, seedHigh],
        [Option.mobile, Number(platform.mobile)],
        [Option.cacheBytes, cacheBytes],
        [Option.trackerCount, trackers.length],
        [Option.checks, this.#settings.checks],
        [Option.digests, POLICIES.findIndex((values) => values.includes(digests ?? 'auto'))],
        [Option.control, Number(control ?? -1)],
        [Option.stayed, this.#stayed],
        ...this.#numbers(),
      ],
      texts: {
        [Option.channel]: this.#channel,
        [Option.browser]: platform.browser,
        [Option.os]: platform.os,
      },
      conditions: this.#player.conditions(),
    });
    this.#player.repeat();
    const early = this.early;
    this.early = null;
    early?.handOver(driver, (bytes) => {
      this.#past.cdnBytes -= bytes;
      this.#past.cdnSegments -= 1;
    });
  }

  /** @type {import('./driver.js').Shims['digests']} */
  async #fetchDigests(kind, rendition) {
    try {
      const details = this.#player.detailsOf(kind, rendition);
      return await fetchDigests(details, this.#hls.config, this.#settings.digestsKey);
    } catch (error) {
      this.#voice.warn(
        'digests',
        `no digests, so nothing is exchanged with other viewers: ${messageOf(error)}`,
      );
      return null;
    }
  }

  #stop() {
    this.#generation++;
    this.#callOff();
    clearTimeout(this.#counting);
    this.#counting = undefined;
    this.early = null;
    const { driver } = this;
    this.driver = null;
    this.#channel = '';
    if (!driver) return;
    driver.engine.playback(this.#playback.figures);
    driver.stop();
    addStats(this.#past, driver.stats());
  }

  #pageHidden = () => this.#stop();

  /** @param {PageTransitionEvent} event */
  #pageShown = (event) => {
    if (event.persisted) this.#sourceChanged(false);
  };

  /**
   * @param {import('./driver.js').EngineEvent} event
   * @param {string} tracker the one in use
   */
  #engineEvent({ code, aux, text, role, url }, tracker) {
    switch (code) {
      case EventCode.trackerConnected:
        return this.#voice.emit('tracker', { state: 'connected', url: tracker, peerId: text });
      case EventCode.trackerDisconnected:
        this.#voice.emit('tracker', { state: 'disconnected', url: tracker, retryInMs: aux });
        return this.#voice.warn(
          'tracker-unreachable',
          `no connection to ${tracker}: it does not run, is no hlsmesh-tracker, a proxy passes no WebSocket, or connect-src forbids it; peers stay, and it is tried again`,
        );
      case EventCode.trackerRejected:
        this.#voice.emit('tracker', { state: 'rejected', url: tracker, reason: text });
        return this.#voice.warn('tracker-rejected', `the tracker at ${tracker} said no: ${text}`);
      case EventCode.peerOpened:
        this.#counting ??= setTimeout(
          () => this.#say(`connected with ${this.stats.peers} other viewer(s)`),
          COUNTING_MS,
        );
        return this.#voice.emit('peer', { state: 'opened', id: text, role });
      case EventCode.peerClosed: {
        const reason = /** @type {any} */ (PeerEnd[aux]);
        if (/^no-/.test(reason)) this.#failures[reason] = (this.#failures[reason] ?? 0) + 1;
        return this.#voice.emit('peer', { state: 'closed', id: text, role, reason });
      }
      case EventCode.fallback: {
        const reason = /** @type {any} */ (FallbackReason[aux]);
        return this.#voice.emit('fallback', { url, reason });
      }
      case EventCode.alone: {
        let why = `fewer than ${this.#settings.minViewers} viewers are in the channel ${this.#channel}; all need the same one`;
        const known = Object.keys(this.#failures).join(', ');
        if (aux) why = `none of ${aux} connections opened${known && ` (${known})`}`;
        return this.#voice.warn('alone', `alone for a minute: ${why}; mesh.diagnose() says more`);
      }
      case EventCode.partsOnly:
        return this.#voice.warn(
          'parts-only',
          'these low-latency parts are not shared; lowLatencyMode: false loads segments',
        );
      case EventCode.unlikeDigest:
        return this.#voice.warn(
          'digests',
          `the CDN gave other bytes than the publisher's digest is of: ${text}; they are played, and not shared`,
        );
      case EventCode.peerMisbehaved:
        return this.#voice.warn('peer-misbehaved', `a peer was dropped: ${text}`);
    }
  }

  /** @param {Error} error */
  #trapped(error) {
    const { driver } = this;
    this.driver = null;
    this.#generation++;
    if (driver) addStats(this.#past, driver.stats());
    const reason = new HlsMeshError('engine-trap', `the engine died: ${error.message}`, error);
    log('error', this.#settings, reason);
    this.#voice.emit('fatal', { error: reason });
  }

  /** @param {string} text */
  #say(text) {
    log('info', this.#settings, text);
  }

  /** @param {unknown} error */
  #broken(error) {
    this.#voice.warn('internal', messageOf(error), error);
  }
}
