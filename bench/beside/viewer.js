/**
 * Plays `src` by hls.js as `by` says: `plain`, `p2p-media-loader` or `hlsmesh`. `globalThis.seen` has what the viewer noticed.
 */

const asked = new URLSearchParams(location.search);
const video = /** @type {HTMLVideoElement} */ (document.getElementById('video'));
const src = String(asked.get('src'));
const tracker = String(asked.get('tracker'));
const { Hls } = /** @type {any} */ (globalThis);

const seen = {
  /** Milliseconds from the page's start. @type {number | null} */
  firstFrame: null,
  stalls: 0,
  stalledMs: 0,
  /** Media that the player was given, bytes. */
  loaded: 0,
  /** Of it what peers brought, as the library says. */
  fromPeers: 0,
  latency: NaN,
  played: 0,
};
globalThis.seen = seen;

/** How each kind of viewer makes its player. @type {Record<string, (config: object) => Promise<any>>} */
const PLAYERS = {
  plain: async (config) => new Hls(config),

  hlsmesh: async (config) => {
    const name = '/dist/hlsmesh.mjs';
    const { HlsMesh } = await import(name);
    const hls = new Hls(config);
    const mesh = HlsMesh.attach(hls, { tracker, iceServers: [], logger: null });
    mesh.on('stats', () => (seen.fromPeers = mesh.stats.p2pBytes));
    return hls;
  },

  'p2p-media-loader': async (config) => {
    const name = 'p2p-media-loader-hlsjs';
    const { HlsJsP2PEngine } = await import(name);
    const WithPeers = HlsJsP2PEngine.injectMixin(Hls);
    return new WithPeers({
      ...config,
      p2p: {
        core: { announceTrackers: [tracker], rtcConfig: { iceServers: [] } },
        onHlsJsCreated: (/** @type {any} */ hls) =>
          hls.p2pEngine.addEventListener(
            'onChunkDownloaded',
            (/** @type {number} */ bytes, /** @type {string} */ source) => {
              if (source === 'p2p') seen.fromPeers += bytes;
            },
          ),
      },
    });
  },
};

const hls = await PLAYERS[String(asked.get('by'))]({ startLevel: 0 });
// All viewers play the lowest rendition, so that the kinds are compared by the same media.
hls.on(Hls.Events.MANIFEST_PARSED, () => (hls.autoLevelCapping = 0));
hls.on(Hls.Events.FRAG_LOADED, (/** @type {any} */ _, /** @type {any} */ { frag }) => {
  seen.loaded += frag.stats.loaded;
});
video.requestVideoFrameCallback(() => (seen.firstFrame = performance.now()));
let waitingSince = NaN;
video.addEventListener('waiting', () => {
  if (seen.firstFrame !== null) waitingSince = performance.now();
});
video.addEventListener('playing', () => {
  if (!Number.isNaN(waitingSince)) {
    ++seen.stalls;
    seen.stalledMs += performance.now() - waitingSince;
  }
  waitingSince = NaN;
});
setInterval(() => {
  seen.latency = hls.latency;
  seen.played = video.currentTime;
}, 250);
hls.loadSource(src);
hls.attachMedia(video);
void video.play();
