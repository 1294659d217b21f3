/**
 * An audience of one tracker that watches, comes and goes, connects or fails to, and reports, for the dashboard to show: viewers
 * that speak the tracker's protocol and move no bytes. A process of its own: port, viewers, share without peers, seconds within
 * which they come.
 */
import { once } from 'node:events';
import WebSocket from 'ws';

const [port, count, control, within] = process.argv.slice(2).map(Number);

const CHANNELS = [
  ['https://cdn.example/cup/final/master.m3u8', 0.7],
  ['https://cdn.example/news/live.m3u8', 0.22],
  ['https://cdn.example/films/harbour/master.m3u8', 0.08],
];
const BROWSERS = [
  ['Chrome', 0.62],
  ['Safari', 0.2],
  ['Firefox', 0.08],
  ['Edge', 0.06],
  ['Samsung Internet', 0.04],
];

const REPORT_MS = 30_000;
const OPENS_MS = 600;
// A second of the stream, in KB: 3 Mbit/s.
const KB_A_SECOND = 366;
const MEAN_VIEW_MS = 25 * 60_000;

// A run is the same each time.
let seed = 1;
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** @template T @param {(readonly [T, number])[]} weighted @returns {T} */
function drawn(weighted) {
  let at = random();
  return (weighted.find(([, weight]) => (at -= weight) < 0) ?? weighted[0])[0];
}

/** @param {number} index */
async function watch(index) {
  const provider = Math.floor(12 * random() ** 2);
  const from = `100.${64 + provider}.${(index >> 8) & 255}.${index & 255}`;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, {
    perMessageDeflate: false,
    headers: { 'X-Forwarded-For': from },
  });
  ws.on('error', () => {});
  await once(ws, 'open');
  const channel = drawn(/** @type {any} */ (CHANNELS));
  const mobile = random() < 0.4;
  const alone = random() < control;
  // Behind what lets nothing through; behind what lets half through.
  const [blocked, strict] = [random() < 0.03, random() < 0.18];
  /** @type {string[]} */
  let parents = [];
  let id = '';
  let first = Math.exp(-0.2 + 0.45 * normal());
  ws.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.action === 'accept') id = message.peer_id;
    if (message.action === 'disconnect') {
      parents = parents.filter((parent) => parent !== message.to_peer_id);
    }
    if (message.action !== 'connect') return;
    const parent = message.to_peer_id;
    setTimeout(() => {
      const dc_id = `${id}-${parent}`;
      const fails = blocked || (strict && random() < 0.5);
      if (fails) return say({ action: 'dc_failed', dc_id });
      if (random() < 0.03) return say({ action: 'dc_failed', dc_id, reason: 'refused' });
      parents = [parent, ...parents].slice(0, 3);
      say({ action: 'dc_opened', dc_id });
      if (random() > 0.02) return;
      setTimeout(() => say({ action: 'dc_closed', dc_id, reason: 'useless' }), REPORT_MS);
    }, OPENS_MS);
  });
  /** @param {object} message */
  const say = (message) => {
    if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(message));
  };
  say({
    action: 'enter',
    channel,
    browser: drawn(/** @type {any} */ (BROWSERS)),
    device: mobile ? 'mobile' : 'PC',
    os: mobile ? 'Android' : 'Windows',
    hlsmesh: 2,
    live: !channel.includes('films'),
    slots: alone ? 0 : 8,
    ...(control > 0 && { control: alone }),
    ...(alone && { upBW: 0, idle: true }),
  });
  const report = () => {
    const share = parents.length === 0 ? 0 : Math.min(0.98, 0.84 + 0.06 * parents.length);
    const kb = (KB_A_SECOND * REPORT_MS) / 1000;
    const stalled = random() < 0.012 ? Math.exp(0.5 * normal()) : 0;
    say({
      action: 'statistics',
      level: 2,
      cdn: Math.round(kb * (1 - share)),
      p2p: Math.round(kb * share),
      up: alone ? 0 : Math.round(kb * 0.8),
      played: REPORT_MS / 1000,
      stalled,
      stalls: stalled > 0 ? 1 : 0,
      ...(first > 0 && { first }),
    });
    first = 0;
  };
  const phase = setTimeout(() => {
    report();
    const timer = setInterval(report, REPORT_MS);
    ws.once('close', () => clearInterval(timer));
  }, REPORT_MS * random());
  setTimeout(() => ws.close(), MEAN_VIEW_MS * -Math.log(1 - random())).unref();
  ws.once('close', () => {
    clearTimeout(phase);
    // Somebody else comes.
    if (!ending) void watch(index + 7919);
  });
}

let ending = false;
process.on('disconnect', () => {
  ending = true;
  process.exit(0);
});
for (let index = 0; index < count; ++index) {
  void watch(index);
  if (within > 0) await new Promise((resolve) => setTimeout(resolve, (within * 1000) / count));
  else if (index % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 50));
}
process.send?.({ entered: true });
