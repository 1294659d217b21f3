/**
 * The bus of the processes of one machine: the primary (primary.js) keeps the directory and passes messages on.
 */
import { once } from 'node:events';

/** @typedef {import('./bus.js').Bus} Bus */

/**
 * What a worker tells the primary.
 * @typedef {{ kind: 'join' } | { kind: 'listening', url: string } | { kind: 'claim', id: number, channels: string[] } |
 *   { kind: 'unclaim', channels: string[] } | { kind: 'post', to: string, batch: import('./links.js').Batch } |
 *   { kind: 'metrics', id: number } | { kind: 'metrics-are', id: number, text: string } | Handover} FromWorker
 */

/**
 * What the primary tells a worker.
 * @typedef {{ kind: 'members', names: string[] } | { kind: 'claimed', id: number, owners: string[] } |
 *   { kind: 'message', from: string, batch: import('./links.js').Batch } | { kind: 'drain' } | { kind: 'reload' } |
 *   { kind: 'tell-metrics', id: number } | { kind: 'all-metrics', id: number, texts: [name: string, text: string][] } |
 *   Handover} FromPrimary
 */

/**
 * A request for a WebSocket that another worker is to take; the socket comes with it.
 * @typedef {{ kind: 'handover', to: string, method: string, url: string, headers: Record<string, any>, head: string }} Handover
 */

/**
 * A socket that is sent to another process is still open here until that one says that it has it, and what is read here
 * meanwhile is lost. Node has no public call for this.
 * @param {import('node:net').Socket} socket
 */
export function stopReading(socket) {
  /** @type {any} */ (socket)._handle?.readStop();
}

/** @implements {Bus} */
export class WorkerBus {
  endsAsOne = true;
  #process;
  /** @type {import('./bus.js').BusEvents | null} */
  #events = null;
  #lastId = 0;
  /** @type {Map<number, (reply: any) => void>} */
  #waiting = new Map();
  /** @type {string[]} */
  #names = [];
  /** What this worker's metrics are. @type {() => string} */
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

  /** Takes sockets that others hand over, from here on. */
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

  /** @returns {readonly string[]} of all workers, this one too */
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
    // The primary may be gone, and this process soon.
    if (this.#process.connected) this.#process.send?.(message, undefined, undefined, () => {});
  }

  /** @param {FromPrimary} message @param {unknown} handle */
  #hear(message, handle) {
    switch (message.kind) {
      case 'members':
        this.#names = message.names;
        this.#events?.members(new Set(message.names.filter((name) => name !== this.name)));
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
        // It may have ended on the way.
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
