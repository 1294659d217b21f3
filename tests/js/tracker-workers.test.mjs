/**
 * Several processes on one machine, without Redis.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOf } from '../../js/tracker/cluster/place.js';
import { joined } from '../../js/tracker/tracker-metrics.js';
import { Peer, launch, metricsOf, startTracker, until } from './tracker-peers.mjs';

/** @param {number} port @param {string} name @returns {Promise<number[]>} the values of a metric, one a worker */
async function perWorker(port, name) {
  const all = [...(await metricsOf(port))].filter(([key]) => key.startsWith(`${name}{worker=`));
  return all.map(([, value]) => value).sort();
}

/** @param {number} port @param {string} name */
const total = async (port, name) =>
  (await perWorker(port, name)).reduce((sum, value) => sum + value, 0);

test('viewers of one channel find and signal each other whichever process took them', async () => {
  const tracker = await startTracker(0, ['--workers', '3']);
  /** @type {Peer[]} */
  const peers = [];
  for (let i = 0; i < 6; ++i) peers.push(await Peer.enter(tracker.url));
  assert.equal(await total(tracker.port, 'hlsmesh_tracker_cluster_forwarded'), 4);
  assert.deepEqual(await perWorker(tracker.port, 'hlsmesh_tracker_peers'), [0, 0, 6]);
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  assert.equal(byId.size, 6);
  const data = JSON.stringify({ type: 'offer', sdp: 'v=0\r\n' });
  for (const child of peers.slice(1)) {
    const { to_peer_id: to } = await child.next('connect');
    child.send({ action: 'signal', to_peer_id: to, data });
    const signal = await byId.get(to)?.next('signal');
    assert.deepEqual(signal, { action: 'signal', from_peer_id: child.id, data });
  }
  tracker.child.kill('SIGTERM');
  assert.equal((await tracker.exited).code, 0);
  for (const peer of peers) assert.equal((await peer.end()).code, 1012);
});

test('viewers of one room are taken by one process, and nothing is said between processes', async () => {
  const tracker = await startTracker(0, ['--workers', '3']);
  const said = () =>
    total(tracker.port, 'hlsmesh_tracker_cluster_entries_total{direction="out",worker');
  for (let room = 0; room < 3; ++room) {
    const channel = `https://cdn.example/${room}.m3u8`;
    const peers = [];
    for (let i = 0; i < 4; ++i) {
      peers.push(await Peer.enter(`${tracker.url}?room=${room}`, { channel }));
    }
    await peers[1].next('connect');
  }
  assert.equal(await total(tracker.port, 'hlsmesh_tracker_cluster_forwarded'), 0);
  assert.equal(await said(), 0);
  // Sockets that were handed over keep none of the processes.
  tracker.child.kill('SIGTERM');
  assert.equal((await tracker.exited).code, 0);
});

test('a signal to end that comes while the processes start ends all of them', async () => {
  const { child, stderr, exited } = launch(['--workers', '2', '--port', '0']);
  await until(() => stderr().match(/a worker starts/g)?.length === 2, 'the processes');
  child.kill('SIGTERM');
  assert.equal((await exited).code, 0);
});

test('a process that is killed is started anew, and its channels go on in the others', async () => {
  const tracker = await startTracker(0, ['--workers', '2', '--log-format', 'json']);
  /** @type {Peer[]} */
  const peers = [];
  for (let i = 0; i < 6; ++i) peers.push(await Peer.enter(tracker.url));
  const guests = [...(await metricsOf(tracker.port))].filter(
    ([key, value]) => value === 3 && key.includes('_cluster_guests'),
  );
  assert.equal(guests.length, 1);
  const owner = /worker="(.*)"/.exec(guests[0][0])?.[1];
  const started = tracker
    .stderr()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  process.kill(started.find(({ name }) => name === owner).pid, 'SIGKILL');
  const survivors = () => peers.filter(({ closed }) => closed === undefined);
  await until(() => survivors().length === 3, 'its sockets to end');
  for (const peer of survivors()) {
    const { peer_id: id } = await peer.next('accept');
    assert.equal(id, peer.id);
  }
  await until(() => tracker.stderr().includes('a worker ended'), 'the log');
  // The two have told of each other before; now each of both there are tells of the other.
  const greetings = () => tracker.stderr().match(/nodes are there/g)?.length;
  await until(() => greetings() === 4, 'its successor');
  const newcomer = await Peer.enter(tracker.url);
  await newcomer.next('connect');
});

test('what keeps one process from starting ends all', async () => {
  const first = await startTracker();
  const { exited } = launch(['--workers', '2', '--port', String(first.port)]);
  const { code, stderr, stdout } = await exited;
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /in use; choose another with --port/);
});

test('a room keeps its place when other processes come, go or are started anew', () => {
  const url = (/** @type {number} */ room) => /** @type {any} */ ({ url: `/?a=b&room=${room}` });
  const names = ['1.1', '2.2', '3.3', '4.4'];
  const rooms = Array.from({ length: 400 }, (_, room) => room);
  const before = rooms.map((room) => placeOf(url(room), names));
  for (const name of names) {
    const share = before.filter((place) => place === name).length;
    assert.ok(share > 60 && share < 140, `${name}: ${share}`);
  }
  const anew = rooms.map((room) => placeOf(url(room), ['1.1', '2.7', '3.3', '4.4']));
  assert.deepEqual(
    anew,
    before.map((name) => (name === '2.2' ? '2.7' : name)),
  );
  const without = rooms.map((room) => placeOf(url(room), ['1.1', '3.3', '4.4']));
  rooms.forEach((room) => {
    if (before[room] !== '2.2') assert.equal(without[room], before[room]);
  });
  assert.equal(placeOf(/** @type {any} */ ({ url: '/?rooms=1' }), names), null);
});

test('metrics of several processes are one text', () => {
  const text = '# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b counter\nb{l="x"} 2\n';
  assert.equal(
    joined([
      ['1.1', text],
      ['2.2', text],
    ]),
    '# HELP a A.\n# TYPE a gauge\na{worker="1.1"} 1\na{worker="2.2"} 1\n' +
      '# HELP b B.\n# TYPE b counter\nb{l="x",worker="1.1"} 2\nb{l="x",worker="2.2"} 2\n',
  );
});
