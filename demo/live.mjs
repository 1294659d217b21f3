/**
 * An endless live channel made from a VOD: its segments looped on the wall clock behind a sliding
 * window. Pure functions of the time, so that two origins, or one before and after a restart, agree
 * on every sequence number.
 */

/** @typedef {{ file: string, seconds: number }} VodSegment */
/** @typedef {{ name: string, segments: VodSegment[] }} VodRendition */

// Sequence numbers are counted from here: late enough to stay short in file names.
export const LIVE_EPOCH_MS = Date.UTC(2026, 0, 1);

// Three segments to start behind the edge, as RFC 8216 section 6.3.3 asks of players, and as many
// again for viewers who fall behind.
export const WINDOW_SEGMENTS = 6;

// The segments that a CDN still serves after they have left the playlist: a viewer may request one that an older playlist named.
const GRACE_SEGMENTS = 24;

/**
 * Segments of a VOD media playlist.
 * @param {string} text
 * @returns {VodSegment[]}
 */
export function parseVod(text) {
  const segments = [];
  let seconds = 0;
  for (const line of text.split(/\r?\n/)) {
    const extinf = /^#EXTINF:([\d.]+)/.exec(line);
    if (extinf) seconds = Number(extinf[1]);
    else if (line && !line.startsWith('#')) segments.push({ file: line, seconds });
  }
  return segments;
}

export class LiveChannel {
  /** @type {Map<string, VodRendition>} */
  #renditions;
  #epochMs;
  /** Start of each segment within the loop, and the loop's length last; milliseconds. */
  #startsMs = [0];
  #count;

  /**
   * @param {VodRendition[]} renditions with equal segment durations: keyframes are aligned
   * @param {{ epochMs?: number }} [options]
   */
  constructor(renditions, options = {}) {
    const counts = new Set(renditions.map((rendition) => rendition.segments.length));
    if (counts.size !== 1 || counts.has(0)) {
      throw new Error('a live channel needs renditions with equally many segments');
    }
    this.#renditions = new Map(renditions.map((rendition) => [rendition.name, rendition]));
    this.#epochMs = options.epochMs ?? LIVE_EPOCH_MS;
    this.#count = renditions[0].segments.length;
    for (const { seconds } of renditions[0].segments) {
      this.#startsMs.push(this.#startsMs[this.#startsMs.length - 1] + Math.round(seconds * 1000));
    }
  }

  /** Sequence number of the newest whole segment; negative in the channel's first moments. */
  newest(/** @type {number} */ nowMs) {
    const sinceEpoch = nowMs - this.#epochMs;
    const loopMs = this.#startsMs[this.#count];
    const loop = Math.floor(sinceEpoch / loopMs);
    const within = sinceEpoch - loop * loopMs;
    const running = this.#startsMs.filter((start) => start <= within).length - 1;
    return loop * this.#count + running - 1;
  }

  /** First sequence number in the playlist. */
  oldest(/** @type {number} */ nowMs) {
    return Math.max(0, this.newest(nowMs) - WINDOW_SEGMENTS + 1);
  }

  /**
   * @param {string} name
   * @param {number} nowMs
   * @returns {string | undefined} undefined if the rendition does not exist
   */
  playlist(name, nowMs) {
    const rendition = this.#renditions.get(name);
    if (!rendition) return undefined;
    const first = this.oldest(nowMs);
    const target = Math.ceil(Math.max(...rendition.segments.map((segment) => segment.seconds)));
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      `#EXT-X-TARGETDURATION:${target}`,
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      `#EXT-X-DISCONTINUITY-SEQUENCE:${this.#discontinuitiesBefore(first)}`,
    ];
    for (let sn = first; sn <= this.newest(nowMs); ++sn) {
      const segment = rendition.segments[sn % this.#count];
      if (sn > 0 && sn % this.#count === 0) lines.push('#EXT-X-DISCONTINUITY');
      lines.push(
        `#EXT-X-PROGRAM-DATE-TIME:${new Date(this.#startMs(sn)).toISOString()}`,
        `#EXTINF:${segment.seconds.toFixed(3)},`,
        `${name}_${sn}.ts`,
      );
    }
    return `${lines.join('\n')}\n`;
  }

  /**
   * @param {string} fileName as the playlist spells it
   * @param {number} nowMs
   * @returns {string | undefined} the VOD's file, or undefined if there is no such segment yet, or no longer
   */
  fileOf(fileName, nowMs) {
    const match = /^(.+)_(0|[1-9]\d{0,14})\.ts$/.exec(fileName);
    const rendition = match && this.#renditions.get(match[1]);
    if (!rendition) return undefined;
    const sn = Number(match[2]);
    if (sn > this.newest(nowMs) || sn < this.oldest(nowMs) - GRACE_SEGMENTS) return undefined;
    return rendition.segments[sn % this.#count].file;
  }

  /** @param {number} sn */
  #startMs(sn) {
    const loop = Math.floor(sn / this.#count);
    return this.#epochMs + loop * this.#startsMs[this.#count] + this.#startsMs[sn % this.#count];
  }

  /**
   * The number of EXT-X-DISCONTINUITY tags that have left the playlist. A tag leaves with the segment that follows it (RFC 8216
   * section 6.2.2), so the one before `first` itself is not counted.
   * @param {number} first
   */
  #discontinuitiesBefore(first) {
    return first === 0 ? 0 : Math.floor((first - 1) / this.#count);
  }
}
