import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { SEGMENT_SECONDS, ensureStream } from '../demo/stream.mjs';
import { WINDOW_SEGMENTS } from '../demo/live.mjs';
import { Simulator } from '../js/sim/simulator.js';
import { setup } from '../scripts/setup.mjs';
import { APART_MS, measure } from './beside.mjs';
import { isMain } from './report.mjs';

/**
 * The simulator beside real Chromium: the same number of viewers who come a second apart to the same live stream, on one machine.
 *
 *     node bench/validate.mjs [--viewers 2,4,8] [--seconds 60]
 */

/** Of the machine to itself: more than any viewer here can use. */
const LOOPBACK = { name: 'loopback', upMbit: 1000, downMbit: 1000, oneWayMs: 0.1 };

/**
 * What is compared: copies of a segment in the whole run, the part from peers, and stalls of all viewers. Not latency: where in the
 * list hls.js begins differs from one run to the next.
 * @typedef {{ copies: number, offload: number, stalledS: number }} Figures
 */

/** @param {WebAssembly.Module} module @param {number} viewers @param {number} seconds @param {number} mbit @returns {Figures} */
function simulated(module, viewers, seconds, mbit) {
  const simulator = new Simulator(module);
  const joinWithin = (viewers * APART_MS) / 1000;
  const scenario = {
    name: 'one machine',
    seconds: joinWithin + seconds,
    stream: { live: true, mbit, segmentSeconds: SEGMENT_SECONDS, window: WINDOW_SEGMENTS },
    // The SDK's default.
    audience: { viewers, access: [LOOPBACK], joinWithin, checks: 0.1 },
    origin: { latencyMs: 1 },
  };
  simulator.open(scenario, 1n);
  while (simulator.advance(1) < 1);
  const { offload, stallSeconds } = simulator.figures();
  return { copies: (1 - offload) * viewers, offload, stalledS: stallSeconds };
}

/** Mbit/s of the lowest rendition, which all viewers play. */
async function bitrate() {
  const folder = await ensureStream();
  const list = readFileSync(path.join(folder, '240p.m3u8'), 'utf8');
  const files = list.split('\n').filter((line) => line && !line.startsWith('#'));
  const bytes = files.reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
  return (bytes * 8) / (files.length * SEGMENT_SECONDS) / 1e6;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      viewers: { type: 'string', default: '2,4,8' },
      seconds: { type: 'string', default: '60' },
    },
  });
  await setup('build');
  const file = new URL('../dist/hlsmesh-sim.wasm.br', import.meta.url);
  const module = new WebAssembly.Module(brotliDecompressSync(readFileSync(file)));
  const seconds = Number(values.seconds);
  const mbit = await bitrate();
  console.log(`live, ${mbit.toFixed(2)} Mbit/s, ${seconds} s\n`);
  console.log('| viewers | by | copies | from peers | stalled |');
  console.log('|---|---|---|---|---|');
  for (const viewers of values.viewers.split(',').map(Number)) {
    /** @type {Record<string, Figures>} */
    const figures = {
      Chromium: await measure('hlsmesh', '/live/master.m3u8', viewers, seconds),
      simulator: simulated(module, viewers, seconds, mbit),
    };
    for (const [by, { copies, offload, stalledS }] of Object.entries(figures)) {
      const cells = [viewers, by, copies.toFixed(2), `${(offload * 100).toFixed(1)} %`];
      console.log(`| ${cells.join(' | ')} | ${stalledS.toFixed(1)} s |`);
    }
  }
}
