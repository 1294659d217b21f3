/** docs/SAVINGS.md: its figures are those of the engines of today. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Simulator } from '../../js/sim/simulator.js';

const read = (/** @type {string} */ file) => new URL(`../../${file}`, import.meta.url);
const page = readFileSync(read('docs/SAVINGS.md'), 'utf8');

/** Points by which a share may move before the tables have to be measured again. */
const TOLERANCE = 4;

const rows = [
  ...page.matchAll(
    /^\| ([a-z-]+) \| ([\d.]+) \| (\d+) \| 1\D.*\| ([\d.]+) % \| `[0-9a-f]{16}` \|$/gm,
  ),
].map(([, scenario, mbit, viewers, share]) => ({
  scenario,
  mbit: Number(mbit),
  viewers: Number(viewers),
  share: Number(share),
}));

test('the tables name a run for each of their cells', () => {
  const cells = [...page.matchAll(/ \(\d+\) (?=\|)/g)];
  assert.ok(cells.length >= 20);
  assert.equal(rows.length, cells.length);
});

for (const viewers of [10, 50]) {
  test(`the share of ${viewers} viewers is what the page says; else: node bench/savings.mjs`, () => {
    const row = rows.find((each) => each.viewers === viewers && each.scenario === 'steady');
    assert.ok(row);
    const scenario = JSON.parse(
      readFileSync(read(`js/sim/scenarios/${row.scenario}.json`), 'utf8'),
    );
    scenario.stream.mbit = row.mbit;
    scenario.audience.viewers = viewers;
    scenario.audience.checks = 0.1;
    const simulator = new Simulator(
      new WebAssembly.Module(readFileSync(read('dist/hlsmesh-sim.wasm'))),
    );
    simulator.open(scenario, 1n);
    for (let done = 0; done < 1;) done = simulator.advance(10);
    const share = 100 * simulator.figures().offload;
    assert.ok(Math.abs(share - row.share) < TOLERANCE, `${share.toFixed(1)} %, not ${row.share} %`);
  });
}
