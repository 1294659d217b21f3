import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamOrigin } from '../streams/origin.mjs';
import { Stage } from './stage.mjs';

/**
 * Measures the memory of a page that plays for long, and what it keeps after its players have ended. `node tests/browser/soak.mjs
 * --minutes 30` prints both; soak.test.mjs holds a shorter one to be flat.
 */

/** As fast as Chromium plays. */
const RATE = 16;
/** Full before minute 5 at 200 kbit/s and a bit, so that from then on there is an eviction for every segment. */
const CACHE_BYTES = 6 * 1024 * 1024;
const CONFIG = { backBufferLength: 4, maxBufferLength: 20, maxMaxBufferLength: 20 };

/** @typedef {Awaited<ReturnType<typeof takeCensus>> & { minute: number, heap: number, listeners: number, nodes: number }} Reading */

/** @param {(pages: Record<'peer' | 'viewer', import('playwright-core').Page>, stage: Stage) => Promise<void>} run */
export async function withPages(run) {
  const streams = await StreamOrigin.create();
  const stage = await Stage.open({ '/streams/': streams.handler });
  try {
    const pages = /** @type {any} */ ({});
    for (const name of ['peer', 'viewer']) {
      // A page without the stage's own record of connections, which would keep them.
      pages[name] = await stage.page({ name, remember: false });
      await pages[name].goto(`${stage.origin.url}/pages/soak.html?viewer=${name}`);
    }
    await run(pages, stage);
  } finally {
    await stage.close();
  }
}

/** @param {import('playwright-core').Page} page */
const takeCensus = (page) => page.evaluate(() => globalThis.census());

/**
 * Readings of a page after a forced collection.
 * @param {import('playwright-core').Page} page
 */
export async function meter(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  return async () => {
    // The next turn collects what finalizers release.
    for (let i = 0; i < 3; i++) {
      await cdp.send('HeapProfiler.collectGarbage');
      await sleep(100);
    }
    const { metrics } = await cdp.send('Performance.getMetrics');
    const of = (/** @type {string} */ name) => metrics.find((m) => m.name === name)?.value ?? NaN;
    return {
      ...(await takeCensus(page)),
      heap: of('JSHeapUsedSize'),
      listeners: of('JSEventListeners'),
      nodes: of('Nodes'),
    };
  };
}

/**
 * A viewer beside a peer, for so many minutes of the stream; a reading for each minute after the fifth.
 * @param {number} minutes
 * @param {(reading: Reading) => void} [log]
 */
export async function soak(minutes, log = () => {}) {
  /** @type {Reading[]} */
  const readings = [];
  let stats = /** @type {any} */ (null);
  await withPages(async ({ peer, viewer }, stage) => {
    const src = `${stage.origin.url}/streams/long/master.m3u8?minutes=${minutes + 1}`;
    const options = { cacheBytes: CACHE_BYTES };
    const what = { src, tracker: stage.tracker?.url ?? '', options, config: CONFIG, rate: RATE };
    await peer.evaluate((w) => globalThis.play(w), what);
    await reaches(peer, 10);
    await viewer.evaluate((w) => globalThis.play(w), what);
    const read = await meter(viewer);
    for (let minute = 5; minute <= minutes; minute++) {
      await reaches(viewer, minute * 60);
      const reading = { minute, ...(await read()) };
      readings.push(reading);
      log(reading);
    }
    stats = await viewer.evaluate(() => globalThis.player.mesh.stats);
  });
  return { readings, stats };
}

/** @param {import('playwright-core').Page} page @param {number} second */
async function reaches(page, second) {
  await page.waitForFunction((s) => globalThis.player.video.currentTime >= s, second, {
    timeout: 120_000,
    polling: 200,
  });
}

/** Of players that come and go, how many at a time. */
const AT_ONCE = 10;

/**
 * Players that come and go in one page beside a peer, half of them detached first: readings after the first of them, who leave
 * what is made once for a page, and after the last.
 * @param {number} count
 */
export async function cycles(count) {
  const outcome = /** @type {any} */ ({});
  await withPages(async ({ peer, viewer }, stage) => {
    const src = `${stage.origin.url}/streams/ts/master.m3u8`;
    const what = { src, tracker: stage.tracker?.url ?? '', options: { maxChildren: 20 } };
    await peer.evaluate((w) => globalThis.play({ ...w, rate: 0.1 }), what);
    await peer.waitForFunction(() => globalThis.player.mesh.stats.cdnBytes > 0);
    const read = await meter(viewer);
    for (let gone = 0; gone < count;) {
      await viewer.evaluate(
        ([w, players]) =>
          Promise.all(
            Array.from({ length: players }, (_, i) =>
              globalThis.comeAndGo({ ...w, ends: i % 2 ? 'detach' : 'destroy' }),
            ),
          ),
        /** @type {[object, number]} */ ([what, AT_ONCE]),
      );
      gone += AT_ONCE;
      if (gone !== AT_ONCE && gone < count) continue;
      await settled(viewer);
      outcome[gone === AT_ONCE ? 'before' : 'after'] = await read();
    }
  });
  return /** @type {Record<'before' | 'after', Awaited<ReturnType<Awaited<ReturnType<typeof meter>>>>>} */ (
    outcome
  );
}

/** A goodbye that is queued may take half a second to leave (js/rtc.js). @param {import('playwright-core').Page} page */
async function settled(page) {
  await page
    .waitForFunction(() => globalThis.census().timers === 0, null, { timeout: 5000, polling: 100 })
    .catch(() => {});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
  const show = (/** @type {any} */ r) =>
    `heap ${(r.heap / 1e6).toFixed(2)} MB, wasm ${(r.wasmBytes / 1e6).toFixed(2)} MB, ${r.connections} connections, ` +
    `${r.timers} timers, ${r.listeners} listeners, ${r.nodes} nodes, ${r.engines} engines, ${r.meshes} meshes, ${r.players} players`;
  const { stats } = await soak(Number(values.minutes), (r) =>
    console.log(`minute ${r.minute}: ${show(r)}`),
  );
  console.log(`from peers ${stats.p2pBytes}, from the CDN ${stats.cdnBytes}`);
  const { before, after } = await cycles(50);
  console.log(`before 50 cycles: ${show(before)}\nafter them: ${show(after)}`);
}
