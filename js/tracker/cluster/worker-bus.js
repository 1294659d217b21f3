/**
 * The bus of the workers of one machine: the primary (primary.js) keeps the directory and forwards messages.
 */
import { once } from 'node:events';

/** @typedef {import('./bus.js').Bus} Bus */

/**
 * A message from a worker to the primary.
 * @typedef {{ kind: 'join' } | { kind: 'beat' } | { kind: 'listening', url: string } | { kind: 'claim', id: number, channels: string[] } |
 *   { kind: 'unclaim', channels: string[] } | { kind: 'post', to: string, batch: import('./links.js').Batch } |
 *   { kind: 'metrics', id: number } | { kind: 'metrics-are', id: number, text: string } | Handover} FromWorker
 */

/**
 * A message from the primary to a worker.
 * @typedef {{ kind: 'members', names: string[] } | { kind: 'claimed', id: number, owners: string[] } |
 *   { kind: 'message', from: string, batch: import('./links.js').Batch } | { kind: 'drain' } | { kind: 'reload' } | { kind: 'beat' } |
 *   { kind: 'tell-metrics', id: number } | { kind: 'all-metrics', id: number, texts: [name: string, text: string][] } |
 *   Handover} FromPrimary
 */

/**
 * A request for a WebSocket that another worker will take; the socket is sent with it.
 * @typedef {{ kind: 'handover', to: string, method: string, url: string, headers: Record<string, any>, head: string }} Handover
 */

/**
 * Stops reading from a socket that is sent to another process: it stays open here until that process confirms, and bytes that are
 * read here meanwhile would be lost. Node has no public function for this.
 * @param {import('node:net').Socket} socket
 */
export function stopReading(socket) {
  /** @type {any} */ (socket)._handle?.readStop();
}

/** @implements {Bus} */
export class WorkerBus {
  endsAsOne = true;
  leaseMs = 5000;
  #process;
  /** @type {import('./bus.js').BusEvents | null} */
  #events = null;
  #lastId = 0;
  /** @type {Map<number, (reply: any) => void>} */
  #waiting = new Map();
  /** @type {string[]} */
  #names = [];
  /** Returns this worker's metrics. @type {() => string} */
  metrics = () => '';
  /** @type {(request: any, socket: import('node:net').Socket, head: Buffer) => void} */
  adopt = (_, socket) => socket.destroy();

  /**
   * @param {NodeJS.Process} process with a channel to the primary
   * @param {string} name
   */
  constructor(process, name) {
    this.#process = process;
    this.name = name;
    process.on('message', (message, handle) =>
      this.#hear(/** @type {FromPrimary} */ (message), handle),
    );
  }

  /** @param {import('./bus.js').BusEvents} events */
  async start(events) {
    this.#events = events;
    await this.join();
    events.up();
  }

  /** Begins to take sockets that other workers hand over. */
  async join() {
    this.#tell({ kind: 'join' });
    while (!this.#names.includes(this.name)) await once(this.#process, 'message');
  }

  /** @param {string[]} channels @returns {Promise<string[]>} */
  claim(channels) {
    return this.#ask((id) => ({ kind: 'claim', id, channels }));
  }

  /** @param {string[]} channels */
  async unclaim(channels) {
    if (channels.length > 0) this.#tell({ kind: 'unclaim', channels });
  }

  /** @param {string} to @param {import('./links.js').Batch} batch */
  post(to, batch) {
    this.#tell({ kind: 'post', to, batch });
  }

  /** Metrics of all workers, by name. @returns {Promise<[name: string, text: string][]>} */
  allMetrics() {
    return this.#ask((id) => ({ kind: 'metrics', id }));
  }

  /** @returns {readonly string[]} names of all workers, including this one */
  get names() {
    return this.#names;
  }

  /**
   * @param {string} to
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:net').Socket} socket
   * @param {Buffer} head
   */
  handOver(to, request, socket, head) {
    const { method = 'GET', url = '/', headers } = request;
    const message = { kind: 'handover', to, method, url, headers, head: head.toString('base64') };
    stopReading(socket);
    this.#process.send?.(message, socket);
  }

  /** @param {string} url */
  listening(url) {
    this.#tell({ kind: 'listening', url });
  }

  async stop() {
    this.#events = null;
  }

  /** @param {(id: number) => FromWorker} question @returns {Promise<any>} */
  #ask(question) {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      this.#tell(question(id));
    });
  }

  /** @param {FromWorker} message */
  #tell(message) {
    // The primary may have ended, and this process ends soon.
    if (this.#process.connected) this.#process.send?.(message, undefined, undefined, () => {});
  }

  /** @param {FromPrimary} message @param {unknown} handle */
  #hear(message, handle) {
    switch (message.kind) {
      case 'members':
        this.#names = message.names;
        this.#events?.members(new Set(message.names.filter((name) => name !== this.name)));
        break;
      case 'beat':
        this.#tell({ kind: 'beat' });
        break;
      case 'claimed':
        this.#answer(message.id, message.owners);
        break;
      case 'all-metrics':
        this.#answer(message.id, message.texts);
        break;
      case 'message':
        this.#events?.message(message.from, message.batch);
        break;
      case 'tell-metrics':
        this.#tell({ kind: 'metrics-are', id: message.id, text: this.metrics() });
        break;
      case 'handover': {
        // The socket may have ended on the way.
        const socket = /** @type {import('node:net').Socket | undefined} */ (handle);
        if (!socket) break;
        const { method, url, headers, head } = message;
        this.adopt({ method, url, headers, socket }, socket, Buffer.from(head, 'base64'));
        break;
      }
    }
  }

  /** @param {number} id @param {unknown} reply */
  #answer(id, reply) {
    this.#waiting.get(id)?.(reply);
    this.#waiting.delete(id);
  }
}
