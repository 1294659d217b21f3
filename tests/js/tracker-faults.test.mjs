/**
 * Rows E5, E6, E12, E13 and E16 of the cases: entries in Redis that are wrong or forged, nodes that stand still, and a Redis that
 * refuses.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from '@redis/client';
import { startRedis } from './redis.mjs';
import { WAIT_MS, CHANNEL, Peer, get, metricsOf, startTracker, until } from './tracker-peers.mjs';

const LEASE_S = 1.5;
const TIMES = ['--beat-seconds', '0.3', '--lease-seconds', String(LEASE_S)];
/** For tests in which no node may be found out by its silence, however busy the machine. */
const PATIENT = ['--beat-seconds', '0.3', '--lease-seconds', '60'];
const redis = await startRedis();
/** @type {any} */
const client = createClient({ url: redis.url });
await client.connect();
after(() => {
  client.destroy();
  return redis.stop();
});
let clusters = 0;

/** @typedef {Awaited<ReturnType<typeof startTracker>>} Node */

/**
 * @param {number} count @param {string[]} [args] @param {{ url: string }} [at] @param {string[]} [times]
 */
async function startNodes(count, args = [], at = redis, times = TIMES) {
  const prefix = `faults${++clusters}`;
  const common = ['--redis-url', at.url, '--redis-prefix', prefix, ...times, ...args];
  const nodes = await Promise.all(Array.from({ length: count }, () => startTracker(0, common)));
  await eventually(async () => {
    const seen = await Promise.all(nodes.map((node) => figure(node, 'nodes')));
    return seen.every((others) => others === count);
  }, 'nodes to see each other');
  return { nodes, prefix };
}

/** @param {Node} node @param {string} name */
const figure = async (node, name) =>
  (await metricsOf(node.port)).get(`hlsmesh_tracker_cluster_${name}`) ?? NaN;

