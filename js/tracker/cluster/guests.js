/**
 * Viewers who are connected to other nodes, and whose channels this node runs. For the engine they are ordinary connections.
 */

import { performance } from 'node:perf_hooks';
import { utf8 } from '../local-engine.js';

/** @param {number | null} validMs null: no limit */
const until = (validMs) => (validMs === null ? Infinity : performance.now() + validMs);

// Numbers from here on are those of guests; lower ones are those of sockets.
const FIRST_CONN = 2 ** 30;
const LAST_CONN = 2 ** 31 - 1;

/**
 * @typedef {object} Guest
 * @property {string} node that has its socket
 * @property {number} number of the connection at that node
 * @property {number} validUntil Infinity: no limit
 */

export class Guests {
  #engine;
  #send;
  #lastConn = FIRST_CONN - 1;
  /** @type {Map<number, Guest>} */
  #all = new Map();
  /** By node and number. @type {Map<string, Map<number, number>>} */
  #nodes = new Map();

  /**
   * @param {import('../local-engine.js').LocalEngine} engine
   * @param {(to: string, entry: import('./links.js').Entry) => void} send
   */
  constructor(engine, send) {
    this.#engine = engine;
    this.#send = send;
  }

  /** The nodes that have guests here. */
  get nodes() {
    return this.#nodes.keys();
  }

  get size() {
    return this.#all.size;
  }

  /** @param {number} conn */
  has(conn) {
    return this.#all.has(conn);
  }

  /** The guests of a node. @param {string} node */
  of(node) {
    return [...(this.#nodes.get(node)?.values() ?? [])];
  }

  /**
   * @param {string} from
   * @param {string} kind
   * @param {number} number
   * @param {any[]} rest
   * @returns {boolean} true if the entry was about a guest
   */
  heard(from, kind, number, rest) {
    const conn = this.#nodes.get(from)?.get(number) ?? 0;
    switch (kind) {
      case 'open':
        this.#open(from, number, rest);
        return true;
      case 'say':
        if (conn !== 0) this.#engine.message(conn, Buffer.from(rest[0]));
        return true;
      case 'valid': {
        const [validMs] = rest;
        const guest = this.#all.get(conn);
        if (guest) guest.validUntil = until(validMs);
        return true;
      }
      case 'gone':
        if (conn !== 0) this.#drop(conn);
        return true;
      default:
        return false;
    }
  }

  /** @param {number} conn @param {Uint8Array} text @returns {boolean} false: no guest */
  send(conn, text) {
    const guest = this.#all.get(conn);
    if (guest) this.#send(guest.node, ['send', guest.number, utf8(text)]);
    return guest !== undefined;
  }

  /**
   * To be called when the engine has closed the guest's connection. @param {number} conn @param {number} code @param {string}
   * reason @returns {boolean} false: no guest
   */
  close(conn, code, reason) {
    const guest = this.#forget(conn);
    if (guest) this.#send(guest.node, ['close', guest.number, code, reason]);
    return guest !== undefined;
  }

  /** @param {number} conn @param {number} request */
  enters(conn, request) {
    const validMs = Math.max(0, (this.#all.get(conn)?.validUntil ?? 0) - performance.now());
    this.#engine.authorized(conn, request, { granted: true, validMs, reason: '' });
  }

  /** Sends the guest back to its node, which looks for the right node. @param {number} conn */
  turnAway(conn) {
    const guest = this.#all.get(conn);
    if (!guest) return;
    this.#drop(conn);
    this.#send(guest.node, ['moved', guest.number]);
  }

  /** Removes all guests of a node. @param {string} node */
  drop(node) {
    for (const conn of this.of(node)) this.#drop(conn);
  }

  /** @param {string} node @param {number} number @param {any[]} facts */
  #open(node, number, [visitor, entropy, validMs, text]) {
    const conn = this.#nextConn();
    this.#all.set(conn, { node, number, validUntil: until(validMs) });
    let numbers = this.#nodes.get(node);
    if (!numbers) this.#nodes.set(node, (numbers = new Map()));
    numbers.set(number, conn);
    this.#engine.openGuest(conn, visitor, Uint32Array.from(entropy));
    this.#engine.message(conn, Buffer.from(text));
  }

  // Guests are added again whenever owners change, so the numbers may wrap around.
  #nextConn() {
    do {
      this.#lastConn = this.#lastConn === LAST_CONN ? FIRST_CONN : this.#lastConn + 1;
    } while (this.#all.has(this.#lastConn));
    return this.#lastConn;
  }

  /** @param {number} conn */
  #drop(conn) {
    if (this.#forget(conn)) this.#engine.closed(conn);
  }

  /** @param {number} conn */
  #forget(conn) {
    const guest = this.#all.get(conn);
    if (!guest) return undefined;
    this.#all.delete(conn);
    const numbers = this.#nodes.get(guest.node);
    numbers?.delete(guest.number);
    if (numbers?.size === 0) this.#nodes.delete(guest.node);
    return guest;
  }
}
