/** What a viewer feels, measured in the same way with hlsmesh and without: the first frame, stalls, the distance from the live edge. */
export class Playback {
  #hls;
  #begun = performance.now();
  #stalledAt = 0;
  #stalledMs = 0;
  /** @type {number | null} */
  firstFrameMs = null;
  stalls = 0;

  /**
   * @param {any} hls
   * @param {HTMLVideoElement} video about to load
   */
  constructor(hls, video) {
    this.#hls = hls;
    video.addEventListener('loadeddata', () => {
      this.firstFrameMs ??= performance.now() - this.#begun;
    });
    video.addEventListener('waiting', () => {
      if (!video.played.length || video.seeking || video.paused || this.#stalledAt) return;
      this.stalls++;
      this.#stalledAt = performance.now();
    });
    for (const name of ['playing', 'timeupdate', 'seeking', 'pause', 'ended']) {
      video.addEventListener(name, () => {
        this.#stalledMs = this.stalledMs;
        this.#stalledAt = 0;
      });
    }
  }

  get stalledMs() {
    return this.#stalledMs + (this.#stalledAt && performance.now() - this.#stalledAt);
  }

  /** Seconds behind the live edge; null for a video. */
  get latency() {
    const live =
      this.#hls.latestLevelDetails?.live ?? this.#hls.levels[this.#hls.currentLevel]?.details?.live;
    return live && this.#hls.latency > 0 ? this.#hls.latency : null;
  }
}
