/**
 * Tracker processes, and peers that speak to them by hand.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const CLI = fileURLToPath(new URL('../../js/tracker/cli.js', import.meta.url));
export const CHANNEL = 'https://cdn.example/live/master.m3u8';
/** The time after which a wait fails. A busy machine takes most of a minute to start three trackers. */
export const WAIT_MS = 60_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const processes = new Set();
/** @type {Set<{ terminate(): void }>} */
const clients = new Set();

after(() => {
  for (const client of clients) client.terminate();
  for (const child of processes) child.kill('SIGKILL');
});

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export function launch(args, env = process.env) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  processes.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const exited = once(child, 'close').then(([code, signal]) => {
    processes.delete(child);
    return { code, signal, stdout, stderr };
  });
  return { child, exited, stdout: () => stdout, stderr: () => stderr };
}

/**
 * @param {number} [port]
 * @param {string[]} [args]
 */
export async function startTracker(port = 0, args = []) {
  // Tests ask for metrics until they are what they wait for.
  const often = ['--requests-per-address', '1000000'];
  const { child, exited, stdout, stderr } = launch(['--port', String(port), ...often, ...args]);
  await until(() => stdout().includes('\n') || child.exitCode !== null, 'the tracker to listen');
  // One that listens on all addresses names each that a viewer could use, its own machine's last.
  const url = /^hlsmesh-tracker listening on (?:\S+ )*(wss?:\/\/[^/]+:(\d+)\/)\n$/.exec(stdout());
  assert.ok(url, `unexpected output: ${stdout()}${stderr()}`);
  return { child, exited, stderr, url: url[1], port: Number(url[2]) };
}

/**
 * @param {() => boolean} condition
 * @param {string} what
 */
export async function until(condition, what) {
  const deadline = Date.now() + WAIT_MS;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class Peer {
  /** @type {any[]} */
  messages = [];
  /** @type {{ code: number, reason: string } | undefined} */
  closed;
  id = '';

  /** @param {string} url @param {import('ws').ClientOptions} [options] */
  constructor(url, options) {
    this.ws = new WebSocket(url, options);
    clients.add(this.ws);
    this.ws.on('message', (data, binary) => {
      assert.equal(binary, false);
      this.messages.push(JSON.parse(String(data)));
    });
    this.ws.on('close', (code, reason) => (this.closed = { code, reason: String(reason) }));
    this.ws.on('error', () => {});
  }

  /** @param {string} url @param {import('ws').ClientOptions} [options] */
  static async connect(url, options) {
    const peer = new Peer(url, options);
    await once(peer.ws, 'open');
    return peer;
  }

  /**
   * @param {string} url
   * @param {object} [more]
   * @param {import('ws').ClientOptions} [options]
   */
  static async enter(url, more = {}, options = undefined) {
    const peer = await Peer.connect(url, options);
    peer.send({ action: 'enter', channel: CHANNEL, browser: 'b', device: 'PC', os: 'o', ...more });
    peer.id = (await peer.next('accept')).peer_id;
    return peer;
  }

  /** @param {unknown} message */
  send(message) {
    this.ws.send(JSON.stringify(message));
  }

  /** @param {string} action */
  async next(action) {
    await until(() => this.messages.some((message) => message.action === action), action);
    return this.messages.splice(
      this.messages.findIndex((message) => message.action === action),
      1,
    )[0];
  }

  /** @returns {Promise<{ code: number, reason: string }>} */
  async end() {
    await until(() => this.closed !== undefined, 'the socket to be closed');
    return /** @type {{ code: number, reason: string }} */ (this.closed);
  }

  /** After this, everything sent before has been handled and answered. */
  async settle() {
    this.ws.ping();
    await once(this.ws, 'pong');
  }
}

/**
 * @param {number} port
 * @param {string} path
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ status: number, body: string }>}
 */
export async function get(port, path, headers = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  return { status: response.status, body: await response.text() };
}

/**
 * A WebSocket by hand that reads nothing and answers nothing.
 * @param {number} port
 * @param {string} text the one short frame that it sends
 */
export async function halfOpen(port, text) {
  const socket = net.connect(port, '127.0.0.1');
  clients.add({ terminate: () => socket.destroy() });
  socket.on('error', () => {});
  socket.write(
    `GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`,
  );
  await once(socket, 'data');
  socket.pause();
  // FIN and text, masked with zeros.
  assert.ok(text.length < 126);
  socket.write(
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]),
  );
  return socket;
}

/**
 * The status with which a tracker answers the request for a WebSocket.
 * @param {string} url
 * @param {import('ws').ClientOptions} [options]
 * @returns {Promise<number>} 101 when it takes it
 */
export function handshake(url, options) {
  return new Promise((resolve) => {
    const ws = new WebSocket(url, options);
    clients.add(ws);
    ws.on('unexpected-response', (_, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    ws.on('open', () => {
      resolve(101);
      ws.close();
    });
    ws.on('error', () => {});
  });
}

/**
 * @param {number} port
 * @returns {Promise<Map<string, number>>} value by name and labels
 */
export async function metricsOf(port) {
  const { status, body } = await get(port, '/metrics');
  assert.equal(status, 200);
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}
