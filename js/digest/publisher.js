/** Keeps the files of digests of a presentation on disk. */

import {
  chmod,
  open,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { MAX_SEGMENT_BYTES, digestFile, segmentDigest } from './digests.js';
import { nameOf, readPlaylist, withTag } from './playlist.js';

/** @typedef {import('./playlist.js').ListedSegment} ListedSegment */

/**
 * @typedef {object} PublisherOptions
 * @property {import('node:crypto').KeyObject} [privateKey] Ed25519, to sign with
 * @property {boolean} tag whether playlists that do not change any more get a line that says that there are digests
 * @property {(text: string) => void} warn
 */

/**
 * @typedef {object} Outcome
 * @property {string} file that was written
 * @property {number} segments
 * @property {boolean} ended its playlist will not change
 * @property {boolean} changed
 */

export class Publisher {
  #options;
  /** Digests by file, range, size and time of its last change: a film is not read again with each look. @type {Map<string, string>} */
  #known = new Map();
  /** Those of them that the present look has found, which are all that the next one can need. @type {Map<string, string>} */
  #found = new Map();
  /** The texts written last, by file. @type {Map<string, string>} */
  #written = new Map();
  /** @type {Set<string>} */
  #warned = new Set();

  /** @param {PublisherOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Writes a file of digests beside each media playlist.
   * @param {string} path of a playlist of either kind, or of a folder
   * @returns {Promise<Outcome[]>} one for each media playlist
   * @throws {Error} if `path` itself cannot be read, or there is no playlist with segments
   */
  async publish(path) {
    const queue = (await stat(path)).isDirectory() ? await playlistsIn(path) : [path];
    if (queue.length === 0) throw new Error(`${path} has no playlist (*.m3u8)`);
    this.#found = new Map();
    /** @type {Outcome[]} */
    const outcomes = [];
    const seen = new Set();
    for (const file of queue) {
      if (seen.has(resolve(file))) continue;
      seen.add(resolve(file));
      const text = await this.#read(file, file === path);
      if (text === null) continue;
      const { playlists, segments, ended } = readPlaylist(text);
      for (const uri of playlists) {
        const listed = this.#pathOf(file, uri);
        if (listed) queue.push(listed);
      }
      if (segments.length > 0) outcomes.push(await this.#one(file, text, segments, ended));
    }
    this.#known = this.#found;
    if (outcomes.length === 0) throw new Error(`${path} leads to no playlist with segments`);
    return outcomes;
  }

  /**
   * @param {string} file
   * @param {boolean} needed
   * @returns {Promise<string | null>} null: it is not there, or no playlist
   */
  async #read(file, needed) {
    try {
      const text = await readFile(file, 'utf8');
      readPlaylist(text);
      return text;
    } catch (error) {
      if (needed) throw error;
      this.#warn(`${file}: ${/** @type {Error} */ (error).message}`);
      return null;
    }
  }

  /**
   * @param {string} playlist
   * @param {string} text
   * @param {ListedSegment[]} segments
   * @param {boolean} ended
   * @returns {Promise<Outcome>}
   */
  async #one(playlist, text, segments, ended) {
    // Viewers may have queries of their own; where files differ by nothing else, the query tells them apart.
    const plain = new Set(segments.map((each) => nameOf(each, false)));
    const queries = plain.size < new Set(segments.map((each) => nameOf(each, true))).size;
    const lines = new Map();
    for (const segment of segments) {
      const line = await this.#line(playlist, segment, queries);
      if (line) lines.set(nameOf(segment, queries), line);
    }
    const file = `${playlist}.digests`;
    const out = digestFile(lines.values(), this.#options.privateKey);
    const changed = this.#written.get(file) !== out;
    if (changed) await replace(file, out);
    this.#written.set(file, out);
    // A packager that begins anew may have replaced it meanwhile.
    if (ended && this.#options.tag && withTag(text) !== text)
      await replace(playlist, withTag(text), text);
    return { file, segments: lines.size, ended, changed };
  }

  /**
   * @param {string} playlist
   * @param {ListedSegment} segment
   * @param {boolean} query
   * @returns {Promise<string | null>}
   */
  async #line(playlist, segment, query) {
    const path = this.#pathOf(playlist, segment.uri);
    if (!path) return null;
    const name = nameOf(segment, query);
    let handle;
    try {
      handle = await open(path);
      const { size, mtimeMs } = await handle.stat();
      const { start } = segment;
      const length = (segment.end || size) - start;
      if (start + length > size) throw new Error(`it has ${size} bytes, and the range ends later`);
      if (length < 1 || length > MAX_SEGMENT_BYTES) {
        throw new Error(
          `segments of ${length} bytes are not exchanged (1 to ${MAX_SEGMENT_BYTES})`,
        );
      }
      const key = `${path} ${start} ${length} ${size} ${mtimeMs}`;
      let digest = this.#known.get(key);
      if (!digest) {
        const bytes = Buffer.alloc(length);
        let at = 0;
        while (at < length) {
          const { bytesRead } = await handle.read(bytes, at, length - at, start + at);
          if (bytesRead === 0) throw new Error('it became shorter meanwhile');
          at += bytesRead;
        }
        digest = segmentDigest(bytes);
      }
      this.#found.set(key, digest);
      return `${digest} ${length} ${name}`;
    } catch (error) {
      this.#warn(`${path}: ${/** @type {Error} */ (error).message}; viewers get it from the CDN`);
      return null;
    } finally {
      await handle?.close();
    }
  }

  /**
   * @param {string} playlist
   * @param {string} uri that it lists
   * @returns {string | null} null: it is not on this disk
   */
  #pathOf(playlist, uri) {
    const local = uri.replace(/[?#].*$/s, '');
    if (/^([a-z][a-z0-9+.-]*:|\/)/i.test(local)) {
      this.#warn(`${playlist}: ${uri} is no path below it; viewers get it from the CDN`);
      return null;
    }
    try {
      return join(dirname(playlist), decodeURIComponent(local));
    } catch {
      return join(dirname(playlist), local);
    }
  }

  /** @param {string} text */
  #warn(text) {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.warn(text);
  }
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
async function playlistsIn(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await playlistsIn(path)));
    else if (/\.m3u8$/i.test(entry.name)) files.push(path);
  }
  return files;
}

/**
 * Replaces a file at once, so that nobody reads half of it. A link stays one, and a file that is there keeps its mode.
 * @param {string} file
 * @param {string} text
 * @param {string} [former] it is left alone if it has another text by now
 */
async function replace(file, text, former) {
  const target = await realpath(file).catch(() => file);
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => undefined,
  );
  const next = `${target}.${process.pid}.tmp`;
  try {
    await writeFile(next, text);
    if (mode !== undefined) await chmod(next, mode);
    if (former === undefined || (await readFile(target, 'utf8')) === former)
      await rename(next, target);
  } finally {
    await rm(next, { force: true });
  }
}

/** @param {Outcome} outcome */
export const describe = ({ file, segments }) =>
  `${relative('.', file)}: ${segments} segment${segments === 1 ? '' : 's'}`;
