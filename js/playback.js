/** What this viewer went through: the time to the first frame, and stalls, as the media element's events tell. */

import { all, follow } from './player.js';

/** @typedef {import('hls.js').default} Hls */

/** Events after which a stall is over: it plays, or it does not want to. */
const STALL_ENDS = 'playing timeupdate seeking pause ended emptied';

export class PlaybackFigures {
  /** @type {HTMLMediaElement | null} */
  #media = null;
  #began = performance.now();
  /** @type {number | null} */
  #firstFrameMs = null;
  #stalls = 0;
  #stalledMs = 0;
  /** When the stall that lasts began; 0: none. */
  #stalledAt = 0;
  #stalledPosition = 0;

  /** @param {Hls} hls */
  constructor(hls) {
    /** Nothing is counted from then on. */
    this.detach = follow(
      hls,
      { hlsManifestLoading: this.#loading },
      { loadeddata: this.#loaded, waiting: this.#waiting, ...all(STALL_ENDS, this.#moved) },
      (media) => {
        this.#resumed();
        this.#media = media;
      },
    );
  }

  get figures() {
    const lasting = this.#stalledAt && performance.now() - this.#stalledAt;
    return {
      firstFrameMs: this.#firstFrameMs,
      stalls: this.#stalls,
      stalledMs: Math.round(this.#stalledMs + lasting),
    };
  }

  #loading = () => {
    this.#resumed();
    this.#began = performance.now();
    this.#firstFrameMs = null;
  };

  #loaded = () => {
    this.#firstFrameMs ??= Math.round(performance.now() - this.#began);
  };

  // Before the first frame, and after a seek, the viewer waits for what he has asked for: that is no stall.
  #waiting = () => {
    const media = this.#media;
    if (!media?.played.length || media.seeking || media.paused || this.#stalledAt) return;
    this.#stalls++;
    this.#stalledAt = performance.now();
    this.#stalledPosition = media.currentTime;
  };

  #moved = (/** @type {Event} */ { type }) => {
    // The position is also told when playback stops.
    if (type !== 'timeupdate' || this.#media?.currentTime !== this.#stalledPosition)
      this.#resumed();
  };

  #resumed() {
    if (this.#stalledAt) this.#stalledMs += performance.now() - this.#stalledAt;
    this.#stalledAt = 0;
  }
}
