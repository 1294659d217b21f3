/** `--groups` of real tracker processes: alone, with workers, and over Redis. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { startRedis } from './redis.mjs';
import { Peer, get, launch, metricsOf, startTracker, until } from './tracker-peers.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'tracker-groups-'));
after(() => rmSync(folder, { recursive: true }));

const SITES = `
10.1.0.0/16 berlin
10.2.0.0/16 munich     # with its guests
2001:db8:2::/48 munich
10.9.0.0/16 -          # VPN
`;
const TOKEN = 'a-token-of-the-api';

/** @param {string} text @param {string} [name] */
function file(text, name = 'groups.txt') {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
}

/** @param {string} [groups] */
const flags = (groups = file(SITES)) => [
  ...['--groups', groups, '--trusted-proxies', 'loopback'],
  ...['--api-token', TOKEN, '--log-format', 'json'],
];

/** A viewer behind a proxy. @param {string} url @param {string} address @param {object} [more] */
const enter = (url, address, more) =>
  Peer.enter(url, more, { headers: { 'x-forwarded-for': address } });

/** @param {Peer[]} peers @returns {string[]} the ids to whom any of them was introduced */
const introduced = (peers) =>
  peers.flatMap(({ messages }) =>
    messages.filter(({ action }) => action === 'connect').map((message) => message.to_peer_id),
  );

/**
 * Two viewers of each of four places, entering in turn at the trackers in turn.
 * @param {string[]} urls
 */
async function audience(urls) {
  /** @type {Record<string, Peer[]>} */
  const places = { berlin: [], munich: [], vpn: [], none: [] };
  const addresses = {
    berlin: ['10.1.0.5', '::ffff:10.1.200.6'],
    munich: ['10.2.0.5', '2001:db8:2:7::1'],
    vpn: ['10.9.0.5', '10.9.0.6'],
    none: ['198.51.100.5', '2001:db8:3::1'],
  };
  let at = 0;
  for (const turn of [0, 1]) {
    for (const [place, [first, second]] of Object.entries(addresses)) {
      const url = urls[at++ % urls.length];
      places[place].push(await enter(url, turn === 0 ? first : second));
    }
    // The second ones go to other trackers than the first.
    ++at;
  }
  return places;
}

/** @param {Record<string, Peer[]>} places */
async function meetTheirOwn({ berlin, munich, vpn, none }) {
  for (const [first, second] of [berlin, munich, none]) {
    await until(() => introduced([first, second]).length > 0, 'an introduction');
    assert.deepEqual(
      new Set(introduced([first, second])),
      new Set([introduced([second]).length > 0 ? first.id : second.id]),
    );
  }
  for (const viewer of vpn) await viewer.settle();
  assert.deepEqual(introduced(vpn), []);
}

/** @param {number[]} ports @param {string} name @returns {Promise<Record<string, number>>} by site, of all */
async function bySite(ports, name = 'hlsmesh_tracker_site_viewers') {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const port of ports) {
    for (const [key, value] of await metricsOf(port)) {
      const site = key.startsWith(`${name}{`) && /site="([^"]*)"/.exec(key)?.[1];
      if (site) sums[site] = (sums[site] ?? 0) + value;
    }
  }
  return sums;
}

const TWO_EACH = { berlin: 2, munich: 2, '(no peers)': 2, '(no line)': 2 };

test('viewers meet within their site; those of a VPN are told, logged and counted', async () => {
  const tracker = await startTracker(0, flags());
  const places = await audience([tracker.url]);
  await meetTheirOwn(places);
  assert.deepEqual(await bySite([tracker.port]), TWO_EACH);
  const metrics = await metricsOf(tracker.port);
  assert.equal(metrics.get('hlsmesh_tracker_excluded'), 2);

  const told = await Peer.connect(tracker.url, { headers: { 'x-forwarded-for': '10.9.0.7' } });
  told.send({ action: 'enter', channel: 'c', browser: '', device: 'PC', os: '', hlsmesh: 2 });
  const { reason } = await told.next('accept');
  assert.equal(reason, 'the tracker gives no peers to viewers of this network');
  await until(
    () => /plays without peers: a line of --groups says so/.test(tracker.stderr()),
    'log',
  );
  assert.match(tracker.stderr(), /"address":"10\.9\.0\.0\/24"/);

  const api = async (/** @type {string} */ what) =>
    JSON.parse((await get(tracker.port, what, { authorization: `Bearer ${TOKEN}` })).body);
  const { rows } = await api('/api/breakdown?by=site');
  assert.deepEqual(
    rows.map((/** @type {any} */ { name, viewers }) => [name, viewers]).sort(),
    [['', 2], ['-', 3], ['berlin', 2], ['munich', 2]], // prettier-ignore
  );
  const { nodes } = await api('/api/topology?channel=https://cdn.example/live/master.m3u8');
  const [first] = places.berlin;
  assert.equal(nodes.find((/** @type {any} */ { id }) => id === first.id).site, 'berlin');
  tracker.child.kill('SIGTERM');
});

