/**
 * Connections that have not asked for anything yet, by address. They cost little, but each takes one of the places that a server
 * has, and nobody knows yet which of them is a viewer's. A viewer asks within a moment, so the oldest one makes room for the next.
 */
import { performance } from 'node:perf_hooks';
import { addressKey } from './addresses.js';

// Viewers of one address who come together are taken one after the other: each has this time before it counts.
const GRACE_MS = 1000;
// A sweep this long after the one before comes late.
const LATE_MS = 1000;
// The most of one address, however young.
const HARD_PER_ADDRESS = 2048;

/** @typedef {import('node:net').Socket} Socket */

export class Pending {
  #perAddress;
  #inAll;
  #isProxy;
  #sweptAt = 0;
  /** @type {Map<string, Set<Socket>>} */
  #byAddress = new Map();
  /** By the socket's end that a request knows: of TLS, both ends have the same addresses and ports. @type {Map<string, { key: string, socket: Socket, since: number }>} */
  #known = new Map();

  /**
   * @param {number} perAddress
   * @param {number} inAll of those that are no proxy's
   * @param {(address: string) => boolean} isProxy
   */
  constructor(perAddress, inAll, isProxy) {
    this.#perAddress = perAddress;
    this.#inAll = inAll;
    this.#isProxy = isProxy;
  }

  /** @param {Socket} socket @returns {number} the connections that were dropped for it */
  add(socket) {
    const address = socket.remoteAddress ?? '';
    if (this.#isProxy(address)) return 0;
    const key = addressKey(address);
    const own = this.#byAddress.get(key) ?? new Set();
    this.#byAddress.set(key, own.add(socket));
    const name = nameOf(socket);
    this.#known.set(name, { key, socket, since: performance.now() });
    socket.once('close', () => this.#forget(name, socket));
    if (own.size <= HARD_PER_ADDRESS) return 0;
    const [oldest] = own;
    return this.#drop(oldest);
  }

  /**
   * Drops those that are too many and have had their time. Called every so often; where the call before was long ago, this process
   * was busy, what they asked may lie unread, and none is dropped.
   * @returns {number} the connections that were dropped
   */
  sweep() {
    const now = performance.now();
    const late = now - this.#sweptAt > LATE_MS;
    this.#sweptAt = now;
    if (late) return 0;
    const until = now - GRACE_MS;
    let dropped = 0;
    for (const { key, socket, since } of [...this.#known.values()]) {
      if (since > until) break;
      const own = this.#byAddress.get(key)?.size ?? 0;
      if (own > this.#perAddress || this.#known.size > this.#inAll) dropped += this.#drop(socket);
    }
    return dropped;
  }

  /** It asked for something. @param {Socket} socket of a request */
  remove(socket) {
    const name = nameOf(socket);
    const known = this.#known.get(name);
    if (known) this.#forget(name, known.socket);
  }

  get size() {
    return this.#known.size;
  }

  /** @param {string} name @param {Socket} socket */
  #forget(name, socket) {
    const known = this.#known.get(name);
    if (known?.socket !== socket) return;
    this.#known.delete(name);
    const own = this.#byAddress.get(known.key);
    own?.delete(socket);
    if (own?.size === 0) this.#byAddress.delete(known.key);
  }

  /** @param {Socket} socket @returns {number} of dropped connections */
  #drop(socket) {
    this.#forget(nameOf(socket), socket);
    socket.destroy();
    return 1;
  }
}

/** @param {Socket} socket */
const nameOf = ({ remoteAddress, remotePort, localPort }) =>
  `${remoteAddress} ${remotePort} ${localPort}`;
