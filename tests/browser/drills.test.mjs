import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tracker, loadErrors, withStage } from './stage.mjs';

/** @param {import('./stage.mjs').Viewer} viewer */
async function assertUninterrupted(viewer) {
  const seen = await viewer.seen();
  const { videoWidth } = await viewer.video();
  assert.deepEqual(seen.stalls, [], `${viewer.name} stalled`);
  assert.deepEqual(loadErrors(seen), [], `${viewer.name} met load errors`);
  assert.ok(videoWidth > 0, `${viewer.name} shows no picture`);
  return seen;
}

// Packets leave one a second, so that a kill lands between two packets of one segment; slower, and the child would give up
// the transfer by itself.
function dripPackets() {
  const { send } = RTCDataChannel.prototype;
  /** @type {WeakMap<RTCDataChannel, Promise<void>>} */
  const queues = new WeakMap();
  RTCDataChannel.prototype.send = function (/** @type {any} */ data) {
    const body = typeof data === 'string' ? data : data.slice();
    const before = queues.get(this) ?? Promise.resolve();
    const after = before.then(async () => {
      if (typeof body !== 'string') await new Promise((resolve) => setTimeout(resolve, 1000));
      if (this.readyState === 'open') send.call(this, body);
    });
    queues.set(this, after);
  };
}

describe('failure drills: playback goes on', { concurrency: 4 }, () => {
  test('viewer 1 is killed in mid-transfer', async () => {
    await withStage(async (stage) => {
      const doomed = await stage.browser();
      // Its segments are four packets, three of them after the first; the smallest of all levels are two.
      const src = '/vod/360p.m3u8';
      const one = await stage.viewer({ name: 'one', src, browser: doomed, init: dripPackets });
      await one.plays(12);
      // Without prefetch: what is cut off is to be what the player waits for.
      const options = { prefetchSeconds: 0 };
      const browser = await stage.browser();
      const two = await stage.viewer({ name: 'two', src, browser, options });
      // Some bytes of a segment are in, more are due.
      while ((await two.dataChannelBytes()).received < 60_000) await sleep(50);
      await doomed.kill();
      await two.plays(25);
      const seen = await assertUninterrupted(two);
      assert.ok(
        seen.events.some((/** @type {any} */ e) => e.name === 'fallback'),
        'no transfer was cut: the drill missed its moment',
      );
      assert.ok(stage.mediaBytes('two') > 0);
    });
  });

  test('the tracker dies, and is back 20 s later: peers stay connected, a newcomer is introduced', async () => {
    await withStage(async (stage) => {
      const one = await stage.viewer({ name: 'one' });
      await one.plays(10);
      const two = await stage.viewer({ name: 'two' });
      await two.waitForEvent('segment', { source: 'peer' });

      const { port } = /** @type {Tracker} */ (stage.tracker);
      await stage.tracker?.kill();
      await two.waitForEvent('tracker', { state: 'disconnected' });
      const before = await two.stats();
      await Promise.all([sleep(20_000), two.plays(15)]);
      const during = await two.stats();
      assert.ok(
        during.p2pBytes > before.p2pBytes,
        'nothing came from the peer while the tracker was away',
      );
      assert.equal(during.peers, 1, 'the peers lost each other with the tracker');

      stage.tracker = await Tracker.start(port);
      await two.page.waitForFunction(
        () =>
          globalThis.seen.events.filter(
            (/** @type {any} */ e) => e.name === 'tracker' && e.state === 'connected',
          ).length >= 2,
        null,
        { timeout: 120_000 },
      );
      await one.page.waitForFunction(
        () =>
          globalThis.seen.events.filter(
            (/** @type {any} */ e) => e.name === 'tracker' && e.state === 'connected',
          ).length >= 2,
        null,
        { timeout: 120_000 },
      );
      const three = await stage.viewer({ name: 'three' });
      await three.waitForEvent('peer', { state: 'opened' });
      await three.waitForEvent('segment', { source: 'peer' });
      await three.plays(5);
      for (const viewer of [one, two, three]) await assertUninterrupted(viewer);
    });
  });

  for (const mode of ['silent', 'lack', 'wrong-size', 'half']) {
    test(`a version-1 parent: ${mode}`, async () => {
      await withStage(async (stage) => {
        const rogue = await stage.rogue({ mode });
        const viewer = await stage.viewer({ name: 'viewer' });
        await viewer.plays(20);
        await assertUninterrupted(viewer);
        const { requests } = await rogue.evaluate(() => globalThis.rogue);
        assert.ok(requests > 0, 'the parent was never asked: the drill tested nothing');
        assert.equal((await viewer.stats()).p2pBytes, 0);
        assert.ok(stage.mediaBytes('viewer') > 0);
      });
    });
  }

  test('an honest version-1 parent feeds us', async () => {
    await withStage(async (stage) => {
      const parent = await stage.rogue({ mode: 'honest' });
      const viewer = await stage.viewer({ name: 'viewer' });
      await viewer.plays(15);
      await assertUninterrupted(viewer);
      assert.ok((await viewer.stats()).p2pBytes > 0, 'nothing came from the version-1 parent');
      const { texts } = await parent.evaluate(() => globalThis.rogue);
      for (const text of texts.filter((/** @type {string} */ t) => t.includes('"REQUEST"'))) {
        assert.deepEqual(
          Object.keys(JSON.parse(text)).sort(),
          ['event', 'sn', 'url'],
          'a version-1 peer was sent more than version 1 has',
        );
      }
    });
  });

  test('RTCPeerConnection is absent', async () => {
    await withStage(async (stage) => {
      const viewer = await stage.viewer({
        name: 'viewer',
        init: () => {
          // @ts-expect-error: what a hardened browser looks like
          delete globalThis.RTCPeerConnection;
        },
      });
      await viewer.waitForEvent('warning');
      await viewer.plays(15);
      await assertUninterrupted(viewer);
    });
  });

  test('the wasm file answers 404', async () => {
    await withStage(async (stage) => {
      const viewer = await stage.viewer({
        name: 'viewer',
        options: { wasm: '/nowhere/hlsmesh.wasm' },
      });
      await viewer.waitForEvent('warning');
      await viewer.plays(15);
      await assertUninterrupted(viewer);
    });
  });

  test('the tracker URL is wrong', async () => {
    await withStage(async (stage) => {
      // Port 1 (tcpmux) refuses at once; nothing of ours listens there.
      const viewer = await stage.viewer({ name: 'viewer', tracker: 'ws://127.0.0.1:1/' });
      await viewer.waitForEvent('tracker', { state: 'disconnected' });
      await viewer.plays(15);
      await assertUninterrupted(viewer);
    });
  });
});
