import { setTimeout as sleep } from 'node:timers/promises';
import { WAYS, keyTag } from './encrypt.mjs';
import {
  LADDER_SECONDS,
  LIVE_SECONDS,
  PARTS_A_SECOND,
  PART_SECONDS,
  SECONDS,
  SEGMENT_SECONDS,
} from './make.mjs';

/** Playlists over the streams of make.mjs, written on request: what a packager or a site may make of the same segments. */

/**
 * @typedef {object} Request
 * @property {URLSearchParams} query
 * @property {string} base of this stream on this host, with a slash at the end
 * @property {string} otherBase of the same stream on another host
 */

/**
 * @typedef {object} Stream
 * @property {(request: Request) => string} master
 * @property {Record<string, (request: Request) => string | Promise<string>>} media by name of the playlist
 */

const SEGMENTS = SECONDS / SEGMENT_SECONDS;
const LO = '#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=192x108,CODECS="avc1.42c00c,mp4a.40.2"';
const HI = '#EXT-X-STREAM-INF:BANDWIDTH=550000,RESOLUTION=256x144,CODECS="avc1.42c00c,mp4a.40.2"';

/** @param {string[]} lines */
const playlist = (...lines) => ['#EXTM3U', '#EXT-X-VERSION:7', ...lines, ''].join('\n');

/** @param {(sn: number) => string} uri */
const segments = (uri, count = SEGMENTS, seconds = SEGMENT_SECONDS) =>
  Array.from({ length: count }, (_, sn) => `#EXTINF:${seconds},\n${uri(sn)}`);

