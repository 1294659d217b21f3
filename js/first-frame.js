/** When the engine may come: fetched, compiled or connecting beside the first segment, it makes the first frame later. */

import { follow } from './player.js';

/** @typedef {import('hls.js').default} Hls */

/** HTMLMediaElement.HAVE_CURRENT_DATA: there is a frame at the playhead. */
const HAS_FRAME = 2;

/** From the data of the first frame to the frame itself, where the browser does not say when it is on the screen, in milliseconds. */
const SHOWN_MS = 250;

/** After the playlist, where the page asks for no segment: it waits for a click, and peers may be there by then. */
const IDLE_MS = 3000;

/** After the playlist, where segments are asked for and no frame comes of them. */
const LATEST_MS = 15_000;

/**
 * Calls `go` once, when the source's first frame has been shown, or will not be soon.
 * @param {Hls} hls
 * @param {boolean} fresh its source is being replaced: what its element shows is still the one before
 * @param {() => boolean} loads whether a segment of the source was asked for
 * @param {() => void} go
 * @returns {() => void} calls it off
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
  // The element may have had its frame all along: where a source is loaded anew, or shown by nothing.
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
