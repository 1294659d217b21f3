/**
 * The tracker as a library: `import { createTracker } from 'hlsmesh/tracker'`. Its types and contracts are in index.d.ts.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import { TrackerEngine } from './engine.js';
import { answerFrom, pathOf, refuseUpgrade } from './http.js';
import { LocalEngine } from './local-engine.js';
import { Log, lineOf } from './log.js';
import { Sockets } from './sockets.js';

const DEFAULT_WASM = new URL('../../dist/hlsmesh-tracker.wasm', import.meta.url);

// The engine refuses text above 64 KiB with a reason; what is far above that need not be read to the end.
const MAX_MESSAGE_BYTES = 256 * 1024;

// A peer's share of what waits unsent: some hundred signals.
const MAX_PENDING_BYTES = 1024 * 1024;

/** @typedef {import('./index.js').TrackerOptions} TrackerOptions */
/** @typedef {import('./index.js').TrackerStats} TrackerStats */
/** @typedef {import('./index.js').Tracker} Tracker */

/**
 * @param {TrackerOptions} [options]
 * @returns {Promise<Tracker>} once it listens
 */
export async function createTracker(options = {}) {
  const { host = '127.0.0.1', port = 8000, path = '/' } = options;
  const started = performance.now();
  const log = new Log((level, event, fields) => options.log?.(lineOf(event, fields)));
  const module = await compile(options.wasm ?? DEFAULT_WASM);
  const engine = await TrackerEngine.create(module, options.limits ?? {}, (error) => {
    log.error(`the tracker engine died: ${error.stack ?? error.message}`);
    // After this turn: the engine's caller is still on the stack.
    setImmediate(async () => {
      await close();
      if (!options.onFatal) throw error;
      options.onFatal(error);
    });
  });
  const sockets = new Sockets(
    (outlet) => new LocalEngine(engine, outlet),
    { maxMessageBytes: MAX_MESSAGE_BYTES, maxPendingBytes: MAX_PENDING_BYTES },
    log,
  );

  const routes = new Map([['/healthz', () => health(sockets, started)]]);
  const server = options.server ?? createServer();
  const onRequest = answerFrom(routes, log);
  /** @type {(request: import('node:http').IncomingMessage, socket: import('node:stream').Duplex, head: Buffer) => void} */
  const onUpgrade = (request, socket, head) => {
    const wanted = pathOf(request);
    if (options.server && wanted !== path) return;
    if (!options.server && routes.has(wanted)) refuseUpgrade(socket, 404, 'Not Found');
    else {
      const address = request.socket.remoteAddress ?? '';
      sockets.upgrade(request, socket, head, { address, isp: '', province: '' });
    }
  };
  server.on('upgrade', onUpgrade);
  if (!options.server) {
    server.on('request', onRequest);
    await listen(server, host, port);
  }
  const address = server.address();
  if (address === null || typeof address === 'string') {
    server.off('upgrade', onUpgrade);
    throw new Error('the server given to createTracker must be listening on a port');
  }

  /** @type {Promise<void> | undefined} */
  let closing;
  function close() {
    closing ??= (async () => {
      server.off('upgrade', onUpgrade);
      await sockets.end(1001, 'the tracker is shutting down');
      if (options.server) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    })();
    return closing;
  }

  return {
    url: `ws://${authority(options.server ? address.address : host, address.port)}${options.server ? path : '/'}`,
    port: address.port,
    stats: () => statsOf(sockets.engine),
    close,
  };
}

/**
 * @param {NonNullable<TrackerOptions['wasm']>} wasm
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(wasm) {
  if (typeof wasm !== 'string' && !(wasm instanceof URL)) {
    return WebAssembly.compile(/** @type {BufferSource} */ (wasm));
  }
  if (/^https?:/.test(String(wasm))) {
    const response = await fetch(wasm);
    if (!response.ok) throw new Error(`${wasm}: HTTP ${response.status}`);
    return WebAssembly.compile(await response.arrayBuffer());
  }
  const file = typeof wasm === 'string' && wasm.startsWith('file:') ? new URL(wasm) : wasm;
  return WebAssembly.compile(await readFile(file));
}

/**
 * @param {import('node:http').Server} server
 * @param {string} host
 * @param {number} port
 * @returns {Promise<void>}
 */
function listen(server, host, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * @param {Sockets} sockets
 * @param {number} started
 * @returns {import('./http.js').Answer}
 */
function health({ engine }, started) {
  const { connections, peers, channels } = statsOf(engine);
  const status = engine.dead ? 'failed' : 'ok';
  const uptime = (performance.now() - started) / 1000;
  return {
    status: engine.dead ? 503 : 200,
    json: { status, connections, peers, channels, uptime },
  };
}

/**
 * @param {import('./local-engine.js').EnginePort} engine
 * @returns {TrackerStats}
 */
function statsOf(engine) {
  const stats = engine.stats();
  return {
    connections: stats?.connections ?? 0,
    peers: stats?.peers ?? 0,
    channels: stats?.channels ?? 0,
    enters: stats?.enters ?? 0,
    connects: stats?.connects ?? 0,
    signals: stats?.signals ?? 0,
    signalsRefused: stats?.signals_refused ?? 0,
    malformed: stats?.malformed ?? 0,
    dead: stats?.dead ?? 0,
    cdnKb: stats?.cdn_kb ?? 0,
    p2pKb: stats?.p2p_kb ?? 0,
  };
}

/**
 * @param {string} host
 * @param {number} port
 */
function authority(host, port) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
