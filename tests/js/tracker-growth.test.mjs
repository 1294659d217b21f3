/**
 * Row E11 of the cases: what a viewer who enters costs does not depend on how many are there.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Core } from '../../js/core.js';
import { readLimits } from '../../js/tracker/config.js';
import { TrackerEngine } from '../../js/tracker/engine.js';

const WASM =
  process.env.TRACKER_WASM ?? new URL('../../dist/hlsmesh-tracker.wasm', import.meta.url);
const VIEWERS = 50_000;
const FIRST = 10_000;
// Every so many viewers the CPU time is read.
const STRETCH = 5_000;

test('E11: 50,000 viewers enter, and memory grows in few steps, so that the last cost hardly more', async () => {
  const module = await WebAssembly.compile(await readFile(WASM));
  const instantiate = Core.instantiate;
  /** @type {any} */
  let core;
  Core.instantiate = async (...args) => (core = await instantiate.apply(Core, args));
  const limits = { ...readLimits(), roomPeers: 5000, authorize: 0, maxConnections: 0 };
  const engine = await TrackerEngine.create(module, limits, (error) => assert.fail(error));
  Core.instantiate = instantiate;

  let steps = 0;
  let buffer = core.view().buffer;
  /** Microseconds of CPU for a viewer, by stretch. @type {number[]} */
  const costs = [];
  let before = process.cpuUsage();
  const enter = Buffer.from(
    JSON.stringify({ action: 'enter', channel: 'https://cdn.example/a.m3u8', device: 'PC' }),
  );
  for (let conn = 1; conn <= VIEWERS; ++conn) {
    const now = conn;
    const address = `10.${conn >> 16}.${(conn >> 8) & 255}.${conn & 255}`;
    const entropy = Uint32Array.of(1, 2, 3, conn);
    engine.open(now, conn, { address, isp: `isp ${conn % 20}`, province: '' }, entropy, false);
    engine.message(now, conn, enter);
    while (engine.poll() !== null);
    if (core.view().buffer !== buffer) {
      ++steps;
      buffer = core.view().buffer;
    }
    if (conn % STRETCH === 0) {
      const { user, system } = process.cpuUsage(before);
      costs.push((user + system) / STRETCH);
      before = process.cpuUsage();
    }
  }
  const at = (/** @type {number} */ viewers) => costs[viewers / STRETCH - 1];
  console.log(`memory grew ${steps} times; µs a viewer: ${costs.map(Math.round).join(' ')}`);
  assert.ok(steps < 40, `${steps} steps`);
  assert.ok(at(VIEWERS) <= 1.5 * at(FIRST), costs.join(' '));
});
