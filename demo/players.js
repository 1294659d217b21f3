/**
 * The players to choose from. All of them play through hls.js as the page has it: it is given to them, or they are put around its
 * element.
 */

/**
 * @typedef {object} Mounted
 * @property {any} hls
 * @property {HTMLVideoElement} video
 * @property {(source: string) => void} load makes it play; to be called once the mesh is attached
 */

/** @typedef {(screen: HTMLElement, Hls: any, config: object) => Promise<Mounted>} Mount */

/** @type {Record<string, Mount>} */
const PLAYERS = {
  'hls.js': async (screen, Hls, config) => ownPlayer(screen, Hls, config),
  Plyr: async (screen, Hls, config) => {
    style('/vendor/plyr/plyr.css');
    const { default: Plyr } = await import(at('/vendor/plyr/plyr.min.mjs'));
    return ownPlayer(screen, Hls, config, (video) => {
      new Plyr(video, {
        iconUrl: '/vendor/plyr/plyr.svg',
        muted: true,
        storage: { enabled: false },
      });
    });
  },
  'Media Chrome': async (screen, Hls, config) => {
    await import(at('/vendor/media-chrome/index.js'));
    return ownPlayer(screen, Hls, config, (video) => {
      const controller = document.createElement('media-controller');
      Object.assign(video, { controls: false, slot: 'media' });
      video.replaceWith(controller);
      const bar = document.createElement('media-control-bar');
      for (const name of ['play-button', 'mute-button', 'time-range', 'time-display'])
        bar.append(document.createElement(`media-${name}`));
      controller.append(video, bar);
    });
  },
  'Video.js': async (screen, Hls, config) => {
    style('/vendor/video.js/video-js.min.css');
    await script('/vendor/video.js/video.min.js');
    return ownPlayer(screen, Hls, config, (video) => {
      video.className = 'video-js';
      // Without a source of its own, it shows what hls.js gives the element.
      /** @type {any} */ (window).videojs(video, { controls: true, fill: true, muted: true });
    });
  },
  Vidstack: async (screen, Hls, config) => {
    // With the browser's controls: its own need icons from a CDN.
    await import(at('/vendor/vidstack.js'));
    const player = /** @type {any} */ (document.createElement('media-player'));
    Object.assign(player, { muted: true, autoPlay: true, playsInline: true, controls: true });
    player.append(document.createElement('media-provider'));
    player.addEventListener('provider-change', (/** @type {any} */ { detail }) => {
      if (detail?.type === 'hls') Object.assign(detail, { library: Hls, config });
    });
    screen.querySelector('video')?.remove();
    screen.prepend(player);
    // It makes its instance when it gets a source, and says so before the instance has one.
    return new Promise((resolve) => {
      player.addEventListener('hls-instance', (/** @type {any} */ { detail: hls }) => {
        resolve({ hls, video: player.querySelector('video'), load() {} });
      });
      player.src = {
        src: /** @type {any} */ (config).source,
        type: 'application/vnd.apple.mpegurl',
      };
    });
  },
};

export const PLAYER_NAMES = Object.keys(PLAYERS);

/**
 * @param {string} name one that is not known means hls.js with the browser's controls
 * @param {HTMLElement} screen where the video is
 * @param {any} Hls
 * @param {object} config of hls.js, with the `source` to be played
 * @returns {Promise<Mounted>}
 */
export const mountPlayer = (name, screen, Hls, config) =>
  (PLAYERS[name] ?? PLAYERS['hls.js'])(screen, Hls, config);

/**
 * @param {HTMLElement} screen
 * @param {any} Hls
 * @param {object} config
 * @param {(video: HTMLVideoElement) => void} [dress] puts a player around the element, which has its hls.js by then
 * @returns {Mounted}
 */
function ownPlayer(screen, Hls, config, dress) {
  const video = /** @type {HTMLVideoElement} */ (screen.querySelector('video'));
  const hls = new Hls(config);
  return {
    hls,
    video,
    load(source) {
      hls.loadSource(source);
      hls.attachMedia(video);
      dress?.(video);
    },
  };
}

/** No module of this project. @param {string} path */
const at = (path) => path;

/** @param {string} href */
function style(href) {
  document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href }));
}

/** @param {string} src */
function script(src) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    Object.assign(element, {
      src,
      onload: resolve,
      onerror: () => reject(new Error(`${src} is not there`)),
    });
    document.head.append(element);
  });
}
