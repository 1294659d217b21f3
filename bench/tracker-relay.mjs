/**
 * Signals that the tracker relays for a second of its process's CPU time, beside a bare `ws` server that passes the same
 * messages on unread. Each server is a process of its own; this one plays the peers of both, in turns.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import WebSocket, { WebSocketServer } from 'ws';
import { createTracker } from '../js/tracker/index.js';
import { isMain, median, print } from './report.mjs';

const PAIRS = 64;
// Messages under way in each pair. Viewers' signals reach a tracker one by one, each with a read and a write of its own;
// with more under way several share them, which flatters both servers, the bare one the most.
const WINDOW = 1;
const MESSAGES = 24_000;
const ROUNDS = 3;
// The close code after terminate().
const ENDED_HERE = 1006;
const UNBOUNDED = 2 ** 31 - 1;
const ROLE = 'HLSMESH_BENCH_SERVER';

/** A bare relay for comparison: two sockets that connect to the same path are a pair. */
async function bareRelay() {
  /** @type {Map<string, WebSocket>} */
  const waiting = new Map();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (ws, { url = '/' }) => {
    const other = waiting.get(url);
    if (!other) {
      waiting.set(url, ws);
      return;
    }
    waiting.delete(url);
    ws.on('message', (data, binary) => other.send(data, { binary }));
    other.on('message', (data, binary) => ws.send(data, { binary }));
  });
  await once(server, 'listening');
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

async function tracker() {
  // All pairs have one address, and send as much as they can.
  const limits = { messagesPerAddress: UNBOUNDED, messagesPerSecond: UNBOUNDED };
  return (await createTracker({ port: 0, limits })).port;
}

async function serve() {
  const port = await (process.env[ROLE] === 'bare' ? bareRelay() : tracker());
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port });
}

/** @param {'tracker' | 'bare'} role */
async function start(role) {
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, [ROLE]: role } });
  const [{ port }] = await once(child, 'message');
  /** @returns {Promise<number>} seconds of CPU time that the server has used */
  const cpuSeconds = async () => {
    const answer = once(child, 'message');
    child.send('cpu');
    const [{ user, system }] = await answer;
    return (user + system) / 1e6;
  };
  return { url: `ws://127.0.0.1:${port}/`, cpuSeconds, stop: () => child.disconnect() };
}

/** @param {string} url */
async function connect(url) {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  await once(ws, 'open');
  ws.on('close', (code, reason) => {
    if (code !== ENDED_HERE) throw new Error(`a server closed a connection: ${code} ${reason}`);
  });
  return ws;
}

/** @param {WebSocket} ws @param {string} channel */
async function enter(ws, channel) {
  ws.send(JSON.stringify({ action: 'enter', channel, browser: '', device: 'PC', os: '' }));
  const [text] = await once(ws, 'message');
  return String(JSON.parse(text).peer_id);
}

// About the size of a data-channel offer: 1 KiB as it stands in the message.
const SDP = Array.from({ length: 21 }, (_, i) => `a=candidate:${i} 1 udp 2122260223 10.0.0.7`);
const OFFER = JSON.stringify({ type: 'offer', sdp: `v=0\r\n${SDP.join('\r\n')}` });

/** @param {string} id */
const signal = (id) => JSON.stringify({ action: 'signal', to_peer_id: id, data: OFFER });

/** @param {string} url */
async function trackerPair(url, /** @type {number} */ index) {
  const parent = await connect(url);
  const id = await enter(parent, `https://cdn.example/${index}.m3u8`);
  const child = await connect(url);
  const introduced = new Promise((resolve) => {
    child.on('message', (text) => {
      if (JSON.parse(String(text)).action === 'connect') resolve(undefined);
    });
  });
  await enter(child, `https://cdn.example/${index}.m3u8`);
  await introduced;
  child.removeAllListeners('message');
  return { from: child, to: parent, message: signal(id) };
}

/** @param {string} url */
async function barePair(url, /** @type {number} */ index) {
  const to = await connect(url + index);
  const from = await connect(url + index);
  return { from, to, message: signal('0'.repeat(32)) };
}

/** @typedef {Awaited<ReturnType<typeof barePair>>} Pair */

/** @param {Pair[]} pairs */
function relay(pairs) {
  let sent = 0;
  let received = 0;
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      for (const { from, to, message } of pairs) {
        const send = () => {
          if (sent++ < MESSAGES) from.send(message);
        };
        to.removeAllListeners('message');
        to.on('message', () => {
          if (++received === MESSAGES) resolve();
          send();
        });
        for (let i = 0; i < WINDOW; ++i) send();
      }
    })
  );
}

/** @returns {Promise<import('./report.mjs').Figure>} */
export async function run() {
  const indexes = Array.from({ length: PAIRS }, (_, i) => i);
  const servers = await Promise.all([start('tracker'), start('bare')]);
  const pairs = [
    await Promise.all(indexes.map((i) => trackerPair(servers[0].url, i))),
    await Promise.all(indexes.map((i) => barePair(servers[1].url, i))),
  ];
  /** @type {number[][]} */
  const rates = [[], []];
  // The first round warms both up and does not count.
  for (let round = 0; round <= ROUNDS; ++round) {
    for (const which of [0, 1]) {
      const before = await servers[which].cpuSeconds();
      await relay(pairs[which]);
      const used = (await servers[which].cpuSeconds()) - before;
      if (round > 0) rates[which].push(MESSAGES / used);
    }
  }
  for (const { from, to } of pairs.flat()) {
    from.terminate();
    to.terminate();
  }
  for (const server of servers) server.stop();
  const [ours, baseline] = rates.map(median);
  return {
    name: 'tracker signal relay beside a bare ws relay',
    unit: '1-KB messages per CPU-second',
    ours,
    baseline,
    ratio: ours / baseline,
  };
}

if (process.env[ROLE]) await serve();
else if (isMain(import.meta.url)) print(await run());
