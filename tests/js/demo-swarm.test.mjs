/** What the demo's server makes of its viewers' reports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Swarm, parseReport } from '../../demo/swarm.mjs';

const REPORT = {
  ...{ id: 'a1', stream: 'vod', plain: false, cdn: 5, p2p: 7, stalls: 0, stalledMs: 0 },
  ...{ firstFrameMs: 200, latency: null, peers: [{ id: 'b2', received: 7 }] },
};
const report = (/** @type {object} */ changes = {}) =>
  /** @type {import('../../demo/swarm.mjs').Report} */ (
    parseReport(JSON.stringify({ ...REPORT, ...changes }))
  );

test('a viewer sees those of its stream, until they are silent', () => {
  let now = 0;
  const swarm = new Swarm(() => now);
  const ids = (/** @type {object} */ changes) =>
    swarm.hear(report(changes)).viewers.map(({ id }) => id);
  assert.deepEqual(ids({ id: 'a1' }), ['a1']);
  assert.deepEqual(ids({ id: 'b2' }), ['a1', 'b2']);
  assert.deepEqual(ids({ id: 'c3', stream: 'live' }), ['c3']);
  now = 4000;
  assert.deepEqual(ids({ id: 'b2' }), ['a1', 'b2']);
  now = 8000;
  assert.deepEqual(ids({ id: 'd4' }), ['b2', 'd4']);
});

test('the copies of a segment are the bytes sent by those of all segments that were sent', () => {
  let now = 0;
  const swarm = new Swarm(() => now);
  const copies = () => swarm.hear(report()).copies;
  assert.equal(copies(), null);
  swarm.sent({ path: '/vod/1.ts', bytes: 100, size: 100 });
  swarm.sent({ path: '/vod/2.ts', bytes: 300, size: 300 });
  assert.equal(copies(), 1);
  swarm.sent({ path: '/vod/1.ts', bytes: 60, size: 100 });
  swarm.sent({ path: '/vod/1.ts', bytes: 40, size: 100 });
  assert.equal(copies(), 1.25);
  swarm.sent({ path: '/live/1.ts', bytes: 100, size: 100 });
  swarm.sent({ path: '/plain/vod/1.ts', bytes: 100, size: 100 });
  swarm.sent({ path: '/vod/low.m3u8', bytes: 100, size: 100 });
  assert.equal(copies(), 1.25, 'other streams, other viewers and playlists do not count');
  now = 11 * 60_000;
  assert.equal(copies(), null, 'nor does what is long ago');
});

test('what is no report is none', () => {
  assert.deepEqual(report(), REPORT);
  assert.equal(parseReport(null), null);
  assert.equal(parseReport('{"id":'), null);
  assert.equal(parseReport('null'), null);
  for (const changes of [
    { id: '' },
    { id: 7 },
    { id: 'x'.repeat(513) },
    { stream: null },
    { plain: 'no' },
    { cdn: -1 },
    { stalls: '3' },
    { latency: 'late' },
    { firstFrameMs: undefined },
    { peers: {} },
    { peers: [null] },
    { peers: [{ id: 'b2' }] },
    { peers: Array(33).fill({ id: 'b2', received: 0 }) },
  ]) {
    assert.equal(report(changes), null, JSON.stringify(changes));
  }
});
