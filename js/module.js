/** Finds, fetches and compiles the client engine's module once for all players of the page. */

import { HlsMeshError, failure } from './errors.js';

/** @typedef {import('./index.js').WasmSource} WasmSource */

/**
 * The script that is being evaluated, for bundles that are no modules; null later.
 */
const scriptUrl = /** @type {any} */ (globalThis.document)?.currentScript?.src ?? '';

/** @returns {string | URL} hlsmesh.wasm beside this script; empty if the script's own URL is unknown */
function defaultLocation() {
  try {
    // Vite and webpack recognise this expression, copy the file and insert the URL of the copy. It must stay as it is, and
    // `import.meta` must not be used anywhere else: they replace it by a path on the machine that builds.
    const beside = new URL('./hlsmesh.wasm', import.meta.url);
    // Vite's development server pre-bundles packages into this folder, without the files beside them.
    return beside.pathname.endsWith('/node_modules/.vite/deps/hlsmesh.wasm')
      ? new URL('../../hlsmesh/dist/hlsmesh.wasm', beside)
      : beside;
  } catch {
    // This is no module, or one from a blob: or data: URL, which has no files beside it.
  }
  try {
    return new URL('./hlsmesh.wasm', scriptUrl);
  } catch {
    return '';
  }
}

/**
 * Compiled modules by URL, which the players of a page share.
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * @param {WasmSource} [source] default: hlsmesh.wasm beside the script
 * @returns {Promise<WebAssembly.Module>} rejects with an HlsMeshError; a failed URL is tried again by the next call
 */
export async function loadModule(source = defaultLocation()) {
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

/**
 * @param {string} url
 * @returns {Promise<WebAssembly.Module>}
 */
async function fetchModule(url) {
  const text = `cannot load ${url}`;
  // After the player's own requests, in browsers with priorities.
  const low = /** @type {RequestInit} */ ({ credentials: 'same-origin', priority: 'low' });
  const response = await fetch(url, low).catch(failure('wasm-fetch', text));
  if (!response.ok) throw new HlsMeshError('wasm-fetch', `${text}: HTTP ${response.status}`);
  // Not compileStreaming: it refuses types other than application/wasm, and saves nothing at 75 KB.
  return compile(url, await response.arrayBuffer().catch(failure('wasm-fetch', text)));
}

/**
 * @param {string} name
 * @param {BufferSource} bytes
 * @returns {Promise<WebAssembly.Module>}
 */
function compile(name, bytes) {
  return WebAssembly.compile(bytes).catch(
    failure('wasm-invalid', `${name} is not a usable module`),
  );
}
