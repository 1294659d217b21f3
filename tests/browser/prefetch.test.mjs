import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withStage } from './stage.mjs';

/** Longer than a parent takes to send a segment on one machine, and than the playhead goes unreported. */
const SETTLE_MS = 1_500;

/** @typedef {import('./stage.mjs').Viewer} Viewer */

/**
 * Bytes that peers brought and hls.js has not asked for yet.
 * @param {Viewer} viewer
 */
async function ahead(viewer) {
  const { p2pBytes } = await viewer.stats();
  const { events } = await viewer.seen();
  const delivered = events
    .filter((/** @type {any} */ { name, source }) => name === 'segment' && source === 'peer')
    .reduce((/** @type {number} */ sum, /** @type {any} */ { bytes }) => sum + bytes, 0);
  return p2pBytes - delivered;
}

test('a peer is asked ahead of hls.js as far as prefetchSeconds says, and not while nobody watches', async () => {
  await withStage(async (stage) => {
    const one = await stage.viewer({ name: 'one', config: { maxBufferLength: 60 } });
    await one.plays(5);
    const two = await stage.viewer({
      name: 'two',
      config: { maxBufferLength: 6, maxMaxBufferLength: 6 },
      // Without samples, so that the origin's count stands still where a peer brings all.
      options: { prefetchSeconds: 24, checks: 0 },
    });
    await two.plays(4);
    assert.ok((await ahead(two)) > 0, 'nothing came ahead of hls.js');
    const { details, time } = await two.page.evaluate(() => ({
      details: hls.levels[hls.loadLevel].details.fragments.map((/** @type {any} */ f) => f.start),
      time: hls.media.currentTime,
    }));
    const segments = details.filter((/** @type {number} */ start) => start < time + 24).length;
    const { p2pSegments, cdnSegments } = await two.stats();
    assert.ok(
      p2pSegments + cdnSegments <= segments + 1,
      `${p2pSegments + cdnSegments} segments, and the window reaches ${segments}`,
    );

    const still = async (/** @type {string} */ when) => {
      await sleep(SETTLE_MS);
      const before = await ahead(two);
      await sleep(SETTLE_MS);
      assert.ok((await ahead(two)) <= before, `a peer was asked ahead ${when}`);
    };
    await two.page.evaluate(() => {
      hls.media.pause();
      mesh.update({ prefetchSeconds: 40 });
    });
    await still('while paused');
    await two.page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
      hls.media.play();
    });
    await still('while the page was hidden');
    const kept = await ahead(two);
    await two.page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => false });
    });
    await two.plays(2);
    assert.ok((await ahead(two)) > kept, 'the wider window has no effect');

    // hls.js gets the segments that came ahead, and the CDN was not asked for them.
    const asked = stage.mediaBytes('two');
    await two.plays(6);
    assert.equal(stage.mediaBytes('two'), asked);
  });
});
