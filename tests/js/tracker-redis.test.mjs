/**
 * Several tracker processes over a real Redis, and what can go wrong between them.
 */
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { after, test } from 'node:test';
import { startRedis } from './redis.mjs';
import { WAIT_MS, Peer, get, launch, metricsOf, startTracker, until } from './tracker-peers.mjs';

// Node 18 has none; jose looks for it.
if (!globalThis.crypto) Object.assign(globalThis, { crypto: webcrypto });

// Short times, so that everything that takes a lease is seen soon.
const LEASE_S = 1.5;
const TIMES = ['--beat-seconds', '0.3', '--lease-seconds', String(LEASE_S)];

// The time for which Redis is away.
const OUTAGE_MS = 30_000;

const redis = await startRedis();
after(() => redis.stop());
let clusters = 0;

/**
 * @param {number} count
 * @param {{ redis?: { url: string }, args?: string[] }} [how]
 */
async function startNodes(count, { redis: at = redis, args = [] } = {}) {
  // A Redis may serve many.
  const prefix = `test${++clusters}`;
  const common = ['--redis-url', at.url, '--redis-prefix', prefix, ...TIMES, ...args];
  const nodes = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      startTracker(0, [...common, '--node-id', `n${index}`]),
    ),
  );
  await untilSees(nodes, count);
  return nodes;
}

/** @typedef {Awaited<ReturnType<typeof startTracker>>} Node */

/** @param {Node} node @param {string} name */
const cluster = async (node, name) =>
  (await metricsOf(node.port)).get(`hlsmesh_tracker_cluster_${name}`) ?? NaN;

/** @param {Node[]} nodes @param {string} name */
const total = async (nodes, name) =>
  (await Promise.all(nodes.map((node) => cluster(node, name)))).reduce((a, b) => a + b, 0);

/** @param {Node[]} nodes */
async function peersOf(nodes) {
  const all = await Promise.all(nodes.map(({ port }) => metricsOf(port)));
  return all.reduce((sum, metrics) => sum + (metrics.get('hlsmesh_tracker_peers') ?? 0), 0);
}

