/**
 * Delivers entries between nodes in order and without a gap. Entries that are sent within a few milliseconds travel as one
 * message. If a message is lost, both ends start the link again.
 */
import { performance } from 'node:perf_hooks';

/**
 * The time that an entry waits for others. It is far shorter than a viewer's handshake, and long enough to collect its
 * candidates.
 */
const GATHER_MS = 5;

/** A message of more characters than this is sent immediately. */
const MOST_CHARS = 256 * 1024;

// No link has this session.
const NO_SESSION = -1;

/** @typedef {[kind: string, ...rest: any[]]} Entry */

/**
 * `s` and `n`: the sender's session on this link, and the number of the message in it, from 1. `p`: the receiver's session that
 * the sender knows, 0 for none; a message for an older session is dropped. `e`: the entries.
 * @typedef {{ s: number, n: number, p: number, e: Entry[] }} Batch
 */

/**
 * @typedef {object} Link
 * @property {number} session
 * @property {number} sent
 * @property {{ session: number, count: number } | null} heard
 * @property {Entry[]} waiting
 * @property {number} chars
 * @property {number} heardAt when the node was last heard, or the link made
 */

/**
 * @typedef {object} LinkEvents
 * @property {(from: string, entry: Entry) => void} entry
 * @property {(node: string) => void} reset the link has started again: all earlier entries are void
 */

/** @param {unknown} value @returns {value is Batch} */
export function isBatch(value) {
  const { s, n, p, e } = /** @type {any} */ (value ?? {});
  return (
    [s, n, p].every(Number.isSafeInteger) &&
    Array.isArray(e) &&
    e.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string')
  );
}

/** @param {{ session: number, count: number }} heard @param {number} session @param {number} number */
const isRepeated = (heard, session, number) =>
  session < heard.session || (session === heard.session && number > 0 && number <= heard.count);

export class Links {
  #post;
  #authentic;
  #events;
  /** @type {Map<string, Link>} */
  #links = new Map();
  #lastSession = 0;
  /** @type {Set<string>} */
  #toFlush = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  counters = {
    messagesOut: 0,
    messagesIn: 0,
    entriesOut: 0,
    entriesIn: 0,
    resets: 0,
    unreadable: 0,
    repeated: 0,
  };

  /**
   * @param {(to: string, batch: Batch) => void} post
   * @param {LinkEvents} events
   * @param {boolean} [authentic] nobody else can write messages, but anybody may send an old one again
   */
  constructor(post, events, authentic = false) {
    this.#post = post;
    this.#authentic = authentic;
    this.#events = events;
  }

  /** @param {string} to @param {Entry} entry */
  send(to, entry) {
    const link = this.#linkTo(to);
    link.waiting.push(entry);
    for (const part of entry) if (typeof part === 'string') link.chars += part.length;
    ++this.counters.entriesOut;
    if (link.chars > MOST_CHARS) this.#flush(to, link);
    else this.#flushSoon(to);
  }

  /** @param {string} from @param {Batch} batch */
  receive(from, { s: session, n: number, p: heardOf, e: entries }) {
    ++this.counters.messagesIn;
    const link = this.#linkTo(from);
    link.heardAt = performance.now();
    if (this.#authentic && link.heard && isRepeated(link.heard, session, number)) {
      // A node's sessions and numbers only grow: somebody has sent an old message again.
      ++this.counters.repeated;
      return;
    }
    const begunAnew = link.heard !== null && link.heard.session !== session;
    if (heardOf !== 0 && heardOf !== link.session) {
      // Sent before the other end learned that this end has started again. If that one has too, each end knows an old session of
      // the other, and would drop whatever the other says about it.
      if (begunAnew) this.#renew(from);
      this.#flushSoon(from);
      return;
    }
    if (begunAnew && heardOf !== 0) {
      // It knows this session, and this end an older one of it: what came in that one is void there.
      this.reset(from);
      return;
    }
    // The other end has started again, and not because this end did.
    if (begunAnew) this.#renew(from);
    const heard = (this.#linkTo(from).heard ??= { session, count: 0 });
    if (number !== heard.count + 1) {
      this.reset(from);
      return;
    }
    heard.count = number;
    this.counters.entriesIn += entries.length;
    try {
      for (const entry of entries) this.#events.entry(from, entry);
    } catch {
      this.unreadable(from);
    }
  }

  /** A message of the node could not be read: what else it said may rest on it. @param {string} from */
  unreadable(from) {
    ++this.counters.unreadable;
    if (this.#links.has(from)) this.reset(from);
  }

  /**
   * Makes a node answer, if it can. Every version answers a message for a session that it does not have. @param {string} node
   */
  probe(node) {
    ++this.counters.messagesOut;
    this.#post(node, { s: this.#linkTo(node).session, n: 0, p: NO_SESSION, e: [] });
  }

  /** @param {string} node @returns {number} milliseconds since it was heard; 0: there is no link */
  silence(node) {
    const link = this.#links.get(node);
    return link ? performance.now() - link.heardAt : 0;
  }

  /** Starts the link to a node again, and tells the node. @param {string} node */
  reset(node) {
    this.#renew(node);
    this.#flushSoon(node);
  }

  /** Forgets a node. @param {string} node */
  drop(node) {
    if (!this.#links.delete(node)) return;
    this.#toFlush.delete(node);
    this.#events.reset(node);
  }

  /** @param {string} node */
  has(node) {
    return this.#links.has(node);
  }

  get nodes() {
    return [...this.#links.keys()];
  }

  stop() {
    clearTimeout(this.#timer);
    this.#toFlush.clear();
  }

  /** Sends all waiting entries now. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nodes = [...this.#toFlush];
    this.#toFlush.clear();
    for (const node of nodes) {
      const link = this.#links.get(node);
      if (link) this.#flush(node, link);
    }
  }

  /** @param {string} node */
  #renew(node) {
    if (this.#links.delete(node)) ++this.counters.resets;
    this.#linkTo(node);
    this.#events.reset(node);
  }

  /** @param {string} node @returns {Link} */
  #linkTo(node) {
    let link = this.#links.get(node);
    if (!link) {
      link = {
        session: ++this.#lastSession,
        sent: 0,
        heard: null,
        waiting: [],
        chars: 0,
        heardAt: performance.now(),
      };
      this.#links.set(node, link);
    }
    return link;
  }

  /** @param {string} node */
  #flushSoon(node) {
    this.#toFlush.add(node);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** @param {string} to @param {Link} link */
  #flush(to, link) {
    const entries = link.waiting;
    link.waiting = [];
    link.chars = 0;
    ++this.counters.messagesOut;
    this.#post(to, {
      s: link.session,
      n: ++link.sent,
      p: link.heard?.session ?? 0,
      e: entries,
    });
  }
}
