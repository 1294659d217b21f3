/**
 * The tracker as a library: `import { createTracker } from 'hlsmesh/tracker'`. Its types and contracts are in index.d.ts.
 */
import { readFile } from 'node:fs/promises';
import { brotliDecompressSync } from 'node:zlib';
import { HtStats } from './abi.js';
import { Addresses, addressKey, shownAddress } from './addresses.js';
import { Admission } from './admission.js';
import { readLimits, readOptions } from './config.js';
import { openOffice } from './dashboard/office.js';
import { drain } from './drain.js';
import { TrackerEngine } from './engine.js';
import { WatchedFiles } from './files.js';
import { Cluster } from './cluster/cluster.js';
import { placeOf } from './cluster/place.js';
import { RedisBus } from './cluster/redis-bus.js';
import { WorkerBus } from './cluster/worker-bus.js';
import { Gate } from './gate.js';
import { Groups } from './groups.js';
import { answerFrom, pathOf, refuseUpgrade } from './http.js';
import { createListener, listen } from './listener.js';
import { LocalEngine } from './local-engine.js';
import { Log, lineOf } from './log.js';
import { camelCase } from './options.js';
import { packedEngine, versionOf } from './package.js';
import { readFiles, secretFrom } from './sources.js';
import { Places } from './places.js';
import { reachableHosts } from './reachable.js';
import { Bearer, healthRoutesOf, routesOf } from './routes.js';
import { Sockets } from './sockets.js';
import { createStun } from './stun.js';
import { joined, measure } from './tracker-metrics.js';
import { openFileLimit, strangersHeader, warningsAbout } from './warnings.js';

// The Retry-After of a viewer who comes during a drain, in seconds.
const RETRY_AFTER_S = 5;

/** @typedef {import('./index.js').TrackerOptions} TrackerOptions */
/** @typedef {import('./index.js').TrackerStats} TrackerStats */
/** @typedef {import('./index.js').Tracker} Tracker */
/** @typedef {import('node:http').IncomingMessage} IncomingMessage */

/**
 * The result of readOptions().
 * @typedef {Required<Pick<TrackerOptions, 'host' | 'port' | 'stunPort' | 'trustedProxies' | 'proxyHeader' | 'tokenKeys' | 'allowedOrigins' |
 *   'allowedChannels' | 'viewersPerToken' | 'handshakesPerAddress' | 'pendingPerAddress' | 'requestsPerAddress' | 'maxMessageBytes' | 'maxPendingBytes' | 'handshakeSeconds' | 'metrics' |
 *   'drainSeconds' | 'apiOrigins' | 'dashboard' | 'pricePerGb' | 'currency' | 'logAddresses' | 'logLevel' | 'redisPrefix' | 'nodeId' | 'beatSeconds' | 'leaseSeconds'>> & Pick<TrackerOptions, 'tlsCert' | 'tlsKey' | 'asnDb' | 'cityDb' | 'groups' | 'tokenSecret' |
 *   'tokenSecretFile' | 'tokenIssuer' | 'tokenAudience' | 'apiToken' | 'apiTokenFile' | 'redisUrl' | 'clusterSecret' | 'clusterSecretFile'>} Settings
 */

/**
 * @param {TrackerOptions} [options]
 * @returns {Promise<Tracker>} once it listens
 */
export async function createTracker(options = {}) {
  if (!options || typeof options !== 'object') throw new TypeError('the options must be an object');
  const settings = /** @type {Settings} */ (readOptions({ ...options }));
  const limits = readLimits(options.limits);
  const { log: hear } = options;
  const log = new Log(
    hear && ((level, event, fields) => hear(lineOf(event, fields), { level, event, fields })),
    settings.logLevel,
  );
  const files = new WatchedFiles(log);
  try {
    return await start(options, settings, limits, log, files);
  } catch (error) {
    files.close();
    throw error;
  }
}

/**
 * @param {TrackerOptions} options
 * @param {Settings} settings
 * @param {import('./index.js').TrackerLimits} limits
 * @param {Log} log
 * @param {WatchedFiles} files
 * @returns {Promise<Tracker>}
 */
