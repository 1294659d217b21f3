/** What hls.js knows and the engine wants to: the source, renditions, live or VOD, the playhead. */

import { Condition, TrackKind } from './abi.js';

/** @typedef {import('hls.js').default} Hls */

/**
 * @typedef {object} Rendition
 * @property {number} kind TrackKind
 * @property {number} index hls.js's; -1 for what it does not have, or not now
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
 * What bears on loading ahead of the player.
 * @typedef {object} Conditions
 * @property {number} flags Condition
 * @property {number} maxBuffer seconds that the player wants to have buffered
 */

/**
 * @typedef {object} PlayerSink
 * @property {() => void} source one begins to load; `hls.url` may have changed
 * @property {() => void} renditions
 * @property {(live: boolean) => void} live
 * @property {() => void} playhead
 * @property {(kind: number, rendition: number, details: import('hls.js').LevelDetails) => void} loaded a media playlist was,
 *   for the first time or again
 * @property {(kind: number, rendition: number) => void} playlist the track of that kind follows another rendition, or its playlist
 *   was refreshed
 * @property {() => void} destroyed
 */

/** The least time between two reports of the playhead, in milliseconds: hls.js itself decides at 10 Hz, a segment lasts seconds. */
const PLAYHEAD_INTERVAL_MS = 250;

/** The hole in front of a buffered range that playback steps over, in seconds; hls.js's own `maxBufferHole`. */
const BUFFER_HOLE = 0.1;

const KINDS = [TrackKind.main, TrackKind.audio, TrackKind.subtitle];
/** What `hlsManifestLoaded` lists, in the order of KINDS. */
const LISTS = ['levels', 'audioTracks', 'subtitles'];
/** Attributes of a rendition's tag, of which the first that is there counts. */
const ATTRIBUTES = [
  ['CODECS'],
  ['RESOLUTION'],
  ['LANGUAGE'],
  ['GROUP-ID'],
  ['NAME'],
  ['STABLE-VARIANT-ID', 'STABLE-RENDITION-ID'],
];

/**
 * Connections by which traffic may cost the viewer money (Network Information API, `ConnectionType`): mobile networks, and a phone
 * that is shared over Bluetooth.
 */
const METERED = ['cellular', 'wimax', 'bluetooth'];

const MEDIA_EVENTS = ['timeupdate', 'seeking', 'ratechange', 'pause', 'play'];

export class PlayerEvents {
  #hls;
  #sink;
  /** @type {HTMLMediaElement | null} */
  #media = null;
  /** The event `hlsManifestLoaded` of what is played. @type {any} */
  #manifest = null;
  #reported = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {[string, (event: string, data: any) => void][]} */
  #listeners;

