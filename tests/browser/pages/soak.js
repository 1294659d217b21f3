// Counts what a page's players hold: timers, connections, engines, meshes. Loaded before anything it counts, and holds none of
// it itself.
'use strict';

/** Timers that are due. @type {Set<unknown>} */
const timers = new Set();
const global = /** @type {any} */ (globalThis);
for (const [set, clear, once] of /** @type {const} */ ([
  ['setTimeout', 'clearTimeout', true],
  ['setInterval', 'clearInterval', false],
])) {
  const [setIt, clearIt] = [global[set], global[clear]];
  global[set] = (
    /** @type {(...args: any[]) => void} */ run,
    /** @type {number} */ ms,
    /** @type {any[]} */ ...args
  ) => {
    const id = setIt(() => {
      if (once) timers.delete(id);
      run(...args);
    }, ms);
    timers.add(id);
    return id;
  };
  global[clear] = (/** @type {unknown} */ id) => {
    timers.delete(id);
    clearIt(id);
  };
}

/** The living objects of each kind. @type {Record<string, WeakRef<any>[]>} */
const made = { connections: [], engines: [], players: [], meshes: [] };
const { RTCPeerConnection: Connection, WebAssembly: Wasm } = global;
global.RTCPeerConnection = class extends Connection {
  /** @param {any[]} args */
  constructor(...args) {
    super(...args);
    made.connections.push(new WeakRef(this));
  }
};
const { instantiate } = Wasm;
Wasm.instantiate = async (/** @type {any[]} */ ...args) => {
  const instance = await instantiate(...args);
  made.engines.push(new WeakRef(instance.exports.memory));
  return instance;
};

/** @param {string} kind */
const living = (kind) => made[kind].map((ref) => ref.deref()).filter(Boolean);

/** Counts of what has not been collected, or is still at work. */
function census() {
  return {
    timers: timers.size,
    connections: living('connections').filter((c) => c.connectionState !== 'closed').length,
    kept: living('connections').length,
    engines: living('engines').length,
    players: living('players').length,
    meshes: living('meshes').length,
    wasmBytes: living('engines').reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
    videos: document.querySelectorAll('video').length,
  };
}

/**
 * @param {{ src: string, tracker: string, options?: object, config?: object }} what
 * @returns {{ hls: any, mesh: any, video: HTMLVideoElement }}
 */
function start({ src, tracker, options, config }) {
  const { Hls, HlsMesh } = global;
  const video = document.createElement('video');
  video.muted = true;
  // Decoded, not drawn: frames come at 16 times the speed.
  video.style.visibility = 'hidden';
  document.body.append(video);
  const hls = new Hls(config);
  const mesh = HlsMesh.attach(hls, { tracker, iceServers: [], logger: null, ...options });
  made.players.push(new WeakRef(hls));
  made.meshes.push(new WeakRef(mesh));
  hls.loadSource(src);
  hls.attachMedia(video);
  return { hls, mesh, video };
}

/** Plays at `rate` until it is told otherwise. @param {Parameters<typeof start>[0] & { rate: number }} what */
function play(what) {
  const player = start(what);
  player.video.defaultPlaybackRate = player.video.playbackRate = what.rate;
  player.video.play().catch(() => {});
  Object.assign(global, { player });
}

/**
 * A player comes, gets a segment and a peer, and goes.
 * @param {Parameters<typeof start>[0] & { ends: 'detach' | 'destroy' }} what
 */
async function comeAndGo(what) {
  const { hls, mesh, video } = start(what);
  const happens = (/** @type {string} */ event, /** @type {any} */ fields) =>
    new Promise((resolve) => {
      mesh.on(event, (/** @type {any} */ e) => {
        if (Object.entries(fields).every(([key, value]) => e[key] === value)) resolve(undefined);
      });
    });
  await Promise.all([happens('peer', { state: 'opened' }), happens('segment', {})]);
  if (what.ends === 'detach') mesh.detach();
  hls.destroy();
  video.remove();
}

/**
 * Players that come together and stay.
 * @param {Parameters<typeof start>[0]} what
 * @param {number} count
 * @returns {Promise<number[]>} of each, the milliseconds from the tracker's `accept` to its first open connection
 */
function joinTogether(what, count) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { mesh, video } = start(what);
      video.play().catch(() => {});
      const happens = (/** @type {string} */ event, /** @type {string} */ state) =>
        new Promise((resolve) => {
          mesh.on(event, (/** @type {any} */ e) => {
            if (e.state === state) resolve(performance.now());
          });
        });
      const [entered, opened] = await Promise.all([
        happens('tracker', 'connected'),
        happens('peer', 'opened'),
      ]);
      return opened - entered;
    }),
  );
}

Object.assign(global, { census, play, comeAndGo, joinTogether });
