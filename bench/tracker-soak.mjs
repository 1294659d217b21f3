/**
 * A long day of a tracker in a quarter of an hour or more: viewers who come and go, garbage, viewers who read nothing, workers that are
 * killed, and a Redis that restarts. Prints what viewers felt and what the processes took, and ends with 1 if a viewer went without a
 * parent for more than 5 s beside others, or if memory grew.
 *
 * `node bench/tracker-soak.mjs [viewers] [minutes]`; an hour with 5,000 needs two free cores. Linux, redis-server.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';
import { startRedis } from '../tests/js/redis.mjs';
import { halfOpen, launch, metricsOf } from '../tests/js/tracker-peers.mjs';
import { Audience } from '../tests/js/tracker-viewers.mjs';

const { positionals } = parseArgs({ allowPositionals: true });
const [VIEWERS = 1000, MINUTES = 15] = positionals.map(Number);

const PER_CHANNEL = 50;
const MEAN_STAY_S = 240;
const HUNGRY_MS = 5000;
const KILL_EVERY_S = 120;
const REDIS_EVERY_S = 150;
const REDIS_AWAY_S = 3;
// The lease, its beat, the longest time away, and a second for the machine.
const AFTER_FAULT_S = 15;
const FLAT_AFTER_S = Math.min(600, (MINUTES * 60) / 2);
// Of the resident memory after that time.
const MOST_GROWTH = 1.15;

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const seconds = () => performance.now() / 1000;

let redis = await startRedis();
const COMMON = [
  ...['--redis-url', redis.url, '--requests-per-address', '1000000', '--log-format', 'json'],
];

/** @param {string[]} args */
async function node(args) {
  const { child, stdout, stderr } = launch(['--port', '0', ...COMMON, ...args]);
  while (!stdout().includes('\n')) await sleep(50);
  const url = String(/wss?:\/\/\S+/.exec(stdout())?.[0]);
  return { child, url, port: Number(new URL(url).port), log: stderr };
}
const nodes = [await node(['--workers', '2']), await node([])];

let number = 0;
const address = () =>
  `127.${1 + ((number >> 16) % 200)}.${(number >> 8) % 256}.${1 + (number++ % 250)}`;
const channels = Math.ceil(VIEWERS / PER_CHANNEL);
const channel = () => `https://cdn.example/${Math.floor(Math.random() * channels)}/master.m3u8`;
const audience = new Audience(() => nodes.map(({ url }) => url));

const started = seconds();
const until = started + MINUTES * 60;
let faultAt = -Infinity;
/** @type {string[]} */
const faults = [];
const fault = (/** @type {string} */ what) => {
  faultAt = seconds();
  faults.push(`${Math.round(faultAt - started)} s: ${what}`);
};

