/**
 * The tracker as a library: `import { createTracker } from 'hlsmesh/tracker'`. Its types and contracts are in index.d.ts.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { TrackerEngine } from './engine.js';
import { TrackerServer } from './server.js';

const DEFAULT_WASM = new URL('../../dist/hlsmesh-tracker.wasm', import.meta.url);

/** @typedef {import('./index.js').TrackerOptions} TrackerOptions */
/** @typedef {import('./index.js').TrackerStats} TrackerStats */
/** @typedef {import('./index.js').Tracker} Tracker */

/**
 * @param {TrackerOptions} [options]
 * @returns {Promise<Tracker>} once it listens
 */
export async function createTracker(options = {}) {
  const { host = '127.0.0.1', port = 8000, path = '/', log = () => {} } = options;
  const started = Date.now();
  const module = await compile(options.wasm ?? DEFAULT_WASM);
  const engine = await TrackerEngine.create(module, options.limits ?? {}, (error) => {
    log(`the tracker engine died: ${error.stack ?? error.message}`);
    // After this turn: the engine's caller is still on the stack.
    setImmediate(async () => {
      await close();
      if (!options.onFatal) throw error;
      options.onFatal(error);
    });
  });
  const sockets = new TrackerServer(engine, log);

  const server = options.server ?? createServer();
  /** @type {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} */
  const onRequest = (request, response) => answer(engine, started, request, response);
  /** @type {(request: import('node:http').IncomingMessage, socket: import('node:stream').Duplex, head: Buffer) => void} */
  const onUpgrade = (request, socket, head) => {
    const wanted = pathOf(request);
    if (options.server) {
      if (wanted === path) sockets.upgrade(request, socket, head);
    } else if (wanted === '/healthz') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    } else {
      sockets.upgrade(request, socket, head);
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
    stats: () => statsOf(engine),
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
 * @param {TrackerEngine} engine
 * @param {number} started
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function answer(engine, started, request, response) {
  // Bodies are of no interest, but unread they would hold up the connection.
  request.resume();
  if (pathOf(request) !== '/healthz') {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(
      'This is an hlsmesh tracker: connect to it with a WebSocket. Its state is at /healthz.\n',
    );
    return;
  }
  const { connections, peers, channels } = statsOf(engine);
  const body = {
    status: engine.dead ? 'failed' : 'ok',
    connections,
    peers,
    channels,
    uptime: (Date.now() - started) / 1000,
  };
  response.writeHead(engine.dead ? 503 : 200, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
  });
  response.end(`${JSON.stringify(body)}\n`);
}

/**
 * @param {TrackerEngine} engine
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

/** @param {import('node:http').IncomingMessage} request */
function pathOf(request) {
  return (request.url ?? '/').split('?', 1)[0];
}

/**
 * @param {string} host
 * @param {number} port
 */
function authority(host, port) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
