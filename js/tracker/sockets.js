/**
 * The WebSockets of a tracker: passes every frame to the engine and carries out every command of the engine.
 */
import { performance } from 'node:perf_hooks';
import { WebSocketServer } from 'ws';
import { shownAddress } from './addresses.js';
import { PING_FRAME, pongFrame, textFrame } from './frames.js';
import { NO_PEERS } from './groups.js';
import { readAhead } from './reader.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:stream').Duplex} Duplex */
/** @typedef {import('ws').WebSocket & { [CONN]: number, [RAW]: Duplex, [UNSENT]: Buffer[] | null }} Socket */

/**
 * @typedef {object} SocketLimits
 * @property {number} maxMessageBytes a longer message closes its socket with 1009 before it is read to its end
 * @property {number} maxPendingBytes the most that may wait unsent for one socket; a peer for which more waits does not read, and
 *   its socket is destroyed
 * @property {'truncated' | 'full' | 'none'} logAddresses the part of an address that may be logged
 */

/** @typedef {'messages' | 'binary' | 'controls' | 'bytesIn' | 'bytesOut' | 'slow' | 'tooLong' | 'broken' | 'floods'} SocketCounter */

// The connection's number is a property of the socket, and all sockets share their handlers: closures for each would be most of
// the memory of a silent viewer.
const CONN = Symbol('conn');
// The socket below the WebSocket. Frames are written to it directly: ws would write header and text as two buffers.
const RAW = Symbol('raw');
// Frames that wait for the end of the turn of the event loop, when they are sent in one write.
const UNSENT = Symbol('unsent');

// A log that a flood can fill helps nobody.
const TELL_EVERY_MS = 1000;

// The time that a peer has to answer a close frame before its socket is destroyed.
const CLOSE_GRACE_MS = 2000;

// The most frames that may come after a socket was closed, since they were under way. A peer that sends more is flooding.
const MAX_FRAMES_AFTER_CLOSE = 100;

/** The log message for channels that differ only in the value of a query parameter. */
const SPLIT =
  "channels differ in one query parameter alone, so their viewers do not meet; if it selects no other video, leave it out by the player's " +
  'option channel';

export class Sockets {
  #admission;
  #engine;
  #limits;
  #log;
  #wss;
  /** @type {Map<number, Socket>} */
  #open = new Map();
  /** The sockets that we closed, with the number of frames that came since. @type {Map<Socket, number>} */
  #closing = new Map();
  /** The sockets with unsent frames. @type {Socket[]} */
  #dirty = [];
  #lastConn = 0;
  /** @type {Map<string, { at: number, left: number }>} */
  #told = new Map();
  #ended = false;

  /** @type {Record<SocketCounter, number>} */
  counters = {
    messages: 0,
    binary: 0,
    controls: 0,
    bytesIn: 0,
    bytesOut: 0,
    slow: 0,
    tooLong: 0,
    broken: 0,
    floods: 0,
  };

