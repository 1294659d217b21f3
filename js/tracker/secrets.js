/** How long secrets must be. */

// RFC 7518 section 3.2: the key of HS256 has as many bits as its hash, or more.
export const MIN_SECRET_BYTES = 32;

// Shorter than this can be guessed by asking.
export const MIN_BEARER_BYTES = 16;
