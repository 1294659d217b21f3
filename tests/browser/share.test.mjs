import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadErrors, withStage } from './stage.mjs';

// Protocol text, SCTP padding and segments cut off at the moment of reading: what two honest counts may differ by.
const TOLERANCE = 0.03;

/** @param {number} actual @param {number} expected @param {string} what */
function assertClose(actual, expected, what) {
  const off = Math.abs(actual - expected) / Math.max(expected, 1);
  assert.ok(
    off <= TOLERANCE,
    `${what}: ${actual} against ${expected} (${(off * 100).toFixed(2)} %)`,
  );
}

/**
 * Waits for a moment between two segments, of which one is more than the tolerance.
 * @param {import('./stage.mjs').Stage} stage
 */
async function originIsQuiet({ fetches }) {
  while (Date.now() - (fetches.at(-1)?.at ?? 0) < 500) await sleep(50);
}

describe('two viewers, one origin', { concurrency: 4 }, () => {
  for (const [kind, src] of [
    ['VOD', '/vod/master.m3u8'],
    ['live', '/live/master.m3u8'],
  ]) {
    test(`${kind}: viewer 2 joins 10 s later, both play 60 s without a stall, and one takes at least 70 % from the other`, async () => {
      await withStage(async (stage) => {
        const one = await stage.viewer({ name: 'one', src });
        await one.plays(1);
        await sleep(9_000);
        const two = await stage.viewer({ name: 'two', src });
        await two.waitForEvent('peer', { state: 'opened' });
        const alone = { one: stage.mediaBytes('one'), two: stage.mediaBytes('two') };
        await Promise.all([one.plays(50), two.plays(60)]);

        // Live, either may be the one that fetches from the CDN.
        await originIsQuiet(stage);
        const oneTakes = (await one.stats()).p2pBytes > (await two.stats()).p2pBytes;
        if (kind === 'VOD') assert.ok(!oneTakes, 'viewer 1 took from viewer 2');
        const [giver, taker] = oneTakes ? [two, one] : [one, two];
        const [given, taken] = await Promise.all([giver.stats(), taker.stats()]);
        const fromOrigin = stage.mediaBytes(taker.name);
        const toGiver = stage.mediaBytes(giver.name);
        const channel = await taker.dataChannelBytes();
        const channelOfGiver = await giver.dataChannelBytes();
        for (const viewer of [one, two]) {
          const seen = await viewer.seen();
          const video = await viewer.video();
          assert.deepEqual(seen.stalls, [], `${viewer.name} stalled`);
          assert.deepEqual(loadErrors(seen), []);
          assert.ok(video.videoWidth > 0, `${viewer.name} shows no picture`);
          assert.ok(video.currentTime >= 60, `${viewer.name} is at ${video.currentTime} s`);
        }

        const together = fromOrigin - (oneTakes ? alone.one : alone.two);
        const share = taken.p2pBytes / (taken.p2pBytes + together);
        console.log(
          `${kind}: viewer ${taker.name} took ${(share * 100).toFixed(1)} % from the other; origin sent it ${fromOrigin} media ` +
            `bytes, and ${toGiver} to the other; engines say cdn ${taken.cdnBytes} and ${given.cdnBytes}, p2p ` +
            `${taken.p2pBytes}, uploaded ${given.uploadBytes}; data channel received ${channel.received}`,
        );
        assert.ok(given.streamedSegments > 5, 'what came from the CDN did not stream');
        assert.ok(share >= 0.7, `only ${(share * 100).toFixed(1)} % came from the other`);
        assertClose(given.cdnBytes, toGiver, "the giver's CDN bytes against the origin's count");
        assertClose(taken.cdnBytes, fromOrigin, "the taker's CDN bytes against the origin's count");
        assertClose(taken.p2pBytes, channel.received, "the taker's peer bytes against getStats()");
        assertClose(
          given.uploadBytes,
          channelOfGiver.sent,
          "the giver's upload against getStats()",
        );
        assertClose(
          given.uploadBytes,
          taken.p2pBytes,
          "the giver's upload against the taker's count",
        );
      });
    });
  }

  test("the bytes hls.js got from a peer are the origin's, long after viewer 1 consumed its own copies", async () => {
    await withStage(async (stage) => {
      const one = await stage.viewer({ name: 'one' });
      // hls.js has transferred its copies to its worker and played them by then.
      await one.plays(12);
      const two = await stage.viewer({ name: 'two' });
      await two.waitForEvent('segment', { source: 'peer' });
      await two.plays(20);
      const { fragments, events } = await two.seen();
      const fromPeers = new Set(
        events
          .filter((/** @type {any} */ e) => e.name === 'segment' && e.source === 'peer')
          .map((/** @type {any} */ e) => e.url),
      );
      const delivered = fragments.filter(
        (/** @type {any} */ f) => f.sha256 && fromPeers.has(f.url),
      );
      assert.ok(delivered.length >= 5, `only ${delivered.length} segments came from the peer`);
      for (const fragment of delivered) {
        const body = Buffer.from(await (await fetch(fragment.url)).arrayBuffer());
        assert.equal(fragment.bytes, body.length, `length of ${fragment.url}`);
        assert.equal(
          fragment.sha256,
          createHash('sha256').update(body).digest('hex'),
          `digest of ${fragment.url}`,
        );
      }
    });
  });

  test('a page that only has script tags and a page that imports the module play with each other', async () => {
    await withStage(async (stage) => {
      const one = await stage.viewer({ name: 'one', page: 'script' });
      await one.plays(6);
      const two = await stage.viewer({ name: 'two', page: 'module' });
      await two.waitForEvent('segment', { source: 'peer' });
      await two.plays(10);
      await one.close();
      const three = await stage.viewer({ name: 'three', page: 'script', query: { late: '1' } });
      await three.waitForEvent('segment', { source: 'peer' });
      await three.plays(5);
      for (const viewer of [two, three]) {
        const seen = await viewer.seen();
        assert.deepEqual(seen.stalls, []);
        assert.deepEqual(loadErrors(seen), []);
        assert.ok((await viewer.stats()).p2pBytes > 0);
      }
    });
  });
});
