/**
 * Finds nodes that are listed, since they say that they live, and hear nothing of what is said to them.
 */
import { performance } from 'node:perf_hooks';

// How often in a lease the others are looked after.
const LOOKS_PER_LEASE = 4;

// A look that comes so many times as late as it should says that this process stood still: answers may have come that it has not read.
const LATE_LOOKS = 2;

// Leases that a node may be silent for: one that has ended is off the list before that.
const PATIENCE = 1.5;

// The answer to it is not waited for.
const QUESTION = ['ask', 0, 'beat'];

export class Watch {
  #leaseMs;
  #links;
  #log;
  #cluster;
  #timer;
  #lookedAt = performance.now();
  /** When each node that answers questions, as older versions do not, last did. @type {Map<string, number>} */
  #answered = new Map();
  /** Nodes that do not answer; true: they used to answer questions. @type {Map<string, boolean>} */
  #deaf = new Map();

  found = 0;

  /**
   * @param {number} leaseMs
   * @param {import('./links.js').Links} links
   * @param {import('../log.js').Log} log
   * @param {object} cluster
   * @param {() => ReadonlySet<string>} cluster.busy returns the nodes that run channels of viewers here, or have viewers whose
   *   channels are run here
   * @param {() => ReadonlySet<string>} cluster.listed
   * @param {() => void} cluster.back called when a node hears again
   */
  constructor(leaseMs, links, log, cluster) {
    this.#leaseMs = leaseMs;
    this.#links = links;
    this.#log = log;
    this.#cluster = cluster;
    this.#timer = setInterval(() => this.#look(), leaseMs / LOOKS_PER_LEASE);
    this.#timer.unref();
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** @param {string} node */
  isDeaf(node) {
    return this.#deaf.has(node);
  }

  /**
   * A message of the node came, which alone does not mean that it hears.
   * @param {string} node
   * @param {string} kind of its entry: `ask`: it is of a version that answers, `told`: it has answered
   */
  heard(node, kind) {
    if (kind === 'told' || (kind === 'ask' && !this.#answered.has(node))) {
      this.#answered.set(node, performance.now());
    }
    const again = kind === 'told' || this.#deaf.get(node) === false;
    if (!again || !this.#deaf.delete(node)) return;
    this.#log.info('a node answers again', { node });
    this.#cluster.back();
  }

  #look() {
    const busy = this.#cluster.busy();
    const now = performance.now();
    const late = now - this.#lookedAt > (LATE_LOOKS * this.#leaseMs) / LOOKS_PER_LEASE;
    this.#lookedAt = now;
    for (const node of busy) {
      if (this.#deaf.has(node)) continue;
      const last = this.#answered.get(node);
      const silentMs = last === undefined ? this.#links.silence(node) : now - last;
      if (late || silentMs <= PATIENCE * this.#leaseMs) {
        this.#ask(node);
        continue;
      }
      ++this.found;
      this.#deaf.set(node, last !== undefined);
      this.#log.warn('a node does not answer: its channels are run here meanwhile', { node });
      this.#links.drop(node);
    }
    const listed = this.#cluster.listed();
    for (const node of this.#answered.keys()) {
      if (busy.has(node) || this.#deaf.has(node)) continue;
      // It is not asked. That it answers is remembered: from a node that does not, any message counts as an answer.
      if (listed.has(node)) this.#answered.set(node, now);
      else this.#answered.delete(node);
    }
    for (const node of this.#deaf.keys()) {
      if (listed.has(node)) {
        this.#ask(node);
      } else {
        this.#deaf.delete(node);
        // Those who ran its channels for themselves meanwhile agree on one of them.
        this.#cluster.back();
      }
    }
  }

  /** @param {string} node */
  #ask(node) {
    this.#links.send(node, /** @type {import('./links.js').Entry} */ (QUESTION));
    this.#links.probe(node);
  }
}