/** @param {string[]} lines */
const vod = (...lines) =>
  playlist(
    `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...lines,
    '#EXT-X-ENDLIST',
  );

/**
 * The levels of the ladder: one and the same picture, ever more bytes. Over a line of 5 Mbit/s, of which hls.js uses seven tenths
 * for going up, the third is the last that fits.
 */
export const LADDER = [400, 1200, 2500, 12_000].map((kbps) => ({
  bitrate: kbps * 1000,
  bytes: (kbps * 1000 * SEGMENT_SECONDS) / 8,
}));

/** A query that every URI of the playlist carries on, so that it is another for each viewer. */
const token = (/** @type {Request} */ { query }) =>
  query.has('token') ? `?token=${query.get('token')}` : '';

const twoLevels = {
  master: (/** @type {Request} */ r) =>
    playlist(LO, `lo.m3u8${token(r)}`, HI, `hi.m3u8${token(r)}`),
  media: {
    'lo.m3u8': (/** @type {Request} */ r) => vod(...segments((sn) => `lo${sn}.ts${token(r)}`)),
    'hi.m3u8': (/** @type {Request} */ r) => vod(...segments((sn) => `hi${sn}.ts${token(r)}`)),
  },
};

/** A stream of encrypted segments. @param {string} prefix of their names @param {string} extension @param {string[]} head */
const encrypted = (prefix, extension, ...head) => ({
  master: () => playlist(LO, `${prefix}.m3u8`),
  media: {
    [`${prefix}.m3u8`]: () => {
      const listed = segments((sn) => `${prefix}${sn}${extension}`);
      const [first, ...others] = WAYS[prefix].map(keyTag);
      return vod(first, ...head, listed[0], ...others.flatMap((tag, i) => [tag, listed[i + 1]]));
    },
  },
});

/** @param {string} file that ffmpeg wrote */
const asMade = (file) => ({
  master: () => playlist(LO, file),
  media: {},
});

/**
 * The streams, but for those that live.
 * @type {Record<string, Stream>}
 */
export const STREAMS = {
  ts: twoLevels,
  ladder: {
    master: () =>
      playlist(
        ...LADDER.flatMap(({ bitrate }, i) => [
          LO.replace(/BANDWIDTH=\d+/, `BANDWIDTH=${bitrate}`),
          `rungs${i}.m3u8`,
        ]),
      ),
    media: Object.fromEntries(
      LADDER.map((_, i) => [
        `rungs${i}.m3u8`,
        () => vod(...segments((sn) => `rung${i}-${sn}.ts`, LADDER_SECONDS / SEGMENT_SECONDS)),
      ]),
    ),
  },
  // The same twelve seconds again and again, each time under other names: ?minutes=
  long: {
    master: ({ query }) => playlist(LO, `long.m3u8?minutes=${query.get('minutes')}`),
    media: {
      'long.m3u8': ({ query }) =>
        vod(
          ...Array.from({ length: (Number(query.get('minutes')) * 60) / SECONDS }, (_, turn) => [
            ...(turn ? ['#EXT-X-DISCONTINUITY'] : []),
            ...segments((sn) => `lo${sn}.ts?turn=${turn}`),
          ]).flat(),
        ),
    },
  },
  fmp4: asMade('fmp4.m3u8'),
  range: asMade('range.m3u8'),
  aes: asMade('aes.m3u8'),
  rotated: encrypted('rotated', '.ts'),
  sampled: encrypted('sampled', '.ts'),
  sealed: encrypted('sealed', '.m4s', '#EXT-X-MAP:URI="sealed-init.mp4"'),
  demuxed: {
    master: () =>
      playlist(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="one",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"',
        `${LO},AUDIO="aac"`,
        'video.m3u8',
      ),
    media: {},
  },
  // A radio station: no picture in any rendition.
  'audio-only': {
    master: () => playlist('#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"', 'audio.m3u8'),
    media: {},
  },
  'two-languages': {
    master: () =>
      playlist(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="one",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="two",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,URI="dubbed.m3u8"',
        `${LO},AUDIO="aac"`,
        'video.m3u8',
      ),
    media: {},
  },
  subtitles: {
    master: () =>
      playlist(
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="text.m3u8"',
        `${LO},SUBTITLES="text"`,
        'lo.m3u8',
      ),
    media: {
      'lo.m3u8': twoLevels.media['lo.m3u8'],
      'text.m3u8': () => vod(...segments((sn) => `text${sn}.vtt`)),
    },
  },
  // What else a playlist may say. A media sequence of milliseconds has more than 32 bits.
  tagged: {
    master: () =>
      playlist(
        '#EXT-X-DEFINE:QUERYPARAM="dir"',
        '#EXT-X-DEFINE:NAME="file",VALUE="tagged"',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=10000,CODECS="avc1.42c00c",URI="iframes.m3u8"',
        ...[LO, '{$file}.m3u8?dir={$dir}'],
      ),
    media: {
      'tagged.m3u8': () => {
        const [first, second, , ...others] = segments((sn) => `{$dir}${sn}.ts`);
        return vod(
          '#EXT-X-MEDIA-SEQUENCE:1700000000000',
          '#EXT-X-DEFINE:QUERYPARAM="dir"',
          '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z',
          '#EXT-X-DATERANGE:ID="a",START-DATE="2026-01-01T00:00:04.000Z",DURATION=2,X-OF-SITE="b"',
          ...['#EXT-X-BITRATE:250', first, '#EXT-X-BITRATE:210', second],
          ...['#EXT-X-GAP', `#EXTINF:${SEGMENT_SECONDS},`, 'nothing.ts', ...others],
        );
      },
    },
  },
  discontinuity: {
    master: () => playlist(LO, 'mixed.m3u8'),
    media: {
      'mixed.m3u8': () => {
        const [a, b, c] = segments((sn) => `lo${sn}.ts`);
        return vod(a, b, c, '#EXT-X-DISCONTINUITY', ...segments((sn) => `other${sn}.ts`, 3));
      },
    },
  },
  // Which host a viewer is sent to is its own affair: ?pathway=
  steering: {
    master: ({ query, base, otherBase }) =>
      playlist(
        `#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json?pathway=${query.get('pathway')}",PATHWAY-ID="${query.get('pathway')}"`,
        `${LO},PATHWAY-ID="one"`,
        `${base}lo.m3u8`,
        `${LO},PATHWAY-ID="two"`,
        `${otherBase}lo.m3u8`,
      ),
    media: {
      'lo.m3u8': twoLevels.media['lo.m3u8'],
      'steering.json': ({ query }) =>
        JSON.stringify({
          VERSION: 1,
          TTL: 300,
          'PATHWAY-PRIORITY': query.get('pathway') === 'two' ? ['two', 'one'] : ['one', 'two'],
        }),
    },
  },
  // A viewer is sent to the other host a second and a half after it came.
  'steering-away': {
    master: ({ query, base, otherBase }) =>
      playlist(
        `#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json?at=${Date.now() + Number(query.get('after'))}",PATHWAY-ID="one"`,
        `${LO},PATHWAY-ID="one"`,
        `${base}lo.m3u8`,
        `${LO},PATHWAY-ID="two"`,
        `${otherBase}lo.m3u8`,
      ),
    media: {
      'lo.m3u8': twoLevels.media['lo.m3u8'],
      'steering.json': ({ query }) => {
        const moves = Date.now() > Number(query.get('at'));
        return JSON.stringify({
          VERSION: 1,
          TTL: 1,
          'PATHWAY-PRIORITY': moves ? ['two', 'one'] : ['one', 'two'],
        });
      },
    },
  },
  // The first host lost its segments from number 3 on.
  redundant: {
    master: ({ base, otherBase }) =>
      playlist(LO, `${base}gone.m3u8`, LO, `${otherBase}gone.m3u8?whole=1`),
    media: {
      'gone.m3u8': ({ query }) =>
        vod(...segments((sn) => (sn < 3 || query.has('whole') ? `lo${sn}.ts` : `no${sn}.ts`))),
    },
  },
};

