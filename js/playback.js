/** Measures this viewer's playback by the media element's events: the time to the first frame, and stalls. */

import { all, follow } from './player.js';

/** @typedef {import('hls.js').default} Hls */

/** Events that end a stall: the element plays, or was told not to. */
const STALL_ENDS = 'playing timeupdate seeking pause ended emptied';

export class PlaybackFigures {
  /** @type {HTMLMediaElement | null} */
  #media = null;
  #began = performance.now();
  /** @type {number | null} */
  #firstFrameMs = null;
  #stalls = 0;
  #stalledMs = 0;
  /** The time at which the current stall began; 0: none. */
  #stalledAt = 0;
  #stalledPosition = 0;

  /** @param {Hls} hls */
  constructor(hls) {
    /** Nothing is counted after this. */
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

  // Before the first frame, and after a seek, the viewer expects to wait: that is no stall.
  #waiting = () => {
    const media = this.#media;
    if (!media?.played.length || media.seeking || media.paused || this.#stalledAt) return;
    this.#stalls++;
    this.#stalledAt = performance.now();
    this.#stalledPosition = media.currentTime;
  };

  #moved = (/** @type {Event} */ { type }) => {
    // The position is also reported when playback stops.
    if (type !== 'timeupdate' || this.#media?.currentTime !== this.#stalledPosition)
      this.#resumed();
  };

  #resumed() {
    if (this.#stalledAt) this.#stalledMs += performance.now() - this.#stalledAt;
    this.#stalledAt = 0;
  }
}
