/** The client engine's module: where it is, compiling it once, and reading its records. */

import { ABI_VERSION, HmCommand, HmPeer, PeerFlag } from './abi.js';
import { HlsMeshError, messageOf } from './errors.js';
import { Core } from './wasm.js';

/** @typedef {import('./index.js').WasmSource} WasmSource */

/**
 * The page's own script while it is being evaluated, for bundles that are no modules; null at any later time.
 */
const scriptUrl =
  typeof document === 'object' && document.currentScript instanceof Object
    ? /** @type {HTMLScriptElement} */ (document.currentScript).src
    : '';

/** @returns {string | URL} hlsmesh.wasm beside this script; empty when the script's own place is unknown */
function defaultLocation() {
  try {
    // Vite and webpack know this expression, copy the file it names and put the copy's URL here. It has to stay as it is, and
    // `import.meta` has to stay out of everything else: they replace that by a path on the machine that builds.
    const beside = new URL('./hlsmesh.wasm', import.meta.url);
    // Vite's development server bundles packages ahead into this folder without the files beside them.
    return beside.pathname.endsWith('/node_modules/.vite/deps/hlsmesh.wasm')
      ? new URL('../../hlsmesh/dist/hlsmesh.wasm', beside)
      : beside;
  } catch {
    // No module, or one from a blob: or data: URL, which has no neighbours.
  }
  try {
    return new URL('./hlsmesh.wasm', scriptUrl);
  } catch {
    return '';
  }
}

/**
 * Compiled modules by URL: players of one page share them.
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * @param {WasmSource} [source] absent: hlsmesh.wasm beside the script
 * @returns {Promise<WebAssembly.Module>} rejects with an HlsMeshError; a failed URL is tried again by the next call
 */
export function loadModule(source = defaultLocation()) {
  if (source instanceof WebAssembly.Module) return Promise.resolve(source);
  if (typeof source !== 'string' && !(source instanceof URL)) return compile(source);
  const url = String(source);
  if (!url) {
    const message = 'cannot tell where hlsmesh.wasm is; pass its URL as the option `wasm`';
    return Promise.reject(new HlsMeshError('wasm-fetch', message));
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
  let response;
  try {
    // Behind the player's own requests, in browsers that rank them.
    const low = /** @type {RequestInit} */ ({ credentials: 'same-origin', priority: 'low' });
    response = await fetch(url, low);
  } catch (error) {
    throw new HlsMeshError('wasm-fetch', `cannot load ${url}: ${messageOf(error)}`, error);
  }
  if (!response.ok) {
    throw new HlsMeshError('wasm-fetch', `cannot load ${url}: HTTP ${response.status}`);
  }
  // compileStreaming refuses any other type, and servers often send another.
  const type = response.headers.get('content-type')?.split(';')[0].trim().toLowerCase();
  if (type === 'application/wasm' && WebAssembly.compileStreaming) {
    return refusing(url, () => WebAssembly.compileStreaming(response));
  }
  return refusing(url, async () => WebAssembly.compile(await response.arrayBuffer()));
}

/**
 * @param {BufferSource} bytes
 * @returns {Promise<WebAssembly.Module>}
 */
function compile(bytes) {
  return refusing('option wasm', () => WebAssembly.compile(bytes));
}

/**
 * @param {string} name
 * @param {() => Promise<WebAssembly.Module>} work
 * @returns {Promise<WebAssembly.Module>}
 */
async function refusing(name, work) {
  try {
    return await work();
  } catch (error) {
    throw new HlsMeshError(
      'wasm-invalid',
      `${name} is not a usable module: ${messageOf(error)}`,
      error,
    );
  }
}

/**
 * A fresh engine instance of `module`, not started.
 * @param {WebAssembly.Module} module
 * @returns {Promise<Core>} rejects with an HlsMeshError
 */
export async function createCore(module) {
  let core;
  let version;
  try {
    core = await Core.instantiate(module, 'hm_text');
    version = core.call('hm_abi_version');
  } catch (error) {
    throw new HlsMeshError(
      'wasm-invalid',
      `hlsmesh.wasm cannot be started: ${messageOf(error)}`,
      error,
    );
  }
  if (version !== ABI_VERSION) {
    const found = core.poison ? core.poison.message : `version ${version}`;
    throw new HlsMeshError(
      'wasm-invalid',
      `hlsmesh.wasm does not belong to this script: it has ${found}, version ${ABI_VERSION} is needed`,
    );
  }
  return core;
}

/**
 * One command as the engine left it in memory. Text and bytes are read on demand, and only before the next call.
 * @typedef {object} Command
 * @property {number} kind
 * @property {number} peer
 * @property {number} load
 * @property {number} code
 * @property {number} aux
 * @property {number} t0
 * @property {number} t1
 * @property {number} text
 * @property {number} textSize
 * @property {number} data
 * @property {number} dataSize
 */

/**
 * @param {Core} core
 * @param {number} at
 * @returns {Command}
 */
export function readCommand(core, at) {
  const view = core.view();
  return {
    kind: view.getInt32(at + HmCommand.kind, true),
    peer: view.getInt32(at + HmCommand.peer, true),
    load: view.getInt32(at + HmCommand.load, true),
    code: view.getInt32(at + HmCommand.code, true),
    aux: view.getFloat64(at + HmCommand.aux, true),
    t0: view.getFloat64(at + HmCommand.t0, true),
    t1: view.getFloat64(at + HmCommand.t1, true),
    text: view.getUint32(at + HmCommand.text, true),
    textSize: view.getUint32(at + HmCommand.text_size, true),
    data: view.getUint32(at + HmCommand.data, true),
    dataSize: view.getUint32(at + HmCommand.data_size, true),
  };
}

/**
 * @param {Core} core
 * @returns {import('./index.js').PeerSnapshot[]} by handle; empty when the core is poisoned
 */
export function readPeers(core) {
  const count = core.call('hm_peer_count');
  const peers = [];
  for (let index = 0; index < count; index++) {
    const at = core.call('hm_peer', index);
    if (at <= 0) break;
    const view = core.view();
    const flags = view.getInt32(at + HmPeer.flags, true);
    const rtt = view.getFloat64(at + HmPeer.rtt_ms, true);
    peers.push({
      id: core.text(
        view.getUint32(at + HmPeer.id, true),
        view.getUint32(at + HmPeer.id_size, true),
      ),
      role: /** @type {import('./index.js').PeerRole} */ (
        flags & PeerFlag.parent ? 'parent' : 'child'
      ),
      open: (flags & PeerFlag.open) !== 0,
      version1: (flags & PeerFlag.version1) !== 0,
      receivedBytes: view.getFloat64(at + HmPeer.received_bytes, true),
      sentBytes: view.getFloat64(at + HmPeer.sent_bytes, true),
      rttMs: rtt < 0 ? null : rtt,
    });
  }
  return peers;
}
