/** Reports to the engine what hls.js knows: the source, renditions, live or VOD, the playhead. */

import { Condition, TrackKind } from './abi.js';
import { isDenied, readPermission } from './local-network.js';
import { HAS_FRAME, all, follow } from './player.js';

/** @typedef {import('hls.js').default} Hls */

/**
 * @typedef {object} Rendition
 * @property {number} kind TrackKind
 * @property {number} index hls.js's index; -1 if hls.js does not have it, or not now
 * @property {number} bitrate
 * @property {string[]} texts codecs, resolution, language, group, name and stable id, as the playlist has them
 * @property {string} url
 */

/**
 * @typedef {object} Playhead
 * @property {number} currentTime seconds
 * @property {number} bufferedEnd seconds
 * @property {number} rate 0 while paused
 */

/**
 * The conditions for loading ahead of the player.
 * @typedef {object} Conditions
 * @property {number} flags Condition
 * @property {number} maxBuffer seconds that the player wants to have buffered
 */

/**
 * @typedef {object} PlayerSink
 * @property {() => void} sourceLoading a source begins to load; `hls.url` may have changed
 * @property {() => void} renditionsChanged
 * @property {(live: boolean) => void} liveKnown
 * @property {() => void} playheadDue
 * @property {(kind: number, rendition: number, details: import('hls.js').LevelDetails) => void} detailsLoaded a media playlist
 *   was loaded, for the first time or again
 * @property {(kind: number, rendition: number) => void} playlistFollowed the track of that kind follows another rendition, or its playlist
 *   was refreshed
 * @property {() => void} playerDestroyed
 */

/**
 * The least time between two reports of the playhead, in milliseconds: hls.js itself decides at 10 Hz, and a segment lasts
 * seconds.
 */
const PLAYHEAD_INTERVAL_MS = 250;

/** The gap before a buffered range that playback skips, in seconds; hls.js's own `maxBufferHole`. */
const BUFFER_HOLE = 0.1;

/** Of TrackKind. */
const KINDS = 3;
/** The attributes of a rendition's tag that identify it. */
const ATTRIBUTES = ['CODECS', 'RESOLUTION', 'LANGUAGE', 'GROUP-ID', 'NAME'];

/**
 * Connections by which traffic may cost the viewer money (Network Information API, `ConnectionType`): mobile networks, and a phone
 * that is shared over Bluetooth.
 */
const METERED = ['cellular', 'wimax', 'bluetooth'];

export class PlayerEvents {
  #hls;
  #sink;
  /** @type {HTMLMediaElement | null} */
  #media = null;
  /** The event `hlsManifestLoaded` of the current source. @type {any} */
  #manifest = null;
  #reported = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #leave;

