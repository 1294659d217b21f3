/** Reads of a playlist what its digests are about. */

/**
 * A segment as a media playlist lists it.
 * @typedef {object} ListedSegment
 * @property {string} uri as it is spelt there
 * @property {number} start in the file
 * @property {number} end exclusive; 0: all of the file
 */

/**
 * @typedef {object} ReadPlaylist
 * @property {string[]} playlists the URIs of the media playlists that it lists, each once; of a multivariant playlist alone
 * @property {ListedSegment[]} segments
 * @property {boolean} ended it will not change
 */

/**
 * @param {string} text
 * @returns {ReadPlaylist}
 * @throws {Error} if it is no playlist
 */
export function readPlaylist(text) {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (!lines[0].startsWith('#EXTM3U')) throw new Error('it is no playlist: #EXTM3U is missing');
  /** @type {Set<string>} */
  const playlists = new Set();
  /** @type {ListedSegment[]} */
  const segments = [];
  let variant = false;
  let media = false;
  let gap = false;
  /** @type {{ length: number, start: number | null } | null} */
  let range = null;
  /** Where the file's last range ended. @type {Map<string, number>} */
  const ends = new Map();
  for (const line of lines) {
    const [, tag, value] = /^#(EXT[A-Z0-9-]*):?\s*(.*)$/.exec(line) ?? [];
    if (tag === 'EXT-X-STREAM-INF') variant = true;
    else if (tag === 'EXTINF') media = true;
    else if (tag === 'EXT-X-GAP') gap = true;
    else if (tag === 'EXT-X-MEDIA' || tag === 'EXT-X-RENDITION-REPORT') {
      const [, uri] = /(?:^|,)\s*URI="([^"]*)"/.exec(value) ?? [];
      if (uri && tag === 'EXT-X-MEDIA') playlists.add(uri);
    } else if (tag === 'EXT-X-BYTERANGE') {
      const [, length, start] = /^(\d+)(?:@(\d+))?/.exec(value) ?? [];
      range = { length: Number(length), start: start === undefined ? null : Number(start) };
    } else if (line && !line.startsWith('#')) {
      const uri = line.trim();
      if (variant) playlists.add(uri);
      else if (media) {
        const start = range ? (range.start ?? ends.get(uri) ?? 0) : 0;
        const end = range ? start + range.length : 0;
        if (range) ends.set(uri, end);
        // Nobody loads a gap, and it need not be there.
        if (!gap) segments.push({ uri, start, end });
      }
      variant = media = gap = false;
      range = null;
    }
  }
  return {
    playlists: [...playlists],
    segments,
    ended: lines.some((line) => /^#EXT-X-ENDLIST\s*$/.test(line)),
  };
}

/**
 * The name of a segment in a file of digests.
 * @param {ListedSegment} segment
 * @param {boolean} query whether the query is part of it
 */
export const nameOf = ({ uri, start, end }, query) =>
  (query ? uri : uri.replace(/\?.*$/, '')) + (end ? `#${start}-${end}` : '');

const TAG = '#EXT-X-HLSMESH-DIGESTS';

/**
 * The playlist with a line that says that there is a file of digests beside it.
 * @param {string} text
 * @returns {string}
 */
export function withTag(text) {
  if (text.includes(TAG)) return text;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  return text.replace(/^(\uFEFF?#EXTM3U[^\r\n]*)/, `$1${newline}${TAG}`);
}