async function start(options, settings, limits, log, files) {
  const { path = '/' } = options;
  const admission = new Admission(settings);
  const groups = new Groups();
  const places = new Places();
  const bearer = new Bearer();
  await readFiles(settings, files, { admission, groups, places, bearer, log });
  const addresses = new Addresses(settings.trustedProxies, settings.proxyHeader, (proxy) =>
    log.warn(strangersHeader(settings.proxyHeader), {
      proxy: shownAddress(proxy, settings.logAddresses),
    }),
  );
  const gates = {
    handshakes: new Gate(settings.handshakesPerAddress),
    requests: new Gate(settings.requestsPerAddress),
  };
  const stunCounters = { answered: 0, ignored: 0 };

  const module = await compile(options.wasm ?? brotliDecompressSync(packedEngine()));
  const worker = options.bus instanceof WorkerBus ? options.bus : null;
  const bus = await busOf(options, settings, log);
  // Of several workers one tells what holds for all.
  if (!worker || worker.name === '1.1') {
    const server = options.server !== undefined;
    const warnings = warningsAbout({ ...settings, server, ...limits, openFiles: openFileLimit() });
    for (const warning of warnings) log.warn(warning);
  }
  const all = { ...limits, authorize: Number(admission.asks || bus !== null) };
  const engine = await TrackerEngine.create(module, all, (error) => {
    log.error(`the tracker engine died: ${error.stack ?? error.message}`);
    // Later, since the engine's caller is still on the stack.
    setImmediate(async () => {
      await close();
      if (!options.onFatal) throw error;
      options.onFatal(error);
    });
  });
  /** @type {Cluster | null} */
  let cluster = /** @type {Cluster | null} */ (null);
  const sockets = new Sockets(
    (outlet) =>
      bus === null
        ? new LocalEngine(engine, outlet)
        : (cluster = new Cluster(engine, outlet, bus, log)),
    admission,
    settings,
    log,
  );

  let draining = false;
  const listening = { late: 0, dropped: 0, crowded: 0 };
  const server =
    options.server ??
    (await createListener(settings, limits.maxConnections ?? 0, files, listening, (address) =>
      addresses.trusts(address),
    ));
  const { metrics, stop: stopMeasuring } = measure({
    sockets,
    gates,
    listening,
    admission,
    files,
    bearer,
    draining: () => draining,
    stun: settings.stunPort > 0 ? stunCounters : undefined,
    cluster,
    stats: () => sockets.engine.stats(),
    sites: settings.groups === undefined ? undefined : () => engine.sites(),
  });
  const state = { engine: sockets.engine, draining: () => draining };
  const totals = async () =>
    cluster ? allOf(await cluster.everywhere.totals()) : { ...statsOf(sockets.engine), nodes: 1 };
  // Of a cluster every node records, for the one that is asked.
  const watched = bearer.known || settings.dashboard;
  const office = watched
    ? openOffice({ engine, sockets, cluster, totals, bearer, settings, version: versionOf() })
    : null;
  const routes = routesOf({
    ...state,
    api: office?.routes ?? new Map(),
    stats: totals,
    // The worker that is asked answers for all of them.
    metrics: worker ? async () => joined(await worker.allMetrics()) : () => metrics.render(),
    metricsFor: settings.metrics,
    bearer,
  });

  /** @type {(request: IncomingMessage, socket: import('node:stream').Duplex, head: Buffer) => void} */
  const onUpgrade = (request, socket, head) => {
    const wanted = pathOf(request);
    if (options.server && wanted !== path) return;
    if (!options.server && routes.has(wanted)) return refuseUpgrade(socket, 404, 'Not Found');
    if (draining) {
      const retry = `Retry-After: ${RETRY_AFTER_S}\r\n`;
      return refuseUpgrade(socket, 503, 'Service Unavailable', retry);
    }
    if (!admission.allowsOrigin(request.headers.origin)) {
      return refuseUpgrade(socket, 403, 'Forbidden');
    }
    const address = addresses.of(request);
    if (!gates.handshakes.admits(address)) return refuseUpgrade(socket, 429, 'Too Many Requests');
    const to = worker && placeOf(request, worker.names);
    // The state of a TLS connection cannot be handed over.
    if (to && to !== worker.name && !('encrypted' in socket)) {
      worker.handOver(to, request, /** @type {import('node:net').Socket} */ (socket), head);
      return;
    }
    take(request, socket, head, address);
  };
  /** @type {(request: IncomingMessage, socket: import('node:stream').Duplex, head: Buffer, address: string) => void} */
  const take = (request, socket, head, address) =>
    sockets.upgrade(request, socket, head, {
      address,
      ...places.of(address),
      site: groups.of(address),
    });
  if (worker) {
    worker.metrics = () => metrics.render();
    worker.adopt = (request, socket, head) =>
      draining ? socket.destroy() : take(request, socket, head, addresses.of(request));
    if (worker !== bus) await worker.join();
  }
  const onRequest = answerFrom(
    routes,
    healthRoutesOf(state),
    (request) => gates.requests.admits(addresses.of(request)),
    log,
  );
  /** @type {Awaited<ReturnType<typeof createStun>> | null} */
  let stun = null;
  /** @type {Promise<void> | undefined} */
  let closing;
  /** @param {() => Promise<void>} endSockets */
  function finish(endSockets) {
    closing ??= (async () => {
      draining = true;
      await endSockets();
      server.off('upgrade', onUpgrade);
      stopMeasuring();
      office?.close();
      files.close();
      stun?.close();
      if (options.server) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      // In a worker the callback never comes: Node waits for sockets that were handed over and are no longer its own.
      if (!worker) await closed;
    })();
    return closing;
  }
  const close = () => finish(() => sockets.end(1001, 'the tracker is shutting down'));

  let address;
  try {
    await /** @type {Cluster | null} */ (cluster)?.start();
    server.on('upgrade', onUpgrade);
    if (!options.server) {
      server.on('request', onRequest);
      await listen(server, settings.host, settings.port);
    }
    address = server.address();
    if (address === null || typeof address === 'string') {
      throw new Error('the server given to createTracker must be listening on a port');
    }
    stun = await openStun(settings, stunCounters, log);
  } catch (error) {
    // Above all, the other nodes need not wait until they take it for dead.
    await close();
    throw error;
  }

  const host = options.server ? address.address : settings.host;
  const scheme = settings.tlsCert === undefined ? 'ws' : 'wss';
  return {
    url: `${scheme}://${reachableHosts(host)[0]}:${address.port}${options.server ? path : '/'}`,
    port: address.port,
    stats: () => statsOf(sockets.engine),
    reload: () => files.reload(),
    drain: (seconds = settings.drainSeconds) => finish(() => drain(sockets, seconds * 1000, log)),
    close,
  };
}

