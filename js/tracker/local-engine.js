/**
 * The interface between the sockets and the engine, and the engine of this process behind it.
 *
 * Frames, and the beginning and end of connections, go into an EnginePort; commands come out of an Outlet. A connection is a
 * number that the sockets choose, so an EnginePort other than LocalEngine may have its engine in another process.
 */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { CommandKind } from './abi.js';

/** @typedef {import('./engine.js').EngineStats} EngineStats */

/**
 * The other end of a connection: its address; its network and province, which are empty if unknown; and the site whose viewers it may
 * meet (groups.js).
 * @typedef {{ address: string, isp: string, province: string, site: string }} Visitor
 */

/**
 * The commands of an engine. A command for a connection that has ended meanwhile is ignored.
 * @typedef {object} Outlet
 * @property {(conn: number, text: Uint8Array) => void} send UTF-8, to be copied before the call returns
 * @property {(conn: number) => void} ping
 * @property {(conn: number, request: number, channel: string, token: string) => void} authorize asks if the viewer may enter;
 *   authorized() answers, at any time
 * @property {(conn: number, text: string) => void} [forward] a message for the engine that runs the channel, after elsewhere()
 * @property {(parameter: string) => void} [split] the name of a query parameter that is the only difference between channels
 * @property {(conn: number, code: number, reason: string) => void} close the engine has forgotten the connection: closed() must
 *   not be called for it
 */

/**
 * The inputs of an engine. No method throws. An input for a connection that the engine has closed, or that was never opened, is
 * ignored.
 * @typedef {object} EnginePort
 * @property {boolean} dead true after the engine has died; only a new tracker helps
 * @property {(conn: number, visitor: Visitor) => void} open `conn`: from 1 to 2^31 - 1, each used once
 * @property {(conn: number, text: Uint8Array) => void} message a text frame; the text is read before the call returns
 * @property {(conn: number) => void} binary
 * @property {(conn: number) => void} alive a ping or a pong
 * @property {(conn: number) => void} closed by the peer or by the network
 * @property {(conn: number, request: number, verdict: import('./admission.js').Verdict) => void} authorized
 * @property {(offset: number, limit: number) => Promise<string | null>} channels as JSON; null once the engine is dead
 * @property {(channel: string, offset: number, limit: number) => Promise<string | null>} topology as JSON; null when there is
 *   no such channel
 * @property {() => EngineStats | null} stats the last known ones; null before there are any, and once the engine is dead
 * @property {() => void | Promise<void>} retire to be called before the end: other engines take the channels of this one, if
 *   there are any. Resolves when they have, as far as can be determined.
 * @property {(conn: number) => void} part the connection was closed after retire(). The viewer goes on serving its children, so
 *   an engine that ends too keeps it, and may still introduce viewers to it
 * @property {() => void | Promise<void>} stop no command comes after this call
 */

// setTimeout takes at most 2^31 - 1 ms; a longer wait has several parts.
const MAX_TIMER_MS = 60_000;

// The engine's timers take seconds. One wake-up for several timers costs less than one for each.
const TIMER_SLACK_MS = 25;

// Each call for entropy costs time, so one call draws it for many connections.
const ENTROPY_WORDS = 4;
const ENTROPY_POOL = new Uint32Array(ENTROPY_WORDS * 256);
let entropyUsed = ENTROPY_POOL.length;

/** @returns {Uint32Array} four words for one peer's id, valid until the next call */
export function drawEntropy() {
  if (entropyUsed === ENTROPY_POOL.length) {
    randomFillSync(ENTROPY_POOL);
    entropyUsed = 0;
  }
  const from = entropyUsed;
  entropyUsed += ENTROPY_WORDS;
  return ENTROPY_POOL.subarray(from, entropyUsed);
}

const decoder = new TextDecoder();
/** @param {Uint8Array} bytes */
export const utf8 = (bytes) => decoder.decode(bytes);

/** @implements {EnginePort} */
export class LocalEngine {
  #engine;
  #outlet;
  #timerDue = Infinity;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #stopped = false;

  /**
   * @param {import('./engine.js').TrackerEngine} engine
   * @param {Outlet} outlet
   */
  constructor(engine, outlet) {
    this.#engine = engine;
    this.#outlet = outlet;
  }

