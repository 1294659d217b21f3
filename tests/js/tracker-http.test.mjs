/** The paths that a tracker answers over HTTP: health, metrics and the API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HtStats } from '../../js/tracker/abi.js';
import { createTracker } from '../../js/tracker/index.js';
import { TOLD, TOLD_OTHERWISE } from '../../js/tracker/tracker-metrics.js';
import { CHANNEL, Peer, get, metricsOf } from './tracker-peers.mjs';

const API_TOKEN = 'a-token-of-the-api';
const BEARER = { authorization: `Bearer ${API_TOKEN}` };

test('who asks over HTTP again and again is answered 429, and others are not', async () => {
  const tracker = await createTracker({
    port: 0,
    trustedProxies: ['loopback'],
    requestsPerAddress: 3,
  });
  /** @param {string} path @param {string} from */
  const ask = async (path, from) =>
    (await get(tracker.port, path, { 'X-Forwarded-For': from })).status;
  const greedy = '198.51.100.1';
  for (const path of ['/healthz', '/metrics', '/']) assert.notEqual(await ask(path, greedy), 429);
  for (const path of ['/api/totals', '/metrics', '/']) assert.equal(await ask(path, greedy), 429);
  assert.equal(await ask('/metrics', '198.51.100.2'), 200);
  // Whoever watches over the tracker may have the same address.
  for (const [path, status] of [
    ['/healthz', 'ok'],
    ['/readyz', 'ready'],
  ]) {
    const answer = await get(tracker.port, path, { 'X-Forwarded-For': greedy });
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { status }]);
  }
  // WebSockets are counted by themselves.
  await Peer.enter(tracker.url, {}, { headers: { 'X-Forwarded-For': greedy } });
  const metrics = await metricsOf(tracker.port);
  assert.equal(metrics.get('hlsmesh_tracker_limited_total{limit="requests-per-address"}'), 5);
  await tracker.close();
});

test('the API answers those who show its token, and tells channels, viewers and who feeds whom', async () => {
  const tracker = await createTracker({ port: 0, apiToken: API_TOKEN, metrics: 'token' });
  const parent = await Peer.enter(tracker.url);
  const child = await Peer.enter(tracker.url);
  await child.next('connect');
  child.send({ action: 'dc_opened', dc_id: `${child.id}-${parent.id}` });
  await child.settle();

  for (const where of ['/api/totals', '/api/channels', '/api/topology?channel=x', '/metrics']) {
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${API_TOKEN}`]) {
      assert.equal((await get(tracker.port, where, { authorization })).status, 401, where);
    }
  }
  assert.equal((await get(tracker.port, '/metrics', BEARER)).status, 200);

  /** @param {string} where */
  const ask = async (where) => JSON.parse((await get(tracker.port, where, BEARER)).body);
  assert.equal((await ask('/api/totals')).peers, 2);
  const { total, channels } = await ask('/api/channels');
  assert.deepEqual([total, channels[0].id, channels[0].peers], [1, CHANNEL, 2]);
  assert.deepEqual((await ask('/api/channels?offset=1')).channels, []);
  const url = `/api/topology?channel=${encodeURIComponent(CHANNEL)}`;
  const topology = await ask(url);
  assert.equal(topology.nodes.length, 2);
  assert.deepEqual(topology.edges, [{ child: child.id, parent: parent.id, opened: true }]);
  assert.equal((await ask(`${url}&limit=1`)).nodes.length, 1);
  assert.ok(!JSON.stringify(topology).includes('127.0.0.1'));

  for (const wrong of ['&limit=x', '&limit=-1', '&limit=10001', '&offset=1e3']) {
    assert.equal((await get(tracker.port, url + wrong, BEARER)).status, 400, wrong);
  }
  assert.equal((await get(tracker.port, '/api/topology', BEARER)).status, 400);
  assert.equal((await get(tracker.port, '/api/topology?channel=x', BEARER)).status, 404);
  const post = await fetch(`http://127.0.0.1:${tracker.port}/api/totals`, {
    method: 'POST',
    headers: BEARER,
    body: 'x',
  });
  assert.equal(post.status, 405);
  await tracker.close();
});

test('without a token there is no API, and metrics can be hidden', async () => {
  const tracker = await createTracker({ port: 0, metrics: 'off' });
  for (const where of ['/api/totals', '/api/channels', '/metrics']) {
    assert.equal((await get(tracker.port, where, BEARER)).status, 404, where);
  }
  await tracker.close();
});

test('every figure of the engine is a metric, and the format is that of Prometheus', async () => {
  assert.deepEqual([...TOLD, ...TOLD_OTHERWISE].sort(), Object.keys(HtStats).sort());
  const tracker = await createTracker({ port: 0 });
  await Peer.enter(tracker.url);
  const { body } = await get(tracker.port, '/metrics');
  /** @type {Map<string, string>} */
  const types = new Map();
  for (const line of body.trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
    if (type) types.set(type[1], type[2]);
    else if (!/^# HELP [a-z_]+ [A-Z].*\.$/.test(line)) {
      const sample = /^([a-z_]+)(\{[a-z]+="[^"\n]*"\})? -?\d+(\.\d+)?(e[+-]\d+)?$/.exec(line);
      assert.ok(sample, line);
      assert.ok(types.has(sample[1]), `${line}: without a type`);
    }
  }
  for (const [name, type] of types) {
    assert.equal(name.endsWith('_total'), type === 'counter', name);
  }
  const metrics = await metricsOf(tracker.port);
  assert.equal(metrics.get('hlsmesh_tracker_peers'), 1);
  assert.equal(metrics.get('hlsmesh_tracker_enters_total'), 1);
  await tracker.close();
});
