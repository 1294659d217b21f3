import { setTimeout as sleep } from 'node:timers/promises';
import { setup } from '../scripts/setup.mjs';
import { Stage } from '../tests/browser/stage.mjs';
import { isMain, median, print } from './report.mjs';

/**
 * From loadSource to the first frame on the screen, and stalls in the seconds after it: hls.js alone, with a mesh that has no
 * peer, and with a mesh beside a peer that has the stream. Each turn plays all of them, in an order that changes, in pages whose
 * caches are empty; ratios are of the viewers of one turn.
 */

const TURNS = 12;
const LATENCIES_MS = [0, 80];
const PLAYED_SECONDS = 2;

/** How each kind of viewer is made: its stream, and whether it has a mesh. @type {Record<string, any>} */
const KINDS = {
  plain: { src: '/vod/master.m3u8', query: { plain: '1' } },
  alone: { src: '/vod/master.m3u8?alone', options: { channel: 'nobody else' } },
  'beside a peer': { src: '/vod/master.m3u8' },
};

/**
 * @param {Stage} stage
 * @param {string} kind
 */
async function sample(stage, kind) {
  const viewer = await stage.viewer({ name: 'viewer', ...KINDS[kind] });
  await viewer.plays(PLAYED_SECONDS);
  const { shownMs, stalls } = await viewer.seen();
  await viewer.close();
  return { shownMs, stalls: stalls.length };
}

/** @param {number} latencyMs */
async function measure(latencyMs) {
  const stage = await Stage.open();
  /** @type {Record<string, { shownMs: number, stalls: number }[]>} */
  const samples = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
  try {
    const peer = await stage.viewer({ name: 'peer' });
    await peer.plays(10);
    await peer.page.evaluate(() => globalThis.hls.media.pause());
    await sample(stage, 'plain');
    stage.origin.latencyMs = latencyMs;
    for (let turn = 0; turn < TURNS; turn++) {
      const kinds = Object.keys(KINDS);
      const order = turn % 2 ? kinds.reverse() : kinds;
      for (const kind of order) samples[kind].push(await sample(stage, kind));
      await sleep(100);
    }
  } finally {
    await stage.close();
  }
  return samples;
}

export async function run() {
  await setup('test');
  const figures = [];
  for (const latencyMs of LATENCIES_MS) {
    const { plain, ...meshed } = await measure(latencyMs);
    const baseline = median(plain.map((s) => s.shownMs));
    for (const [kind, samples] of Object.entries(meshed)) {
      const ratios = samples.map((s, i) => s.shownMs / plain[i].shownMs).sort((a, b) => a - b);
      const quarter = ratios.length >> 2;
      const stalls = samples.reduce((sum, s) => sum + s.stalls, 0);
      const plainStalls = plain.reduce((sum, s) => sum + s.stalls, 0);
      figures.push({
        name:
          `first frame, origin ${latencyMs} ms away, mesh ${kind} ` +
          `(middle half of ${TURNS} ratios ${ratios[quarter].toFixed(2)} to ${ratios[ratios.length - 1 - quarter].toFixed(2)}; ` +
          `stalls ${stalls}, hls.js alone ${plainStalls})`,
        unit: 'ms',
        ours: median(samples.map((s) => s.shownMs)),
        baseline,
        ratio: median(ratios),
      });
    }
  }
  return figures;
}

if (isMain(import.meta.url)) print(await run());
