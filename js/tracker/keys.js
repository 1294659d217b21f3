/**
 * The keys that verify tokens. Each key is used for one algorithm only, whatever the token's header says: a public key is never
 * used as a secret.
 */
import { webcrypto } from 'node:crypto';
import { importJWK, importSPKI } from 'jose';
import { MIN_SECRET_BYTES } from './secrets.js';

// jose needs the global `crypto`, which is behind a flag in Node 18.
if (!('crypto' in globalThis)) {
  Object.defineProperty(globalThis, 'crypto', { value: webcrypto, configurable: true });
}

const HMAC = ['HS256'];
// RFC 9864 renamed the first to the second; most services still use the first.
const ED25519 = ['EdDSA', 'Ed25519'];

/**
 * @typedef {object} TokenKey
 * @property {readonly string[]} algorithms
 * @property {string | undefined} kid
 * @property {import('jose').CryptoKey | Uint8Array} material
 */

/** @param {string} secret @returns {TokenKey} */
export function keyFromSecret(secret) {
  const material = new TextEncoder().encode(secret);
  if (material.length < MIN_SECRET_BYTES) {
    throw new Error(`a secret has ${MIN_SECRET_BYTES} bytes or more, this one ${material.length}`);
  }
  return { algorithms: HMAC, kid: undefined, material };
}

/**
 * @param {string} text of a file: PEM with public keys, a JWK or a JWKS
 * @returns {Promise<TokenKey[]>} at least one
 * @throws {Error}
 */
export async function keysFromText(text) {
  const keys = text.trimStart().startsWith('{') ? await fromJson(text) : await fromPem(text);
  if (keys.length === 0) {
    throw new Error('holds no key for EdDSA (Ed25519) or HS256, as PEM, JWK or JWKS');
  }
  return keys;
}

/** @param {string} text @returns {Promise<TokenKey[]>} */
async function fromPem(text) {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new Error(PRIVATE);
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
  return Promise.all(
    blocks.map(async (pem) => {
      try {
        return { algorithms: ED25519, kid: undefined, material: await importSPKI(pem, 'EdDSA') };
      } catch {
        throw new Error('holds a public key that is not of Ed25519');
      }
    }),
  );
}

const PRIVATE = 'holds a private key; the tracker checks tokens with the public one';

/** @param {string} text @returns {Promise<TokenKey[]>} */
async function fromJson(text) {
  const parsed = JSON.parse(text);
  /** @type {import('jose').JWK[]} */
  const all = Array.isArray(parsed.keys) ? parsed.keys : [parsed];
  const keys = await Promise.all(all.map(fromJwk));
  return keys.filter((key) => key !== null);
}

/**
 * @param {import('jose').JWK} jwk
 * @returns {Promise<TokenKey | null>} null for keys of other kinds, which a JWKS may contain
 */
async function fromJwk(jwk) {
  const algorithms =
    jwk.kty === 'oct' ? HMAC : jwk.kty === 'OKP' && jwk.crv === 'Ed25519' ? ED25519 : null;
  if (algorithms === null || (jwk.use !== undefined && jwk.use !== 'sig')) return null;
  if (jwk.alg !== undefined && !algorithms.includes(jwk.alg)) return null;
  if (jwk.kty !== 'oct' && jwk.d !== undefined) throw new Error(PRIVATE);
  const material = await importJWK({ ...jwk, alg: algorithms[0] });
  if (material instanceof Uint8Array && material.length < MIN_SECRET_BYTES) {
    throw new Error(`a secret has ${MIN_SECRET_BYTES} bytes or more, this one ${material.length}`);
  }
  return { algorithms, kid: jwk.kid, material };
}
