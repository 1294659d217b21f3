/**
 * Files that are read again when they change.
 */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';

// The time between two looks at the files. Looking works where change notifications do not: on network file systems, and for the
// links that Kubernetes swaps.
const LOOK_EVERY_MS = 2000;

/**
 * @typedef {object} Watched
 * @property {string} option that names the file, for messages
 * @property {readonly string[]} paths
 * @property {(contents: Buffer[], paths: readonly string[]) => void | Promise<void>} use in the order of `paths`. If it throws,
 *   the former contents stay in use.
 */

export class WatchedFiles {
  #log;
  /** @type {{ watched: Watched, listener: () => void }[]} */
  #all = [];

  /** Counts of files that were read again, and of those that could not be read. */
  counters = { reloads: 0, failures: 0 };

  /** @param {import('./log.js').Log} log */
  constructor(log) {
    this.#log = log;
  }

  /**
   * Reads and uses files now, and again whenever one of them changes.
   * @param {Watched} watched
   * @throws {Error} that names option and file, if the first reading fails
   */
  async add(watched) {
    try {
      await read(watched);
    } catch (error) {
      throw new Error(`${watched.option}: ${/** @type {Error} */ (error).message}`);
    }
    const listener = () => void this.#reload(watched);
    for (const path of watched.paths) {
      watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, listener);
    }
    this.#all.push({ watched, listener });
  }

  /** Reads all files again, changed or not. */
  async reload() {
    for (const { watched } of this.#all) await this.#reload(watched);
  }

  close() {
    for (const { watched, listener } of this.#all) {
      for (const path of watched.paths) unwatchFile(path, listener);
    }
    this.#all = [];
  }

  /** @param {Watched} watched */
  async #reload(watched) {
    try {
      await read(watched);
      ++this.counters.reloads;
      this.#log.info('read again', { option: watched.option, paths: watched.paths.join(' ') });
    } catch (error) {
      ++this.counters.failures;
      this.#log.error('could not be read again; the former contents stay in use', {
        option: watched.option,
        error: /** @type {Error} */ (error).message,
      });
    }
  }
}

/** @param {Watched} watched */
async function read({ paths, use }) {
  await use(
    paths.map((path) => contentsOf(path)),
    paths,
  );
}

/** @param {string} path @throws {Error} that names the path: of a folder, Node's does not */
function contentsOf(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw message.includes(path) ? error : new Error(`${message} '${path}'`);
  }
}