/** @param {() => Promise<boolean>} condition @param {string} what */
async function eventually(condition, what) {
  const deadline = performance.now() + WAIT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** @param {Node[]} nodes @param {number} count */
const untilSees = (nodes, count) =>
  eventually(async () => {
    const seen = await Promise.all(nodes.map((node) => cluster(node, 'nodes')));
    return seen.every((others) => others === count);
  }, `${count} nodes to see each other`);

/**
 * Until no link between nodes has begun anew for two leases: what is sent while one does is lost, and players dial again then.
 * @param {Node[]} nodes
 */
async function untilCalm(nodes) {
  let resets = NaN;
  let since = performance.now();
  await eventually(async () => {
    const now = await total(nodes, 'link_resets_total');
    if (now !== resets) since = performance.now();
    resets = now;
    return performance.now() - since > 2 * LEASE_S * 1000;
  }, 'the links to stay as they are');
}

/** @param {Peer} from @param {Peer} to @param {object} [data] */
async function signals(from, to, data = { type: 'offer', sdp: 'v=0\r\n' }) {
  from.send({ action: 'signal', to_peer_id: to.id, data });
  const signal = await to.next('signal');
  assert.deepEqual([signal.from_peer_id, JSON.parse(signal.data)], [from.id, data]);
}

/** A child dials the parent it was told of, and says that it has it. @param {Peer} child @param {Peer[]} peers */
async function dial(child, peers) {
  const { to_peer_id: id } = await child.next('connect');
  const parent = peers.find((peer) => peer.id === id);
  assert.ok(parent, `told to dial ${id}, whom nobody knows`);
  await signals(child, parent);
  await signals(parent, child, { type: 'answer', sdp: 'v=0\r\n' });
  child.send({ action: 'dc_opened', dc_id: `${child.id}-${parent.id}` });
  return parent;
}

/** @param {Peer[]} peers */
const dropped = (peers) => peers.filter(({ closed }) => closed !== undefined).length;

test('viewers of one channel on different nodes find and signal each other, and leave', async () => {
  const nodes = await startNodes(3);
  const peers = [];
  for (let i = 0; i < 6; ++i) peers.push(await Peer.enter(nodes[i % 3].url, { hlsmesh: 1 }));
  for (const child of peers.slice(1)) await dial(child, peers);
  assert.equal(await total(nodes, 'forwarded'), 4);
  assert.equal(await total(nodes, 'channels'), 1);

  // The node that runs the channel learns of a guest's changes, and of its end.
  peers[0].ws.terminate();
  await eventually(async () => (await total(nodes, 'forwarded')) === 4, 'four');
  peers[1].send({ action: 'leave' });
  peers[2].ws.terminate();
  await eventually(async () => (await peersOf(nodes)) === 3, 'three to be left');
  const newcomer = await Peer.enter(nodes[2].url);
  await newcomer.next('connect');
});

test('viewers of a channel on one node cost the others nothing', async () => {
  const nodes = await startNodes(2);
  const peers = [];
  for (let i = 0; i < 8; ++i) peers.push(await Peer.enter(nodes[0].url));
  for (const child of peers.slice(1)) await dial(child, peers);
  const entries = 'entries_total{direction="out"}';
  assert.equal(await total(nodes, entries), 0);
});

test('tokens count wherever the channel is run, and run out there', async () => {
  const { SignJWT } = await import('jose');
  const secret = 'x'.repeat(32);
  const nodes = await startNodes(2, { args: ['--token-secret', secret] });
  /** @param {number} seconds */
  const token = (seconds) =>
    new SignJWT({ channel: 'c' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(new TextEncoder().encode(secret));
  await Peer.enter(nodes[0].url, { channel: 'c', token: await token(60) });
  // The tracker's clock may differ by 5 s.
  const short = await Peer.enter(nodes[1].url, { channel: 'c', token: await token(-3) });
  const renewed = await Peer.enter(nodes[1].url, { channel: 'c', token: await token(-3) });
  renewed.send({ action: 'enter', channel: 'c', token: await token(60) });
  const stranger = await Peer.connect(nodes[1].url);
  stranger.send({ action: 'enter', channel: 'c', token: 'no' });
  await stranger.next('reject');
  await short.next('reject');
  assert.equal((await short.end()).code, 1008);
  await renewed.settle();
  assert.equal(renewed.closed, undefined);
  assert.equal(await cluster(nodes[1], 'forwarded'), 1);
});

test('kill -9 of the node that runs a channel: its viewers elsewhere are introduced anew, and nobody else is lost', async (t) => {
  const nodes = await startNodes(3);
  const root = await Peer.enter(nodes[0].url, { hlsmesh: 1 });
  const peers = [root];
  for (let i = 1; i < 9; ++i) peers.push(await Peer.enter(nodes[i % 3].url, { hlsmesh: 1 }));
  for (const child of peers.slice(1)) await dial(child, peers);
  const others = peers.filter((_, index) => index % 3 !== 0);
  for (const peer of others) peer.messages.length = 0;

  nodes[0].child.kill('SIGKILL');
  const killed = performance.now();
  await Promise.all(others.map((peer) => peer.next('accept')));
  const failover = performance.now() - killed;
  t.diagnostic(
    `re-entered elsewhere after ${Math.round(failover)} ms with a lease of ${LEASE_S} s`,
  );
  assert.equal(dropped(others), 0);
  const alive = nodes.slice(1);
  assert.equal(await total(alive, 'channels'), 1);
  // One that was fed by the node's viewers says so, and whoever lacks a parent is told of another that is still there.
  for (const child of others) child.send({ action: 'dc_closed', dc_id: `${child.id}-${root.id}` });
  const told = () =>
    others.find((peer) => peer.messages.some(({ action }) => action === 'connect'));
  await until(() => told() !== undefined, 'a new parent');
  await dial(/** @type {Peer} */ (told()), others);
  // Those whose node is gone come to another one, as clients do.
  const back = await Promise.all(
    [0, 1, 2].map((i) => Peer.enter(alive[i % 2].url, { hlsmesh: 1, parents: 1 })),
  );
  assert.equal(new Set([...others, ...back].map(({ id }) => id)).size, 9);
  const newcomer = await Peer.enter(alive[0].url);
  await dial(newcomer, [...others, ...back]);
});

test('a node that stood still and wakes finds its channels elsewhere and goes on', async () => {
  const nodes = await startNodes(2);
  const stalled = await Peer.enter(nodes[0].url, { hlsmesh: 1 });
  const other = await Peer.enter(nodes[1].url, { hlsmesh: 1 });
  await dial(other, [stalled]);
  nodes[0].child.kill('SIGSTOP');
  await other.next('accept');
  // Where the machine stands still too, the node was taken for deaf before its lease was over, and lost no channel by that.
  await untilSees(nodes.slice(1), 1);
  // Redis answers in order: who enters another channel now does so after the claim of this one.
  await Peer.enter(nodes[1].url, { channel: 'another' });
  assert.equal(await cluster(nodes[1], 'channels'), 2);
  nodes[0].child.kill('SIGCONT');
  await stalled.next('accept');
  await untilSees(nodes, 2);
  await untilCalm(nodes);
  assert.equal(await cluster(nodes[0], 'forwarded'), 1);
  assert.equal(dropped([stalled, other]), 0);
  const newcomer = await Peer.enter(nodes[0].url);
  await dial(newcomer, [stalled, other]);
});

test('a thousand viewers that come back at once after a node was killed are all taken in', async () => {
  const args = ['--max-connections-per-address', '5000', '--enters-per-address', '10000'];
  const nodes = await startNodes(3, { args });
  const count = 1000;
  /** Tries again where it was turned away, as players do. @returns {Promise<Peer>} */
  const enter = async (/** @type {number} */ index, /** @type {Node} */ node) => {
    const viewer = { channel: `c${index % 5}`, hlsmesh: 1, parents: index < 5 ? 0 : 1 };
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      try {
        return await Peer.enter(node.url, viewer);
      } catch (error) {
        // On a busy machine a thousand handshakes last longer than the second that they have.
        if (/** @type {any} */ (error).code !== 'ECONNRESET' || Date.now() > deadline) throw error;
      }
    }
  };
  const stay = await Promise.all([0, 1, 2, 3, 4].map((i) => enter(i, nodes[1 + (i % 2)])));
  const before = await Promise.all(
    Array.from({ length: count }, (_, index) => enter(index, nodes[0])),
  );
  nodes[0].child.kill('SIGKILL');
  await until(() => dropped(before) === count, 'all to lose their node');
  const again = await Promise.all(
    Array.from({ length: count }, (_, index) => enter(index, nodes[1 + (index % 2)])),
  );
  assert.equal(new Set([...again, ...stay].map(({ id }) => id)).size, count + stay.length);
  assert.equal(dropped([...again, ...stay]), 0);
  const alive = nodes.slice(1);
  // The dead node's channels are run by others once its lease is over.
  await eventually(async () => (await total(alive, 'nodes')) === 4, 'the node to be found dead');
  await eventually(async () => (await peersOf(alive)) === count + stay.length, 'all to be placed');
  assert.equal(await total(alive, 'channels'), 5);
});

test('Redis goes away and comes back: each node matches its own meanwhile, and nobody is dropped', async () => {
  let own = await startRedis();
  const nodes = await startNodes(3, { redis: own });
  const peers = [];
  for (let i = 0; i < 9; ++i) peers.push(await Peer.enter(nodes[i % 3].url, { hlsmesh: 1 }));
  for (const child of peers.slice(1)) await dial(child, peers);
  await own.stop();
  const away = performance.now();
  await eventually(async () => (await total(nodes, 'up')) === 0, 'all to notice');
  assert.equal(await total(nodes, 'forwarded'), 0);
  for (const node of nodes) {
    assert.equal((await get(node.port, '/readyz')).status, 200);
    const newcomer = await Peer.enter(node.url, { hlsmesh: 1 });
    await dial(newcomer, peers);
    peers.push(newcomer);
  }
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS - (performance.now() - away)));
  assert.equal(dropped(peers), 0);

  own = await startRedis(own.port);
  await eventually(async () => (await total(nodes, 'up')) === 3, 'all to be back');
  await eventually(async () => (await total(nodes, 'channels')) === 1, 'one to run the channel');
  await untilSees(nodes, 3);
  assert.equal(await total(nodes, 'forwarded'), 8);
  assert.equal(await total(nodes, 'outages_total'), 3);
  assert.equal(dropped(peers), 0);
  for (const node of nodes) {
    const newcomer = await Peer.enter(node.url, { hlsmesh: 1 });
    await dial(newcomer, [...peers, newcomer]);
    peers.push(newcomer);
  }
  await own.stop();
});