/** @param {number} pid @returns {number[]} */
function childrenOf(pid) {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

async function churn() {
  while (seconds() < until) {
    while (audience.viewers.size < VIEWERS) audience.add(channel(), address());
    const leaving = VIEWERS / MEAN_STAY_S / 4;
    const count = Math.floor(leaving) + (Math.random() < leaving % 1 ? 1 : 0);
    const all = [...audience.viewers];
    for (let i = 0; i < count; ++i) all[Math.floor(Math.random() * all.length)].leave();
    await sleep(250);
  }
}

/** Strangers who send what is no message, or much of it. */
async function garbage() {
  const texts = [
    'null',
    '{',
    '[]',
    '{"action":"enter"}',
    '{"action":"signal","to_peer_id":7}',
    'x'.repeat(60_000),
  ];
  while (seconds() < until) {
    const ws = new WebSocket(nodes[number % 2].url, { localAddress: address() });
    ws.on('error', () => {});
    ws.on('open', () => {
      for (let i = 0; i < 40; ++i) {
        const text = texts[Math.floor(Math.random() * texts.length)];
        ws.send(Math.random() < 0.2 ? randomBytes(200) : text);
      }
      setTimeout(() => ws.terminate(), 2000);
    });
    await sleep(500);
  }
}

/** Viewers who enter and then neither read nor answer. */
async function deaf() {
  while (seconds() < until) {
    const text = `{"action":"enter","channel":"${channel()}"}`;
    const opened = halfOpen(nodes[number++ % 2].port, text).catch(() => null);
    // Of a worker that is killed meanwhile nothing may come.
    const socket = await Promise.race([opened, sleep(5000).then(() => null)]);
    setTimeout(() => socket?.destroy(), 60_000).unref();
    await sleep(5000);
  }
}

async function kills() {
  while (seconds() + KILL_EVERY_S < until) {
    await sleep(KILL_EVERY_S * 1000);
    const workers = childrenOf(Number(nodes[0].child.pid));
    process.kill(workers[Math.floor(Math.random() * workers.length)], 'SIGKILL');
    fault('kill -9 of a worker');
  }
}

async function restarts() {
  while (seconds() + REDIS_EVERY_S < until) {
    await sleep(REDIS_EVERY_S * 1000);
    await redis.stop();
    fault('Redis is killed');
    await sleep(REDIS_AWAY_S * 1000);
    redis = await startRedis(redis.port);
    fault('Redis is back, and empty');
  }
}

const felt = { calm: { viewers: 0, longest: 0 }, afterFaults: { viewers: 0, longest: 0 } };
/** Viewers of whom it was told. @type {WeakMap<object, number>} */
const told = new WeakMap();

async function watch() {
  // All come at once in the beginning, as they never do later.
  let begun = false;
  while (seconds() < until) {
    const joined = [...audience.viewers].filter((viewer) => viewer.joined).length;
    begun ||= joined > 0.98 * VIEWERS && audience.hungry(HUNGRY_MS).length === 0;
    if (begun) {
      const now = performance.now();
      for (const viewer of audience.hungry(HUNGRY_MS)) {
        const since = Number(viewer.hungrySince);
        const calm = since / 1000 > faultAt + AFTER_FAULT_S || faultAt < started;
        const which = calm ? felt.calm : felt.afterFaults;
        if (told.get(viewer) !== since) ++which.viewers;
        told.set(viewer, since);
        which.longest = Math.max(which.longest, (now - since) / 1000);
      }
    }
    await sleep(500);
  }
}

/** Megabytes of the node that nobody kills. @type {[at: number, mb: number][]} */
const memory = [];
async function measure() {
  while (seconds() < until) {
    const status = readFileSync(`/proc/${nodes[1].child.pid}/status`, 'utf8');
    memory.push([seconds() - started, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024]);
    await sleep(5000);
  }
}

await Promise.all([churn(), garbage(), deaf(), kills(), restarts(), watch(), measure()]);

/** @param {number} port @param {number} tries as a worker may have been killed just now @returns {Promise<Map<string, number>>} */
const figures = (port, tries) =>
  metricsOf(port).catch(async () => {
    await sleep(1000);
    return tries > 0 ? figures(port, tries - 1) : new Map();
  });
const metrics = await Promise.all(nodes.map(({ port }) => figures(port, 30)));
/** @param {RegExp} name */
const total = (name) =>
  metrics
    .flatMap((one) => [...one])
    .reduce((sum, [key, value]) => sum + (name.test(key) ? value : 0), 0);
/** @param {number} from @param {number} to */
const mean = (from, to) => {
  const some = memory.filter(([at]) => at >= from && at < to).map(([, mb]) => mb);
  return some.reduce((sum, mb) => sum + mb, 0) / some.length;
};
const times = audience.fedAfterMs.sort((a, b) => a - b);
const at = (/** @type {number} */ share) => Math.round(times[Math.floor(times.length * share)]);
const window = FLAT_AFTER_S / 5;
const [before, after] = [
  mean(FLAT_AFTER_S, FLAT_AFTER_S + window),
  mean(MINUTES * 60 - window, MINUTES * 60),
];
const limits = new Map();
for (const [key, value] of metrics.flatMap((one) => [...one])) {
  const name = /limited_total\{limit="([\w-]+)"/.exec(key)?.[1];
  if (name && value > 0) limits.set(name, (limits.get(name) ?? 0) + value);
}
const events = nodes
  .flatMap(({ log }) => log().split('\n').filter(Boolean))
  .map((line) => JSON.parse(line))
  .filter(({ level }) => level !== 'info');
const counted = new Map();
for (const { event } of events) counted.set(event, (counted.get(event) ?? 0) + 1);
console.log(
  JSON.stringify(
    {
      viewers: VIEWERS,
      minutes: MINUTES,
      ...audience.counts,
      connectionsLostByCode: Object.fromEntries(audience.lost),
      withoutParentMs: { p50: at(0.5), p99: at(0.99), most: Math.round(times[times.length - 1]) },
      longerThan5sWithoutParent: felt,
      memoryMb: { after10Minutes: before, atTheEnd: after },
      malformed: total(/malformed_messages_total/),
      limits: Object.fromEntries(limits),
      nodesThatEnded: nodes.filter(({ child }) => child.exitCode !== null).length,
      faults,
      warnings: Object.fromEntries(counted),
    },
    null,
    2,
  ),
);
audience.end();
for (const { child } of nodes) child.kill('SIGKILL');
await redis.stop();
process.exit(felt.calm.viewers > 0 || after > before * MOST_GROWTH ? 1 : 0);
