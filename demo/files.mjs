import { open, stat } from 'node:fs/promises';
import path from 'node:path';

/** Finds the file that a request names, and the range of bytes. */

/** @type {Record<string, string>} */
export const CONTENT_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp4': 'video/mp4',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ts': 'video/mp2t',
  '.wasm': 'application/wasm',
};

/**
 * @typedef {object} Resource
 * @property {string} [file]
 * @property {Buffer} [body]
 * @property {number} size
 * @property {string} extension
 * @property {string} cacheControl `no-store` for media: viewers in one browser share its HTTP
 *     cache, which would hide their fetches from the origin's count
 */

/**
 * @param {string} dir
 * @param {string} name relative, decoded
 * @param {string} cacheControl
 * @returns {Promise<Resource | undefined>}
 */
export async function fileIn(dir, name, cacheControl) {
  const file = path.resolve(dir, name);
  if (!file.startsWith(path.resolve(dir) + path.sep)) return undefined;
  try {
    const info = await stat(file);
    if (!info.isFile()) return undefined;
    return { file, size: info.size, extension: path.extname(file), cacheControl };
  } catch {
    return undefined;
  }
}

/** @param {Resource} resource */
export async function reader(resource) {
  const { file, body } = resource;
  const handle = file === undefined ? undefined : await open(file);
  const read = async (/** @type {number} */ at, /** @type {number} */ length) => {
    if (!handle) return /** @type {Buffer} */ (body).subarray(at, at + length);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  };
  return Object.assign(read, { close: async () => handle?.close() });
}

/**
 * @param {string} target as it stands in the request line
 * @returns {string | undefined} undefined if it is malformed or leaves the folder
 */
export function decodePath(target) {
  if (!target.startsWith('/')) return undefined;
  try {
    const decoded = decodeURIComponent(target.split(/[?#]/, 1)[0]);
    if (/[\\\0]/.test(decoded) || decoded.split('/').includes('..')) return undefined;
    return decoded;
  } catch {
    return undefined;
  }
}

/**
 * Parses one byte range (RFC 9110 section 14.2). Several ranges, or a malformed header, are answered with the whole file.
 * @param {string | undefined} header
 * @param {number} size
 * @returns {{ start: number, length: number } | 'unsatisfiable' | undefined}
 */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, length };
  }
  const start = Number(match[1]);
  const last = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, length: last - start + 1 };
}