test('a moment without Redis is made up for: what is between nodes begins anew', async () => {
  let own = await startRedis();
  const nodes = await startNodes(2, { redis: own });
  const parent = await Peer.enter(nodes[0].url, { hlsmesh: 1 });
  const child = await Peer.enter(nodes[1].url, { hlsmesh: 1 });
  await dial(child, [parent]);
  await own.stop();
  own = await startRedis(own.port);
  // Whichever runs the channel now: one is a guest of the other, and both know it.
  await until(() => nodes.every((node) => node.stderr().includes('away')), 'both to notice');
  await eventually(
    async () => (await total(nodes, 'guests')) === 1 && (await total(nodes, 'forwarded')) === 1,
    'one of them to be a guest',
  );
  assert.equal(dropped([parent, child]), 0);
  const newcomer = await Peer.enter(nodes[0].url);
  await dial(newcomer, [parent, child]);
  await own.stop();
});

test('a tracker starts without Redis, and joins the others when it is there', async () => {
  const own = await startRedis();
  await own.stop();
  const args = ['--redis-url', own.url, ...TIMES];
  const [a, b] = await Promise.all([startTracker(0, args), startTracker(0, args)]);
  assert.match(a.stderr(), /redis cannot be reached/);
  const alone = await Peer.enter(a.url);
  const again = await startRedis(own.port);
  await untilSees([a, b], 2);
  const child = await Peer.enter(b.url);
  await dial(child, [alone]);
  await again.stop();
});

