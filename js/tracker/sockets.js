/**
 * The WebSockets of a tracker: every frame goes into the engine, every command of the engine is carried out.
 */
import { WebSocketServer } from 'ws';
import { shownAddress } from './addresses.js';
import { PING_FRAME, pongFrame, textFrame } from './frames.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:stream').Duplex} Duplex */
/** @typedef {import('ws').WebSocket & { [CONN]: number, [RAW]: Duplex, [UNSENT]: Buffer[] | null }} Socket */

/**
 * @typedef {object} SocketLimits
 * @property {number} maxMessageBytes a longer message closes its socket with 1009 before it is read to the end
 * @property {number} maxPendingBytes what may wait unsent for one socket; who lets more pile up is not reading, and is cut off
 * @property {'truncated' | 'full' | 'none'} logAddresses what may be logged of an address
 */

/** @typedef {'messages' | 'binary' | 'controls' | 'bytesIn' | 'bytesOut' | 'slow' | 'tooLong' | 'broken' | 'floods'} SocketCounter */

// The number of the connection that a socket is. On the socket itself and with handlers that all sockets share: closures for
// each would be the greater part of what a silent viewer costs.
const CONN = Symbol('conn');
// What is below the WebSocket. Frames are written to it directly: ws would write header and text as two buffers.
const RAW = Symbol('raw');
// Frames that wait for the end of the turn, to go out in one write.
const UNSENT = Symbol('unsent');

// How long a peer may take to answer a close frame before its socket is destroyed.
const CLOSE_GRACE_MS = 2000;

// Frames that a peer may have had under way when its socket was closed. Who goes on beyond that is not listening.
const MAX_FRAMES_AFTER_CLOSE = 100;

/** What is logged of channels that are one but for the value of a query parameter. */
const SPLIT =
  "channels differ in one query parameter alone, so their viewers do not meet; if it selects no other video, leave it out by the player's " +
  'option channel';

export class Sockets {
  #engine;
  #limits;
  #log;
  #wss;
  /** @type {Map<number, Socket>} */
  #open = new Map();
  /** Closed by us, with the frames that came since. @type {Map<Socket, number>} */
  #closing = new Map();
  /** Those with something unsent. @type {Socket[]} */
  #dirty = [];
  #lastConn = 0;
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
    this.#limits = limits;
    this.#log = log;
    this.#wss = new WebSocketServer({
      noServer: true,
      maxPayload: limits.maxMessageBytes,
      perMessageDeflate: false,
      clientTracking: false,
      // Answered here, with all else that a socket is sent, and under the same limit on what it leaves unread.
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
        const verdict = await admission.check(channel, token);
        if (!verdict.granted) this.#log.debug('refused', { conn, channel, reason: verdict.reason });
        if (this.#open.has(conn)) this.#engine.authorized(conn, request, verdict);
      },
    });
    this.#handlers = this.#makeHandlers();
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
   * Closes some sockets, those first that have been open longest, on the way to end().
   * @param {number} count
   * @param {number} code
   * @param {string} reason
   */
  closeSome(count, code, reason) {
    for (const [conn, ws] of this.#open) {
      if (count-- <= 0) return;
      this.#open.delete(conn);
      this.#engine.part(conn);
      this.#close(ws, code, reason);
    }
  }

  /**
   * Closes every socket and stops the engine.
   * @param {number} code
   * @param {string} reason
   * @param {number} [graceMs] for all sockets, those too that were closed before
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
    this.#log.debug('opened', () => {
      const address = shownAddress(visitor.address, this.#limits.logAddresses);
      return { conn, ...visitor, address };
    });
    this.#engine.open(conn, visitor);
  }

  #handlers;

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
        if (sockets.#open.delete(this[CONN])) sockets.#engine.closed(this[CONN]);
      },
    };
  }

  /** @param {Socket} ws */
  #alive(ws) {
    if (this.#late(ws)) return;
    ++this.counters.controls;
    this.#engine.alive(ws[CONN]);
  }

  /** Whether a frame came after its socket was closed. Too many of them end it. @param {Socket} ws */
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

  // What a turn of the event loop has for one socket goes out in one write, which costs the most of all that sending costs. The
  // more there is to do, the more comes together.
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
    this.#open.delete(conn);
    this.#log.debug('closed', { conn, code, reason });
    this.#close(ws, code, reason);
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
