/** Reports what hls.js and the media element made of the segments that they got. */

import { asked } from './fragments.js';
import { all, follow } from './player.js';

/** @typedef {import('hls.js').default} Hls */
/** @typedef {import('hls.js').Fragment} Fragment */

/**
 * @callback VerdictSink
 * @param {object | null} answer null: the media element could not decode its data around `seconds` of the timeline
 * @param {number} seconds of media found in the answer; negative: it was refused
 */

/** hls.js's `details` of errors that are about a fragment's bytes. */
const OF_BYTES = /^(fragP|fragDec|remuxAl|bufferAppend|mediaSourceReq)/;

/** MediaError.MEDIA_ERR_DECODE */
const DECODE_ERROR = 3;

/**
 * Messages of decode errors that are about an append, for which hls.js's own error names the fragment: Chromium's
 * CHUNK_DEMUXER_ERROR_APPEND_FAILED, Firefox's NS_ERROR_DOM_MEDIA_DEMUXER_ERR.
 */
const OF_APPEND = /demuxer/i;

/** Messages about subtitles that cannot be placed yet; their bytes may be good. */
const OF_TIMING = /initPTS|discontinuity/i;

export class Verdicts {
  #hls;
  #tell;
  /** @type {HTMLMediaElement | null} */
  #media = null;
  /** @type {MediaError | null} the error that was already reported */
  #told = null;
  /** True if the element is not paused, or was not until it failed: Chromium pauses it then. */
  #plays = false;
  /** True if hls.js has stopped for good since the element was attached. */
  #stopped = false;
  /**
   * @param {Hls} hls
   * @param {VerdictSink} tell
   */
  constructor(hls, tell) {
    this.#hls = hls;
    this.#tell = tell;
    /** Nothing is reported after this. */
    this.detach = follow(
      hls,
      {
        hlsError: (data) => this.#failed(data),
        hlsFragBuffered: (data) => data?.frag && this.#buffered(data.frag, data.part),
        hlsSubtitleFragProcessed: (data) => this.#subtitles(data),
      },
      all('play pause error', () => this.#look()),
      (media) => {
        this.#look();
        this.#media = media;
        this.#stopped = false;
        this.#look();
      },
    );
  }

  /** Brings back a player that has failed, unless the page or hls.js does so immediately. */
  recover() {
    setTimeout(() => {
      const media = this.#media;
      const plays = this.#plays;
      if (!media || !(media.error || this.#stopped)) return;
      this.#hls.recoverMediaError();
      if (plays) media.play()?.catch(() => {});
    });
  }

  /** @param {import('hls.js').ErrorData} data */
  #failed({ details, frag, part, chunkMeta, error, fatal }) {
    this.#stopped ||= fatal;
    // hls.js may detach the element before the element's own event comes.
    this.#look();
    if (!frag || !OF_BYTES.test(details)) return;
    if (chunkMeta && chunkMeta.sn !== frag.sn) return;
    // Parts are loaded while others are parsed.
    if (part && chunkMeta?.part !== part.index) return;
    // An exception of appendBuffer() itself means that there is no memory, or that the element has failed before.
    if (!details.startsWith('frag') && error instanceof DOMException) return;
    this.#judge(part ?? frag, -1);
  }

  /**
   * hls.js gives a fragment of another playlist the statistics of one that was loaded, if the viewer is moved to another pathway
   * while that is parsed. What hls.js finds then says nothing about the bytes. The same fragment keeps its streams when a live playlist
   * is loaded again, even if that lists it at another address, with a new token for instance.
   * @param {any} listed a Fragment or a Part
   * @param {number} seconds
   */
  #judge({ stats, elementaryStreams }, seconds) {
    if (asked.get(stats) === elementaryStreams) this.#tell(stats, seconds);
  }

  /**
   * @param {Fragment} frag
   * @param {import('hls.js').Part | null} [part]
   */
  #buffered(frag, part) {
    const listed = part ?? frag;
    const lengths = Object.values(listed.elementaryStreams ?? {}).flatMap((stream) =>
      stream ? stream.endPTS - stream.startPTS : [],
    );
    // Of a part that begins without a key frame hls.js may take less, and in progressive mode it tells the length of the last piece.
    const told = part ? part.independent && !this.#hls.config.progressive : lengths.length > 0;
    if (told) this.#judge(listed, Math.max(0, ...lengths));
  }

  /** @param {import('hls.js').SubtitleFragProcessedData} data */
  #subtitles({ success, frag, part, error }) {
    if (part || OF_TIMING.test(error?.message ?? '')) return;
    this.#judge(frag, success ? frag.duration : -1);
  }

  #look() {
    const { error, currentTime = 0, paused = true } = this.#media ?? {};
    if (!error) this.#plays = !paused;
    if (!error || error === this.#told) return;
    this.#told = error;
    if (error.code !== DECODE_ERROR || OF_APPEND.test(error.message)) return;
    this.#tell(null, currentTime);
  }
}
