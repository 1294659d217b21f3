/**
 * Reads a client's frames (RFC 6455 section 5) before ws does: whole text messages, pings and pongs, of which a tracker gets
 * hundreds of thousands for each frame of another kind. ws pushes each through a stream and copies its parts. From the first byte
 * of anything else on, be it allowed or not, the connection is read by ws, which gets copies: it keeps what it reads.
 */
import { isUtf8 } from 'node:buffer';
import { readingInto } from './into-buffer.js';

/** @typedef {import('node:stream').Duplex} Duplex */

/**
 * @typedef {object} Hearer
 * @property {(ws: any, text: Buffer) => void} text whole and UTF-8; valid until the call returns
 * @property {(ws: any, data: Buffer) => void} ping valid for as long
 * @property {(ws: any) => void} pong
 */

const FIN_TEXT = 0x81;
const FIN_PING = 0x89;
const FIN_PONG = 0x8a;
const MASKED = 0x80;
const MASK_BYTES = 4;
const MAX_CONTROL_BYTES = 125;
const SIZE_IN_2_BYTES = 126;
const MAX_SIZE_IN_2_BYTES = 65_535;

// Each further part of a frame is copied together with those before, so a sender of small parts gets no more than this.
const MOST_PARTS = 16;

// The WebSocket of a socket, for the handler that all of them share; null once ws reads.
const WEBSOCKET = Symbol('websocket');
/** The begin of a frame whose rest has not come. */
const BEGUN = Symbol('begun');
const PARTS = Symbol('parts');

/**
 * @param {number} maxBytes a longer text message is for ws, which refuses it
 * @param {Hearer} hearer
 * @returns {(ws: any, raw: Duplex) => void} to be called in the turn in which ws took the socket `raw` over
 */
export function readAhead(maxBytes, hearer) {
  /** @type {(this: Duplex, chunk: Buffer) => void} */
  let ofWs;
  const payload = new Payload(Math.min(maxBytes, MAX_SIZE_IN_2_BYTES));

  /** @this {any} @param {Buffer} chunk */
  function read(chunk) {
    const raw = this;
    const ws = raw[WEBSOCKET];
    let bytes = chunk;
    if (raw[BEGUN] !== null) {
      bytes = Buffer.concat([raw[BEGUN], chunk]);
      raw[BEGUN] = null;
    }
    const { length } = bytes;
    let at = 0;
    while (at < length) {
      // What cannot be read before more has come counts as 0.
      const kind = bytes[at];
      const size7 = at + 1 < length ? bytes[at + 1] - MASKED : 0;
      const control = kind === FIN_PING || kind === FIN_PONG;
      if (
        (kind !== FIN_TEXT && !control) ||
        size7 < 0 ||
        size7 > (control ? MAX_CONTROL_BYTES : SIZE_IN_2_BYTES)
      ) {
        return giveUp(raw, bytes.subarray(at));
      }
      let head = at + 2;
      let size = size7;
      if (size7 === SIZE_IN_2_BYTES) {
        head += 2;
        size = head <= length ? bytes.readUInt16BE(head - 2) : 0;
      }
      if (size > maxBytes) return giveUp(raw, bytes.subarray(at));
      const begin = head + MASK_BYTES;
      const end = begin + size;
      if (end > length) break;
      const data = payload.unmasked(bytes, begin, end);
      if (kind === FIN_TEXT) {
        if (!isUtf8(data)) return giveUp(raw, bytes.subarray(at));
        hearer.text(ws, data);
      } else if (kind === FIN_PING) {
        hearer.ping(ws, data);
      } else {
        hearer.pong(ws);
      }
      at = end;
      raw[PARTS] = 0;
    }
    if (at === length) return;
    if (++raw[PARTS] > MOST_PARTS) return giveUp(raw, bytes.subarray(at));
    // A copy, since a view keeps all of what was read.
    raw[BEGUN] = at === 0 && bytes !== chunk ? bytes : Buffer.from(bytes.subarray(at));
  }

  /** @param {any} raw @param {Buffer} unread */
  function giveUp(raw, unread) {
    raw.off('data', read);
    raw.on('data', ofWs);
    raw[WEBSOCKET] = null;
    ofWs.call(raw, Buffer.from(unread));
  }

  const readInto = readingInto((raw, bytes) => {
    if (raw[WEBSOCKET] !== null) return read.call(raw, bytes);
    // After a close or an error ws listens no more.
    if (raw.listeners('data').includes(ofWs)) ofWs.call(raw, Buffer.from(bytes));
  });

  return (ws, socket) => {
    const raw = /** @type {any} */ (socket);
    ofWs = raw.listeners('data').at(-1);
    raw[WEBSOCKET] = ws;
    raw[BEGUN] = null;
    raw[PARTS] = 0;
    raw.off('data', ofWs).on('data', read);
    readInto(raw);
  };
}

/** Room for one payload, which is unmasked there: four bytes at a time, as each begins at the same place. */
class Payload {
  #words;
  #bytes;

  /** @param {number} maxBytes */
  constructor(maxBytes) {
    this.#words = new Int32Array(2 + (Math.max(maxBytes, MAX_CONTROL_BYTES) >> 2));
    this.#bytes = Buffer.from(this.#words.buffer);
  }

  /**
   * @param {Buffer} frame with the mask before `begin`
   * @param {number} begin
   * @param {number} end
   * @returns {Buffer} valid until the next call
   */
  unmasked(frame, begin, end) {
    const words = this.#words;
    const bytes = this.#bytes;
    const size = end - begin;
    // The mask comes first, in the same order of bytes as what it masks.
    frame.copy(bytes, 0, begin - MASK_BYTES, end);
    const mask = words[0];
    const count = (size + 3) >> 2;
    for (let at = 1; at <= count; ++at) words[at] ^= mask;
    return bytes.subarray(MASK_BYTES, MASK_BYTES + size);
  }
}
