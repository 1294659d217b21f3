/**
 * Decides when the engine may be fetched: fetching, compiling or connecting beside the first segment would delay the first frame.
 */

import { HAS_FRAME, follow } from './player.js';

/** @typedef {import('hls.js').default} Hls */

/**
 * The time from the data of the first frame to the frame itself, in milliseconds, for browsers that do not report when it is on
 * the screen.
 */
const SHOWN_MS = 250;

/**
 * The time after the playlist, in milliseconds, if the page requests no segment: it waits for a click, and the engine is there by
 * then. It connects nobody before the first frame.
 */
const IDLE_MS = 3000;

/** The time after the playlist, in milliseconds, if segments are requested and give no frame. */
const LATEST_MS = 15_000;

/**
 * Calls `go` once: when the source's first frame has been shown, or when it will not be shown soon.
 * @param {Hls} hls
 * @param {boolean} fresh the source is being replaced: the element still shows the previous one
 * @param {() => boolean} loads returns true if a segment of the source was requested
 * @param {() => void} go
 * @returns {() => void} cancels it
 */
export function afterFirstFrame(hls, fresh, loads, go) {
  /** @type {HTMLVideoElement | null} */
  let media = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let latest;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let shown;
  let over = false;

  const end = () => {
    over = true;
    clearTimeout(latest);
    clearTimeout(shown);
    leave();
  };
  const done = () => {
    if (over) return;
    end();
    go();
  };
  const loaded = () => {
    shown ??= setTimeout(done, SHOWN_MS);
    media?.requestVideoFrameCallback?.(done);
  };
  // The element may already have a frame: if a source is loaded again, or if nothing shows it.
  const buffered = () => {
    if (!media) done();
    else if (!(media.readyState < HAS_FRAME)) shown ??= setTimeout(done, SHOWN_MS);
  };
  const parsed = () => {
    clearTimeout(latest);
    latest = setTimeout(() => {
      if (!loads()) return done();
      latest = setTimeout(done, LATEST_MS - IDLE_MS);
    }, IDLE_MS);
  };
  const leave = follow(
    hls,
    { hlsManifestParsed: parsed, hlsFragBuffered: buffered },
    { loadeddata: loaded },
    (element) => (media = element),
  );
  if (!fresh) {
    if (hls.levels.length > 0) parsed();
    if (media) buffered();
  }
  return end;
}