  get dead() {
    return this.#engine.dead;
  }

  /** @param {number} conn @param {Visitor} visitor @param {Uint32Array} [entropy] of a peer that already has an id */
  open(conn, visitor, entropy = drawEntropy()) {
    this.#engine.open(performance.now(), conn, visitor, entropy, false);
    this.#drain();
  }

  /**
   * Opens a connection whose socket another engine has. @param {number} conn @param {Visitor} visitor @param {Uint32Array}
   * entropy
   */
  openGuest(conn, visitor, entropy) {
    this.#engine.open(performance.now(), conn, visitor, entropy, true);
    this.#drain();
  }

  /** @param {number} conn @param {Uint8Array} text */
  message(conn, text) {
    this.#engine.message(performance.now(), conn, text);
    this.#drain();
  }

  /** @param {number} conn */
  binary(conn) {
    this.#engine.binary(performance.now(), conn);
    this.#drain();
  }

  /** @param {number} conn */
  alive(conn) {
    this.#engine.pong(performance.now(), conn);
    this.#drain();
  }

  /** @param {number} conn */
  closed(conn) {
    this.#engine.closed(performance.now(), conn);
    this.#drain();
  }

  /** @param {number} conn @param {number} request @param {import('./admission.js').Verdict} verdict */
  authorized(conn, request, { granted, validMs, reason }) {
    this.#engine.authorized(performance.now(), conn, request, granted, validMs, reason);
    this.#drain();
  }

  /** Answers a command `authorize`: another engine runs the channel. @param {number} conn @param {number} request */
  elsewhere(conn, request) {
    this.#engine.elsewhere(performance.now(), conn, request);
    this.#drain();
  }

  /**
   * Makes the engine ask again which engine runs the peer's channel, as if it had entered again. No effect if the peer is in no
   * channel. @param {number} conn
   */
  askAgain(conn) {
    this.#engine.askAgain(performance.now(), conn);
    this.#drain();
  }

  /**
   * The engine that runs the peer's channel has sent it this `disconnect`; other messages mean nothing here. @param {number} conn
   * @param {string} text
   */
  told(conn, text) {
    this.#engine.told(performance.now(), conn, text);
    this.#drain();
  }

  /** @param {number} offset @param {number} limit */
  async channels(offset, limit) {
    return this.#engine.channels(offset, limit);
  }

  /** @param {string} channel @param {number} offset @param {number} limit */
  async topology(channel, offset, limit) {
    return this.#engine.topology(channel, offset, limit);
  }

  stats() {
    return this.#engine.stats();
  }

  retire() {}

  part() {}

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #drain() {
    for (let command = this.#engine.poll(); command !== null; command = this.#engine.poll()) {
      if (this.#stopped) return;
      switch (command.kind) {
        case CommandKind.send:
          this.#outlet.send(command.conn, command.text);
          break;
        case CommandKind.forward:
          this.#outlet.forward?.(command.conn, utf8(command.text));
          break;
        case CommandKind.split:
          this.#outlet.split?.(utf8(command.text));
          break;
        case CommandKind.ping:
          this.#outlet.ping(command.conn);
          break;
        case CommandKind.authorize: {
          const text = utf8(command.text);
          const end = text.indexOf('\n');
          const channel = text.slice(0, end);
          this.#outlet.authorize(command.conn, command.code, channel, text.slice(end + 1));
          break;
        }
        case CommandKind.close:
          this.#outlet.close(command.conn, command.code, utf8(command.text));
          break;
      }
    }
    this.#arm();
  }

  // A timer that is due too early stays: one needless wake-up costs less than a new timer for every frame.
  #arm() {
    const due = this.#engine.nextTimeout();
    if (due >= this.#timerDue || this.#stopped) return;
    this.#timerDue = due;
    clearTimeout(this.#timer);
    const delay = Math.max(Math.ceil(due - performance.now()), 0) + TIMER_SLACK_MS;
    this.#timer = setTimeout(
      () => {
        this.#timerDue = Infinity;
        this.#engine.timeout(performance.now());
        this.#drain();
      },
      Math.min(delay, MAX_TIMER_MS),
    );
  }
}
