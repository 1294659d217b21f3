/** Viewers whom the option `shadow` draws to try peers while they play from the CDN, beside hls.js alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTracker } from '../../js/tracker/index.js';
import { PATIENCE_MS, loadErrors, withStage } from './stage.mjs';

const SECONDS = 12;

/** How a page has loaded the segments that it has played, in order. */
function segmentsOf() {
  const loads = performance.getEntriesByType('resource').filter(({ name }) => /\.ts$/.test(name));
  return loads.map((entry) => [
    new URL(entry.name).pathname,
    /** @type {PerformanceResourceTiming} */ (entry).initiatorType,
  ]);
}

/** @param {string} url @param {(overview: any) => boolean} done @returns {Promise<any>} the first overview of which it is true */
async function overviewOf(url, done) {
  let told;
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
    told = await (await fetch(url)).json();
    if (done(told)) return told;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return assert.fail(JSON.stringify(told.shadow));
}

test('a viewer in shadow makes the requests of hls.js alone, plays its bytes, and tells what peers would have brought', async () => {
  const tracker = await createTracker({ port: 0, dashboard: true });
  try {
    await withStage(async (stage) => {
      // Of one rendition: which one hls.js chooses among several is a matter of milliseconds.
      const common = { tracker: tracker.url, src: '/vod/240p.m3u8' };
      const giver = await stage.viewer({ ...common, name: 'giver' });
      await giver.waitForEvent('tracker', { state: 'connected' });
      await giver.plays(4);
      const viewers = await Promise.all([
        stage.viewer({ ...common, name: 'shadow', options: { shadow: 1 } }),
        stage.viewer({ ...common, name: 'plain', query: { plain: '1' } }),
      ]);
      const [shadow, plain] = viewers;
      await shadow.waitForEvent('peer', { state: 'opened' });
      await Promise.all(viewers.map((viewer) => viewer.plays(SECONDS)));
      await shadow.page.waitForFunction(() => globalThis.mesh.stats.shadow?.compared > 0);

      const stats = await shadow.stats();
      assert.ok(stats.shadow.p2pBytes > 0, JSON.stringify(stats.shadow));
      assert.ok(stats.shadow.offload > 0 && stats.shadow.offload < 1);
      assert.ok(stats.shadow.compared > 0);
      assert.equal(stats.shadow.wrong, 0);
      assert.ok(stats.shadow.missed <= stats.shadow.loads);
      // None of it is real.
      assert.deepEqual([stats.p2pBytes, stats.p2pSegments, stats.offload], [0, 0, 0]);
      assert.ok(stats.cdnBytes > 0);
      const received = await shadow.dataChannelBytes();
      assert.ok(received.received > 0);

      // The same requests, by the same means, in the same order, with the same bytes.
      const [mine, theirs] = await Promise.all(
        [shadow, plain].map(({ page }) => page.evaluate(segmentsOf)),
      );
      const both = Math.min(mine.length, theirs.length);
      assert.ok(both >= 4);
      assert.deepEqual(mine.slice(0, both), theirs.slice(0, both));
      const asked = stage.fetches.filter(({ viewer }) => viewer === 'shadow');
      assert.deepEqual(
        asked.filter(({ range }) => range),
        [],
      );
      assert.equal(new Set(asked.map(({ path }) => path)).size, asked.length, 'nothing twice');
      const [seen, alone] = await Promise.all([shadow.seen(), plain.seen()]);
      assert.deepEqual(loadErrors(seen), []);
      const of = (/** @type {string} */ name) =>
        seen.events.filter((/** @type {any} */ event) => event.name === name);
      assert.deepEqual([...of('warning'), ...of('fallback')], []);
      assert.ok(of('segment').every((/** @type {any} */ { source }) => source === 'cdn'));
      const digests = new Map(alone.fragments.map((/** @type {any} */ f) => [f.url, f.sha256]));
      const shared = seen.fragments.filter((/** @type {any} */ { url }) => digests.has(url));
      assert.ok(shared.length >= 4);
      for (const { url, sha256 } of shared) assert.equal(sha256, digests.get(url), url);

      const codes = await shadow.page.evaluate(async () => {
        const { findings } = await globalThis.mesh.diagnose();
        return findings.map((/** @type {any} */ { code }) => code);
      });
      assert.ok(codes.includes('shadow'), codes.join());

      // It reports when it leaves, if not before.
      await shadow.page.evaluate(() => globalThis.hls.destroy());
      const url = `http://localhost:${tracker.port}/api/overview`;
      const told = await overviewOf(url, (overview) => overview.shadow.loads > 0);
      assert.ok(told.shadow.peers_gb > 0 && told.shadow.offload > 0);
      assert.equal(told.shadow.wrong, 0);
      // Nobody has really had anything from peers.
      assert.equal(told.peers_gb, 0);
      assert.ok(told.cdn_gb >= told.shadow.peers_gb);
      const figures = tracker.stats();
      assert.equal(figures.p2pKb, 0);
      assert.ok(figures.shadowP2pKb > 0);
    });
  } finally {
    await tracker.close();
  }
});

test('bytes of a peer that no player would notice are found, and the player never has them', async () => {
  await withStage(async (stage) => {
    await stage.rogue({ mode: 'touched' });
    const viewers = await Promise.all([
      // A sample would end the peer at its first segment.
      stage.viewer({ name: 'shadow', options: { shadow: 1, checks: 0 } }),
      stage.viewer({ name: 'plain', query: { plain: '1' } }),
    ]);
    const [shadow, plain] = viewers;
    await shadow.waitForEvent('warning', { code: 'peer-misbehaved' });
    await Promise.all(viewers.map((viewer) => viewer.plays(6)));
    const { shadow: figures, p2pBytes } = await shadow.stats();
    assert.ok(figures.wrong > 0 && figures.wrong <= figures.compared, JSON.stringify(figures));
    assert.equal(p2pBytes, 0);
    const [seen, alone] = await Promise.all([shadow.seen(), plain.seen()]);
    assert.deepEqual(loadErrors(seen), []);
    const digests = new Map(alone.fragments.map((/** @type {any} */ f) => [f.url, f.sha256]));
    const shared = seen.fragments.filter((/** @type {any} */ { url }) => digests.has(url));
    assert.ok(shared.length >= 2);
    for (const { url, sha256 } of shared) assert.equal(sha256, digests.get(url), url);
  });
});

test('where the file of the silent test is missing, a viewer in shadow reaches nobody and plays on', async () => {
  await withStage(
    async (stage) => {
      await stage.viewer({ name: 'giver' }).then((giver) => giver.plays(2));
      const viewer = await stage.viewer({ name: 'shadow', options: { shadow: 1 } });
      await viewer.plays(6);
      assert.equal(await viewer.page.evaluate(() => globalThis.connections.length), 0);
      const seen = await viewer.seen();
      assert.ok(seen.events.some((/** @type {any} */ e) => e.name === 'warning'));
      assert.deepEqual(loadErrors(seen), []);
    },
    { '/dist/hlsmesh-shadow.mjs': (_, response) => response.writeHead(404).end() },
  );
});
