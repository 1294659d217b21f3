/**
 * Faults around a tracker, with real processes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  WAIT_MS,
  CHANNEL,
  Peer,
  get,
  halfOpen,
  handshake,
  launch,
  metricsOf,
  startTracker,
  until,
} from './tracker-peers.mjs';

const FLOOD = fileURLToPath(new URL('./flood.mjs', import.meta.url));
const MURMUR = fileURLToPath(new URL('./murmur.mjs', import.meta.url));
const JUMPING_CLOCK = new URL('./jumping-clock.mjs', import.meta.url).href;

// Another address than that of the peers that must not notice.
const STRANGER = { localAddress: '127.0.0.2' };

// Far above what a tracker needs for a signal, and far below what a viewer would call an outage.
const SERVED_WITHIN_MS = 5000;

/** A parent and its child, between whom signals are sent to and fro until told otherwise. */
class BusyPair {
  relayed = 0;
  slowestMs = 0;
  #going = true;
  /** @type {Promise<void>} */
  #done;

  /** @param {Peer} parent @param {Peer} child */
  constructor(parent, child) {
    this.parent = parent;
    this.child = child;
    this.#done = this.#talk();
  }

  /** @param {string} url @param {number} index */
  static async start(url, index) {
    const channel = `https://cdn.example/${index}.m3u8`;
    const parent = await Peer.enter(url, { channel });
    const child = await Peer.enter(url, { channel });
    await child.next('connect');
    // Or the introduction counts as failed after a while, and its signals are refused.
    child.send({ action: 'dc_opened', dc_id: `${child.id}-${parent.id}` });
    return new BusyPair(parent, child);
  }

