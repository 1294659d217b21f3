/**
 * The seam between the sockets and the engine that decides about them, and the engine of this very process behind it.
 *
 * Frames and the life of a connection go in by an EnginePort; what is to be done about connections comes out by an Outlet. A
 * connection is a number that the sockets chose, so that whatever stands in for LocalEngine may sit in another process.
 */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { CommandKind } from './abi.js';

/** @typedef {import('./engine.js').EngineStats} EngineStats */

/**
 * Who is at the other end of a connection: its address, and its network and province where they are known.
 * @typedef {{ address: string, isp: string, province: string }} Visitor
 */

/**
 * What an engine wants done. A connection that is gone meanwhile is passed over.
 * @typedef {object} Outlet
 * @property {(conn: number, text: Uint8Array) => void} send UTF-8, to be copied before the call returns
 * @property {(conn: number) => void} ping
 * @property {(conn: number, request: number, channel: string, token: string) => void} authorize whether the viewer may enter;
 *   to be answered by authorized(), at any time
 * @property {(conn: number, text: string) => void} [forward] what an engine elsewhere must hear of it, after elsewhere()
 * @property {(parameter: string) => void} [split] the name of a query parameter in which alone channels differ
 * @property {(conn: number, code: number, reason: string) => void} close the engine has forgotten the connection: it hears no
 *   closed() for it
 */

/**
 * What the sockets tell an engine. Nothing here throws, and what is said of a connection that the engine has closed, or of one
 * that was never opened, is ignored.
 * @typedef {object} EnginePort
 * @property {boolean} dead nothing but a new tracker helps
 * @property {(conn: number, visitor: Visitor) => void} open a number from 1 to 2^31 - 1, each used once
 * @property {(conn: number, text: Uint8Array) => void} message a text frame as it came, read before the call returns
 * @property {(conn: number) => void} binary
 * @property {(conn: number) => void} alive a ping or a pong
 * @property {(conn: number) => void} closed by the peer or by the network
 * @property {(conn: number, request: number, verdict: import('./admission.js').Verdict) => void} authorized
 * @property {(offset: number, limit: number) => Promise<string | null>} channels as JSON; null once the engine is dead
 * @property {(channel: string, offset: number, limit: number) => Promise<string | null>} topology as JSON; null when there is
 *   no such channel
 * @property {() => EngineStats | null} stats as last known; null before there are any and once the engine is dead
 * @property {() => void | Promise<void>} retire the end is near: other engines are to run what this one runs, as far as there are
 *   others. Resolves when they do, as far as that can be told.
 * @property {(conn: number) => void} part the connection was closed after retire(). Whom the viewer serves it serves on, so engines
 *   that end too treat it as one that is there, and may still introduce somebody to it
 * @property {() => void | Promise<void>} stop no command comes after this
 */

// setTimeout takes at most 2^31 - 1 ms; a longer wait is cut in two.
const MAX_TIMER_MS = 60_000;

// What the engine waits for, it waits for seconds. Waking for many things at once costs less than for each at its own millisecond.
const TIMER_SLACK_MS = 25;

// Drawing entropy has a price per call, so it is drawn for many connections at once.
const ENTROPY_WORDS = 4;
const ENTROPY_POOL = new Uint32Array(ENTROPY_WORDS * 256);
let entropyUsed = ENTROPY_POOL.length;

/** @returns {Uint32Array} four words for one peer's id, to be used or copied at once */
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

  /** @param {number} conn @param {Visitor} visitor @param {Uint32Array} [entropy] of a peer that has an id already */
  open(conn, visitor, entropy = drawEntropy()) {
    this.#engine.open(performance.now(), conn, visitor, entropy, false);
    this.#drain();
  }

  /** One whose socket another engine has. @param {number} conn @param {Visitor} visitor @param {Uint32Array} entropy */
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

  /** Answers that another engine runs the channel. @param {number} conn @param {number} request */
  elsewhere(conn, request) {
    this.#engine.elsewhere(performance.now(), conn, request);
    this.#drain();
  }

  /** Has the engine ask where the peer belongs, as if it had entered again; nothing if it is in no channel. @param {number} conn */
  askAgain(conn) {
    this.#engine.askAgain(performance.now(), conn);
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

  // A timer that is due too early is left alone: waking once for nothing costs less than a new timer for every frame.
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
