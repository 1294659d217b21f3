/**
 * Viewers whose sockets are at this node. A viewer whose channel another node runs is a guest there, with a number of its own.
 */

import { performance } from 'node:perf_hooks';
import { drawEntropy } from '../local-engine.js';

/** @typedef {import('../local-engine.js').Visitor} Visitor */

/**
 * @typedef {object} Seat
 * @property {Visitor} visitor
 * @property {Uint32Array} entropy of its peer's id, which is the same at every node
 * @property {{ request: number, channel: string } | null} asked the question for whose answer the engine waits
 * @property {string | null} channel to which it was last admitted
 * @property {number} validUntil Infinity: no limit
 * @property {string | null} owner the node that has its peer; null: this one
 * @property {number} guest its number there; 0: none yet
 */

export class Seats {
  #send;
  #isThere;
  /** @type {Map<number, Seat>} */
  #all = new Map();
  /** The viewers whose peers are at other nodes, by their numbers there. @type {Map<number, number>} */
  #away = new Map();
  #lastGuest = 0;

  /**
   * @param {(to: string, entry: import('./links.js').Entry) => void} send
   * @param {(node: string) => boolean} isThere false: the node is gone and needs no messages
   */
  constructor(send, isThere) {
    this.#send = send;
    this.#isThere = isThere;
  }

  /** @returns {number} the number of peers at other nodes */
  get away() {
    return this.#away.size;
  }

  /** @returns {Iterable<number>} connections */
  get conns() {
    return this.#all.keys();
  }

  /** @param {number} conn @param {Visitor} visitor @returns {Seat} */
  add(conn, visitor) {
    /** @type {Seat} */
    const seat = {
      visitor,
      entropy: drawEntropy().slice(),
      asked: null,
      channel: null,
      validUntil: Infinity,
      owner: null,
      guest: 0,
    };
    this.#all.set(conn, seat);
    return seat;
  }

  /** @param {number} conn */
  get(conn) {
    return this.#all.get(conn);
  }

  /** @param {number} conn */
  has(conn) {
    return this.#all.has(conn);
  }

  /** @param {number} conn */
  delete(conn) {
    this.#all.delete(conn);
  }

  /** @param {string} owner @param {number} guest @returns {number | undefined} the connection that is this guest of `owner` */
  find(owner, guest) {
    const conn = this.#away.get(guest);
    return conn !== undefined && this.#all.get(conn)?.owner === owner ? conn : undefined;
  }

  /** Forwards a viewer's message to the node that has its peer. @param {number} conn @param {string} text */
  forward(conn, text) {
    const seat = this.#all.get(conn);
    if (!seat || seat.owner === null) return;
    if (seat.guest !== 0) {
      this.#send(seat.owner, ['say', seat.guest, text]);
      return;
    }
    seat.guest = ++this.#lastGuest;
    this.#away.set(seat.guest, conn);
    this.#send(seat.owner, [
      'open',
      seat.guest,
      seat.visitor,
      [...seat.entropy],
      validMsOf(seat),
      text,
    ]);
  }

  /** The viewer has entered its channel again, possibly with another token. @param {Seat} seat */
  tellValid(seat) {
    if (seat.owner !== null) this.#send(seat.owner, ['valid', seat.guest, validMsOf(seat)]);
  }

  /** Its peer leaves its present node, which must be told. @param {Seat} seat */
  comeBack(seat) {
    const { owner, guest } = seat;
    this.letGo(seat);
    if (owner !== null && guest !== 0 && this.#isThere(owner)) this.#send(owner, ['gone', guest]);
  }

  /** Its peer has left its node, which knows. @param {Seat} seat */
  letGo(seat) {
    this.#away.delete(seat.guest);
    seat.owner = null;
    seat.guest = 0;
  }
}

/** @param {Seat} seat @returns {number | null} the time for which it may stay, in milliseconds; null: no limit */
export function validMsOf({ validUntil }) {
  return validUntil === Infinity ? null : Math.max(0, validUntil - performance.now());
}
