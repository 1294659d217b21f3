// Records the playback of a test page: every fragment with its digest, every moment without progress, every error. Left to
// itself it stays at the lowest rendition, so that two cores can decode every viewer. The page
// address says what to play: ?src=<playlist>&tracker=<ws url>, and for special cases &options=<JSON of attach options>,
// &config=<JSON of hls.js configuration>, &plain=1 (hls.js alone), &late=1 (attach after loadSource) and &recover=1
// (recoverMediaError() after each fatal media error), &detached=1 (no media element: the test attaches it).
'use strict';

/**
 * @typedef {object} Seen
 * @property {{ sn: number, url: string, type: string, from: number, to: number, bytes: number, at: number, sha256?: string }[]} fragments
 *   `to`: 0 for a whole file
 * @property {{ type?: string, details: string, fatal?: boolean, reason?: string }[]} errors
 * @property {Record<string, any>[]} events of the mesh
 * @property {{ at: number, ms: number }[]} stalls
 * @property {number | null} firstFrameMs
 * @property {number | null} shownMs when the browser put the first frame on the screen
 * @property {number} startedAt
 */

// Longer than a frame at any rate we use, shorter than any stall that a viewer would notice.
const STALL_MS = 400;

// Seconds of media below which a decoder waits for more: some frames, and what audio needs beyond them.
const LEAST_BUFFER = 0.2;

// No busy machine holds a picture for that long.
const FROZEN_MS = 3000;

/** @param {any} Hls @param {any} HlsMesh @param {object} [more] attach options that JSON cannot carry */
function watch(Hls, HlsMesh, more) {
  const query = new URLSearchParams(location.search);
  const video = /** @type {HTMLVideoElement} */ (document.getElementById('video'));
  /** @type {Seen} */
  const record = {
    fragments: [],
    errors: [],
    events: [],
    stalls: [],
    firstFrameMs: null,
    shownMs: null,
    startedAt: performance.now(),
  };
  const player = new Hls(JSON.parse(query.get('config') ?? '{}'));
  const options = {
    tracker: query.get('tracker'),
    // Host candidates are enough on one machine; nothing leaves it.
    iceServers: [],
    ...JSON.parse(query.get('options') ?? '{}'),
    ...more,
  };

  player.on(Hls.Events.ERROR, (/** @type {any} */ _name, /** @type {any} */ data) => {
    const { type, details, fatal, reason, error } = data;
    record.errors.push({ type, details, fatal, reason: reason ?? error?.message });
    if (query.has('recover') && fatal && type === 'mediaError') {
      player.recoverMediaError();
      video.play().catch(() => {});
    }
  });

  const attach = () => {
    globalThis.mesh = HlsMesh.attach(player, options);
    for (const name of ['tracker', 'peer', 'segment', 'fallback', 'warning', 'fatal']) {
      mesh.on(name, (/** @type {any} */ event) => {
        record.events.push({ name, at: performance.now(), ...plain(event) });
      });
    }
  };

  // loadSource() takes the cap away.
  player.on(Hls.Events.MANIFEST_PARSED, () => (player.autoLevelCapping = 0));
  if (!query.has('plain') && !query.has('late')) attach();
  if (!query.has('late')) watchLoads(player, record);
  player.loadSource(query.get('src'));
  if (!query.has('detached')) player.attachMedia(video);
  if (query.has('late')) player.once(Hls.Events.MANIFEST_PARSED, attach);
  video.play().catch((error) => {
    record.errors.push({ details: 'play() refused', reason: String(error) });
  });

  // The first frame is shown; the others are decoded and not drawn, which halves what a viewer costs the machine.
  video.requestVideoFrameCallback?.((now) => {
    record.shownMs = now - record.startedAt;
    video.style.visibility = 'hidden';
  });
  watchProgress(video, record);
  Object.assign(globalThis, { hls: player, seen: record });
}

/**
 * Digests of what the fragment loader hands to hls.js, taken before hls.js transfers it to its worker.
 * @param {any} player
 * @param {Seen} record
 */
function watchLoads(player, record) {
  const Loader = player.config.fLoader ?? player.config.loader;
  player.config.fLoader = class extends Loader {
    /** @param {any} context @param {any} config @param {any} callbacks */
    load(context, config, callbacks) {
      globalThis.loadingNow = context.url;
      super.load(context, config, {
        ...callbacks,
        onSuccess: async (/** @type {any[]} */ ...answer) => {
          const { frag } = context;
          const copy = answer[0].data.slice(0);
          const { rangeStart: from = 0, rangeEnd: to = 0 } = context;
          const { sn, url, type } = frag;
          const fragment = {
            at: Date.now(),
            sn,
            url,
            type,
            from,
            to,
            bytes: copy.byteLength,
          };
          record.fragments.push(fragment);
          callbacks.onSuccess(...answer);
          const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', copy));
          const sha256 = Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
          Object.assign(fragment, { sha256 });
        },
      });
      globalThis.loadingNow = '';
    }
  };
}

/**
 * A stall is wall time during which a started video did not advance because nothing was buffered ahead of it. A picture that
 * stands still with media at hand is a busy machine, and no load's fault, unless it does so for seconds.
 * @param {HTMLVideoElement} video
 * @param {Seen} record
 */
function watchProgress(video, record) {
  let position = 0;
  let starved = false;
  /** @type {number | null} */
  let movedAt = null;
  setInterval(() => {
    const now = performance.now();
    if (video.currentTime === position) {
      starved ||= bufferedAhead(video) < LEAST_BUFFER;
      return;
    }
    if (movedAt === null) {
      if (video.videoWidth === 0) return;
      record.firstFrameMs = now - record.startedAt;
    } else if (now - movedAt > (starved ? STALL_MS : FROZEN_MS)) {
      record.stalls.push({ at: position, ms: Math.round(now - movedAt) });
    }
    position = video.currentTime;
    movedAt = now;
    starved = false;
  }, 50);
}

/**
 * @param {HTMLVideoElement} video
 * @returns {number} seconds
 */
function bufferedAhead({ buffered, currentTime }) {
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) {
      return buffered.end(i) - currentTime;
    }
  }
  return 0;
}

/** @param {Record<string, any>} event */
function plain(event) {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => [
      key,
      value instanceof Error ? value.message : value,
    ]),
  );
}
