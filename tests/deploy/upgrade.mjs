/**
 * A rolling upgrade, and the way back, between the version in the folder OLD_VERSION and this one: two nodes behind one Redis are
 * replaced one after the other, while viewers of the same channels are connected to both.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../js/redis.mjs';
import { get, metricsOf } from '../js/tracker-peers.mjs';
import { Audience } from '../js/tracker-viewers.mjs';

const NEW = fileURLToPath(new URL('../..', import.meta.url));
const OLD = String(process.env.OLD_VERSION);
const CHANNELS = 6;
const VIEWERS = 60;
const PATIENCE_MS = 120_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
after(() => children.forEach((child) => child.kill('SIGKILL')));

/** @param {string} folder @param {string} redis */
async function node(folder, redis) {
  const args = [
    '--port',
    '0',
    '--redis-url',
    redis,
    '--drain-seconds',
    '2',
    '--log-format',
    'json',
  ];
  const cli = path.join(folder, 'js/tracker/cli.js');
  const child = spawn(process.execPath, [cli, ...args, '--requests-per-address', '1000000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let log = '';
  child.stderr.on('data', (text) => (log += text));
  const [line] = await once(child.stdout, 'data');
  const url = String(/wss?:\/\/\S+/.exec(String(line))?.[0]);
  return { child, url, port: Number(new URL(url).port), log: () => log };
}

/** @param {() => boolean | Promise<boolean>} condition @param {() => string} what */
async function until(condition, what) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('two nodes are replaced by another version one after the other, and back, and viewers meet all the time', async () => {
  const redis = await startRedis();
  let nodes = [await node(OLD, redis.url), await node(OLD, redis.url)];
  const audience = new Audience(() => nodes.map(({ url }) => url));
  let number = 0;
  const address = () => `127.0.${1 + (number >> 8)}.${1 + (number++ % 250)}`;
  const channel = (/** @type {number} */ at) => `https://cdn.example/${at % CHANNELS}/master.m3u8`;
  for (let at = 0; at < VIEWERS; ++at) audience.add(channel(at), address());
  const state = () =>
    `all to be fed: ${audience.hungry(0).length} of ${audience.viewers.size} are not; ${nodes.map(({ log }) => log()).join('')}`;
  await until(() => audience.settled, state);

  for (const folder of [NEW, NEW, OLD, OLD]) {
    const [leaving, staying] = nodes;
    const fresh = await node(folder, redis.url);
    const joined = async () =>
      Number((await metricsOf(fresh.port)).get('hlsmesh_tracker_cluster_nodes')) === 3;
    await until(joined, () => 'the new node to know the others');
    nodes = [staying, fresh];
    const stay = [...audience.viewers].filter(({ ws }) => ws?.url === staying.url);
    const sockets = stay.map(({ ws }) => ws);
    assert.ok(stay.length > 5);
    leaving.child.kill('SIGTERM');
    // Viewers come and go meanwhile.
    for (let at = 0; at < CHANNELS; ++at) audience.add(channel(at), address());
    [...audience.viewers].slice(0, CHANNELS).forEach((viewer) => viewer.leave());
    const [code] = await once(leaving.child, 'exit');
    assert.equal(code, 0, leaving.log());
    await until(() => audience.settled, state);
    const moved = stay.filter(({ ws }, at) => audience.viewers.has(stay[at]) && ws !== sockets[at]);
    assert.deepEqual(moved, []);

    // Viewers of one channel at both versions are fed by one another.
    const mixed = [...audience.viewers].flatMap(({ links }) => links);
    const across = mixed.filter(({ child, parent }) => child.ws?.url !== parent.ws?.url);
    assert.ok(across.length > 0);
    for (const { port, log } of nodes) {
      const told = await metricsOf(port);
      for (const [name, value] of told) {
        const wrong = /cluster_dropped|cluster_deaf|malformed|broken|limited_total/.test(name);
        assert.ok(!wrong || value === 0 || /facts|address-share/.test(name), `${name} ${value}`);
      }
      assert.equal((await get(port, '/readyz')).status, 200);
      assert.doesNotMatch(log(), /"level":"error"/);
    }
  }
  assert.deepEqual([audience.counts.rejected, audience.counts.failed], [0, 0]);
  audience.end();
});
