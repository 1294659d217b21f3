/**
 * Frames as a server sends them (RFC 6455 section 5): unfragmented and unmasked.
 */

const FIN_PONG = 0x8a;

/** A ping without a payload. */
export const PING_FRAME = Buffer.from([0x89, 0]);

const FIN_TEXT = 0x81;
const SIZE_IN_2_BYTES = 126;
const SIZE_IN_8_BYTES = 127;

/**
 * @param {Uint8Array} text UTF-8
 * @returns {Buffer} the header and a copy of the text in one buffer, so that sending is one write
 */
export function textFrame(text) {
  const { length } = text;
  const head = length < SIZE_IN_2_BYTES ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = FIN_TEXT;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = SIZE_IN_2_BYTES;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = SIZE_IN_8_BYTES;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  frame.set(text, head);
  return frame;
}

/**
 * @param {Uint8Array} data the payload of the ping, at most 125 bytes (RFC 6455 section 5.5)
 * @returns {Buffer}
 */
export function pongFrame(data) {
  return Buffer.concat([Buffer.from([FIN_PONG, data.length]), data]);
}
