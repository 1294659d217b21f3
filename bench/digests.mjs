/**
 * What it costs a viewer to check what peers send: the publisher's digests, spot checks, and neither, one after the other, in real
 * Chromium. Another viewer, in a browser of its own, has all of a film; the one that is measured comes later and loads all of it, as
 * fast as it can. Medians of several rounds in one run.
 *
 *     node bench/digests.mjs [--rounds 6]
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureStream } from '../demo/stream.mjs';
import { setup } from '../scripts/setup.mjs';
import { Stage } from '../tests/browser/stage.mjs';
import { isMain, median } from './report.mjs';

const CLI = fileURLToPath(new URL('../js/digest/cli.js', import.meta.url));
const PLAYLIST = '360p-high.m3u8';
const MB = 1e6;

/** As much of the film as there is. */
const ALL = { maxBufferLength: 600, maxMaxBufferLength: 600, maxBufferSize: 1e9 };
/** Until a peer is there. */
const LITTLE = { ...ALL, maxBufferLength: 8 };

const KINDS = /** @type {const} */ ([
  { name: 'neither', at: '/plain-film/', options: { checks: 0 } },
  { name: 'spot checks, 0.1', at: '/plain-film/', options: {} },
  { name: 'digests', at: '/film/', options: {} },
]);

/**
 * @typedef {object} Row
 * @property {number} mainMs of the main thread, for each megabyte
 * @property {number} cpuMs of all the browser's processes, for each megabyte
 * @property {number} loadMs from hls.js's request of a segment to its last byte, median of the segments
 * @property {number} longestMs the longest task of the main thread, once the film begins to come
 * @property {number} fromPeers share of the bytes
 * @property {number} received bytes over data channels, of the film's bytes that came from peers
 */

/** In the measured page: its longest task; and the test page's own digests are left out, which are no cost of ours. */
function watchTasks() {
  const page = /** @type {any} */ (globalThis);
  SubtleCrypto.prototype.digest = async () => new ArrayBuffer(0);
  page.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) page.longest = Math.max(page.longest, duration);
  }).observe({ type: 'longtask' });
}

/**
 * @param {Stage} stage
 * @param {(typeof KINDS)[number]} kind
 * @param {number} segments of the film
 * @returns {Promise<Row>}
 */
async function measure(stage, { at, options }, segments) {
  const what = { src: at + PLAYLIST, config: ALL, options };
  const first = await stage.browser();
  const second = await stage.browser();
  const one = await stage.viewer({ name: 'one', browser: first, ...what });
  await loads(one, segments);
  const came = { name: 'two', browser: second, init: watchTasks, ...what, config: LITTLE };
  const two = await stage.viewer(came);
  const page = await two.page.context().newCDPSession(two.page);
  // Of the processor, not of the clock: the machine may do other work as well.
  await page.send('Performance.enable', { timeDomain: 'threadTicks' });
  const all = await second.newBrowserCDPSession();
  await two.waitForEvent('segment', { source: 'peer' });
  const from = await spent(page, all);
  await two.page.evaluate(() => {
    const { hls } = /** @type {any} */ (globalThis);
    /** @type {any} */ (globalThis).longest = 0;
    /** @type {number[]} */
    const waits = [];
    /** @type {any} */ (globalThis).waits = waits;
    hls.on('hlsFragLoaded', (/** @type {any} */ _, /** @type {any} */ { frag }) => {
      waits.push(frag.stats.loading.end - frag.stats.loading.start);
    });
  });
  const before = { ...(await two.seen()), ...(await two.stats()) };
  await two.page.evaluate((most) => {
    /** @type {any} */ (globalThis).hls.config.maxBufferLength = most;
  }, ALL.maxBufferLength);
  await loads(two, segments);
  const to = await spent(page, all);
  const seen = await two.seen();
  const bytes = sum(seen.fragments) - sum(before.fragments);
  const { p2pBytes } = await two.stats();
  const { received } = await two.dataChannelBytes();
  const { waits, longest } = await two.page.evaluate(() => {
    const { waits, longest } = /** @type {any} */ (globalThis);
    return { waits, longest };
  });
  for (const browser of [first, second]) await browser.close();
  return {
    mainMs: ((to.main - from.main) * 1000) / (bytes / MB),
    cpuMs: ((to.all - from.all) * 1000) / (bytes / MB),
    loadMs: median(waits),
    longestMs: longest,
    fromPeers: (p2pBytes - before.p2pBytes) / bytes,
    received: received / p2pBytes,
  };
}

/** @param {{ bytes: number }[]} fragments */
const sum = (fragments) => fragments.reduce((total, { bytes }) => total + bytes, 0);

/** @param {import('../tests/browser/stage.mjs').Viewer} viewer @param {number} segments */
async function loads({ page }, segments) {
  await page.waitForFunction((least) => globalThis.seen?.fragments.length >= least, segments, {
    timeout: 180_000,
    polling: 100,
  });
}

/**
 * Seconds of the processor until now: of the page's main thread, and of all processes of its browser.
 * @param {import('playwright-core').CDPSession} page
 * @param {import('playwright-core').CDPSession} browser
 */
async function spent(page, browser) {
  const { metrics } = await page.send('Performance.getMetrics');
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
  return {
    main: metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN,
    all: processInfo.reduce((total, { cpuTime }) => total + cpuTime, 0),
  };
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '6' } } });
  await setup('build');
  const folder = await mkdtemp(path.join(tmpdir(), 'hlsmesh-digests-'));
  const stage = await Stage.open({ '/film/': folder, '/plain-film/': `${folder}/plain` });
  try {
    const stream = await ensureStream();
    for (const to of [folder, `${folder}/plain`]) {
      const filter = (/** @type {string} */ file) =>
        file === stream || path.basename(file).startsWith('360p-high');
      await cp(stream, to, { recursive: true, filter });
    }
    execFileSync(process.execPath, [CLI, path.join(folder, PLAYLIST)]);
    const list = await readFile(path.join(folder, PLAYLIST), 'utf8');
    const segments = list.split('\n').filter((line) => line && !line.startsWith('#')).length;
    /** @type {Map<string, Row[]>} */
    const rows = new Map(KINDS.map(({ name }) => [name, []]));
    for (let round = 0; round < Number(values.rounds); ++round) {
      for (let i = 0; i < KINDS.length; ++i) {
        // Each comes first as often as the others.
        const kind = KINDS[(i + round) % KINDS.length];
        rows.get(kind.name)?.push(await measure(stage, kind, segments));
      }
    }
    print(rows);
  } finally {
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {Map<string, Row[]>} rows */
function print(rows) {
  console.log(
    '| | main thread, ms/MB | all processes, ms/MB | a segment, ms | longest task, ms | from peers | bytes over data channels |',
  );
  console.log('|---|---|---|---|---|---|---|');
  const middle = (/** @type {string} */ name, /** @type {keyof Row} */ figure) =>
    median((rows.get(name) ?? []).map((row) => row[figure]));
  const [base] = rows.keys();
  for (const name of rows.keys()) {
    const ratio = (/** @type {keyof Row} */ figure) =>
      `${middle(name, figure).toFixed(1)} (${(middle(name, figure) / middle(base, figure)).toFixed(2)})`;
    const cells = [
      name,
      ratio('mainMs'),
      ratio('cpuMs'),
      middle(name, 'loadMs').toFixed(1),
      middle(name, 'longestMs').toFixed(0),
      `${(middle(name, 'fromPeers') * 100).toFixed(1)} %`,
      middle(name, 'received').toFixed(4),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
