/**
 * Delivers entries between nodes in order and without a gap. Entries that are sent within a few milliseconds travel as one
 * message. If a message is lost, both ends start the link again.
 */

/**
 * The time that an entry waits for others. It is far shorter than a viewer's handshake, and long enough to collect its
 * candidates.
 */
const GATHER_MS = 5;

/** A message of more characters than this is sent immediately. */
const MOST_CHARS = 256 * 1024;

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
 */

/**
 * @typedef {object} LinkEvents
 * @property {(from: string, entry: Entry) => void} entry
 * @property {(node: string) => void} reset the link has started again: all earlier entries are void
 */

export class Links {
  #post;
  #events;
  /** @type {Map<string, Link>} */
  #links = new Map();
  #lastSession = 0;
  /** @type {Set<string>} */
  #toFlush = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  counters = { messagesOut: 0, messagesIn: 0, entriesOut: 0, entriesIn: 0, resets: 0 };

  /**
   * @param {(to: string, batch: Batch) => void} post
   * @param {LinkEvents} events
   */
  constructor(post, events) {
    this.#post = post;
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
    if (heardOf !== 0 && heardOf !== link.session) {
      // Sent before the other end learned that this end has started again.
      this.#flushSoon(from);
      return;
    }
    if (link.heard?.session !== session) {
      // The other end has started again, and not because this end did.
      if (link.heard && heardOf === 0) this.#renew(from);
      this.#linkTo(from).heard = { session, count: 0 };
    }
    const heard = this.#linkTo(from).heard;
    if (!heard || number !== heard.count + 1) {
      this.reset(from);
      return;
    }
    heard.count = number;
    this.counters.entriesIn += entries.length;
    for (const entry of entries) this.#events.entry(from, entry);
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
      link = { session: ++this.#lastSession, sent: 0, heard: null, waiting: [], chars: 0 };
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