/** @param {() => Promise<boolean>} condition @param {string} what */
async function eventually(condition, what) {
  const deadline = performance.now() + WAIT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The subjects of all nodes of a prefix, whatever is added to it. @param {string} prefix @returns {Promise<string[]>} */
async function subjectsOf(prefix) {
  return client.sendCommand(['PUBSUB', 'CHANNELS', `${prefix}*:node:*`]);
}

/** Two viewers at two nodes meet. @param {Node[]} nodes @param {string} channel */
async function meet([a, b], channel) {
  const parent = await Peer.enter(a.url, { channel });
  const child = await Peer.enter(b.url, { channel });
  assert.equal((await child.next('connect')).to_peer_id, parent.id);
  return { parent, child };
}

test('E5: unreadable entries are dropped, counted and logged, and the node hears on', async () => {
  const { nodes, prefix } = await startNodes(2);
  await meet(nodes, 'before');
  const subjects = await subjectsOf(prefix);
  const names = subjects.map((subject) => subject.slice(subject.lastIndexOf(':') + 1));
  const entries = [
    'garbage',
    '',
    '[]',
    'null',
    '["x",{}]',
    '[1,2]',
    ...names.flatMap((name) => [
      `["${name}",{"s":1}]`,
      `["${name}",{"s":1e9,"n":1,"p":0,"e":[["open",1]]}]`,
      `["${name}",{"s":1e9,"n":2,"p":0,"e":[null]}]`,
      `["${name}",{"s":2e9,"n":1,"p":0,"e":[["open",1,{},"x",{},7]]}]`,
      `["${name}",{"s":2e9,"n":1,"p":0,"e":[["close",{}],["say"],["told",1],["ask",{}]]}]`,
    ]),
  ];
  for (const subject of subjects) for (const entry of entries) await client.publish(subject, entry);
  await meet(nodes, 'after');
  for (const node of nodes) {
    assert.ok((await figure(node, 'dropped_total{reason="unreadable"}')) >= 6);
    assert.match(node.stderr(), /unreadable message was dropped/);
  }
});

test('E5: messages forged in the name of nodes make no node deaf to another, nor talk to itself', async () => {
  const { nodes, prefix } = await startNodes(2, [], redis, PATIENT);
  await meet(nodes, 'before');
  const subjects = await subjectsOf(prefix);
  const names = subjects.map((subject) => subject.slice(subject.lastIndexOf(':') + 1));
  for (const subject of subjects) {
    for (const name of names) {
      await client.publish(subject, `["${name}",{"s":1e9,"n":1,"p":0,"e":[]}]`);
    }
  }
  await meet(nodes, 'after');
  for (const node of nodes) {
    assert.equal(await figure(node, 'dropped_total{reason="unreadable"}'), 1, 'its own name');
    assert.equal((await figure(node, 'deaf_total')) || 0, 0);
  }
});

test('E12: with a secret, nobody else is heard, and no entry names an address', async () => {
  const secret = ['--cluster-secret', 'c'.repeat(32)];
  const { nodes, prefix } = await startNodes(2, secret);
  /** @type {string[]} */
  const said = [];
  const tap = client.duplicate();
  await tap.connect();
  await tap.pSubscribe(`${prefix}*`, (/** @type {string} */ text) => said.push(text));
  const { parent, child } = await meet(nodes, CHANNEL);
  await until(() => said.some((text) => text.includes('"open"')), 'an entry');
  assert.ok(!said.some((text) => /127\.0\.0\.1/.test(text)));
  // A forger who has seen everything: connects to somebody of his choice, signals in a viewer's name, old messages again.
  const subjects = await subjectsOf(prefix);
  const names = subjects.map((subject) => subject.slice(subject.lastIndexOf(':') + 1));
  const forged = JSON.stringify({ action: 'connect', to_peer_id: 'f'.repeat(32) });
  const old = [...said];
  for (const subject of subjects) {
    for (const name of names) {
      for (let session = 1; session < 4; ++session) {
        for (let guest = 1; guest < 4; ++guest) {
          const batch = { s: session + 10, n: 1, p: 0, e: [['send', guest, forged]] };
          await client.publish(subject, JSON.stringify([name, batch]));
        }
      }
    }
    for (const text of old) await client.publish(subject, text);
  }
  await child.settle();
  const data = JSON.stringify({ type: 'offer', sdp: 'v=0\r\n' });
  child.send({ action: 'signal', to_peer_id: parent.id, data });
  await parent.next('signal');
  assert.ok(
    ![...parent.messages, ...child.messages].some((message) =>
      message.to_peer_id?.startsWith('ffff'),
    ),
  );
  assert.ok((await figure(nodes[0], 'dropped_total{reason="forged"}')) > 0);
  assert.ok((await figure(nodes[1], 'dropped_total{reason="forged"}')) > 0);
  tap.destroy();
});

test('E13: a Redis that became a replica is left, and the reason is logged', async () => {
  const own = await startRedis();
  const { nodes } = await startNodes(1, [], own);
  /** @type {any} */
  const admin = createClient({ url: own.url });
  await admin.connect();
  await admin.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
  await until(() => nodes[0].stderr().includes('READONLY'), 'the reason');
  await eventually(async () => (await figure(nodes[0], 'refusals_total')) > 0, 'a count');
  await until(() => nodes[0].stderr().includes('redis is away'), 'the outage');
  assert.match(nodes[0].stderr(), /redis is away: .* reason="READONLY/);
  // The connection that the tracker had is gone: it looked behind the name again.
  const before = (await admin.sendCommand(['INFO', 'stats'])).match(
    /total_connections_received:(\d+)/,
  )[1];
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const later = (await admin.sendCommand(['INFO', 'stats'])).match(
    /total_connections_received:(\d+)/,
  )[1];
  assert.ok(Number(later) > Number(before));
  await admin.sendCommand(['REPLICAOF', 'NO', 'ONE']);
  await eventually(async () => (await figure(nodes[0], 'up')) === 1, 'it to be up again');
  // Out of memory: said too.
  await admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '1']);
  await until(() => nodes[0].stderr().includes('OOM'), 'the other reason');
  admin.destroy();
  await own.stop();
});

