/** Fetches and compiles the client engine's module once for all players of the page. */

import { shadowLocation, wasmLocation } from './beside.js';
import { HlsMeshError, failure } from './errors.js';
import { version } from './version.js';

/** @typedef {import('./index.js').WasmSource} WasmSource */

/**
 * Compiled modules by URL, which the players of a page share.
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * @param {WasmSource} [source] default: hlsmesh.wasm beside the script
 * @returns {Promise<WebAssembly.Module>} rejects with an HlsMeshError; a failed URL is tried again by the next call
 */
export async function loadModule(source = wasmLocation()) {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) return compile('option wasm', source);
  const url = String(source);
  if (!url) {
    const message = 'cannot tell where hlsmesh.wasm is; pass its URL as the option `wasm`';
    throw new HlsMeshError('wasm-fetch', message);
  }
  let module = compiled.get(url);
  if (!module) {
    module = fetchModule(url);
    compiled.set(url, module);
    module.catch(() => compiled.delete(url));
  }
  return module;
}

/** @typedef {typeof import('./shadow/index.js').shadows['']} EnterShadow */

/**
 * @param {string | URL} [location] of the file
 * @returns {Promise<EnterShadow>} what puts a driver in shadow. Rejects with an HlsMeshError if the file cannot be loaded or is of another
 *   version: then no peer may be reached.
 */
export async function loadShadow(location = shadowLocation()) {
  const url = String(location);
  const text = `cannot use ${url} for the option shadow (is it there, of version ${version}, with CORS, and in script-src?)`;
  const { shadows } = await import(/* webpackIgnore: true */ /* @vite-ignore */ url).catch(
    failure('internal', text),
  );
  if (!shadows?.[version]) throw new HlsMeshError('internal', text);
  return shadows[version];
}

/**
 * @param {string} url
 * @returns {Promise<WebAssembly.Module>}
 */
async function fetchModule(url) {
  const text = `cannot load ${url} (is it there, with CORS, and in connect-src?)`;
  // After the player's own requests, in browsers with priorities.
  const low = /** @type {RequestInit} */ ({ credentials: 'same-origin', priority: 'low' });
  const response = await fetch(url, low).catch(failure('wasm-fetch', text));
  if (!response.ok) throw new HlsMeshError('wasm-fetch', `${text}: HTTP ${response.status}`);
  // Not compileStreaming: it refuses types other than application/wasm, and saves nothing at 75 KB.
  const bytes = await response.arrayBuffer().catch(failure('wasm-fetch', text));
  // "<": a server's page for what it does not have.
  if (new Uint8Array(bytes)[0] === 60) {
    const message = `${url} is an HTML page: copy hlsmesh.wasm there, or give its URL as the option wasm`;
    throw new HlsMeshError('wasm-invalid', message);
  }
  return compile(url, bytes);
}

/**
 * @param {string} name
 * @param {BufferSource} bytes
 * @returns {Promise<WebAssembly.Module>}
 */
function compile(name, bytes) {
  return WebAssembly.compile(bytes).catch((error) => {
    const why = /CSP|Content Security/i.test(error.message)
      ? "is forbidden; add 'wasm-unsafe-eval' to script-src"
      : 'is not a usable module';
    return failure('wasm-invalid', `${name} ${why}`)(error);
  });
}
