import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';
import { Stage } from '../tests/browser/stage.mjs';
import { isMain, median } from './report.mjs';

/**
 * The same viewers in real Chromium by hls.js alone, by p2p-media-loader (npm, in bench/rivals) and by hlsmesh, one kind after the
 * other in one run, on the demo's stream and its origin. Each library has the tracker that belongs to it, and its own defaults.
 *
 *     node bench/beside.mjs [--viewers 2,4,8] [--seconds 60] [--streams live,vod]
 */

const RIVALS = fileURLToPath(new URL('./rivals', import.meta.url));
const PAGES = fileURLToPath(new URL('./beside', import.meta.url));
const KINDS = ['plain', 'p2p-media-loader', 'hlsmesh'];

// Between the arrivals of two viewers.
export const APART_MS = 1000;

const MB = 1e6;

/**
 * @typedef {object} Row
 * @property {string} kind
 * @property {number} copies that the origin sent of what a viewer was given, on average
 * @property {number} offload the part of what viewers were given that the origin did not send
 * @property {number} firstFrameMs median
 * @property {number} stalls of all viewers
 * @property {number} stalledS
 * @property {number} latencyS median, of a live stream
 * @property {number} mainMs of all viewers' main threads, for all that they did
 * @property {number} loadedMb that all viewers were given
 * @property {number} peersMb of it from peers
 * @property {number} heapMb of JavaScript, median
 */

/** @returns {Promise<{ url: string, close: () => void }>} */
async function webTorrentTracker() {
  // Installed by the bench when it runs, so nobody knows its types.
  const entry = './rivals/node_modules/bittorrent-tracker/server.js';
  const { default: Server } = await import(entry);
  const server = new Server({ udp: false, http: false, ws: true, stats: false });
  server.on('warning', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${server.ws.address().port}`, close: () => server.close() };
}

/**
 * @param {string} kind
 * @param {string} src
 * @param {number} viewers
 * @param {number} seconds that they play together
 * @returns {Promise<Row>}
 */
export async function measure(kind, src, viewers, seconds) {
  const stage = await Stage.open({ '/bench/': PAGES, '/rivals/': `${RIVALS}/node_modules` });
  const rival = await webTorrentTracker();
  try {
    const tracker = kind === 'hlsmesh' ? stage.tracker?.url : rival.url;
    const all = [];
    for (let i = 0; i < viewers; ++i) {
      const came = Date.now();
      const page = '/bench/viewer.html';
      const viewer = await stage.viewer({ name: `v${i}`, page, src, tracker, query: { by: kind } });
      const session = await viewer.page.context().newCDPSession(viewer.page);
      await session.send('Performance.enable');
      all.push({ viewer, session });
      await sleep(Math.max(0, came + APART_MS - Date.now()));
    }
    await sleep(seconds * 1000);
    const ends = await Promise.all(
      all.map(async ({ viewer, session }) => {
        const { metrics } = await session.send('Performance.getMetrics');
        const figures = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
        return { seen: await viewer.seen(), figures };
      }),
    );
    const sum = (/** @type {(end: (typeof ends)[0]) => number} */ of) =>
      ends.reduce((total, end) => total + of(end), 0);
    const middle = (/** @type {(end: (typeof ends)[0]) => number} */ of) => median(ends.map(of));
    const loaded = sum(({ seen }) => seen.loaded);
    const sent = stage.fetches.reduce((total, { bytes }) => total + bytes, 0);
    return {
      kind,
      copies: (sent / loaded) * viewers,
      offload: 1 - sent / loaded,
      firstFrameMs: middle(({ seen }) => seen.firstFrame ?? Infinity),
      stalls: sum(({ seen }) => seen.stalls),
      stalledS: sum(({ seen }) => seen.stalledMs) / 1000,
      latencyS: middle(({ seen }) => seen.latency ?? NaN),
      mainMs: sum(({ figures }) => figures.TaskDuration) * 1000,
      loadedMb: loaded / MB,
      peersMb: sum(({ seen }) => seen.fromPeers) / MB,
      heapMb: middle(({ figures }) => figures.JSHeapUsedSize) / MB,
    };
  } finally {
    rival.close();
    await stage.close();
  }
}

/** @param {string} stream @param {number} viewers @param {Row[]} rows the first by hls.js alone */
function print(stream, viewers, rows) {
  const [plain] = rows;
  console.log(`\n${viewers} viewers, ${stream}\n`);
  console.log(
    '| by | copies from the CDN | from peers | first frame | stalls | behind live | main thread, ms/MB | above plain, ms/MB by peers | JS heap |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const row of rows) {
    const perMb = row.mainMs / row.loadedMb;
    // What peers cost the main thread, for each megabyte that they brought.
    const above = row.mainMs - (plain.mainMs * row.loadedMb) / plain.loadedMb;
    const cells = [
      row.kind,
      row.copies.toFixed(2),
      `${Math.round(row.offload * 100)} %`,
      `${Math.round(row.firstFrameMs)} ms`,
      `${row.stalls} (${row.stalledS.toFixed(1)} s)`,
      stream === 'live' ? `${row.latencyS.toFixed(1)} s` : '',
      perMb.toFixed(0),
      row.peersMb > 0 ? (above / row.peersMb).toFixed(0) : '',
      `${row.heapMb.toFixed(1)} MB`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

/** @param {string} name @returns {string} */
function versionOf(name) {
  const file = name.startsWith('p2p') ? `${RIVALS}/node_modules/${name}` : `node_modules/${name}`;
  return `${name} ${JSON.parse(readFileSync(`${file}/package.json`, 'utf8')).version}`;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      viewers: { type: 'string', default: '2,4,8' },
      seconds: { type: 'string', default: '60' },
      streams: { type: 'string', default: 'live,vod' },
    },
  });
  await setup('build');
  if (!existsSync(`${RIVALS}/node_modules/p2p-media-loader-hlsjs`)) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: RIVALS });
  }
  console.log(`${versionOf('hls.js')}, ${versionOf('p2p-media-loader-hlsjs')}`);
  for (const stream of values.streams.split(',')) {
    for (const viewers of values.viewers.split(',').map(Number)) {
      const rows = [];
      for (const kind of KINDS) {
        const src = `/${stream}/master.m3u8`;
        rows.push(await measure(kind, src, viewers, Number(values.seconds)));
      }
      print(stream, viewers, rows);
    }
  }
}
