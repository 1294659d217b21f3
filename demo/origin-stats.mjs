/** @typedef {{ requests: number, bytes: number }} Count */

/** Bytes and requests, in all and by path. Only bodies of files, playlists and segments count. */
export class OriginStats {
  requests = 0;
  bytes = 0;
  /** @type {Map<string, Count>} by path, without the query */
  paths = new Map();

  /** @param {string} requestPath */
  countRequest(requestPath) {
    ++this.requests;
    ++this.#of(requestPath).requests;
  }

  /**
   * @param {string} requestPath
   * @param {number} bytes
   */
  countBytes(requestPath, bytes) {
    this.bytes += bytes;
    this.#of(requestPath).bytes += bytes;
  }

  /** Media segments alone: what peers can take off an origin. */
  get media() {
    return this.sum((requestPath) => requestPath.endsWith('.ts'));
  }

  /**
   * @param {(path: string) => boolean} matches
   * @returns {Count}
   */
  sum(matches) {
    const total = { requests: 0, bytes: 0 };
    for (const [requestPath, count] of this.paths) {
      if (!matches(requestPath)) continue;
      total.requests += count.requests;
      total.bytes += count.bytes;
    }
    return total;
  }

  reset() {
    this.requests = 0;
    this.bytes = 0;
    this.paths.clear();
  }

  /** @param {string} requestPath */
  #of(requestPath) {
    let count = this.paths.get(requestPath);
    if (!count) this.paths.set(requestPath, (count = { requests: 0, bytes: 0 }));
    return count;
  }
}
