/**
 * The viewers of the demo, as they report themselves once a second: who is there, who feeds whom, and how often the origin has sent
 * each segment to those who share.
 */

/**
 * What a viewer says of itself.
 * @typedef {object} Report
 * @property {string} id as its peers know it
 * @property {string} stream what it plays; viewers of other streams are not shown to it
 * @property {boolean} plain it plays by hls.js alone
 * @property {number} cdn bytes in all
 * @property {number} p2p bytes in all
 * @property {{ id: string, received: number }[]} peers open connections, and the bytes that came over them
 * @property {number | null} firstFrameMs
 * @property {number} stalls
 * @property {number} stalledMs
 * @property {number | null} latency seconds behind the live edge
 */

/** A page that has closed says nothing any more. */
const GONE_MS = 5000;

/** Of what is longer ago, a running demo keeps nothing. */
const REMEMBERED_MS = 10 * 60_000;

const MOST_VIEWERS = 200;
const MOST_PEERS = 32;
const MOST_CHARACTERS = 512;

export class Swarm {
  #now;
  /** @type {Map<string, { report: Report, at: number }>} */
  #viewers = new Map();
  /** Segments that the origin has sent. @type {{ path: string, bytes: number, size: number, at: number }[]} */
  #sent = [];

  /** @param {() => number} [now] milliseconds */
  constructor(now = Date.now) {
    this.#now = now;
  }

  /**
   * The origin has answered.
   * @param {{ path: string, bytes: number, size: number }} answer
   */
  sent({ path, bytes, size }) {
    if (path.endsWith('.ts') && bytes > 0) this.#sent.push({ path, bytes, size, at: this.#now() });
  }

  /**
   * @param {Report} report
   * @returns {{ viewers: Report[], copies: number | null }} those of the same stream, and how many times the origin sent each of its
   *   segments on average; null if it has sent none
   */
  hear(report) {
    const now = this.#now();
    this.#viewers.set(report.id, { report, at: now });
    for (const [id, { at }] of this.#viewers) {
      if (now - at > GONE_MS || this.#viewers.size > MOST_VIEWERS) this.#viewers.delete(id);
    }
    const viewers = [...this.#viewers.values()]
      .map((each) => each.report)
      .filter(({ stream }) => stream === report.stream);
    return { viewers, copies: this.#copies(`/${report.stream}/`, now) };
  }

  /** @param {string} folder @param {number} now */
  #copies(folder, now) {
    this.#sent = this.#sent.filter(({ at }) => now - at < REMEMBERED_MS);
    const own = this.#sent.filter(({ path }) => path.startsWith(folder));
    const sizes = new Map(own.map(({ path, size }) => [path, size]));
    const distinct = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    return distinct > 0 ? own.reduce((sum, { bytes }) => sum + bytes, 0) / distinct : null;
  }
}

/**
 * @param {string | null} text JSON
 * @returns {Report | null} null if it is none
 */
export function parseReport(text) {
  let given;
  try {
    given = JSON.parse(text ?? '');
  } catch {
    return null;
  }
  const word = (/** @type {unknown} */ value) =>
    typeof value === 'string' && value !== '' && value.length <= MOST_CHARACTERS;
  const count = (/** @type {unknown} */ value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= 0;
  const maybe = (/** @type {unknown} */ value) => value === null || count(value);
  if (!given || !word(given.id) || !word(given.stream) || typeof given.plain !== 'boolean')
    return null;
  const { id, stream, plain, cdn, p2p, peers, firstFrameMs, stalls, stalledMs, latency } = given;
  if (![cdn, p2p, stalls, stalledMs].every(count) || ![firstFrameMs, latency].every(maybe))
    return null;
  if (!Array.isArray(peers) || peers.length > MOST_PEERS) return null;
  if (!peers.every((peer) => word(peer?.id) && count(peer.received))) return null;
  return {
    ...{ id, stream, plain, cdn, p2p, firstFrameMs, stalls, stalledMs, latency },
    peers: peers.map(({ id: name, received }) => ({ id: name, received })),
  };
}
