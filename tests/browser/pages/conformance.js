// Plays what a test says and reports what came of it: with hls.js alone, or with a mesh, by the same steps. Several players may
// run at once; each has its own video element.
'use strict';

const { Hls, HlsMesh } = /** @type {any} */ (globalThis);

/**
 * @typedef {object} Play
 * @property {string} src
 * @property {'plain' | 'mesh'} with
 * @property {object} [options] of attach
 * @property {string} [room] players of one room and one playlist share
 * @property {object} [config] of hls.js
 * @property {number} [level] held all the time
 * @property {number} [rate] of playback
 * @property {number} [endAt] seconds, when that comes before the end of the stream
 * @property {number} [nearEdge] ends no sooner than the player is as near to the live edge as hls.js wants it to be, in seconds
 * @property {string} [script] what is done to the player, by its name in `scripts`
 * @property {string} [next] another source, for scripts that change it
 * @property {boolean} [afterPeer] loads nothing before a parent is connected
 * @property {'even'} [shares] only segments of even numbers; everything when absent
 */

/** @typedef {{ hls: any, mesh: any, video: HTMLVideoElement, result: any, play: Play }} Player */

/** @type {Map<string, Player[]>} */
const held = new Map();

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {() => any} condition @param {string} what */
async function until(condition, what, ms = 30_000) {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come`);
    await pause(20);
  }
}

/**
 * Stands for a frame of before, without which nobody is connected.
 * @param {HTMLVideoElement} video
 */
const pretendFrame = (video) =>
  Object.defineProperty(video, 'readyState', { value: 2, configurable: true });

/** Loads, once there is a parent. @param {Player} player @param {number} [at] */
function loadAtLast({ hls, video }, at) {
  Reflect.deleteProperty(video, 'readyState');
  hls.startLoad(at);
}

/** @param {Play} play @returns {Player} */
function open(play) {
  const video = document.createElement('video');
  video.muted = true;
  // Decoded, not drawn: four of these play at once.
  video.style.visibility = 'hidden';
  video.width = 192;
  document.body.append(video);
  if (play.afterPeer) pretendFrame(video);
  const hls = new Hls({
    startLevel: play.level ?? 0,
    autoStartLoad: !play.afterPeer,
    ...play.config,
  });
  const result = {
    /** Loads that began, by what they are of. @type {string[]} */
    asked: [],
    /** Loads that ended well: which bytes, and their digest. @type {any[]} */
    loads: [],
    /** @type {string[]} */
    errors: [],
    /** Why the errors came. @type {string[]} */
    reasons: [],
    /**
     * Errors of fragments that hls.js never asked for. While its worker takes a fragment apart, the playlist of another pathway may
     * come; hls.js then looks for the media in that playlist's fragment of the same number, and finds none.
     * @type {string[]}
     */
    misplaced: [],
    /** @type {any[]} */
    segments: [],
    /** @type {string[]} */
    warnings: [],
    /** @type {Record<string, number>} */
    levels: {},
    /** hls.js's report on each segment, in order. @type {{ sn: number, level: number, estimate: number }[]} */
    history: [],
    /** What hls.js says of segments, in order. @type {string[]} */
    story: [],
    /** @type {string[]} */
    cues: [],
    /** Status codes of loads that failed. @type {number[]} */
    codes: [],
    timeouts: 0,
    /** The number of loads of which bytes came before the answer. */
    pieces: 0,
    peers: 0,
    /** The number of times that a tracker was reached. */
    trackers: 0,
    /** Answers with another stats or context object than hls.js holds. */
    foreign: 0,
  };
  /** URLs that hls.js asked for. @type {Set<string>} */
  const asked = new Set();
  hls.on(Hls.Events.ERROR, (/** @type {any} */ _, /** @type {any} */ data) => {
    const error = `${data.type} ${data.details}${data.fatal ? ' fatal' : ''}`;
    const { details, frag, reason, response } = data;
    const said = response && `${response.code} ${response.text}`;
    result.story.push(`${error} ${frag?.sn}: ${data.error?.message}; ${said}`);
    result.reasons.push(`${details}: ${reason ?? data.error?.message} ${frag?.url ?? ''}`);
    const misplaced = details === 'fragParsingError' && !data.fatal && !asked.has(frag?.url);
    if (misplaced) result.misplaced.push(`${error} ${frag?.sn}`);
    else result.errors.push(error);
  });
  for (const name of ['LOADING', 'LOADED', 'LOAD_EMERGENCY_ABORTED', 'PARSED', 'BUFFERED']) {
    hls.on(Hls.Events[`FRAG_${name}`], (/** @type {any} */ _, /** @type {any} */ { frag }) => {
      result.story.push(`${name} ${frag.sn}`);
    });
  }
  hls.on(Hls.Events.FRAG_BUFFERED, (/** @type {any} */ _, /** @type {any} */ { frag }) => {
    result.levels[`${frag.type} ${frag.sn}`] = frag.level;
    result.history.push({ sn: frag.sn, level: frag.level, estimate: hls.bandwidthEstimate });
  });
  if (play.level !== undefined) {
    hls.on(Hls.Events.MANIFEST_PARSED, () => (hls.loadLevel = play.level));
  }
  let mesh = null;
  if (play.with === 'mesh') {
    mesh = HlsMesh.attach(hls, {
      iceServers: [],
      logger: null,
      channel: (/** @type {string} */ url) => `${play.room} ${url.replace(/\?.*/, '')}`,
      ...(play.shares && {
        segmentId: (/** @type {{ sn: number }} */ { sn }) => (sn % 2 ? null : undefined),
      }),
      ...play.options,
    });
    mesh.on('segment', (/** @type {any} */ { url, source, bytes }) =>
      result.segments.push({ file: new URL(url).pathname.split('/').pop(), source, bytes }),
    );
    mesh.on('tracker', (/** @type {any} */ { state }) => {
      if (state === 'connected') result.trackers++;
    });
    mesh.on('peer', (/** @type {any} */ { state, role }) => {
      if (state === 'opened' && role === 'parent') result.peers++;
    });
    for (const name of ['warning', 'fatal']) {
      mesh.on(name, (/** @type {any} */ event) =>
        result.warnings.push(
          `${name} ${event.code ?? ''} ${event.message ?? event.error?.message}`,
        ),
      );
    }
  }
  watchLoads(hls, result, asked);
  hls.loadSource(play.src);
  hls.attachMedia(video);
  return { hls, mesh, video, result, play };
}

/**
 * Digests of what each load gave, whole or piece by piece.
 * @param {any} hls
 * @param {any} result
 * @param {Set<string>} asked
 */
function watchLoads(hls, result, asked) {
  const Loader = hls.config.fLoader ?? hls.config.loader;
  hls.config.fLoader = class extends Loader {
    /** @param {any} context @param {any} config @param {any} callbacks */
    load(context, config, callbacks) {
      const { url, rangeStart, rangeEnd, frag, part } = context;
      const file = new URL(url).pathname.split('/').pop();
      const host = new URL(url).hostname;
      result.asked.push(file);
      asked.add(url);
      /** @type {Uint8Array[]} */
      const pieces = [];
      const copy = (/** @type {ArrayBuffer} */ data) => pieces.push(new Uint8Array(data.slice(0)));
      const { onProgress, onSuccess, onError, onTimeout } = callbacks;
      const stats = this.stats;
      if (onProgress) {
        callbacks.onProgress = (/** @type {any[]} */ ...args) => {
          copy(args[2]);
          result.pieces++;
          onProgress(...args);
        };
      }
      callbacks.onError = (/** @type {any[]} */ ...args) => {
        result.codes.push(args[0].code);
        onError(...args);
      };
      callbacks.onTimeout = (/** @type {any[]} */ ...args) => {
        result.timeouts++;
        onTimeout(...args);
      };
      callbacks.onSuccess = (/** @type {any[]} */ ...args) => {
        // hls.js 1.4 and 1.5 always listen for pieces.
        if (!pieces.length) copy(args[0].data);
        if (args[1] !== stats || (part ?? frag).stats !== stats) result.foreign++;
        if (args[2] !== context) result.foreign++;
        const load = { file, host, rangeStart, rangeEnd, type: frag.type, sn: frag.sn };
        result.loads.push(load);
        onSuccess(...args);
        new Blob(/** @type {any[]} */ (pieces))
          .arrayBuffer()
          .then((data) => crypto.subtle.digest('SHA-256', data))
          .then((digest) => {
            const hex = Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0'));
            Object.assign(load, { sha256: hex.join('') });
          });
      };
      return super.load(context, config, callbacks);
    }
  };
}

/** @param {HTMLVideoElement} video @param {number} time */
const reaches = (video, time) => until(() => video.currentTime >= time, `second ${time}`);

/** The actions of the tests on a player. @type {Record<string, (player: Player) => Promise<unknown> | void>} */
const scripts = {
  async switches({ hls, video }) {
    for (let i = 0; i < 8; i++) {
      hls.loadLevel = i % 2;
      await pause(150);
    }
    await reaches(video, 3);
    hls.nextLevel = 1;
    await reaches(video, 6);
    hls.currentLevel = 0;
    await pause(100);
    hls.currentLevel = 1;
  },
  async flips({ hls, video }) {
    for (let i = 0; i < 30 && !video.ended; i++) {
      hls.nextLevel = i % 2;
      await pause(60);
    }
  },
  async recovers({ hls, video }) {
    for (let i = 0; i < 3; i++) {
      let loading = false;
      hls.once(Hls.Events.FRAG_LOADING, () => (loading = true));
      await until(() => loading, 'a load');
      await pause(30);
      hls.recoverMediaError();
      video.play().catch(() => {});
      await pause(700);
    }
  },
  async seeks({ video }) {
    for (const time of [9, 1, 9.5, 0.5, 8.5, 1.5, 9, 1, 8, 0, 9, 0.2]) {
      video.currentTime = time;
      await pause(100);
    }
  },
  async back({ video }) {
    await reaches(video, 14);
    video.currentTime = 8;
  },
  /** To another host, between the media of segment 2 and the worker's word that there is no more of it. */
  moves({ hls }) {
    const { BUFFER_APPENDING, FRAG_LOADING, LEVEL_UPDATED } = Hls.Events;
    const loading = (/** @type {any} */ _, /** @type {any} */ { frag }) => {
      if (frag.sn !== 2) return;
      hls.off(FRAG_LOADING, loading);
      const { transmuxer } = hls.streamController;
      const flush = transmuxer.flush.bind(transmuxer);
      transmuxer.flush = (/** @type {any} */ chunk) => {
        delete transmuxer.flush;
        hls.once(LEVEL_UPDATED, () => setTimeout(flush, 0, chunk));
      };
    };
    const appending = (/** @type {any} */ _, /** @type {any} */ { frag }) => {
      if (frag.sn !== 2) return;
      hls.off(BUFFER_APPENDING, appending);
      hls.pathwayPriority = ['two', 'one'];
    };
    hls.on(FRAG_LOADING, loading);
    hls.on(BUFFER_APPENDING, appending);
  },
  async languages({ hls, video }) {
    await reaches(video, 2);
    hls.audioTrack = 1;
    await reaches(video, 6);
    hls.audioTrack = 0;
    await pause(30);
    hls.audioTrack = 1;
  },
  async stops({ hls, video }) {
    for (const time of [0.5, 2, 4]) {
      await reaches(video, time);
      hls.stopLoad();
      await pause(150);
      hls.startLoad();
      await pause(50);
      hls.stopLoad();
      hls.startLoad(-1);
    }
  },
  async recover({ hls, video }) {
    await reaches(video, 3);
    hls.recoverMediaError();
    await video.play().catch(() => {});
  },
  async swap({ hls, video }) {
    await reaches(video, 3);
    hls.swapAudioCodec();
    hls.recoverMediaError();
    await video.play().catch(() => {});
  },
  async reload(player) {
    const { hls, video, play, result } = player;
    await reaches(video, 1);
    const { peers } = result;
    if (play.afterPeer) pretendFrame(video);
    hls.loadSource(play.next);
    if (play.afterPeer) {
      await until(() => result.peers > peers, 'a parent in the next channel', 15_000);
      loadAtLast(player);
    }
    await until(() => video.currentTime < 1 && video.readyState > 2, 'the next source');
    await video.play().catch(() => {});
  },
};

/** Plays to the end. @param {Play} play */
async function conform(play) {
  const player = open(play);
  const { hls, mesh, video, result } = player;
  hls.on(Hls.Events.CUES_PARSED, (/** @type {any} */ _, /** @type {any} */ { cues }) => {
    for (const { text } of cues) if (!result.cues.includes(text)) result.cues.push(text);
  });
  try {
    if (play.afterPeer) {
      await until(() => result.peers > 0 && hls.levels.length > 0, 'a parent', 15_000);
      loadAtLast(player, hls.config.startPosition);
    }
    const rate = play.rate ?? 4;
    video.defaultPlaybackRate = video.playbackRate = rate;
    await video.play().catch(() => {});
    if (play.script) await scripts[play.script](player);
    const { endAt = Infinity } = play;
    await until(() => video.ended || video.currentTime >= endAt, 'the end');
    const { nearEdge = Infinity } = play;
    await until(() => hls.latency - hls.targetLatency < nearEdge, 'the live edge');
  } catch (error) {
    result.failure = `${/** @type {Error} */ (error).message}; ${describe(player)}`;
  }
  return finish(player, mesh);
}

/** Describes the state of a player that made no progress. @param {Player} player */
function describe({ hls, video, result }) {
  const { streamController: main } = hls;
  const ranges = Array.from(
    { length: video.buffered.length },
    (_, i) => `${video.buffered.start(i)}-${video.buffered.end(i)}`,
  );
  const { currentTime, duration, readyState, paused, seeking, error } = video;
  return JSON.stringify({
    ...{ currentTime, duration, readyState, paused, seeking, error: error?.message, ranges },
    ...{ state: main.state, loading: main.fragCurrent?.relurl, next: main.nextLoadPosition },
    ...{ playlists: hls.levels.map((/** @type {any} */ l) => l.details?.fragments.length ?? null) },
    ...{ asked: result.asked, loads: result.loads.map((/** @type {any} */ l) => l.file) },
    ...{ buffered: result.levels, peers: result.peers, segments: result.segments.length },
    ...{ errors: result.errors, reasons: result.reasons, warnings: result.warnings },
  });
}

/** @param {Player} player @param {any} mesh */
async function finish({ hls, video, result }, mesh) {
  await until(() => result.loads.every((/** @type {any} */ l) => l.sha256), 'the digests');
  const stats = mesh ? { ...mesh.stats } : null;
  const summary = {
    ...result,
    stats,
    ended: video.ended,
    currentTime: video.currentTime,
    duration: video.duration,
    picture: [video.videoWidth, video.videoHeight],
  };
  hls.destroy();
  video.remove();
  return summary;
}

/**
 * Loads a whole stream, every level that is named, and keeps it for the others of its room until release().
 * @param {Play & { room: string, levels?: number[], plays?: boolean }} play
 */
async function hold(play) {
  const config = { maxBufferLength: 600, maxMaxBufferLength: 600, ...play.config };
  const [first, ...others] = play.levels ?? [play.level ?? 0];
  const player = open({ ...play, level: first, config });
  held.set(play.room, [...(held.get(play.room) ?? []), player]);
  const { hls, video, result } = player;
  if (play.plays) {
    await video.play().catch(() => {});
    await until(() => video.currentTime > 0, 'the first frame');
    return;
  }
  const loaded = (/** @type {number} */ level) => {
    const { details } = hls.levels[level] ?? {};
    const { buffered, duration } = video;
    const have = Object.entries(result.levels).filter(
      ([key, l]) => key.startsWith('main') && l === level,
    );
    return (
      details &&
      buffered.length > 0 &&
      buffered.end(buffered.length - 1) > duration - 0.3 &&
      have.length >= details.fragments.length
    );
  };
  try {
    await until(() => loaded(first), `level ${first}`);
    // Only with nothing under way: an hls.js whose level is set while it takes its very first segment apart drops the init
    // segment it had made, and appends without one for ever.
    for (const level of others) {
      hls.currentLevel = level;
      await until(() => loaded(level), `level ${level}`);
    }
  } catch (error) {
    throw new Error(`${/** @type {Error} */ (error).message}; ${describe(player)}`);
  }
}

/** @param {string} room */
async function release(room) {
  const players = /** @type {Player[]} */ (held.get(room));
  held.delete(room);
  return Promise.all(players.map((player) => finish(player, player.mesh)));
}

Object.assign(globalThis, { conform, hold, release });
