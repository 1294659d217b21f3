/** The client engine's module: where it is, compiling it once, and reading its records. */

import { ABI_VERSION, HmCommand, HmPeer, PeerFlag } from './abi.js';
import { HlsMeshError, messageOf } from './errors.js';
import { Core } from './wasm.js';

/** @typedef {import('./index.js').WasmSource} WasmSource */

/**
 * The page's own script while it is being evaluated, for bundles that are no modules; null at any later time.
 */
const scriptUrl = /** @type {any} */ (globalThis.document)?.currentScript?.src ?? '';

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
  // Behind the player's own requests, in browsers that rank them.
  const low = /** @type {RequestInit} */ ({ credentials: 'same-origin', priority: 'low' });
  const response = await fetch(url, low).catch(failure('wasm-fetch', text));
  if (!response.ok) throw new HlsMeshError('wasm-fetch', `${text}: HTTP ${response.status}`);
  // Not compileStreaming: it refuses other types than application/wasm, and at 75 KB there is nothing to win.
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

/**
 * @param {import('./index.js').HlsMeshErrorCode} code
 * @param {string} text
 * @returns {(error: unknown) => never}
 */
const failure = (code, text) => (error) => {
  throw new HlsMeshError(code, `${text}: ${messageOf(error)}`, error);
};

/**
 * A fresh engine instance of `module`, not started.
 * @param {WebAssembly.Module} module
 * @returns {Promise<Core>} rejects with an HlsMeshError
 */
export async function createCore(module) {
  const core = await Core.instantiate(module, 'hm_text').catch(
    failure('wasm-invalid', 'hlsmesh.wasm cannot be started'),
  );
  const version = core.call('hm_abi_version');
  if (version !== ABI_VERSION) {
    const found = core.poison?.message ?? `version ${version}`;
    throw new HlsMeshError(
      'wasm-invalid',
      `hlsmesh.wasm does not belong to this script: it has ${found}, version ${ABI_VERSION} is needed`,
    );
  }
  return core;
}

/**
 * @param {Core} core
 * @param {number} at where a record begins
 * @returns {[int: (field: number) => number, double: (field: number) => number]} read fields of it, until the next call
 */
export function reader(core, at) {
  const view = core.view();
  return [(field) => view.getInt32(at + field, true), (field) => view.getFloat64(at + field, true)];
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
  const [int, double] = reader(core, at);
  return {
    kind: int(HmCommand.kind),
    peer: int(HmCommand.peer),
    load: int(HmCommand.load),
    code: int(HmCommand.code),
    aux: double(HmCommand.aux),
    t0: double(HmCommand.t0),
    t1: double(HmCommand.t1),
    // Memory ends far below what a signed number can say.
    text: int(HmCommand.text),
    textSize: int(HmCommand.text_size),
    data: int(HmCommand.data),
    dataSize: int(HmCommand.data_size),
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
    const [int, double] = reader(core, at);
    const flags = int(HmPeer.flags);
    const rtt = double(HmPeer.rtt_ms);
    peers.push({
      id: core.text(int(HmPeer.id), int(HmPeer.id_size)),
      role: /** @type {import('./index.js').PeerRole} */ (
        flags & PeerFlag.parent ? 'parent' : 'child'
      ),
      open: (flags & PeerFlag.open) !== 0,
      version1: (flags & PeerFlag.version1) !== 0,
      receivedBytes: double(HmPeer.received_bytes),
      sentBytes: double(HmPeer.sent_bytes),
      rttMs: rtt < 0 ? null : rtt,
    });
  }
  return peers;
}
