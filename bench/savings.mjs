/**
 * Measures the tables of docs/SAVINGS.md by the native simulator and writes them there: `node bench/savings.mjs`. It takes about 20
 * minutes of CPU. A test runs some of the cells again and fails when they have moved.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { summarize } from '../js/sim/summary.js';
import { compile } from '../scripts/lib/cmake.mjs';
import { ROOT, UserError, runMain } from '../scripts/lib/process.mjs';

const PAGE = join(ROOT, 'docs/SAVINGS.md');

/** Viewers, and how many seeds a cell has: a run of 1,000 takes minutes. */
const SIZES = new Map([
  [4, 10],
  [10, 10],
  [50, 5],
  [200, 3],
  [1000, 1],
]);

/** The default of the option: a site that gives digests needs none. */
const CHECKS = 0.1;

/** Scenarios of js/sim/scenarios, and Mbit/s. @type {[scenario: string, mbit: number, audience: string][]} */
const ROWS = [
  ['steady', 1.5, 'usual lines'],
  ['steady', 3, 'usual lines'],
  ['steady', 6, 'usual lines'],
  ['mobile-heavy', 3, 'six of ten on mobile lines'],
];

/** @param {string} scenario @param {number} mbit @param {number} viewers @param {number} seed */
function simulate(scenario, mbit, viewers, seed) {
  const text = readFileSync(join(ROOT, 'js/sim/scenarios', `${scenario}.json`), 'utf8');
  const asked = JSON.parse(text);
  asked.stream.mbit = mbit;
  asked.audience.checks = CHECKS;
  const { stdout, stderr, status } = spawnSync(
    join(ROOT, 'build/bench/bench/hlsmesh-sim'),
    [String(seed), String(viewers)],
    { input: JSON.stringify(asked), encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (status === null || status === 2) throw new UserError(`hlsmesh-sim: ${stderr}`);
  const { series, twinSeries, ...figures } = JSON.parse(stdout);
  return { scenario: {}, figures };
}

/** @param {number} part */
const percent = (part) => `${Math.round(100 * part)}`;

/** @param {string[][]} rows the first is the head */
const table = ([head, ...rows]) => {
  const [first, ...others] = [head, ...rows].map((row) => `| ${row.join(' | ')} |\n`);
  return `${first}|${'---|'.repeat(head.length)}\n${others.join('')}`;
};

/** @param {string} page @param {string} name of a part @param {string} text */
function written(page, name, text) {
  const part = new RegExp(`(<!-- ${name}: [^\\n]*-->\\n)[^]*?(?=\\n<!-- end -->)`);
  if (!part.test(page)) throw new UserError(`docs/SAVINGS.md has no part ${name}`);
  return page.replace(part, (_, start) => `${start}\n${text}`);
}

function measure() {
  const sizes = [...SIZES.keys()];
  const shares = [
    ['audience', 'Mbit/s', ...sizes.map((size) => `${size.toLocaleString('en')} viewers`)],
  ];
  const copies = [shares[0]];
  const runs = [['scenario', 'Mbit/s', 'viewers', 'seeds', 'first seed: share', 'digest']];
  let [longer, worst] = [0, 0];
  for (const [scenario, mbit, audience] of ROWS) {
    const label = [audience, String(mbit)];
    const [share, copy] = [[...label], [...label]];
    for (const [viewers, seeds] of SIZES) {
      const all = Array.from({ length: seeds }, (_, at) =>
        simulate(scenario, mbit, viewers, at + 1),
      );
      const { offload, mostOffload, steadyOriginCopies, interval } = summarize(all);
      const around = seeds > 1 ? ` ± ${percent(interval.offload)}` : '';
      share.push(`${percent(offload)}${around} (${percent(mostOffload)})`);
      copy.push(steadyOriginCopies.toFixed(1));
      for (const { figures } of all) {
        const more = figures.stallSeconds - figures.twinStallSeconds;
        longer += Number(more > 0);
        worst = Math.max(worst, more / viewers);
      }
      const { figures } = all[0];
      runs.push([
        ...[scenario, String(mbit), String(viewers), seeds > 1 ? `1 to ${seeds}` : '1'],
        ...[`${(100 * figures.offload).toFixed(1)} %`, `\`${figures.digest}\``],
      ]);
      console.log(runs[runs.length - 1].join(' '));
    }
    shares.push(share);
    copies.push(copy);
  }
  return { shares, copies, runs, longer, worst };
}

await runMain(import.meta, async () => {
  await compile('bench', ['hlsmesh-sim']);
  const commit = spawnSync('git', ['rev-parse', '--short=8', 'HEAD'], { cwd: ROOT });
  const { shares, copies, runs, longer, worst } = measure();
  const day = new Date().toISOString().slice(0, 10);
  const count = [...SIZES.values()].reduce((sum, seeds) => sum + seeds) * ROWS.length;
  let page = readFileSync(PAGE, 'utf8');
  page = written(page, 'share', table(shares));
  page = written(page, 'copies', table(copies));
  page = written(
    page,
    'runs',
    `Commit ${String(commit.stdout).trim()}, ${day}. In ${longer} of ${count} runs viewers stalled longer than without peers, ` +
      `on average by ${worst.toFixed(2)} s a viewer at most.\n\n${table(runs)}`,
  );
  writeFileSync(PAGE, page);
});