test('the file is read again on SIGHUP and counts for who connects; a broken one changes nothing', async () => {
  const groups = file('10.1.0.0/16 berlin\n', 'changing.txt');
  const tracker = await startTracker(0, flags(groups));
  const before = await enter(tracker.url, '10.1.0.1');
  const read = async () => (await metricsOf(tracker.port)).get('hlsmesh_tracker_reloads_total{outcome="used"}'); // prettier-ignore
  // Files are looked at every 2 s as well, so it is counted until something was read.
  const reload = async () => {
    const count = Number(await read());
    tracker.child.kill('SIGHUP');
    while (Number(await read()) === count) await new Promise((done) => setTimeout(done, 20));
  };
  file('10.1.0.0/16 -\n', 'changing.txt');
  await reload();
  const after = await enter(tracker.url, '10.1.0.2');
  await after.settle();
  assert.deepEqual(introduced([before, after]), []);
  assert.deepEqual(await bySite([tracker.port]), { berlin: 1, '(no peers)': 1 });

  file('10.1.0.0/16 berlin\n10.2.0.0/99 munich\n', 'changing.txt');
  tracker.child.kill('SIGHUP');
  const fault = /changing\.txt:2: '10\.2\.0\.0\/99' is neither an address nor a CIDR range/;
  await until(() => fault.test(tracker.stderr()), 'the fault');
  await enter(tracker.url, '10.1.0.3');
  assert.deepEqual(await bySite([tracker.port]), { berlin: 1, '(no peers)': 2 });
  tracker.child.kill('SIGTERM');
});

test('a tracker does not start with a broken file, and --check-config finds it', async () => {
  const broken = file('10.1.0.0/16 berlin\n10.1.0.0/16 munich\n', 'broken.txt');
  for (const more of [[], ['--check-config']]) {
    const { code, stderr } = await launch(['--port', '0', '--groups', broken, ...more]).exited;
    assert.notEqual(code, 0);
    assert.match(stderr, /groups: \S*broken\.txt:2: '10\.1\.0\.0\/16' is in line 1 already/);
  }
  const missing = await launch(['--check-config', '--groups', '/no/such/file']).exited;
  assert.match(missing.stderr, /groups: ENOENT.*\/no\/such\/file/);
  const directory = await launch(['--check-config', '--groups', folder]).exited;
  assert.ok(directory.stderr.includes(`groups: EISDIR`) && directory.stderr.includes(folder));
  // A terminal obeys nothing that the file says.
  const escapes = file('10.1.0.0/16 \x1b]0;title\x07\n', 'escapes.txt');
  const { stderr } = await launch(['--check-config', '--groups', escapes]).exited;
  assert.match(
    stderr,
    /^hlsmesh-tracker: groups: \S*escapes\.txt:1: '\\u001b\]0;title\\u0007' is no name/,
  );
  const good = await launch(['--check-config', '--groups', file(SITES)]).exited;
  assert.equal(good.code, 0, good.stderr);
  assert.doesNotMatch(good.stdout, /groups/);
  const forged = await launch(['--check-config', '--groups', file(SITES), '--trusted-proxies', 'private']).exited; // prettier-ignore
  assert.match(
    forged.stdout,
    /^warning: --trusted-proxies private trusts viewers of berlin in --groups/m,
  );
});

test('sites hold across workers', async () => {
  const tracker = await startTracker(0, [...flags(), '--workers', '3']);
  await meetTheirOwn(await audience([tracker.url]));
  assert.deepEqual(await bySite([tracker.port]), TWO_EACH);
  tracker.child.kill('SIGTERM');
  assert.equal((await tracker.exited).code, 0);
});

test('sites hold across nodes over Redis, and after the node that ran the channel is gone', async () => {
  const redis = await startRedis();
  const args = [...flags(), '--redis-url', redis.url, '--beat-seconds', '0.3', '--lease-seconds', '1.5']; // prettier-ignore
  const nodes = await Promise.all([startTracker(0, args), startTracker(0, args)]);
  const count = async () => (await Promise.all(nodes.map(({ port }) => metricsOf(port)))).every((metrics) => metrics.get('hlsmesh_tracker_cluster_nodes') === 2); // prettier-ignore
  while (!(await count())) await new Promise((done) => setTimeout(done, 50));
  const places = await audience(nodes.map(({ url }) => url));
  await meetTheirOwn(places);
  const ports = nodes.map(({ port }) => port);
  assert.deepEqual(await bySite(ports), TWO_EACH);

  const owned = await Promise.all(ports.map((port) => metricsOf(port)));
  const owner = owned.findIndex((all) => all.get('hlsmesh_tracker_cluster_channels') === 1);
  nodes[owner].child.kill('SIGKILL');
  const [left] = nodes.filter((_, at) => at !== owner);
  // One viewer of each place is left there, and goes to the engine of its own node.
  const alone = { berlin: 1, munich: 1, '(no peers)': 1, '(no line)': 1 };
  const back = async () => JSON.stringify(Object.entries(await bySite([left.port])).sort());
  const expected = JSON.stringify(Object.entries(alone).sort());
  const deadline = Date.now() + 60_000;
  while ((await back()) !== expected) {
    assert.ok(Date.now() < deadline, await back());
    await new Promise((done) => setTimeout(done, 100));
  }
  left.child.kill('SIGTERM');
  await redis.stop();
});
