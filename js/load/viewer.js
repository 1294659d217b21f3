/** The page of one viewer of `hlsmesh-load`, a plain script: its address says what it plays. */

(() => {
  const asked = new URLSearchParams(location.search);
  const video = /** @type {HTMLVideoElement} */ (document.querySelector('video'));
  const { Hls, HlsMesh } = /** @type {any} */ (globalThis);
  /** @type {Map<string, [string, number]>} */
  const segments = new Map();
  /** @type {string[]} */
  const warnings = [];
  let [failure, shownAt] = ['', 0];

  const hls = new Hls(JSON.parse(asked.get('config') ?? '{}'));
  const mesh = HlsMesh.attach(hls, {
    tracker: asked.get('tracker'),
    logger: null,
    ...JSON.parse(asked.get('options') ?? '{}'),
  });
  mesh.on('segment', (/** @type {{ url: string, bytes: number }} */ { url, bytes }) => {
    const name = url.split(/[?#]/, 1)[0];
    segments.set(`${name} ${bytes}`, [name, bytes]);
  });
  mesh.on('warning', (/** @type {{ code: string }} */ { code }) => warnings.push(code));
  hls.on(Hls.Events.ERROR, (/** @type {string} */ _, /** @type {any} */ { fatal, details }) => {
    if (fatal) failure ||= details;
  });
  video.addEventListener('loadeddata', () => (shownAt ||= performance.now()));
  hls.loadSource(asked.get('src'));
  hls.attachMedia(video);
  video.play().catch((error) => (failure ||= String(error)));

  Object.assign(globalThis, {
    /** @returns {import('./report.js').Seen} */
    seen: () => ({
      stats: mesh.stats,
      watched: shownAt && (performance.now() - shownAt) / 1000,
      segments: [...segments.values()],
      warnings,
      failure,
    }),
  });
})();
