/**
 * Tells viewers the address from which they are seen (STUN, RFC 8489): by it, two viewers behind different routers reach each
 * other. Nothing is stored; the addresses are those of the viewers' sockets, which the tracker knows already.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const HEADER_BYTES = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;
const MAGIC_COOKIE = 0x2112a442;
/** Attributes from here on may be unknown to the server (section 14). */
const OPTIONAL = 0x8000;

/** @typedef {{ answered: number, ignored: number }} StunCounters what is malformed, or above the limit, is ignored */

/**
 * @param {{ host: string, port: number }} where
 * @param {import('./gate.js').Gate} gate limits the requests of an address, as their sender may be forged
 * @param {StunCounters} counters
 * @returns {Promise<{ port: number, close: () => void }>} rejects if it cannot listen
 */
export async function createStun({ host, port }, gate, counters) {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('message', (request, from) => {
    const answer = isBinding(request) && gate.admits(from.address) && answerTo(request, from);
    if (!answer) {
      ++counters.ignored;
      return;
    }
    ++counters.answered;
    // An answer that cannot be sent is lost, as any datagram may be.
    socket.send(answer, from.port, from.address, () => {});
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  socket.on('error', () => {});
  return { port: socket.address().port, close: () => socket.close() };
}

/**
 * @param {Buffer} request
 * @returns {boolean} it is a Binding request, and has no attribute that must be understood
 */
export function isBinding(request) {
  if (request.length < HEADER_BYTES || request.readUInt16BE(0) !== BINDING_REQUEST) return false;
  if (request.readUInt32BE(4) !== MAGIC_COOKIE) return false;
  if (request.readUInt16BE(2) !== request.length - HEADER_BYTES) return false;
  let at = HEADER_BYTES;
  while (at + 4 <= request.length) {
    if (request.readUInt16BE(at) < OPTIONAL) return false;
    at += 4 + Math.ceil(request.readUInt16BE(at + 2) / 4) * 4;
  }
  return at === request.length;
}

/**
 * @param {Buffer} request
 * @param {{ address: string, port: number }} from
 * @returns {Buffer}
 */
export function answerTo(request, { address, port }) {
  const bytes = bytesOf(address);
  const answer = Buffer.alloc(HEADER_BYTES + 8 + bytes.length);
  // Cookie and transaction.
  request.copy(answer, 4, 4, HEADER_BYTES);
  answer.writeUInt16BE(BINDING_SUCCESS, 0);
  answer.writeUInt16BE(8 + bytes.length, 2);
  answer.writeUInt16BE(XOR_MAPPED_ADDRESS, 20);
  answer.writeUInt16BE(4 + bytes.length, 22);
  answer[25] = bytes.length === 4 ? 1 : 2;
  answer.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 26);
  // Cookie and transaction are the mask (section 14.2).
  bytes.forEach((byte, i) => (answer[28 + i] = byte ^ answer[4 + i]));
  return answer;
}

/**
 * @param {string} address of IPv4, IPv6, or IPv4 seen through a socket of IPv6
 * @returns {number[]}
 */
function bytesOf(address) {
  const v4 = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (v4) return v4.slice(1).map(Number);
  const [head, tail] = address.replace(/%.*/, '').split('::');
  const words = (/** @type {string} */ part) => (part ? part.split(':') : []);
  const [before, after] = [words(head), words(tail ?? '')];
  const zeros = Array(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].flatMap((word) => {
    const value = parseInt(word, 16);
    return [value >> 8, value & 0xff];
  });
}