test('a node that ends in order is not waited for', async () => {
  const nodes = await startNodes(2, { args: ['--lease-seconds', '60', '--drain-seconds', '0'] });
  await Peer.enter(nodes[0].url);
  const child = await Peer.enter(nodes[1].url);
  nodes[0].child.kill('SIGTERM');
  assert.equal((await nodes[0].exited).code, 0);
  await child.next('accept');
  await untilSees([nodes[1]], 1);
});

/** Viewers at a node, so many that a drain sends them away in waves for two seconds. @param {Node} node */
const crowd = (node) =>
  Promise.all(Array.from({ length: 400 }, () => Peer.enter(node.url, { hlsmesh: 1 })));

const DRAIN = ['--lease-seconds', '60', '--drain-seconds', '10'];

test('a node that drains gives its channels up first: nobody is sent to a viewer it has closed', async () => {
  const nodes = await startNodes(2, { args: DRAIN });
  const leaving = await crowd(nodes[0]);
  const guest = await Peer.enter(nodes[1].url, { hlsmesh: 1 });
  nodes[0].child.kill('SIGTERM');
  await guest.next('accept');
  await until(() => dropped(leaving) > 0, 'the first wave');
  const newcomer = await Peer.enter(nodes[1].url, { hlsmesh: 1 });
  assert.equal((await newcomer.next('connect')).to_peer_id, guest.id);
  assert.equal(nodes[0].child.exitCode, null, 'the drain is over: this has shown nothing');
  assert.equal(await cluster(nodes[1], 'forwarded'), 0);
  assert.equal((await nodes[0].exited).code, 0);
  assert.equal(dropped(leaving), leaving.length);
  assert.equal(dropped([guest, newcomer]), 0);
});

test('a node that drains tells others at once which of their guests it has closed', async () => {
  const nodes = await startNodes(2, { args: DRAIN });
  await Peer.enter(nodes[1].url, { hlsmesh: 1 });
  const leaving = await crowd(nodes[0]);
  const { length } = leaving;
  await eventually(async () => (await cluster(nodes[1], 'guests')) === length, 'all guests');
  nodes[0].child.kill('SIGTERM');
  await eventually(async () => (await cluster(nodes[1], 'guests')) < length, 'the first wave');
  assert.equal(nodes[0].child.exitCode, null, 'the drain is over: this has shown nothing');
  assert.equal((await nodes[0].exited).code, 0);
  await eventually(async () => (await peersOf([nodes[1]])) === 1, 'all to be gone');
});

test('a node with few viewers hands its channels over as well', async () => {
  const nodes = await startNodes(2, { args: [...DRAIN, '--parents-wanted', '1'] });
  const peers = [await Peer.enter(nodes[0].url, { hlsmesh: 1 })];
  for (let i = 0; i < 4; ++i) peers.push(await Peer.enter(nodes[1].url, { hlsmesh: 1 }));
  const guests = peers.slice(1);
  for (const child of guests) await dial(child, peers);
  nodes[0].child.kill('SIGTERM');
  for (const guest of guests) await guest.next('accept');
  assert.equal((await nodes[0].exited).code, 0);
  assert.equal(await cluster(nodes[1], 'channels'), 1);
  assert.deepEqual(
    guests.flatMap(({ messages }) => messages),
    [],
    'they keep the connections they have',
  );
});

test('viewers that come with a channel from another node count against no limit of the new one', async () => {
  const limits = ['--max-connections-per-address', '3', '--enters-per-address', '3'];
  const nodes = await startNodes(2, { args: limits });
  const here = [];
  for (let i = 0; i < 3; ++i) here.push(await Peer.enter(nodes[0].url, { hlsmesh: 1 }));
  const there = [];
  for (let i = 0; i < 3; ++i) there.push(await Peer.enter(nodes[1].url, { hlsmesh: 1 }));
  assert.equal(await cluster(nodes[0], 'guests'), 3);
  assert.equal((await metricsOf(nodes[0].port)).get('hlsmesh_tracker_connections'), 3);
  assert.equal(dropped([...here, ...there]), 0);
  const fourth = new Peer(nodes[1].url);
  assert.equal((await fourth.end()).reason, 'too many connections from this address');
});

test('what cannot be a Redis is refused, and its password is not shown', async () => {
  for (const url of ['http://x', 'localhost:6379']) {
    const { code, stderr } = await launch(['--redis-url', url]).exited;
    assert.equal(code, 2);
    assert.match(stderr, /--redis-url must be a URL that begins with redis:\/\/ or rediss:\/\//);
  }
  const args = ['--redis-url', 'redis://u:hidden@h:1', '--print-config'];
  const { stdout } = await launch(args).exited;
  assert.match(stdout, /"redis-url": "redis:\/\/u:\*\*\*@h:1"/);
});
