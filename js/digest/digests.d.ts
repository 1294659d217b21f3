import type { KeyObject } from 'node:crypto';

/** The bytes that each digest of a segment's pieces is of; the last piece may be shorter. */
export const PIECE_BYTES: 16384;
/** The largest segment that peers exchange, in bytes. */
export const MAX_SEGMENT_BYTES: number;
/** The first line of a file of digests. */
export const HEAD: string;
/** The digest of a segment, as docs/DIGESTS.md defines it: 43 characters of base64url. */
export function segmentDigest(segment: Uint8Array): string;
/**
 * The line for a segment in a file of digests.
 * @param uri as its playlist spells it; with `#<start>-<end>` after it, the end exclusive, for a byte range
 */
export function digestLine(uri: string, segment: Uint8Array): string;
/** A file of digests, signed if there is an Ed25519 private key. */
export function digestFile(lines: Iterable<string>, privateKey?: KeyObject): string;
/** The public half of a key, as the option `digestsKey` takes it. */
export function publicKeyOf(privateKey: KeyObject): string;
