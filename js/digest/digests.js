/** The digests of segments, as publishers give them (docs/DIGESTS.md). */

import { createHash, createPublicKey, sign } from 'node:crypto';

/** The bytes that each digest of a segment's pieces is of; the last piece may be shorter. */
export const PIECE_BYTES = 16_384;
/** The largest segment that peers exchange, in bytes. */
export const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

export const HEAD = '#HLSMESH-DIGESTS:1';

/**
 * The digest of a segment: SHA-256 of a one, its size and the digests of its pieces; of each piece, SHA-256 of a zero and the
 * piece.
 * @param {Uint8Array} segment all bytes of it
 * @returns {string} 43 characters of base64url
 */
export function segmentDigest(segment) {
  const head = Buffer.alloc(9, 1);
  head.writeBigUInt64BE(BigInt(segment.length), 1);
  const sum = createHash('sha256').update(head);
  for (let at = 0; at < segment.length; at += PIECE_BYTES) {
    const piece = segment.subarray(at, at + PIECE_BYTES);
    sum.update(createHash('sha256').update(ZERO).update(piece).digest());
  }
  return sum.digest('base64url');
}

const ZERO = Buffer.alloc(1);

/**
 * The line for a segment in a file of digests.
 * @param {string} uri as its playlist spells it; with `#<start>-<end>` after it, the end exclusive, for a byte range
 * @param {Uint8Array} segment
 * @returns {string}
 */
export const digestLine = (uri, segment) => `${segmentDigest(segment)} ${segment.length} ${uri}`;

/**
 * A file of digests.
 * @param {Iterable<string>} lines by digestLine()
 * @param {import('node:crypto').KeyObject} [privateKey] Ed25519, to sign it with
 * @returns {string}
 */
export function digestFile(lines, privateKey) {
  const text = [HEAD, ...lines, ''].join('\n');
  if (!privateKey) return text;
  return `${text}#SIGNATURE:${sign(null, Buffer.from(text), privateKey).toString('base64url')}\n`;
}

/**
 * The public half of a key, as the option `digestsKey` takes it.
 * @param {import('node:crypto').KeyObject} privateKey
 * @returns {string}
 */
export function publicKeyOf(privateKey) {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return String(x);
}
