/**
 * How many viewers a token admits at once: those of one `sub` together, or of one `jti` where a token names no subject, or else of
 * the very same token.
 */

export class Holders {
  #most;
  /** @type {Map<string, Set<number>>} */
  #held = new Map();
  /** @type {Map<number, string>} */
  #keys = new Map();

  /** @param {number} most 0: no limit */
  constructor(most) {
    this.#most = most;
  }

  /**
   * Counts a viewer under the token that it has shown, and no longer under an earlier one.
   * @param {number} viewer
   * @param {import('jose').JWTPayload} claims
   * @param {string} token
   * @returns {boolean} false: as many others hold it already; what the viewer held before, it still holds
   */
  take(viewer, { sub, jti }, token) {
    if (this.#most === 0) return true;
    const key = keyOf(sub, jti, token);
    const holders = this.#held.get(key) ?? new Set();
    if (holders.has(viewer)) return true;
    if (holders.size >= this.#most) return false;
    this.release(viewer);
    this.#held.set(key, holders.add(viewer));
    this.#keys.set(viewer, key);
    return true;
  }

  /** @param {number} viewer who has gone; no effect if it holds nothing */
  release(viewer) {
    const key = this.#keys.get(viewer);
    if (key === undefined) return;
    this.#keys.delete(viewer);
    const holders = this.#held.get(key);
    holders?.delete(viewer);
    if (holders?.size === 0) this.#held.delete(key);
  }

  /** The number of viewers that hold a token. */
  get size() {
    return this.#keys.size;
  }
}

/**
 * @param {unknown} sub
 * @param {unknown} jti
 * @param {string} token
 */
function keyOf(sub, jti, token) {
  if (typeof sub === 'string' && sub !== '') return `sub ${sub}`;
  if (typeof jti === 'string' && jti !== '') return `jti ${jti}`;
  // The signature tells tokens apart.
  return `token ${token.slice(token.lastIndexOf('.') + 1)}`;
}
