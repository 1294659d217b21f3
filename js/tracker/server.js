/**
 * The sockets of a tracker: every frame goes into the engine, every command of the engine is carried out.
 */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { WebSocketServer } from 'ws';
import { CommandKind } from './abi.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:stream').Duplex} Duplex */

// The engine refuses text above 64 KiB with a reason; what is far above that need not be read to the end.
const MAX_PAYLOAD_BYTES = 256 * 1024;

// A peer's share of what waits unsent: some hundred signals. Who lets more pile up is not reading.
const MAX_BUFFERED_BYTES = 1024 * 1024;

// How long a peer may take to answer a close frame before its socket is destroyed.
const CLOSE_GRACE_MS = 2000;

// setTimeout takes at most 2^31 - 1 ms; a longer wait is cut in two.
const MAX_TIMER_MS = 60_000;

export class TrackerServer {
  #engine;
  #log;
  #wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  /** @type {Map<number, import('ws').WebSocket>} */
  #sockets = new Map();
  #lastConn = 0;
  #timerDue = Infinity;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #ended = false;

  /**
   * @param {import('./engine.js').TrackerEngine} engine
   * @param {(line: string) => void} log
   */
  constructor(engine, log) {
    this.#engine = engine;
    this.#log = log;
  }

  /**
   * Takes over an HTTP upgrade.
   * @param {IncomingMessage} request
   * @param {Duplex} socket
   * @param {Buffer} head
   */
  upgrade(request, socket, head) {
    if (this.#ended) {
      socket.destroy();
      return;
    }
    this.#wss.handleUpgrade(request, socket, head, (ws) => {
      this.#accept(ws, request.socket.remoteAddress ?? '');
    });
  }

  /**
   * Closes every socket and stops the clock.
   * @param {number} code
   * @param {string} reason
   * @returns {Promise<void>} resolves when all sockets are gone
   */
  async end(code, reason) {
    this.#ended = true;
    clearTimeout(this.#timer);
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(sockets.map((ws) => closeSocket(ws, code, reason)));
  }

  /**
   * @param {import('ws').WebSocket} ws
   * @param {string} address
   */
  #accept(ws, address) {
    const conn = ++this.#lastConn;
    this.#sockets.set(conn, ws);
    ws.on('message', (data, isBinary) => {
      if (!this.#sockets.has(conn)) return;
      if (isBinary) this.#engine.binary(performance.now(), conn);
      else this.#engine.message(performance.now(), conn, /** @type {Buffer} */ (data));
      this.#drain();
    });
    const alive = () => {
      if (this.#sockets.has(conn)) this.#engine.pong(performance.now(), conn);
    };
    ws.on('pong', alive);
    ws.on('ping', alive);
    // A frame that breaks RFC 6455 or the payload limit: ws closes the socket, and `close` follows.
    ws.on('error', (error) => this.#log(`socket ${conn} (${address}): ${error.message}`));
    ws.on('close', () => {
      if (!this.#sockets.delete(conn)) return;
      this.#engine.closed(performance.now(), conn);
      this.#drain();
    });
    this.#engine.open(performance.now(), conn, address, randomFillSync(new Uint32Array(4)));
    this.#drain();
  }

  #drain() {
    for (let command = this.#engine.poll(); command !== null; command = this.#engine.poll()) {
      const ws = this.#sockets.get(command.conn);
      if (!ws) continue;
      switch (command.kind) {
        case CommandKind.send:
          ws.send(command.text, { binary: false });
          if (ws.bufferedAmount > MAX_BUFFERED_BYTES) {
            this.#log(`socket ${command.conn}: ${ws.bufferedAmount} bytes unread, ended`);
            ws.terminate();
          }
          break;
        case CommandKind.ping:
          ws.ping();
          break;
        case CommandKind.close: {
          const reason = command.text.toString();
          this.#log(`socket ${command.conn}: closed with ${command.code}, ${reason}`);
          this.#sockets.delete(command.conn);
          void closeSocket(ws, command.code, reason);
          break;
        }
      }
    }
    this.#arm();
  }

  #arm() {
    const due = this.#engine.nextTimeout();
    if (due === this.#timerDue || this.#ended) return;
    this.#timerDue = due;
    clearTimeout(this.#timer);
    if (due === Infinity) return;
    // The engine counts whole milliseconds, so rounding up never wakes it early.
    const delay = Math.min(Math.max(Math.ceil(due - performance.now()), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timerDue = Infinity;
      this.#engine.timeout(performance.now());
      this.#drain();
    }, delay);
  }
}

/**
 * @param {import('ws').WebSocket} ws
 * @param {number} code
 * @param {string} reason
 * @returns {Promise<void>} resolves when the socket is gone
 */
function closeSocket(ws, code, reason) {
  return new Promise((resolve) => {
    if (ws.readyState === ws.CLOSED) return resolve();
    const timer = setTimeout(() => ws.terminate(), CLOSE_GRACE_MS);
    ws.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    ws.close(code, reason);
  });
}
