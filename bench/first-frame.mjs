import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';
import { Stage } from '../tests/browser/stage.mjs';
import { isMain, median, print } from './report.mjs';

/**
 * Measures the time from loadSource to the first frame on the screen, and the stalls in the seconds after it.
 *
 * Pairs: hls.js alone, with a mesh that has no peer, and with a mesh beside a peer that has the stream. Each turn plays all of them,
 * in an order that changes, in pages whose caches are empty.
 *
 * Crowds: viewers that start 3 s after one another and all stay, without a mesh and with one. What starting costs is not the new
 * viewer's alone then: the machine is also that of those who serve it.
 *
 * Ratios are of the viewers of one turn, in a crowd of those who came at the same time.
 *
 *     node bench/first-frame.mjs [--pairs 30] [--crowds 6] [--viewers 4,8] [--latencies 0,80] [--streams vod,live]
 */

const PLAYED_SECONDS = 2;
const CROWD_APART_MS = 3000;

/** @typedef {{ shownMs: number, stalls: number }} Sample */

/** The options of each kind of viewer: its stream, and its mesh if it has one. @type {Record<string, any>} */
const KINDS = {
  plain: { query: { plain: '1' } },
  'passing through': { options: { channel: 'nobody else', wasm: '/nothing.wasm' } },
  'switched off': { options: { channel: 'nobody else', enabled: false } },
  alone: { options: { channel: 'nobody else' } },
  'beside a peer': {},
};

/**
 * @param {import('../tests/browser/stage.mjs').Viewer} viewer that has played
 * @returns {Promise<Sample>}
 */
async function sampleOf(viewer) {
  const { shownMs, stalls } = await viewer.seen();
  return { shownMs, stalls: stalls.length };
}

/**
 * @param {string} stream
 * @param {number} latencyMs
 * @param {number} turns
 * @param {string[]} kinds
 */
async function measurePairs(stream, latencyMs, turns, kinds) {
  const src = `/${stream}/master.m3u8`;
  const stage = await Stage.open({ '/nothing.wasm': () => {} });
  /** @param {string} kind */
  const play = async (kind) => {
    const viewer = await stage.viewer({ name: 'viewer', src, ...KINDS[kind] });
    await viewer.plays(PLAYED_SECONDS);
    const sample = await sampleOf(viewer);
    await viewer.close();
    return sample;
  };
  const samples = new Map(kinds.map((kind) => [kind, /** @type {Sample[]} */ ([])]));
  try {
    const peer = await stage.viewer({ name: 'peer', src });
    await peer.plays(10);
    // A live peer has what is new only while it plays.
    if (stream === 'vod') await peer.page.evaluate(() => globalThis.hls.media.pause());
    await play('plain');
    stage.origin.latencyMs = latencyMs;
    for (let turn = 0; turn < turns; turn++) {
      const order = turn % 2 ? [...kinds].reverse() : kinds;
      for (const kind of order) samples.get(kind)?.push(await play(kind));
      await sleep(100);
    }
  } finally {
    await stage.close();
  }
  return samples;
}

/**
 * @param {string} stream
 * @param {number} size
 * @param {object} how a viewer is made
 * @returns {Promise<Sample[]>} of the viewers in their order
 */
async function playCrowd(stream, size, how) {
  const stage = await Stage.open();
  try {
    const viewers = [];
    for (let i = 0; i < size; i++) {
      const next = sleep(CROWD_APART_MS);
      viewers.push(
        await stage.viewer({ name: `viewer${i}`, src: `/${stream}/master.m3u8`, ...how }),
      );
      await next;
    }
    await viewers[size - 1].plays(PLAYED_SECONDS);
    return await Promise.all(viewers.map(sampleOf));
  } finally {
    await stage.close();
  }
}

/**
 * @param {string} stream
 * @param {number} size
 * @param {number} turns
 */
async function measureCrowds(stream, size, turns) {
  const plain = /** @type {Sample[]} */ ([]);
  const meshed = /** @type {Sample[]} */ ([]);
  for (let turn = 0; turn < turns; turn++) {
    const kinds = [plain, meshed];
    for (const samples of turn % 2 ? kinds.reverse() : kinds) {
      const crowd = await playCrowd(stream, size, samples === plain ? KINDS.plain : {});
      // The first has nobody beside it, and opens a browser besides.
      samples.push(...crowd.slice(1));
    }
  }
  return { plain, meshed };
}

/**
 * @param {string} name
 * @param {Sample[]} meshed
 * @param {Sample[]} plain
 */
function figure(name, meshed, plain) {
  const ratios = meshed.map((s, i) => s.shownMs / plain[i].shownMs).sort((a, b) => a - b);
  const quarter = ratios.length >> 2;
  const stalls = (/** @type {Sample[]} */ all) => all.reduce((sum, s) => sum + s.stalls, 0);
  return {
    name:
      `first frame, ${name} (middle half of ${ratios.length} ratios ${ratios[quarter].toFixed(2)} to ` +
      `${ratios[ratios.length - 1 - quarter].toFixed(2)}; stalls ${stalls(meshed)}, hls.js alone ${stalls(plain)})`,
    unit: 'ms',
    ours: median(meshed.map((s) => s.shownMs)),
    baseline: median(plain.map((s) => s.shownMs)),
    ratio: median(ratios),
  };
}

/**
 * @param {string[]} [args]
 * @param {(figure: import('./report.mjs').Figure) => void} [tell] hears of each figure when it is there
 */
export async function run(args = [], tell = () => {}) {
  const { values } = parseArgs({
    args,
    options: {
      pairs: { type: 'string', default: '30' },
      crowds: { type: 'string', default: '6' },
      viewers: { type: 'string', default: '4,8' },
      latencies: { type: 'string', default: '0,80' },
      streams: { type: 'string', default: 'vod,live' },
      kinds: { type: 'string', default: 'alone,beside a peer' },
    },
  });
  const list = (/** @type {string} */ text) => text.split(',').filter(Boolean);
  await setup('test');
  const figures = /** @type {import('./report.mjs').Figure[]} */ ([]);
  const add = (/** @type {import('./report.mjs').Figure} */ figure) => {
    figures.push(figure);
    tell(figure);
  };
  for (const stream of list(values.streams)) {
    for (const latency of list(values.latencies)) {
      if (!Number(values.pairs)) continue;
      const kinds = ['plain', ...list(values.kinds)];
      const samples = await measurePairs(stream, Number(latency), Number(values.pairs), kinds);
      const plain = samples.get('plain') ?? [];
      for (const kind of kinds.slice(1)) {
        const name = `${stream}, origin ${latency} ms away, mesh ${kind}`;
        add(figure(name, samples.get(kind) ?? [], plain));
      }
    }
    for (const size of list(values.viewers)) {
      if (!Number(values.crowds)) continue;
      const { meshed, plain } = await measureCrowds(stream, Number(size), Number(values.crowds));
      add(figure(`${stream}, ${size} viewers 3 s apart`, meshed, plain));
    }
  }
  return figures;
}

if (isMain(import.meta.url)) await run(process.argv.slice(2), print);
