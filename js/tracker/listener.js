/**
 * Makes the HTTP or HTTPS server of a tracker that was not given one.
 */
import http from 'node:http';
import https from 'node:https';
import { refuseUpgrade } from './http.js';
import { Pending } from './pending.js';

// A viewer's request for a WebSocket has a few hundred bytes, plus the cookies of the site.
const MAX_HEADER_BYTES = 16 * 1024;

// The connections in addition to WebSockets: requests for health and metrics, and handshakes under way.
const SPARE_CONNECTIONS = 4096;

const SWEEP_MS = 250;

/**
 * @typedef {object} ListenerCounters
 * @property {number} late handshakes that took too long
 * @property {number} dropped connections that were dropped unread because there were too many
 * @property {number} crowded connections without a complete request that were dropped for a newer one, of the same address or of all
 */

/**
 * @param {{ tlsCert?: string, tlsKey?: string, handshakeSeconds: number, pendingPerAddress: number }} options
 * @param {number} maxConnections the most WebSockets; 0: any number
 * @param {import('./files.js').WatchedFiles} files
 * @param {ListenerCounters} counters
 * @param {(address: string) => boolean} isProxy true: all viewers come from there
 * @returns {Promise<http.Server | https.Server>}
 */
export async function createListener(options, maxConnections, files, counters, isProxy) {
  const { tlsCert, tlsKey, handshakeSeconds, pendingPerAddress } = options;
  const timeout = Math.ceil(handshakeSeconds * 1000);
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeout,
    requestTimeout: timeout,
    connectionsCheckingInterval: Math.min(timeout, 1000),
  };
  const secure = tlsCert !== undefined && tlsKey !== undefined;
  const server = secure
    ? https.createServer({ ...limits, handshakeTimeout: timeout })
    : http.createServer(limits);
  if (secure) {
    await files.add({
      option: 'tls-cert and tls-key',
      paths: [tlsCert, tlsKey],
      use: ([cert, key]) => /** @type {https.Server} */ (server).setSecureContext({ cert, key }),
    });
    server.on('tlsClientError', (/** @type {NodeJS.ErrnoException} */ { code }, socket) => {
      if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') ++counters.late;
      socket.destroy();
    });
  }
  if (maxConnections > 0) server.maxConnections = maxConnections + SPARE_CONNECTIONS;
  const pending = new Pending(pendingPerAddress, SPARE_CONNECTIONS / 8, isProxy);
  server.on('connection', (/** @type {import('node:net').Socket} */ socket) => {
    counters.crowded += pending.add(socket);
  });
  setInterval(() => (counters.crowded += pending.sweep()), SWEEP_MS).unref();
  const settled = (/** @type {http.IncomingMessage} */ request) => pending.remove(request.socket);
  server.prependListener('upgrade', settled).prependListener('request', settled);
  server.on('drop', () => ++counters.dropped);
  server.on('clientError', (/** @type {NodeJS.ErrnoException} */ { code }, socket) => {
    const late = code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (late) ++counters.late;
    if (!socket.writable) socket.destroy();
    else if (late) refuseUpgrade(socket, 408, 'Request Timeout');
    else refuseUpgrade(socket, 400, 'Bad Request');
  });
  return server;
}

/**
 * @param {http.Server | https.Server} server
 * @param {string} host
 * @param {number} port
 * @returns {Promise<void>}
 */
export function listen(server, host, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * @param {string} host
 * @param {number} port
 */
export function authority(host, port) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
