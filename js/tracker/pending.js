/**
 * Connections that have not asked for anything yet, by address. They cost little, but each takes one of the places that a server
 * has, and nobody knows yet which of them is a viewer's. A viewer asks within a moment, so the oldest one makes room for the next.
 */
import { addressKey } from './addresses.js';

/** @typedef {import('node:net').Socket} Socket */

export class Pending {
  #perAddress;
  #inAll;
  #isProxy;
  /** The oldest first. @type {Map<string, Set<Socket>>} */
  #byAddress = new Map();
  /** By the socket's end that a request knows: of TLS, both ends have the same addresses and ports. @type {Map<string, { key: string, socket: Socket }>} */
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
    this.#known.set(name, { key, socket });
    socket.once('close', () => this.#forget(name, socket));
    if (own.size > this.#perAddress) return this.#dropOldest(own);
    return this.#known.size > this.#inAll ? this.#dropOldest(this.#largest()) : 0;
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

  /** @param {Set<Socket>} sockets */
  #dropOldest(sockets) {
    const [oldest] = sockets;
    this.#forget(nameOf(oldest), oldest);
    oldest.destroy();
    return 1;
  }

  /** @returns {Set<Socket>} of the address with the most */
  #largest() {
    let largest = /** @type {Set<Socket>} */ (new Set());
    for (const own of this.#byAddress.values()) if (own.size > largest.size) largest = own;
    return largest;
  }
}

/** @param {Socket} socket */
const nameOf = ({ remoteAddress, remotePort, localPort }) =>
  `${remoteAddress} ${remotePort} ${localPort}`;