test('E6: a worker that stands still is replaced, and its rooms are served again', async () => {
  const tracker = await startTracker(0, ['--workers', '2', ...TIMES]);
  await until(() => (tracker.stderr().match(/a worker starts/g) ?? []).length === 2, 'workers');
  const [, pid] = /a worker starts name="1\.1" pid=(\d+)/.exec(tracker.stderr()) ?? [];
  process.kill(Number(pid), 'SIGSTOP');
  await until(() => /stands still/.test(tracker.stderr()), 'it to be found out');
  // Rooms of both places.
  for (let room = 0; room < 8; ++room) {
    await eventually(async () => {
      const peer = new Peer(`${tracker.url}?room=${room}`);
      await Promise.race([
        new Promise((resolve) => peer.ws.once('open', resolve)),
        new Promise((resolve) => setTimeout(resolve, 2000)),
      ]);
      return peer.ws.readyState === peer.ws.OPEN;
    }, `room ${room}`);
  }
  tracker.child.kill();
  assert.equal((await tracker.exited).code, 0);
});

for (const how of ['workers', 'redis']) {
  test(`E16: /healthz and /api tell the totals of all: ${how}`, async () => {
    const token = ['--api-token', 'a'.repeat(32)];
    const nodes =
      how === 'workers'
        ? [await startTracker(0, ['--workers', '3', ...token])]
        : (await startNodes(2, token, redis, PATIENT)).nodes;
    for (let i = 0; i < 6; ++i) {
      await Peer.enter(nodes[i % nodes.length].url, { channel: `c${i % 3}` });
    }
    const headers = { authorization: `Bearer ${'a'.repeat(32)}` };
    // A node that has just started is not known to all others yet, and any worker answers.
    const size = how === 'workers' ? 3 : 2;
    await eventually(async () => {
      const all = [...nodes, ...nodes, ...nodes, ...nodes].map(({ port }) => get(port, '/healthz'));
      return (await Promise.all(all)).every(({ body }) => JSON.parse(body).nodes === size);
    }, 'the nodes to know one another');
    for (const { port } of [...nodes, ...nodes]) {
      const health = JSON.parse((await get(port, '/healthz')).body);
      const { peers, connections, channels, nodes: count } = health;
      assert.deepEqual([peers, connections, channels, count], [6, 6, 3, size]);
      assert.equal(JSON.parse((await get(port, '/api/totals', headers)).body).peers, 6);
      const listed = JSON.parse((await get(port, '/api/channels?offset=1', headers)).body);
      assert.equal(listed.total, 3);
      assert.deepEqual(
        listed.channels.map((/** @type {any} */ { id }) => id),
        ['c1', 'c2'],
      );
      for (const id of ['c0', 'c1', 'c2']) {
        const { status, body } = await get(port, `/api/topology?channel=${id}`, headers);
        assert.equal(status, 200);
        assert.equal(JSON.parse(body).nodes.length, 2);
      }
      assert.equal((await get(port, '/api/topology?channel=none', headers)).status, 404);
    }
  });
}

for (const [what, rules, reason] of /** @type {[string, string[], RegExp][]} */ ([
  ['whose password is another', ['>other'], /reason="WRONGPASS/],
  ['that may not subscribe', ['>p', 'resetchannels'], /redis refuses reason="NOPERM.*channel/],
  ['that may not publish', ['>p', '-publish'], /redis refuses reason="NOPERM.*publish/],
])) {
  test(`E10: a user of Redis ${what}: the log says so, and it goes on once it may`, async () => {
    const everything = ['reset', 'on', '~*', '&*', '+@all'];
    const name = `user${++clusters}`;
    await client.sendCommand(['ACL', 'SETUSER', name, ...everything, ...rules]);
    const url = redis.url.replace('redis://', `redis://${name}:p@`);
    const node = await startTracker(0, ['--redis-url', url, '--redis-prefix', name, ...TIMES]);
    await until(() => reason.test(node.stderr()), `${reason} in ${node.stderr()}`);
    await client.sendCommand(['ACL', 'SETUSER', name, ...everything, '>p']);
    await until(() => node.stderr().includes('redis is there'), node.stderr());
    const told = node
      .stderr()
      .split('\n')
      .filter((line) => reason.test(line));
    assert.ok(told.length < 4, 'it is not said at each try');
  });
}
