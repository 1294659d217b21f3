import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadErrors, withStage } from './stage.mjs';

/** Notes for each request of a segment whether it left from inside hls.js's call of its loader. */
function noteRequests() {
  const asked = /** @type {{ url: string, atOnce: boolean }[]} */ ([]);
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (/** @type {any[]} */ ...args) {
    const [, url] = args;
    if (url.endsWith('.ts')) asked.push({ url, atOnce: url === globalThis.loadingNow });
    return /** @type {any} */ (open).apply(this, args);
  };
  Object.assign(globalThis, { asked });
}

/** @param {import('./stage.mjs').Viewer} viewer */
const firstRequest = async ({ page }) => {
  await page.waitForFunction(() => globalThis.asked.length > 0);
  return page.evaluate(() => globalThis.asked[0]);
};

describe('the first segment waits for nothing of ours', { concurrency: 2 }, () => {
  test("it is asked for from inside hls.js's own call, with a mesh as without, the engine there or not", async () => {
    await withStage(async (stage) => {
      let wasm = /** @type {() => void} */ (() => {});
      const late = new Promise((resolve) => (wasm = () => resolve(undefined)));
      stage.origin.onRequest = async ({ path, headers }) => {
        if (path.endsWith('.wasm') && headers['user-agent']?.endsWith('viewer/late')) await late;
      };
      const [plain, ready, waiting] = await Promise.all([
        stage.viewer({ name: 'plain', init: noteRequests, query: { plain: '1' } }),
        stage.viewer({ name: 'ready', init: noteRequests }),
        stage.viewer({ name: 'late', init: noteRequests }),
      ]);
      for (const viewer of [plain, ready, waiting]) {
        const { url, atOnce } = await firstRequest(viewer);
        assert.match(url, /\.ts$/);
        assert.equal(atOnce, true, `${viewer.name}: ${url} was asked for later`);
        await viewer.plays(1);
      }
      // Five seconds of the stream and more have come by then, and are there for others once the engine is.
      await waiting.plays(4);
      assert.deepEqual(
        (await waiting.seen()).events.filter((/** @type {any} */ e) => e.name === 'tracker'),
        [],
        'the engine was there all the time: the test shows nothing',
      );
      wasm();
      await waiting.waitForEvent('tracker', { state: 'connected' });
      await waiting.plays(4);
      const { events, stalls } = await waiting.seen();
      assert.deepEqual(stalls, []);
      assert.deepEqual(
        events.filter((/** @type {any} */ e) => e.name === 'warning'),
        [],
      );
    });
  });

  test('a wasm file that never comes: playback starts and goes on', async () => {
    await withStage(async (stage) => {
      stage.origin.onRequest = ({ path }) => (path.endsWith('.wasm') ? { hang: true } : {});
      const viewer = await stage.viewer({ name: 'viewer', init: noteRequests });
      assert.equal((await firstRequest(viewer)).atOnce, true);
      await viewer.plays(6);
      const seen = await viewer.seen();
      assert.deepEqual(seen.stalls, []);
      assert.deepEqual(loadErrors(seen), []);
      assert.ok((await viewer.stats()).cdnBytes > 0, 'the mesh counts what it only passes on');
    });
  });
});