  async #talk() {
    const offer = { type: 'offer', sdp: 'v=0\r\n' };
    const answer = { type: 'answer', sdp: 'v=0\r\n' };
    while (this.#going) {
      const started = performance.now();
      this.child.send({ action: 'signal', to_peer_id: this.parent.id, data: offer });
      assert.deepEqual(JSON.parse((await this.parent.next('signal')).data), offer);
      this.parent.send({ action: 'signal', to_peer_id: this.child.id, data: answer });
      assert.deepEqual(JSON.parse((await this.child.next('signal')).data), answer);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
      ++this.relayed;
      // Below the limit on messages.
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Ends the talk and checks that nothing was amiss. */
  async noticedNothing() {
    this.#going = false;
    await this.#done;
    assert.deepEqual([this.parent.closed, this.child.closed], [undefined, undefined]);
    assert.deepEqual([this.parent.messages, this.child.messages], [[], []]);
    assert.ok(this.relayed > 0);
    assert.ok(
      this.slowestMs < SERVED_WITHIN_MS,
      `a signal and its answer took ${this.slowestMs} ms`,
    );
  }
}

/** @param {string} url @param {number} count */
const busyPairs = (url, count) =>
  Promise.all(Array.from({ length: count }, (_, index) => BusyPair.start(url, index)));

test('nothing that can be sent to a tracker disturbs others', async () => {
  const tracker = await startTracker();
  const pairs = await busyPairs(tracker.url, 8);
  const vectors = JSON.parse(
    await readFile(new URL('../vectors/tracker.json', import.meta.url), 'utf8'),
  );
  /** @param {any} text */
  const spell = (text) =>
    typeof text === 'string'
      ? text
      : text.map((/** @type {[string, number]} */ [part, times]) => part.repeat(times)).join('');
  /** @type {(string | Buffer)[]} */
  const wires = [...vectors.from_peer, ...vectors.from_tracker].map((vector) =>
    vector.wire_hex === undefined ? spell(vector.wire) : Buffer.from(vector.wire_hex, 'hex'),
  );
  assert.ok(wires.length > 100);
  for (const binary of [false, true]) {
    for (let at = 0; at < wires.length; at += 5) {
      const bad = await Peer.connect(tracker.url, STRANGER);
      for (const wire of wires.slice(at, at + 5)) bad.ws.send(wire, { binary });
      await new Promise((resolve) => setTimeout(resolve, 1));
      bad.ws.terminate();
    }
  }
  const upgrade =
    'GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
  const rubbish = [
    '\0\0\0',
    'GET\r\n\r\n',
    `${upgrade}\r\n`,
    `${upgrade}Sec-WebSocket-Key: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: t\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    'GET /%00%ff?%zz HTTP/1.1\r\nHost: t\r\n\r\n',
    'POST /healthz HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\nx',
  ];
  for (const text of rubbish) {
    const socket = net.connect({ port: tracker.port, host: '127.0.0.1', ...STRANGER });
    socket.on('error', () => {});
    socket.end(text);
    await once(socket.resume(), 'close');
  }
  await Promise.all(pairs.map((pair) => pair.noticedNothing()));
  const { status, body } = await get(tracker.port, '/healthz');
  assert.deepEqual([status, JSON.parse(body).peers], [200, 16]);
  assert.equal(tracker.stderr(), '');
});

test('a flood from one address is cut off, and others are served meanwhile', async () => {
  const limits = ['--max-connections-per-address', '30', '--handshakes-per-address', '60'];
  const tracker = await startTracker(0, limits);
  const pairs = await busyPairs(tracker.url, 8);
  const flood = spawn(process.execPath, [FLOOD, tracker.url, STRANGER.localAddress]);
  await untilLimited(tracker, 'handshakes-per-address', 20);
  // Newcomers too.
  const newcomer = await Peer.enter(tracker.url);
  flood.kill();
  await once(flood, 'close');
  await Promise.all(pairs.map((pair) => pair.noticedNothing()));
  assert.equal(newcomer.closed, undefined);
  await untilLimited(tracker, 'max-connections-per-address', 1);
});

test('connections of one address that together say too much are cut off, though none does alone', async () => {
  const tracker = await startTracker(0, ['--messages-per-address', '700']);
  const pairs = await busyPairs(tracker.url, 8);
  const murmur = spawn(process.execPath, [MURMUR, tracker.url, STRANGER.localAddress]);
  await untilLimited(tracker, 'messages-per-address', 20);
  const newcomer = await Peer.enter(tracker.url);
  murmur.kill();
  await once(murmur, 'close');
  await Promise.all(pairs.map((pair) => pair.noticedNothing()));
  assert.equal(newcomer.closed, undefined);
  const limited = 'hlsmesh_tracker_limited_total{limit="messages-per-second"}';
  assert.equal((await metricsOf(tracker.port)).get(limited), 0);
});

/** @param {{ port: number }} tracker @param {string} limit @param {number} times */
async function untilLimited(tracker, limit, times) {
  const series = `hlsmesh_tracker_limited_total{limit="${limit}"}`;
  const deadline = Date.now() + WAIT_MS;
  while (((await metricsOf(tracker.port)).get(series) ?? 0) < times) {
    assert.ok(Date.now() < deadline, `${limit} was never enforced`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('one viewer that does not read is cut off alone', async () => {
  const tracker = await startTracker(0, [
    '--max-pending-bytes',
    '65536',
    ...['--messages-per-second', '0', '--bytes-per-pair', '0'],
    ...['--bytes-per-second', '0', '--bytes-per-address', '0'],
  ]);
  const pairs = await busyPairs(tracker.url, 4);
  await halfOpen(tracker.port, `{"action":"enter","channel":"${CHANNEL}"}`);
  const child = await Peer.enter(tracker.url);
  const { to_peer_id: mute } = await child.next('connect');
  const cut = 'hlsmesh_tracker_limited_total{limit="max-pending-bytes"}';
  const data = JSON.stringify({ type: 'offer', sdp: 'x'.repeat(60_000) });
  const deadline = Date.now() + WAIT_MS;
  while (((await metricsOf(tracker.port)).get(cut) ?? 0) === 0) {
    assert.ok(Date.now() < deadline, 'it was never cut off');
    for (let i = 0; i < 20; ++i) child.send({ action: 'signal', to_peer_id: mute, data });
    await child.settle();
  }
  assert.equal((await metricsOf(tracker.port)).get(cut), 1);
  await Promise.all(pairs.map((pair) => pair.noticedNothing()));
  assert.equal(child.closed, undefined);
});

test('SIGTERM under load sends viewers elsewhere in waves, relays until the last, and ends in time', async () => {
  const seconds = 4;
  const tracker = await startTracker(0, ['--drain-seconds', String(seconds)]);
  const peers = await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      Peer.enter(tracker.url, { channel: `c${index % 40}` }),
    ),
  );
  /** @type {number[]} */
  const closedAt = [];
  for (const { ws } of peers) ws.on('close', () => closedAt.push(performance.now()));
  const [parent, child] = [await Peer.enter(tracker.url), await Peer.enter(tracker.url)];
  await child.next('connect');

  const started = performance.now();
  tracker.child.kill('SIGTERM');
  await until(() => closedAt.length > 0, 'the first wave');
  assert.ok(closedAt.length < peers.length);
  assert.equal((await get(tracker.port, '/readyz')).status, 503);
  assert.equal((await get(tracker.port, '/healthz')).status, 200);
  assert.equal(await handshake(tracker.url), 503);
  child.send({ action: 'signal', to_peer_id: parent.id, data: { type: 'offer', sdp: 'v=0' } });
  await parent.next('signal');

  const { code, stderr } = await tracker.exited;
  const took = performance.now() - started;
  assert.equal(code, 0, stderr);
  assert.ok(took < (seconds + 20) * 1000, `took ${took} ms`);
  assert.match(stderr, /draining[^]*drained/);
  const ends = await Promise.all([...peers, parent, child].map((peer) => peer.end()));
  for (const end of ends) assert.match(`${end.code} ${end.reason}`, /^1012 the tracker restarts/);
  assert.ok(Math.max(...closedAt) - Math.min(...closedAt) > 200, 'all at once');
});

test('a tracker without viewers ends at once, and one that is told twice does not wait', async () => {
  const idle = await startTracker();
  idle.child.kill('SIGTERM');
  assert.equal((await idle.exited).code, 0);

  const busy = await startTracker(0, ['--drain-seconds', '3600']);
  await Promise.all(Array.from({ length: 150 }, () => Peer.enter(busy.url)));
  busy.child.kill('SIGTERM');
  await until(() => busy.stderr().includes('draining'), 'the drain to begin');
  busy.child.kill('SIGTERM');
  assert.equal((await busy.exited).signal, 'SIGTERM');
});

test('leaps of the time of day change nothing', async () => {
  const env = { ...process.env, NODE_OPTIONS: `--import=${JUMPING_CLOCK}` };
  const args = ['--port', '0', '--ping-seconds', '0.5', '--idle-seconds', '2.5'];
  const { child: tracker, stdout } = launch(args, env);
  await until(() => stdout().includes('\n'), 'the tracker to listen');
  const url = /ws:\S+/.exec(stdout())?.[0] ?? '';
  const pairs = await busyPairs(url, 2);
  const quiet = await Peer.enter(url);
  // Many leaps, and long enough for a silent peer to be found dead.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const { body } = await get(Number(new URL(url).port), '/healthz');
  const { uptime, peers } = JSON.parse(body);
  assert.ok(uptime > 1 && uptime < 60, `up for ${uptime} s`);
  assert.equal(peers, 5);
  assert.equal(quiet.closed, undefined);
  await Promise.all(pairs.map((pair) => pair.noticedNothing()));
  tracker.kill('SIGKILL');
});

test('a thousand viewers that come back at once are all taken in', async () => {
  const count = 1000;
  // They have one address here, which a thousand viewers have not.
  const perAddress = ['max-connections', 'enters', 'pending'].map(
    (what) => `--${what}-per-address`,
  );
  const limits = perAddress.flatMap((option) => [option, '5000']);
  const first = await startTracker(0, limits);
  const enterAll = (/** @type {string} */ url) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        Peer.enter(url, { channel: `c${index % 5}`, hlsmesh: 1, parents: index < 5 ? 0 : 1 }),
      ),
    );
  const before = await enterAll(first.url);
  first.child.kill('SIGKILL');
  await until(() => before.every(({ closed }) => closed !== undefined), 'all to lose the tracker');

  const second = await startTracker(first.port, limits);
  const again = await enterAll(second.url);
  assert.equal(new Set(again.map(({ id }) => id)).size, count);
  const { peers, channels } = JSON.parse((await get(second.port, '/healthz')).body);
  assert.deepEqual([peers, channels], [count, 5]);
  const newcomer = await Peer.enter(second.url, { channel: 'c0' });
  await newcomer.next('connect');
});
