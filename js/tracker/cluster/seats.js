/**
 * Viewers whose sockets are at this node, wherever their peers are: each is a guest, under a number of its own, at the node that
 * runs its channel.
 */

import { performance } from 'node:perf_hooks';
import { drawEntropy } from '../local-engine.js';

/** @typedef {import('../local-engine.js').Visitor} Visitor */

/**
 * @typedef {object} Seat
 * @property {Visitor} visitor
 * @property {Uint32Array} entropy of its peer's id, which stays the same wherever the peer is
 * @property {{ request: number, channel: string } | null} asked what the engine waits for
 * @property {string | null} channel where it was last let in
 * @property {number} validUntil Infinity: for ever
 * @property {string | null} owner where its peer is; null: here
 * @property {number} guest its number there; 0: none yet
 */

export class Seats {
  #send;
  #isThere;
  /** @type {Map<number, Seat>} */
  #all = new Map();
  /** Those whose peers are elsewhere, by their numbers there. @type {Map<number, number>} */
  #away = new Map();
  #lastGuest = 0;

  /**
   * @param {(to: string, entry: import('./links.js').Entry) => void} send
   * @param {(node: string) => boolean} isThere false: the node is gone, and need not be told anything
   */
  constructor(send, isThere) {
    this.#send = send;
    this.#isThere = isThere;
  }

  /** @returns {number} how many peers are elsewhere */
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

  /** Passes on what the viewer says to the node where its peer is. @param {number} conn @param {string} text */
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

  /** The viewer has entered its channel anew, and may have shown another token. @param {Seat} seat */
  tellValid(seat) {
    if (seat.owner !== null) this.#send(seat.owner, ['valid', seat.guest, validMsOf(seat)]);
  }

  /** Its peer is no longer where it was, and that node is to know. @param {Seat} seat */
  comeBack(seat) {
    const { owner, guest } = seat;
    this.letGo(seat);
    if (owner !== null && guest !== 0 && this.#isThere(owner)) this.#send(owner, ['gone', guest]);
  }

  /** Its peer is no longer where it was, and that node knows. @param {Seat} seat */
  letGo(seat) {
    this.#away.delete(seat.guest);
    seat.owner = null;
    seat.guest = 0;
  }
}

/** @param {Seat} seat @returns {number | null} for how long it may stay; null: for ever */
export function validMsOf({ validUntil }) {
  return validUntil === Infinity ? null : Math.max(0, validUntil - performance.now());
}
