/** Viewers that the option `control` draws to play without peers, beside those with peers and hls.js alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTracker } from '../../js/tracker/index.js';
import { PATIENCE_MS, loadErrors, withStage } from './stage.mjs';

/** The tracker does not compare who has watched for less, in seconds. */
const SECONDS = 12;

/** How a page has loaded the segments that it has played, by their names. */
function segmentsOf() {
  const loads = performance.getEntriesByType('resource').filter(({ name }) => /\.ts$/.test(name));
  return Object.fromEntries(
    loads.map((entry) => [
      new URL(entry.name).pathname,
      /** @type {PerformanceResourceTiming} */ (entry).initiatorType,
    ]),
  );
}

test('who is drawn to play without peers plays as hls.js alone, dials nobody, and is compared', async () => {
  const tracker = await createTracker({ port: 0, dashboard: true });
  try {
    await withStage(async (stage) => {
      const common = { tracker: tracker.url, options: { control: 0 } };
      const giver = await stage.viewer({ ...common, name: 'giver' });
      await giver.waitForEvent('tracker', { state: 'connected' });
      await giver.plays(4);
      const viewers = await Promise.all([
        stage.viewer({ ...common, name: 'taker' }),
        stage.viewer({ ...common, name: 'control', options: { control: 1 } }),
        stage.viewer({ ...common, name: 'plain', query: { plain: '1' } }),
      ]);
      const [taker, control, plain] = viewers;
      await control.waitForEvent('tracker', { state: 'connected' });
      await Promise.all(viewers.map((viewer) => viewer.plays(SECONDS)));

      // The others do exchange.
      assert.ok((await taker.stats()).p2pBytes > 0);
      const stats = await control.stats();
      assert.equal(await control.page.evaluate(() => globalThis.mesh.control), true);
      assert.equal(await taker.page.evaluate(() => globalThis.mesh.control), false);
      assert.equal(await control.page.evaluate(() => globalThis.connections.length), 0);
      assert.deepEqual(await control.peers(), []);
      assert.equal(stats.p2pBytes, 0);
      assert.equal(stats.cacheBytes, 0);
      assert.ok(stats.cdnBytes > 0);
      const [seen, alone] = await Promise.all([control.seen(), plain.seen()]);
      assert.deepEqual(loadErrors(seen), []);
      assert.deepEqual(
        seen.events.filter((/** @type {any} */ { name }) => /warning|peer|fallback/.test(name)),
        [],
      );
      // The same requests, by the same means, with the same bytes.
      const [mine, theirs] = await Promise.all(
        [control, plain].map(({ page }) => page.evaluate(segmentsOf)),
      );
      const both = Object.keys(theirs).filter((name) => name in mine);
      assert.ok(both.length >= 4, both.join());
      for (const name of both) assert.equal(mine[name], theirs[name], name);
      const digests = new Map(alone.fragments.map((/** @type {any} */ f) => [f.url, f.sha256]));
      const shared = seen.fragments.filter((/** @type {any} */ { url }) => digests.has(url));
      assert.ok(shared.length >= 4);
      for (const { url, sha256 } of shared) assert.equal(sha256, digests.get(url), url);
      const names = stage.fetches.filter(({ viewer }) => viewer === 'control');
      assert.equal(new Set(names.map(({ path }) => path)).size, names.length, 'nothing twice');

      // What it saw arrives when it leaves, if not before.
      const { report } = await control.page.evaluate(async () => {
        const { findings } = await globalThis.mesh.diagnose();
        return { report: findings.map((/** @type {any} */ { code }) => code) };
      });
      assert.ok(report.includes('control') && !report.includes('alone'), report.join());
      const { firstFrameMs } = await control.stats();
      // hls.js's end is the mesh's.
      await control.page.evaluate(() => globalThis.hls.destroy());
      await taker.page.evaluate(() => globalThis.mesh.detach());
      const address = `http://localhost:${tracker.port}/api/overview`;
      /** @type {any} */
      let told;
      for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
        told = await (await fetch(address)).json();
        if (told.comparison.viewers.control === 1 && told.comparison.viewers.peers >= 1) break;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      const { viewers: compared, measures, verdict } = told.comparison;
      assert.equal(compared.control, 1, JSON.stringify(told.comparison));
      assert.ok(compared.peers >= 1);
      assert.equal(verdict, 'too few');
      assert.equal(measures.stalledPerHour.control, 0);
      // Seconds, with three digits.
      assert.ok(Math.abs(measures.firstFrame.control - firstFrameMs / 1000) < 0.001);
    });
  } finally {
    await tracker.close();
  }
});