  /**
   * @param {(outlet: import('./local-engine.js').Outlet) => import('./local-engine.js').EnginePort} connect
   * @param {import('./admission.js').Admission} admission
   * @param {SocketLimits} limits
   * @param {import('./log.js').Log} log
   */
  constructor(connect, admission, limits, log) {
    this.#admission = admission;
    this.#limits = limits;
    this.#log = log;
    this.#wss = new WebSocketServer({
      noServer: true,
      maxPayload: limits.maxMessageBytes,
      perMessageDeflate: false,
      clientTracking: false,
      // A pong is sent like all other frames, under the same limit on unsent bytes.
      autoPong: false,
    });
    this.#engine = connect({
      send: (conn, text) => this.#send(conn, text),
      ping: (conn) => {
        const ws = this.#open.get(conn);
        if (ws) this.#queue(ws, PING_FRAME);
      },
      split: (parameter) => this.#log.warn(SPLIT, { parameter }),
      close: (conn, code, reason) => this.#closedByEngine(conn, code, reason),
      authorize: async (conn, request, channel, token) => {
        const verdict = await admission.check(channel, token, conn);
        if (!verdict.granted) this.#toldOf('refused', { channel, cause: verdict.cause });
        if (this.#open.has(conn)) this.#engine.authorized(conn, request, verdict);
        else admission.left(conn);
      },
    });
    this.#handlers = this.#makeHandlers();
    const { message, ping, pong } = this.#handlers;
    this.#readAhead = readAhead(limits.maxMessageBytes, {
      text: (ws, text) => message.call(ws, text, false),
      ping: (ws, data) => ping.call(ws, data),
      pong: (ws) => pong.call(ws),
    });
  }

  get size() {
    return this.#open.size;
  }

  get engine() {
    return this.#engine;
  }

  /**
   * Takes over an HTTP upgrade.
   * @param {IncomingMessage} request
   * @param {Duplex} socket
   * @param {Buffer} head
   * @param {import('./local-engine.js').Visitor} visitor
   */
  upgrade(request, socket, head, visitor) {
    if (this.#ended) {
      socket.destroy();
      return;
    }
    this.#wss.handleUpgrade(request, socket, head, (ws) =>
      this.#accept(/** @type {Socket} */ (/** @type {unknown} */ (ws)), socket, visitor),
    );
  }

  /**
   * Closes some sockets, those that have been open longest first, as a step of a drain.
   * @param {number} count
   * @param {number} code
   * @param {string} reason
   */
  closeSome(count, code, reason) {
    for (const [conn, ws] of this.#open) {
      if (count-- <= 0) return;
      this.#forget(conn);
      this.#engine.part(conn);
      this.#close(ws, code, reason);
    }
  }

  /**
   * Closes every socket and stops the engine.
   * @param {number} code
   * @param {string} reason
   * @param {number} [graceMs] for all sockets, including those that were closed before
   * @returns {Promise<void>} resolves when all sockets are gone
   */
  async end(code, reason, graceMs = CLOSE_GRACE_MS) {
    this.#ended = true;
    const stopped = this.#engine.stop();
    for (const ws of this.#open.values()) this.#close(ws, code, reason);
    this.#open.clear();
    const closing = [...this.#closing.keys()];
    const timer = setTimeout(() => closing.forEach((ws) => ws.terminate()), graceMs);
    await Promise.all([stopped, ...closing.map(gone)]);
    clearTimeout(timer);
  }

  /**
   * @param {Socket} ws
   * @param {Duplex} raw
   * @param {import('./local-engine.js').Visitor} visitor
   */
  #accept(ws, raw, visitor) {
    const conn = ++this.#lastConn;
    ws[CONN] = conn;
    ws[RAW] = raw;
    ws[UNSENT] = null;
    this.#open.set(conn, ws);
    const { message, ping, pong, error, close } = this.#handlers;
    ws.on('message', message).on('ping', ping).on('pong', pong);
    ws.on('error', error).on('close', close);
    this.#readAhead(ws, raw);
    this.#log.debug('opened', () => {
      const address = shownAddress(visitor.address, this.#limits.logAddresses);
      return { conn, ...visitor, address };
    });
    if (visitor.site === NO_PEERS) {
      const address = shownAddress(visitor.address, this.#limits.logAddresses);
      this.#toldOf('plays without peers: a line of --groups says so', { conn, address });
    }
    this.#engine.open(conn, visitor);
  }

  #handlers;
  #readAhead;

  #makeHandlers() {
    const sockets = this;
    return {
      /** @this {any} @param {import('ws').RawData} data @param {boolean} isBinary */
      message(data, isBinary) {
        sockets.#message(this, /** @type {Buffer} */ (data), isBinary);
      },
      /** @this {any} @param {Buffer} data */
      ping(data) {
        sockets.#alive(this);
        if (sockets.#open.has(this[CONN])) sockets.#queue(this, pongFrame(data));
      },
      /** @this {any} */
      pong() {
        sockets.#alive(this);
      },
      // A frame that breaks RFC 6455 or the payload limit: ws closes the socket, and `close` follows.
      /** @this {any} @param {NodeJS.ErrnoException} error */
      error(error) {
        ++sockets.counters.broken;
        if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') ++sockets.counters.tooLong;
        sockets.#log.debug('broken socket', { conn: this[CONN], error: error.message });
      },
      /** @this {any} */
      close() {
        sockets.#closing.delete(this);
        if (sockets.#forget(this[CONN])) sockets.#engine.closed(this[CONN]);
      },
    };
  }

  /**
   * An entry for people: at most one a second of each event, with the number of those that were left out. @param {string} event
   * @param {import('./log.js').Fields} fields
   */
  #toldOf(event, fields) {
    const now = performance.now();
    const last = this.#told.get(event) ?? { at: -Infinity, left: 0 };
    if (now - last.at < TELL_EVERY_MS) {
      ++last.left;
      return;
    }
    this.#log.info(event, { ...fields, unsaid: last.left || undefined });
    this.#told.set(event, { at: now, left: 0 });
  }

  /** @param {Socket} ws */
  #alive(ws) {
    if (this.#late(ws)) return;
    ++this.counters.controls;
    this.#engine.alive(ws[CONN]);
  }

  /** True if the frame came after its socket was closed. Too many of them destroy the socket. @param {Socket} ws */
  #late(ws) {
    if (this.#open.has(ws[CONN])) return false;
    const since = (this.#closing.get(ws) ?? 0) + 1;
    this.#closing.set(ws, since);
    if (since === MAX_FRAMES_AFTER_CLOSE) {
      ++this.counters.floods;
      ws.terminate();
    }
    return true;
  }

  /** @param {Socket} ws @param {Buffer} data @param {boolean} isBinary */
  #message(ws, data, isBinary) {
    if (this.#late(ws)) return;
    const conn = ws[CONN];
    this.counters.bytesIn += data.length;
    if (isBinary) {
      ++this.counters.binary;
      this.#engine.binary(conn);
    } else {
      ++this.counters.messages;
      this.#engine.message(conn, data);
    }
  }

  /** @param {number} conn @param {Uint8Array} text */
  #send(conn, text) {
    const ws = this.#open.get(conn);
    if (!ws) return;
    this.counters.bytesOut += text.length;
    this.#queue(ws, textFrame(text));
  }

  // All frames of one turn of the event loop for one socket are sent in one write, which is the greatest cost of sending. The
  // busier the process, the more frames come together.
  /** @param {Socket} ws @param {Buffer} frame */
  #queue(ws, frame) {
    if (ws[UNSENT] !== null) {
      ws[UNSENT].push(frame);
      return;
    }
    ws[UNSENT] = [frame];
    if (this.#dirty.push(ws) === 1) setImmediate(() => this.#flushAll());
  }

  #flushAll() {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const ws of dirty) this.#flush(ws);
  }

  /** @param {Socket} ws */
  #flush(ws) {
    const frames = ws[UNSENT];
    if (frames === null) return;
    ws[UNSENT] = null;
    if (ws.readyState !== ws.OPEN) return;
    const raw = ws[RAW];
    raw.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
    if (raw.writableLength > this.#limits.maxPendingBytes) {
      ++this.counters.slow;
      this.#log.debug('slow consumer cut off', { conn: ws[CONN], unread: raw.writableLength });
      ws.terminate();
    }
  }

  /** @param {number} conn @param {number} code @param {string} reason */
  #closedByEngine(conn, code, reason) {
    const ws = this.#open.get(conn);
    if (!ws) return;
    this.#forget(conn);
    this.#log.debug('closed', { conn, code, reason });
    this.#close(ws, code, reason);
  }

  /** Returns false if it was not open. @param {number} conn */
  #forget(conn) {
    this.#admission.left(conn);
    return this.#open.delete(conn);
  }

  /**
   * @param {Socket} ws
   * @param {number} code
   * @param {string} reason
   */
  #close(ws, code, reason) {
    if (ws.readyState === ws.CLOSED) return;
    this.#closing.set(ws, 0);
    this.#flush(ws);
    const timer = setTimeout(() => ws.terminate(), CLOSE_GRACE_MS);
    ws.once('close', () => clearTimeout(timer));
    ws.close(code, reason);
  }
}

/**
 * @param {Socket} ws
 * @returns {Promise<void>}
 */
function gone(ws) {
  return new Promise((resolve) => {
    if (ws.readyState === ws.CLOSED) resolve();
    else ws.once('close', () => resolve());
  });
}
