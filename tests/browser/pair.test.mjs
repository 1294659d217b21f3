/** Two viewers that bring each other pieces of segments (protocol section 5). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FAR,
  SRC,
  allPlay,
  copiesSince,
  countMessages,
  mean,
  playsTheOrigins,
  said,
} from './pieces.mjs';
import { withStage } from './stage.mjs';

describe('pieces, of two viewers', { concurrency: 1 }, () => {
  for (const kind of /** @type {const} */ (['vod', 'live'])) {
    test(`${kind}: what two viewers play has the origin's SHA-256, and most of it comes once from the origin, then in pieces`, async () => {
      await withStage(async (stage) => {
        Object.assign(stage.origin, FAR);
        const setUp = { src: SRC[kind], init: countMessages };
        const one = await stage.viewer({ name: 'one', ...setUp });
        await one.plays(6);
        const two = await stage.viewer({ name: 'two', ...setUp });
        await two.waitForEvent('peer', { state: 'opened' });
        await sleep(3_000);
        const from = Date.now();
        await allPlay([one, two], 20);
        await playsTheOrigins(one);
        await playsTheOrigins(two);

        const { copies, ranges } = await copiesSince(stage, [one, two], from);
        const all = [await one.stats(), await two.stats()];
        const words = [await said(one), await said(two)];
        console.log(
          `${kind}: ${mean(copies.values()).toFixed(2)} copies of ${copies.size} segments, ${ranges} answers to Range; ` +
            `bytes from peers ${all.map(({ p2pBytes }) => p2pBytes)}, from the CDN ${all.map(({ cdnBytes }) => cdnBytes)}; ` +
            `said ${JSON.stringify(words)}`,
        );
        assert.ok(copies.size >= 8, `the origin was asked for ${copies.size} segments`);
        assert.ok(mean(copies.values()) <= 1.2, 'two copies of a segment');
        // Live, either may be the one that fetches.
        const [share] = all
          .map(({ p2pBytes, cdnBytes }) => p2pBytes / (p2pBytes + cdnBytes))
          .sort((a, b) => b - a);
        assert.ok(share >= 0.6, `at most ${(share * 100).toFixed(1)} % came from the other`);
        assert.deepEqual(
          all.map(({ malformed }) => malformed),
          [0, 0],
        );
        const sum = (/** @type {string} */ event) =>
          words.reduce((count, each) => count + (each[event] ?? 0), 0);
        assert.ok(sum('WANT') > 0, 'no pieces were asked for');
        assert.equal(sum('REQUEST'), 0, 'whole segments were asked for');
      });
    });
  }

  test('vod: a viewer whose peer sends too slowly has the rest of a segment from the CDN, by Range, and next to nothing twice', async () => {
    await withStage(async (stage) => {
      Object.assign(stage.origin, FAR);
      const slow = { uploadBytesPerSecond: 120_000 };
      const one = await stage.viewer({ name: 'one', src: SRC.vod, options: slow });
      await one.plays(6);
      const two = await stage.viewer({ name: 'two', src: SRC.vod });
      await two.waitForEvent('peer', { state: 'opened' });
      await two.plays(24);
      await playsTheOrigins(two);
      const own = stage.fetches.filter(({ viewer }) => viewer === 'two');
      const parts = own.filter(({ range }) => range !== undefined);
      const { p2pBytes, cdnBytes, wastedBytes } = await two.stats();
      console.log(
        `a slow peer: ${parts.length} of ${own.length} fetches by Range; ${p2pBytes} bytes from the peer, ${cdnBytes} from the ` +
          `CDN, ${wastedBytes} in vain`,
      );
      assert.ok(parts.length >= 5, `${parts.length} fetches by Range`);
      assert.ok(p2pBytes > 1_000_000, `${p2pBytes} bytes from the peer`);
      // What peers had begun and the CDN's second range brings once more counts.
      assert.ok(wastedBytes < 0.15 * (p2pBytes + cdnBytes), `${wastedBytes} bytes in vain`);
    });
  });
});