  /**
   * @param {Hls} hls
   * @param {PlayerSink} sink
   */
  constructor(hls, sink) {
    this.#hls = hls;
    this.#sink = sink;
    const main = () => sink.playlist(TrackKind.main, hls.loadLevel);
    const audio = () => sink.playlist(TrackKind.audio, hls.audioTrack);
    const renditions = () => this.#describe();
    const loaded = (/** @type {number} */ kind, /** @type {any} */ { level, id, details }) => {
      if (details) sink.loaded(kind, level ?? id, details);
    };
    // Events by their names, so that hls.js itself is not imported.
    this.#listeners = [
      [
        'hlsManifestLoading',
        () => {
          this.#manifest = null;
          sink.source();
        },
      ],
      [
        // hls.js has parsed it, and told of it, by the time others hear that it was loaded.
        'hlsManifestLoaded',
        (_, data) => {
          this.#manifest = data;
          renditions();
        },
      ],
      ['hlsManifestParsed', renditions],
      ['hlsLevelsUpdated', renditions],
      ['hlsAudioTracksUpdated', renditions],
      ['hlsSubtitleTracksUpdated', renditions],
      ['hlsLevelSwitching', main],
      [
        'hlsLevelUpdated',
        (_, data) => {
          sink.live(Boolean(data.details?.live));
          loaded(TrackKind.main, data);
          main();
        },
      ],
      ['hlsAudioTrackSwitching', audio],
      [
        'hlsAudioTrackUpdated',
        (_, data) => {
          loaded(TrackKind.audio, data);
          audio();
        },
      ],
      ['hlsSubtitleTrackUpdated', (_, data) => loaded(TrackKind.subtitle, data)],
      ['hlsMediaAttached', (_, data) => this.#watch(data.media)],
      ['hlsMediaDetaching', () => this.#watch(null)],
      ['hlsDestroying', () => sink.destroyed()],
    ];
    const target = /** @type {any} */ (hls);
    for (const [name, listener] of this.#listeners) target.on(name, listener);
    this.#watch(hls.media);
    // Changes are told at once, to a page that is paused as well.
    connection()?.addEventListener?.('change', this.#report);
  }

  /** Tells the sink again all that it was told by events before. */
  repeat() {
    this.#describe();
    const live = this.live();
    if (live !== null) this.#sink.live(live);
    this.#sink.playhead();
  }

  /** All renditions, and the playlists that are followed. */
  #describe() {
    const { levels, loadLevel, audioTracks, audioTrack, subtitleTracks, subtitleTrack } = this.#hls;
    const sink = this.#sink;
    sink.renditions();
    for (const [kind, rendition, track] of /** @type {[number, number, any][]} */ ([
      [TrackKind.main, loadLevel, levels[loadLevel]],
      [TrackKind.audio, audioTrack, audioTracks[audioTrack]],
      [TrackKind.subtitle, subtitleTrack, subtitleTracks[subtitleTrack]],
    ])) {
      if (track?.details) sink.loaded(kind, rendition, track.details);
      if (kind !== TrackKind.subtitle) sink.playlist(kind, rendition);
    }
  }

  detach() {
    const target = /** @type {any} */ (this.#hls);
    for (const [name, listener] of this.#listeners) target.off(name, listener);
    this.#watch(null);
    connection()?.removeEventListener?.('change', this.#report);
  }

  /**
   * As the page asked for it. Where that was redirected, playlists have the target's whole path: it may be another for each viewer.
   * @returns {string}
   */
  source() {
    return this.#hls.url ?? '';
  }

  /**
   * @param {import('hls.js').Fragment} frag
   * @returns {boolean} whether its playlist was redirected to another folder, so that its name there says too little
   */
  moved({ level, type, baseurl }) {
    const { levels, audioTracks, subtitleTracks } = /** @type {any} */ (this.#hls);
    const tracks = /** @type {Record<string, any>} */ ({
      main: levels,
      audio: audioTracks,
      subtitle: subtitleTracks,
    })[type];
    const { uri, url } = tracks?.[level] ?? {};
    const asked = uri ?? url;
    return Boolean(asked && baseurl) && folder(asked) !== folder(baseurl);
  }

  /** @returns {Rendition[]} all that hls.js has, and all that the multivariant playlist lists */
  renditions() {
    const { levels, audioTracks, subtitleTracks } = this.#hls;
    const listed = this.#manifest ?? {};
    const lists = [levels, audioTracks, subtitleTracks, ...LISTS.map((name) => listed[name])];
    return lists.flatMap((list, which) =>
      [...(list ?? [])].map((one, index) =>
        describeRendition(KINDS[which % KINDS.length], which < KINDS.length ? index : -1, one),
      ),
    );
  }

  /** Of the media playlist that is followed, or another while that is not known. */
  get #details() {
    return this.#hls.latestLevelDetails ?? this.#hls.levels.find((l) => l.details)?.details;
  }

  /** @returns {boolean | null} null while no media playlist is known */
  live() {
    return this.#details?.live ?? null;
  }

  /**
   * @param {number} kind TrackKind
   * @param {number} from seconds of the player's timeline
   * @param {number} until
   * @returns {import('hls.js').Fragment[]} of the playlist that is followed, what has a part between the two
   */
  fragments(kind, from, until) {
    const { levels, loadLevel, audioTracks, audioTrack, config } = this.#hls;
    const { details } =
      (kind === TrackKind.main ? levels[loadLevel] : audioTracks[audioTrack]) ?? {};
    // Where hls.js loads parts, it does not ask for the whole that they make.
    if (!details || (details.partList && config.lowLatencyMode)) return [];
    return details.fragments.filter(
      ({ start, duration, gap }) => start + duration > from && start < until && !gap,
    );
  }

  /** @returns {Conditions} */
  conditions() {
    // hls.stopLoad() shows in the second, pauseBuffering() in the first; versions before 1.6 tell neither.
    const { config, bufferingEnabled = true, loadingEnabled = true } = this.#hls;
    const { saveData, type } = connection() ?? {};
    const details = this.#details;
    const parts = details ? (details.partList ? Condition.parts : 0) : Condition.noPlaylist;
    const flags =
      (config.lowLatencyMode && (details || config.autoStartLoad !== false) ? parts : 0) |
      (bufferingEnabled && loadingEnabled ? 0 : Condition.loadsNot) |
      (globalThis.document?.hidden ? Condition.hidden : 0) |
      (saveData ? Condition.saveData : 0) |
      (METERED.includes(type) ? Condition.metered : 0);
    return { flags, maxBuffer: config.maxBufferLength };
  }

  /** @returns {Playhead | null} null without a media element */
  playhead() {
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

  /** @param {HTMLMediaElement | null} media */
  #watch(media) {
    if (media === this.#media) return;
    for (const name of MEDIA_EVENTS) this.#media?.removeEventListener(name, this.#moved);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#media = media;
    for (const name of MEDIA_EVENTS) media?.addEventListener(name, this.#moved);
    if (media) this.#moved();
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
    this.#sink.playhead();
  };
}

/** @param {string} url @returns {string} its path up to the last slash, of any host */
const folder = (url) => url.replace(/^\w+:\/\/[^/]*|[?#].*/gs, '').replace(/[^/]*$/, '');

/** @returns {any} what Chromium tells of the connection; undefined elsewhere */
function connection() {
  return /** @type {any} */ (globalThis.navigator)?.connection;
}

/**
 * @param {number} kind
 * @param {number} index
 * @param {any} rendition of hls.js; its own numbers and names are derived, and each of its versions derives others
 * @returns {Rendition}
 */
function describeRendition(kind, index, { attrs = {}, uri, url }) {
  return {
    kind,
    index,
    bitrate: whole(Number(attrs.BANDWIDTH)),
    texts: ATTRIBUTES.map((names) => attrs[names.find((name) => attrs[name]) ?? ''] ?? ''),
    // The rest of a blob's URL is another one in each browser.
    url: (uri ?? url ?? '').replace(/^blob:.*/is, 'blob:'),
  };
}

/** @param {number | undefined} value */
function whole(value) {
  return Number.isFinite(value) ? Math.trunc(/** @type {number} */ (value)) : 0;
}
