/**
 * Ten thousand peers that connect, enter, signal and report, on loopback: what that costs the tracker, beside bittorrent-tracker
 * (npm, in bench/rivals) and beside two bare `ws` relays, which find nobody: one of the tracker's own messages, by an address that
 * is their first word, and one between fixed pairs. One server after the other, each in a
 * process of its own; the peers in another. `node bench/tracker-load.mjs [peers] [enters a second]`
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMain } from './report.mjs';

const PEERS = 10_000;
const ENTERS_PER_SECOND = 500;
const SILENCE_MS = 15_000;

const RIVALS = fileURLToPath(new URL('./rivals', import.meta.url));
const SERVERS = fileURLToPath(new URL('./load/servers.mjs', import.meta.url));
const PEER_PROCESS = fileURLToPath(new URL('./load/peers.mjs', import.meta.url));

/** The server, and the protocol of its peers. */
const RUNS = ['tracker', 'tracker, trickling', 'bittorrent-tracker', 'ws, addressed', 'ws'];

/**
 * @typedef {object} Load
 * @property {string} name
 * @property {number} introductions offers that were answered
 * @property {number} perCpuSecond introductions for a second of the server's CPU time, connecting not included
 * @property {number} relaysPerCpuSecond messages from peer to peer, the same way
 * @property {number} connectsPerCpuSecond
 * @property {number} silentCpu share of a core that all of them take when they have nothing more to say
 * @property {number} idleKb resident memory for a connection that has not entered
 * @property {number} busyKb the same, once all have entered and talked
 * @property {{ p50: number, p99: number } | null} connectMs
 * @property {{ p50: number, p99: number }} answerMs
 * @property {{ p50: number, p99: number }} relayMs
 */

/** @param {import('node:child_process').ChildProcess} child @param {string} what @returns {Promise<any>} */
async function ask(child, what) {
  const answer = once(child, 'message');
  child.send(what);
  const [message] = await answer;
  if (message.lost) throw new Error(`a peer lost its connection: ${message.lost}`);
  return message;
}

/**
 * @param {string} name
 * @param {number} count
 * @param {number} rate
 * @returns {Promise<Load>}
 */
async function load(name, count, rate) {
  const server = fork(SERVERS, [name], { execArgv: ['--expose-gc'] });
  const [{ port }] = await once(server, 'message');
  const peers = fork(PEER_PROCESS, [name, String(port), String(count), String(rate)]);
  await once(peers, 'spawn');
  try {
    const fresh = await ask(server, 'usage');
    await ask(peers, 'connect');
    const idle = await ask(server, 'usage');
    const seen = await ask(peers, 'enter');
    const busy = await ask(server, 'usage');
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
    const silent = await ask(server, 'usage');
    const cpu = busy.until - idle.from;
    return {
      name,
      introductions: seen.introductions,
      perCpuSecond: seen.introductions / cpu,
      relaysPerCpuSecond: seen.relayed / cpu,
      connectsPerCpuSecond: count / (idle.until - fresh.from),
      silentCpu: ((silent.until - busy.from) * 1000) / SILENCE_MS,
      idleKb: (idle.rss - fresh.rss) / count / 1024,
      busyKb: (busy.rss - fresh.rss) / count / 1024,
      connectMs: seen.connectMs,
      answerMs: seen.answerMs,
      relayMs: seen.relayMs,
    };
  } finally {
    peers.disconnect();
    server.disconnect();
    await Promise.all([once(peers, 'exit'), once(server, 'exit')]);
  }
}

/** @param {number} [count] @param {number} [rate] */
export async function loads(count = PEERS, rate = ENTERS_PER_SECOND) {
  if (!existsSync(`${RIVALS}/node_modules`)) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: RIVALS });
  }
  /** @type {Load[]} */
  const all = [];
  for (const name of RUNS) all.push(await load(name, count, rate));
  return all;
}

/** @returns {Promise<import('./report.mjs').Figure[]>} */
export async function run() {
  const all = await loads();
  print(all);
  const [ours, , rival, addressed, bare] = all;
  return [
    {
      name: 'tracker, introductions beside bittorrent-tracker',
      unit: 'for a CPU-second',
      ours: ours.perCpuSecond,
      baseline: rival.perCpuSecond,
      ratio: ours.perCpuSecond / rival.perCpuSecond,
    },
    {
      name: 'tracker, introductions beside ws that decides nothing',
      unit: 'for a CPU-second',
      ours: ours.perCpuSecond,
      baseline: addressed.perCpuSecond,
      ratio: ours.perCpuSecond / addressed.perCpuSecond,
    },
    {
      name: 'tracker, memory of a connection beside bare ws',
      unit: 'KB',
      ours: ours.busyKb,
      baseline: bare.busyKb,
      ratio: ours.busyKb / bare.busyKb,
    },
  ];
}

/** @param {Load[]} all */
function print(all) {
  /** @param {{ p50: number, p99: number } | null} ms */
  const spread = (ms) => (ms === null ? '–' : `${ms.p50.toFixed(1)} / ${ms.p99.toFixed(1)}`);
  console.log(
    '| server | introductions | per CPU-s | relays per CPU-s | connects per CPU-s | core in silence | KB idle | KB busy | enter → connect, ms | enter → answer | relay |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  for (const one of all) {
    const cells = [
      one.name,
      one.introductions,
      Math.round(one.perCpuSecond),
      Math.round(one.relaysPerCpuSecond),
      Math.round(one.connectsPerCpuSecond),
      `${(one.silentCpu * 100).toFixed(1)} %`,
      one.idleKb.toFixed(1),
      one.busyKb.toFixed(1),
      spread(one.connectMs),
      spread(one.answerMs),
      spread(one.relayMs),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

if (isMain(import.meta.url)) {
  const [count = PEERS, rate = ENTERS_PER_SECOND] = process.argv.slice(2).map(Number);
  print(await loads(count, rate));
}