export function subtitle(/** @type {number} */ sn) {
  const at = (/** @type {number} */ s) => `00:00:${String(s).padStart(2, '0')}.000`;
  const [from, to] = [sn * SEGMENT_SECONDS, (sn + 1) * SEGMENT_SECONDS];
  return `WEBVTT\n\n${at(from)} --> ${at(to)}\nText of segment ${sn}\n`;
}

/** The seconds that had been published before a live stream's first viewer came. */
const HISTORY = 6;
const WINDOW = 6;
/** After so many segments of one second the encoder restarts and counts from 0 again. */
const RESET_AT = 13;

/** Live streams run on the clock from start() on, and end. */
export class LiveStreams {
  #start = Infinity;

  /** @param {number[]} partBytes sizes of the parts of the low-latency streams */
  constructor(partBytes) {
    this.partBytes = partBytes;
  }

  /** Begins now, for everybody. */
  start() {
    this.#start = Date.now();
  }

  /** Settles when so many segments have been published since the encoder restarted. @param {number} count */
  async afterReset(count) {
    while (this.#published() < RESET_AT + count) await sleep(50);
  }

  /** Seconds that have been published. */
  #published() {
    return Math.min(HISTORY + (Date.now() - this.#start) / 1000, LIVE_SECONDS);
  }

  /** @type {Record<string, Stream>} */
  streams = {
    reset: {
      master: () => playlist(LO, 'reset.m3u8'),
      media: { 'reset.m3u8': () => this.#reset() },
    },
    // Counts from 0, as RFC 8216 section 4.3.3.2 has it for a playlist that does not say.
    event: {
      master: () => playlist(LO, 'event.m3u8'),
      media: {
        'event.m3u8': () =>
          playlist(
            '#EXT-X-TARGETDURATION:1',
            '#EXT-X-PLAYLIST-TYPE:EVENT',
            ...segments((sn) => `live${sn}.ts`, Math.floor(this.#published()), 1),
          ),
      },
    },
    'low-latency': {
      master: () => playlist(LO, 'parts.m3u8'),
      media: { 'parts.m3u8': (request) => this.#parts(request, (p) => `URI="part${p}.m4s"`) },
    },
    'low-latency-ranges': {
      master: () => playlist(LO, 'parts.m3u8'),
      media: { 'parts.m3u8': (request) => this.#parts(request, (p) => this.#rangeOf(p)) },
    },
    // Parts that are long enough for peers.
    'low-latency-seconds': {
      master: () => playlist(LO, 'parts.m3u8'),
      media: {
        'parts.m3u8': (request) =>
          this.#parts(request, (p) => `URI="second${p}.m4s"`, PARTS_A_SECOND),
      },
    },
  };

  #reset() {
    const end = Math.floor(this.#published());
    const first = end > RESET_AT ? RESET_AT : 0;
    const from = Math.max(first, end - WINDOW);
    return playlist(
      '#EXT-X-TARGETDURATION:1',
      `#EXT-X-MEDIA-SEQUENCE:${from - first}`,
      ...Array.from({ length: end - from }, (_, i) => `#EXTINF:1,\nlive${from + i}.ts`),
      ...(end >= LIVE_SECONDS ? ['#EXT-X-ENDLIST'] : []),
    );
  }

  /** The number of parts. */
  #partCount() {
    return Math.floor(this.#published() / PART_SECONDS);
  }

  /** Settles when part `index` is there. @param {number} index */
  async waitForPart(index) {
    while (this.#partCount() <= index) {
      await sleep(20);
    }
  }

  /** A part as a byte range of its segment. @param {number} part */
  #rangeOf(part) {
    const perSegment = SEGMENT_SECONDS / PART_SECONDS;
    const first = part - (part % perSegment);
    const offset = this.partBytes.slice(first, part).reduce((sum, bytes) => sum + bytes, 0);
    return `URI="whole${first / perSegment}.m4s",BYTERANGE="${this.partBytes[part]}@${offset}"`;
  }

  /**
   * @param {Request} request
   * @param {(part: number) => string} where attributes that say where a part is
   * @param {number} [made] of how many of the made parts one of this playlist is made
   */
  async #parts({ query }, where, made = 1) {
    const seconds = PART_SECONDS * made;
    const perSegment = SEGMENT_SECONDS / seconds;
    const last = LIVE_SECONDS / seconds - 1;
    if (query.has('_HLS_msn')) {
      const part = query.has('_HLS_part') ? Number(query.get('_HLS_part')) : perSegment - 1;
      const wanted = Number(query.get('_HLS_msn')) * perSegment + part;
      await this.waitForPart(Math.min(wanted, last) * made + made - 1);
    }
    const count = Math.floor(this.#partCount() / made);
    const whole = Math.floor(count / perSegment);
    const from = Math.max(0, whole - WINDOW);
    const lines = [];
    for (let sn = from; sn <= whole; sn++) {
      // Parts are listed for the newest three segments.
      if (sn > whole - 3) {
        for (let p = sn * perSegment; p < Math.min(count, (sn + 1) * perSegment); p++) {
          lines.push(`#EXT-X-PART:DURATION=${seconds},INDEPENDENT=YES,${where(p)}`);
        }
      }
      if (sn < whole) lines.push(`#EXTINF:${SEGMENT_SECONDS},\nwhole${sn}.m4s`);
    }
    const ended = count > last;
    if (ended) lines.push('#EXT-X-ENDLIST');
    else {
      // Where the part that is being made ends, nobody knows.
      const next = where(count).replace(/BYTERANGE="\d+@(\d+)"/, 'BYTERANGE-START=$1');
      lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,${next}`);
    }
    return playlist(
      `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`,
      `#EXT-X-PART-INF:PART-TARGET=${seconds}`,
      `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${seconds * 3}`,
      `#EXT-X-MEDIA-SEQUENCE:${from}`,
      '#EXT-X-MAP:URI="part-init.mp4"',
      ...lines,
    );
  }
}
