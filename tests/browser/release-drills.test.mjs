import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamOrigin } from '../streams/origin.mjs';
import { PATIENCE_MS, loadErrors, withStage } from './stage.mjs';

/** @typedef {import('./stage.mjs').Viewer} Viewer */

/** @param {Viewer} viewer */
async function assertSound(viewer) {
  const seen = await viewer.seen();
  assert.deepEqual(seen.stalls, [], `${viewer.name} stalled`);
  assert.deepEqual(loadErrors(seen), [], `${viewer.name} met load errors`);
  return seen;
}

/** @param {Viewer} viewer @param {number} since `performance.now()` of the page */
async function peerSegmentsSince(viewer, since) {
  const { events } = await viewer.seen();
  return events.filter(
    (/** @type {any} */ e) => e.name === 'segment' && e.source === 'peer' && e.at > since,
  ).length;
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} holds
 */
async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `never in ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(500);
  }
}

const FROM_PEER = { source: 'peer' };

/** A page whose wall clock is wrong by 30 s: ahead, and behind. */
const clockAhead = () => shiftClock(30_000);
const clockBehind = () => shiftClock(-30_000);

/**
 * Runs in the page, before its scripts.
 * @param {number} ms
 */
function shiftClock(ms) {
  const Real = Date;
  globalThis.Date = /** @type {any} */ (
    class extends Real {
      /** @param {any[]} args */
      constructor(...args) {
        if (args.length === 0) super(Real.now() + ms);
        else super(.../** @type {[any]} */ (args));
      }

      static now() {
        return Real.now() + ms;
      }
    }
  );
}

/** An init script is one function, so that it carries what it calls. @param {() => void} init */
const withShift = (init) => new Function(`${shiftClock};(${init})()`);

describe('drills of a release: playback goes on', { concurrency: 3 }, () => {
  const sounds = StreamOrigin.create();

  test('live, wall clocks 30 s ahead and 30 s behind: they share, nobody stalls', async () => {
    await withStage(async (stage) => {
      const src = '/live/master.m3u8';
      const ahead = await stage.viewer({
        name: 'ahead',
        src,
        init: /** @type {any} */ (withShift(clockAhead)),
      });
      await ahead.plays(8);
      const behind = await stage.viewer({
        name: 'behind',
        src,
        init: /** @type {any} */ (withShift(clockBehind)),
      });
      const [one, two] = await Promise.all(
        [ahead, behind].map((viewer) => viewer.page.evaluate(() => Date.now())),
      );
      assert.ok(one - two > 50_000, `the clocks differ by ${one - two} ms: the drill is void`);
      await behind.plays(20);
      for (const viewer of [ahead, behind]) await assertSound(viewer);
      // Of two live viewers either may be the one that fetches.
      const came = [await peerSegmentsSince(ahead, 0), await peerSegmentsSince(behind, 0)];
      assert.ok(came.some(Boolean), 'nothing came from the peer');
    });
  });

  test('playback rates from 0.5 to 2: no stall, and the peer goes on bringing segments', async () => {
    await withStage(async (stage) => {
      const one = await stage.viewer({ name: 'one' });
      await one.plays(4);
      const two = await stage.viewer({ name: 'two' });
      await two.waitForEvent('segment', { source: 'peer' });
      for (const rate of [0.5, 2, 1, 1.5]) {
        await two.page.evaluate((wanted) => {
          globalThis.hls.media.playbackRate = wanted;
        }, rate);
        await two.plays(8 * rate);
      }
      await assertSound(two);
      const { offload } = await two.stats();
      assert.ok(offload > 0.7, `only ${offload} came from the peer`);
    });
  });

  test('a pause of 40 s on live: playback goes on at the edge, and it shares again', async () => {
    await withStage(async (stage) => {
      const src = '/live/master.m3u8';
      const one = await stage.viewer({ name: 'one', src });
      await one.plays(4);
      const plain = await stage.viewer({ name: 'plain', src, query: { plain: '1' } });
      const two = await stage.viewer({ name: 'two', src });
      // Live, either may be the one that fetches from the CDN.
      const sharing = [one, two];
      await Promise.any(sharing.map((viewer) => viewer.waitForEvent('segment', FROM_PEER)));
      await Promise.all([plain.plays(4), two.plays(4)]);
      const both = [plain, two];
      await Promise.all(both.map(({ page }) => page.evaluate(() => globalThis.hls.media.pause())));
      await sleep(40_000);
      await Promise.all(
        both.map(({ page }) => page.evaluate(() => void globalThis.hls.media.play())),
      );
      const resumed = await Promise.all(
        sharing.map(({ page }) => page.evaluate(() => performance.now())),
      );
      await Promise.all(both.map((viewer) => viewer.plays(15)));
      const { errors } = await two.seen();
      assert.deepEqual(
        errors.filter((/** @type {any} */ e) => e.fatal),
        [],
      );
      await until('a segment came from a peer afterwards', async () => {
        const given = await Promise.all(sharing.map((v, i) => peerSegmentsSince(v, resumed[i])));
        return given.some(Boolean);
      });
      // The pages were told one after the other, and a frame may wait for the machine.
      await until('two is as near to the edge as hls.js alone', async () => {
        const [usual, ours] = await Promise.all(
          both.map(({ page }) => page.evaluate(() => globalThis.hls.latency)),
        );
        return ours < usual + 2;
      });
    });
  });

  test('20 changes of the source, less than 2 s apart: the last one plays, shared, with one engine left', async () => {
    await withStage(async (stage) => {
      const sources = ['/vod/master.m3u8', '/vod/360p.m3u8', '/live/master.m3u8'];
      const one = await stage.viewer({ name: 'one', src: sources[0] });
      await one.plays(6);
      const two = await stage.viewer({ name: 'two', src: sources[0] });
      await two.waitForEvent('segment', {});
      let since = 0;
      for (let change = 1; change <= 20; change++) {
        since = await two.page.evaluate(
          (src) => {
            globalThis.hls.loadSource(src);
            return performance.now();
          },
          // Number 20 is the first one's.
          new URL(sources[change === 20 ? 0 : change % 3], stage.origin.url).href,
        );
        await sleep(change % 4 === 0 ? 1500 : 100 * (change % 5));
      }
      // The element shows the former source until the new one is attached, and is paused by the change.
      await two.page.waitForFunction(() => globalThis.hls.media.currentTime < 3);
      await two.page.evaluate(() => void globalThis.hls.media.play().catch(() => {}));
      await two.plays(10);
      const { errors, events } = await two.seen();
      assert.deepEqual(
        errors.filter((/** @type {any} */ e) => e.fatal),
        [],
      );
      assert.deepEqual(
        events.filter((/** @type {any} */ e) => e.name === 'fatal'),
        [],
      );
      await two.waitForEvent('segment', { source: 'peer' });
      assert.ok(await peerSegmentsSince(two, since), 'nothing came from the peer at the end');
      const stats = await two.stats();
      assert.ok(stats.peers >= 1 && stats.peers <= 2, `${stats.peers} peers`);
    });
  });

  // From entering the room, because the engine starts after the first frame. Sound alone, because two cores that decode sixteen
  // pictures need up to 3 s for that.
  test('16 join at once: half of them have a peer within 3 s of entering the room, and the last soon after', async () => {
    const streams = await sounds;
    await withStage(
      async (stage) => {
        const src = '/streams/audio-only/master.m3u8';
        const one = await stage.viewer({ name: 'one', src });
        await one.page.waitForFunction(() => globalThis.hls.media.currentTime > 4);
        const pages = await Promise.all(
          Array.from({ length: 4 }, (_, i) => stage.page({ name: `page${i}`, remember: false })),
        );
        await Promise.all(pages.map((page) => page.goto(`${stage.origin.url}/pages/soak.html`)));
        const what = {
          src: stage.origin.url + src,
          tracker: stage.tracker?.url ?? '',
          config: { maxBufferLength: 10 },
        };
        const waits = await Promise.all(
          pages.map((page) => page.evaluate((w) => globalThis.joinTogether(w, 4), what)),
        );
        const ms = waits.flat().map((wait) => Math.round(wait));
        console.log(`16 at once: from entering to the first peer ${ms.sort((a, b) => a - b)} ms`);
        assert.equal(ms.length, 16);
        // All 16 pages share two cores, on which the last waits for the others' handshakes too.
        assert.ok(ms[8] <= 3_000, `half of them had a peer after ${ms[8]} ms`);
        assert.ok(ms[15] <= 6_000, `the last had a peer after ${ms[15]} ms`);
      },
      { '/streams/': streams.handler },
    );
  });

  test('audio only: no picture, and still shared', async () => {
    const streams = await sounds;
    await withStage(
      async (stage) => {
        const src = '/streams/audio-only/master.m3u8';
        const one = await stage.viewer({ name: 'one', src });
        await one.waitForEvent('segment', { source: 'cdn' });
        await one.page.waitForFunction(() => globalThis.hls.media.currentTime > 4);
        const two = await stage.viewer({
          name: 'two',
          src,
          config: { maxBufferLength: 4, maxMaxBufferLength: 4, maxBufferSize: 1 },
        });
        // The stream is short: at half the speed its end is still to come when the peer is there.
        await two.page.evaluate(() => void (globalThis.hls.media.playbackRate = 0.5));
        await two.page.waitForFunction(() => globalThis.hls.media.currentTime > 8, null, {
          timeout: 90_000,
        });
        const { errors, fragments } = await two.seen();
        assert.deepEqual(
          errors.filter((/** @type {any} */ e) => e.fatal || e.type === 'networkError'),
          [],
        );
        assert.ok(await peerSegmentsSince(two, 0), 'nothing came from the peer');
        for (const { url, sha256 } of fragments.filter((/** @type {any} */ f) => f.sha256)) {
          assert.equal(sha256, streams.digest(url.replace(/^.*\//, '')), url);
        }
      },
      { '/streams/': streams.handler },
    );
  });
});