/**
 * A tracker without STUN is better than none.
 * @param {Settings} settings
 * @param {import('./stun.js').StunCounters} counters
 * @param {Log} log
 */
async function openStun({ host, stunPort: port, handshakesPerAddress }, counters, log) {
  if (port === 0) return null;
  try {
    // A viewer asks a few times for each connection.
    return await createStun({ host, port }, new Gate(handshakesPerAddress), counters);
  } catch (error) {
    log.warn('STUN is not answered: the port cannot be used', { port, error: String(error) });
    return null;
  }
}

/**
 * @param {TrackerOptions} options
 * @param {Settings} settings
 * @param {Log} log
 * @returns {Promise<import('./cluster/bus.js').Bus | null>} null: this process is alone
 */
async function busOf({ bus }, settings, log) {
  const { redisUrl: url, redisPrefix: prefix, nodeId, beatSeconds, leaseSeconds } = settings;
  const { clusterSecret, clusterSecretFile } = settings;
  if (url === undefined) {
    return /** @type {import('./cluster/bus.js').Bus | undefined} */ (bus) ?? null;
  }
  const times = { beatMs: beatSeconds * 1000, leaseMs: leaseSeconds * 1000 };
  const secret = clusterSecretFile === undefined ? clusterSecret : secretFrom(clusterSecretFile);
  return RedisBus.create({ url, prefix, nodeId, secret, keyOf: addressKey, ...times }, log);
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
  const bytes = await readFile(file);
  return WebAssembly.compile(
    String(file).endsWith('.br') ? new Uint8Array(brotliDecompressSync(bytes)) : bytes,
  );
}

/**
 * @param {import('./local-engine.js').EnginePort} engine
 * @returns {TrackerStats} zeros if there are none
 */
const statsOf = (engine) => named(engine.stats());

/** @param {{ stats: import('./engine.js').EngineStats, nodes: number }} totals */
const allOf = ({ stats, nodes }) => ({ ...named(stats), nodes });

/**
 * The engine's figures under the names of index.d.ts.
 * @param {import('./engine.js').EngineStats | null} stats
 * @returns {TrackerStats} zeros if there are none
 */
function named(stats) {
  const names = /** @type {(keyof typeof HtStats)[]} */ (Object.keys(HtStats));
  const entries = names.map((name) => [camelCase(name.replaceAll('_', '-')), stats?.[name] ?? 0]);
  return Object.fromEntries(entries);
}
