/** The least length of secrets. */

// RFC 7518 section 3.2: the key of HS256 has as many bits as its hash, or more.
export const MIN_SECRET_BYTES = 32;

// A shorter one can be guessed by trying.
export const MIN_BEARER_BYTES = 16;
