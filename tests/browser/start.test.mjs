import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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

/** Notes, in their order, the first frame and each thing of ours that takes the machine's time or the network's. */
function noteOrder() {
  /** @type {string[]} */
  const order = [];
  const note = (/** @type {string} */ what) => void (order.includes(what) || order.push(what));
  addEventListener('loadeddata', () => note('frame'), true);
  const { fetch } = globalThis;
  globalThis.fetch = (/** @type {any} */ input, init) => {
    if (String(input.url ?? input).endsWith('.wasm')) note('fetched');
    return fetch(input, init);
  };
  const wasm = /** @type {any} */ (WebAssembly);
  for (const [name, what] of [
    ['compile', 'compiled'],
    ['compileStreaming', 'compiled'],
    ['instantiate', 'started'],
    ['instantiateStreaming', 'started'],
  ]) {
    const inner = wasm[name];
    wasm[name] = (/** @type {any[]} */ ...args) => (note(what), inner.apply(wasm, args));
  }
  for (const [name, what] of [
    ['WebSocket', 'opened'],
    ['RTCPeerConnection', 'dialled'],
  ]) {
    const inner = /** @type {any} */ (globalThis)[name];
    /** @type {any} */ (globalThis)[name] = new Proxy(inner, {
      construct: (target, args, like) => {
        // The event `loadeddata` comes a task later than the frame that it is about.
        const { readyState = 0 } = document.querySelector('video') ?? {};
        if (readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) note('frame');
        note(what);
        return Reflect.construct(target, args, like);
      },
    });
  }
  Object.assign(globalThis, { order });
}

/** @param {import('./stage.mjs').Viewer} viewer @returns {Promise<string[]>} */
const orderOf = ({ page }) => page.evaluate(() => /** @type {any} */ (globalThis).order);

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

  for (const [kind, src] of [
    ['VOD', '/vod/master.m3u8'],
    ['live', '/live/master.m3u8'],
  ]) {
    test(`B5: ${kind}: nothing of ours is fetched, compiled, opened or dialled before the first frame`, async () => {
      await withStage(async (stage) => {
        stage.origin.latencyMs = 40;
        const one = await stage.viewer({ name: 'one', src });
        await one.plays(3);
        const two = await stage.viewer({ name: 'two', src, init: noteOrder });
        await two.waitForEvent('peer', { state: 'opened' });
        const order = ['frame', 'fetched', 'compiled', 'started', 'opened', 'dialled'];
        assert.deepEqual(await orderOf(two), order);
        // Segments that came before the engine are shared too.
        const { cdnSegments } = await two.stats();
        assert.ok(cdnSegments > 0);
        assert.deepEqual(loadErrors(await two.seen()), []);
      });
    });
  }

  test('B5: a page that waits for a click gets its engine all the same, and tells nobody before the frame', async () => {
    await withStage(async (stage) => {
      const one = await stage.viewer({ name: 'one' });
      await one.plays(2);
      const clickless = { config: { autoStartLoad: false }, init: noteOrder };
      const waiting = await stage.viewer({ name: 'waiting', ...clickless });
      const engine = ['fetched', 'compiled', 'started'];
      await waiting.page.waitForFunction(() => globalThis.order.includes('started'));
      // The one that plays is there to be dialled all the time.
      await one.plays(3);
      assert.deepEqual(await orderOf(waiting), engine);
      assert.deepEqual((await waiting.seen()).fragments, []);
      await waiting.page.evaluate(() => globalThis.hls.startLoad());
      await waiting.waitForEvent('peer', { state: 'opened' });
      assert.deepEqual(await orderOf(waiting), [...engine, 'frame', 'opened', 'dialled']);
      await waiting.plays(2);
    });
  });

  test('a page that gets its media element by the click tells nobody before; alone, it dials nobody', async () => {
    await withStage(async (stage) => {
      const viewer = await stage.viewer({
        name: 'viewer',
        query: { detached: '1' },
        init: noteOrder,
      });
      await viewer.page.waitForFunction(() => globalThis.order.includes('started'));
      await sleep(1000);
      const engine = ['fetched', 'compiled', 'started'];
      assert.deepEqual(await orderOf(viewer), engine);
      await viewer.page.evaluate(() =>
        globalThis.hls.attachMedia(document.getElementById('video')),
      );
      await viewer.waitForEvent('tracker', { state: 'connected' });
      await viewer.plays(3);
      assert.deepEqual(await orderOf(viewer), [...engine, 'frame', 'opened']);
    });
  });

  test('B5: what hls.js loads before its engine is there, others get from it', async () => {
    await withStage(async (stage) => {
      let wasm = /** @type {() => void} */ (() => {});
      const late = new Promise((resolve) => (wasm = () => resolve(undefined)));
      stage.origin.onRequest = async ({ path, headers }) => {
        if (path.endsWith('.wasm') && headers['user-agent']?.endsWith('viewer/one')) await late;
      };
      const config = { maxBufferLength: 4, maxMaxBufferLength: 4 };
      const one = await stage.viewer({ name: 'one', config });
      await one.plays(6);
      await one.page.evaluate(() => globalThis.hls.media.pause());
      const before = (await one.seen()).fragments.map((/** @type {any} */ f) => f.url);
      wasm();
      await one.waitForEvent('tracker', { state: 'connected' });
      const two = await stage.viewer({ name: 'two', config });
      await two.waitForEvent('segment', { source: 'peer' });
      const fromPeers = (await two.seen()).events.filter(
        (/** @type {any} */ e) => e.name === 'segment' && e.source === 'peer',
      );
      assert.ok(before.includes(fromPeers[0].url), `${fromPeers[0].url} of ${before}`);
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