  /**
   * @param {Hls} hls
   * @param {PlayerSink} sink
   */
  constructor(hls, sink) {
    this.#hls = hls;
    this.#sink = sink;
    readPermission();
    const main = () => sink.playlistFollowed(TrackKind.main, hls.loadLevel);
    const audio = () => sink.playlistFollowed(TrackKind.audio, hls.audioTrack);
    const renditions = () => this.#describe();
    const loaded = (/** @type {number} */ kind, /** @type {any} */ { level, id, details }) => {
      if (details) sink.detailsLoaded(kind, level ?? id, details);
    };
    this.#leave = follow(
      hls,
      {
        hlsManifestLoading: () => {
          this.#manifest = null;
          sink.sourceLoading();
        },
        // hls.js has parsed the playlist, and reported it, before other listeners learn that it was loaded.
        hlsManifestLoaded: (data) => {
          this.#manifest = data;
          renditions();
        },
        ...all(
          'hlsManifestParsed hlsLevelsUpdated hlsAudioTracksUpdated hlsSubtitleTracksUpdated',
          renditions,
        ),
        hlsLevelSwitching: main,
        hlsLevelUpdated: (data) => {
          sink.liveKnown(Boolean(data.details?.live));
          loaded(TrackKind.main, data);
          main();
        },
        hlsAudioTrackSwitching: audio,
        hlsAudioTrackUpdated: (data) => {
          loaded(TrackKind.audio, data);
          audio();
        },
        hlsSubtitleTrackUpdated: (data) => loaded(TrackKind.subtitle, data),
        hlsDestroying: () => sink.playerDestroyed(),
      },
      all('loadeddata timeupdate seeking ratechange pause play', this.#moved),
      (media) => {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#media = media;
        if (media) this.#moved();
      },
    );
    // Changes are reported immediately, even while the page is paused.
    connection()?.addEventListener?.('change', this.#report);
  }

  /** Reports again everything that events have reported before. */
  repeat() {
    this.#describe();
    const live = this.isLive();
    if (live !== null) this.#sink.liveKnown(live);
    this.#sink.playheadDue();
  }

  /** All renditions, and the playlists that are followed. */
  #describe() {
    const sink = this.#sink;
    sink.renditionsChanged();
    this.#tracks.forEach(([rendition, track], kind) => {
      if (track?.details) sink.detailsLoaded(kind, rendition, track.details);
      if (kind !== TrackKind.subtitle) sink.playlistFollowed(kind, rendition);
    });
  }

  /** For each TrackKind, hls.js's number of the rendition that it follows, and its object for that. @type {[number, any][]} */
  get #tracks() {
    const { loadLevel, audioTrack, subtitleTrack } = this.#hls;
    const lists = this.#lists;
    return [loadLevel, audioTrack, subtitleTrack].map((at, kind) => [at, lists[kind][at]]);
  }

  /** The renditions of hls.js for each TrackKind. @type {any[][]} */
  get #lists() {
    const { levels, audioTracks, subtitleTracks } = this.#hls;
    return [levels, audioTracks, subtitleTracks];
  }

  /**
   * @param {number} kind TrackKind
   * @param {number} rendition
   * @returns {import('hls.js').LevelDetails} of its playlist, as it was last loaded
   */
  detailsOf(kind, rendition) {
    return this.#lists[kind][rendition].details;
  }

  detach() {
    this.#leave();
    connection()?.removeEventListener?.('change', this.#report);
  }

  /**
   * The URL that the page asked for. If it was redirected, playlists have the target's whole path, which may differ between
   * viewers.
   * @returns {string}
   */
  sourceUrl() {
    return this.#hls.url ?? '';
  }

  /**
   * @param {import('hls.js').Fragment} frag
   * @returns {boolean} true if its playlist was redirected to another folder, so that its name there identifies too little
   */
  moved({ level, type, baseurl }) {
    const [main, audio, subtitle] = this.#lists;
    const list = /** @type {Record<string, any>} */ ({ main, audio, subtitle })[type];
    const { uri, url } = list?.[level] ?? {};
    const asked = uri ?? url;
    return Boolean(asked && baseurl) && folder(asked) !== folder(baseurl);
  }

  /** @returns {Rendition[]} all that hls.js has, and all that the multivariant playlist lists */
  listRenditions() {
    const listed = this.#manifest ?? {};
    const lists = [...this.#lists, listed.levels, listed.audioTracks, listed.subtitles];
    return lists.flatMap((list, which) =>
      [...(list ?? [])].map((one, index) =>
        describeRendition(which % KINDS, which < KINDS ? index : -1, one),
      ),
    );
  }

  /** Of the playlist that hls.js follows, or of another one while that is not known. */
  get #details() {
    return this.#hls.latestLevelDetails ?? this.#hls.levels.find((l) => l.details)?.details;
  }

  /** @returns {boolean | null} null while no media playlist is known */
  isLive() {
    return this.#details?.live ?? null;
  }

  /**
   * @param {number} kind TrackKind
   * @param {number} from seconds of the player's timeline
   * @param {number} until
   * @returns {any[]} the fragments of the followed playlist that overlap the interval, or its parts if hls.js loads those
   */
  fragmentsBetween(kind, from, until) {
    const details = this.#tracks[kind][1]?.details;
    const { fragments = [], partList } = details ?? {};
    const [first] = (this.#hls.config.lowLatencyMode && partList) || [];
    // hls.js loads the segments that parts make only if it is further behind.
    const parts = first && from > first.start - first.fragment.duration;
    return (parts ? partList : fragments).filter(
      (/** @type {import('hls.js').Fragment} */ { start, duration, gap }) =>
        start + duration > from && start < until && !gap,
    );
  }

  /** @returns {Conditions} */
  conditions() {
    // hls.stopLoad() changes the second, pauseBuffering() the first; versions before 1.6 have neither.
    const { config, bufferingEnabled = true, loadingEnabled = true } = this.#hls;
    const { saveData, type } = connection() ?? {};
    const media = /** @type {any} */ (this.#media);
    const details = this.#details;
    const parts = details ? (details.partList ? Condition.parts : 0) : Condition.noPlaylist;
    const flags =
      (config.lowLatencyMode && (details || config.autoStartLoad !== false) ? parts : 0) |
      (bufferingEnabled && loadingEnabled ? 0 : Condition.loadsNot) |
      (globalThis.document?.hidden ? Condition.hidden : 0) |
      (saveData ? Condition.saveData : 0) |
      (METERED.includes(type) ? Condition.metered : 0) |
      (media && !(media.readyState < HAS_FRAME) ? 0 : Condition.noFrame) |
      // Safari's own name for it is older.
      (media?.webkitCurrentPlaybackTargetIsWireless || media?.remote?.state === 'connected'
        ? Condition.remote
        : 0) |
      (isDenied() ? Condition.localDenied : 0);
    return { flags, maxBuffer: config.maxBufferLength };
  }

  /** @returns {Playhead | null} null without a media element */
  readPlayhead() {
    const media = this.#media;
    if (!media) return null;
    const { currentTime, buffered } = media;
    let bufferedEnd = currentTime;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) - BUFFER_HOLE <= currentTime && currentTime < buffered.end(i)) {
        bufferedEnd = buffered.end(i);
      }
    }
    return { currentTime, bufferedEnd, rate: media.paused ? 0 : media.playbackRate };
  }

  #moved = () => {
    if (this.#timer !== undefined) return;
    const wait = this.#reported + PLAYHEAD_INTERVAL_MS - performance.now();
    if (wait <= 0) this.#report();
    else this.#timer = setTimeout(this.#report, wait);
  };

  #report = () => {
    this.#timer = undefined;
    this.#reported = performance.now();
    this.#sink.playheadDue();
  };
}

/** @param {string} url @returns {string} its path up to the last slash, of any host */
const folder = (url) => {
  const path = url.replace(/^\w+:\/\/[^/]*|[?#].*/gs, '');
  return path.slice(0, path.lastIndexOf('/') + 1);
};

/** @returns {any} Chromium's information about the connection; undefined in other browsers */
function connection() {
  return /** @type {any} */ (globalThis.navigator)?.connection;
}

/**
 * @param {number} kind
 * @param {number} index
 * @param {any} rendition of hls.js, whose own numbers and names are not used: each version derives other ones
 * @returns {Rendition}
 */
function describeRendition(kind, index, { attrs = {}, uri, url }) {
  return {
    kind,
    index,
    bitrate: Number(attrs.BANDWIDTH) | 0,
    texts: [
      ...ATTRIBUTES.map((name) => attrs[name] || ''),
      attrs['STABLE-VARIANT-ID'] || attrs['STABLE-RENDITION-ID'] || '',
    ],
    // The rest of a blob's URL differs between browsers.
    url: (uri ?? url ?? '').replace(/^blob:.*/is, 'blob:'),
  };
}
