/**
 * Ten thousand peers, or any number, of one server: connects them all, lets them enter at a steady pace, and writes down what
 * they see. A process of its own, which does what its parent asks: `connect`, then `enter`.
 */
import { once } from 'node:events';
import WebSocket from 'ws';
import {
  addressedProtocol,
  bareProtocol,
  bittorrentProtocol,
  trackerProtocol,
} from './protocols.mjs';

const CONNECTING_AT_ONCE = 200;
// From one address to one port, Linux has 28,000 connections.
const PEERS_PER_ADDRESS = 20_000;
// After this time without a message, nothing more will come.
const QUIET_MS = 2000;
const TICK_MS = 10;

/** @type {import('./protocols.mjs').Book} */
const book = { introductions: 0, relayed: 0, connectMs: [], answerMs: [], relayMs: [] };

const [kind, port, count, rate] = process.argv.slice(2);
/** @type {Record<string, () => import('./protocols.mjs').Protocol>} */
const PROTOCOLS = {
  tracker: () => trackerProtocol(book, false),
  'tracker, trickling': () => trackerProtocol(book, true),
  'bittorrent-tracker': () => bittorrentProtocol(book),
  'ws, addressed': () => addressedProtocol(book),
  ws: () => bareProtocol(book),
};
const protocol = PROTOCOLS[kind]();

let heardAt = 0;
/** @type {import('./protocols.mjs').LoadPeer[]} */
const peers = [];

/** @param {number} index */
async function connect(index) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${protocol.path(index)}`, {
    perMessageDeflate: false,
    // Bound only where necessary: a bound port serves one connection, whichever server that is to.
    ...(index >= PEERS_PER_ADDRESS && {
      localAddress: `127.0.0.${1 + Math.floor(index / PEERS_PER_ADDRESS)}`,
    }),
  });
  const peer = { ws, index, enteredAt: 0, told: false, answered: false };
  ws.on('message', (data) => {
    heardAt = performance.now();
    protocol.hear(peer, String(data));
  });
  ws.on('close', (code, reason) => process.send?.({ lost: `${code} ${reason}` }));
  ws.on('error', () => {});
  await once(ws, 'open');
  peers[index] = peer;
}

async function connectAll() {
  for (let from = 0; from < Number(count); from += CONNECTING_AT_ONCE) {
    const until = Math.min(from + CONNECTING_AT_ONCE, Number(count));
    await Promise.all(Array.from({ length: until - from }, (_, at) => connect(from + at)));
  }
  process.send?.({ connected: true });
}

/** Each second `rate` peers enter, evenly, in an order in which channels fill side by side. */
async function enterAll() {
  const order = peers.map((_, at) => (at * 7919) % peers.length);
  const started = performance.now();
  let entered = 0;
  while (entered < order.length) {
    const due = Math.min(order.length, ((performance.now() - started) / 1000) * Number(rate));
    for (; entered < due; ++entered) {
      const peer = peers[order[entered]];
      peer.enteredAt = performance.now();
      protocol.enter(peer);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  heardAt = performance.now();
  while (performance.now() - heardAt < QUIET_MS) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  process.send?.({
    introductions: book.introductions,
    relayed: book.relayed,
    connectMs: percentiles(book.connectMs),
    answerMs: percentiles(book.answerMs),
    relayMs: percentiles(book.relayMs),
  });
}

/** @param {number[]} values @returns {{ p50: number, p99: number } | null} */
function percentiles(values) {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  /** @param {number} share */
  const at = (share) => values[Math.min(values.length - 1, Math.floor(values.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}

process.on('message', (what) => void (what === 'connect' ? connectAll() : enterAll()));
process.on('disconnect', () => process.exit(0));
