/**
 * Measures what a viewer downloads, and compares it with budget.json: the last accepted figures, the share by which they may grow
 * without a decision, and a ceiling.
 *
 * `node scripts/size.mjs [--update]`; --update accepts today's figures, and writes them where docs/FAQ.md tells them.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { ROOT, UserError, runMain } from './lib/process.mjs';

const BUDGET = join(ROOT, 'budget.json');
const QUESTIONS = join(ROOT, 'docs/FAQ.md');

/** A page loads one of the SDK's two forms; viewers never load the tracker's engine. */
const DOWNLOADS = {
  module: ['hlsmesh.mjs', 'hlsmesh.wasm'],
  script: ['hlsmesh.js', 'hlsmesh.wasm'],
};

const ALL_FILES = [
  ...new Set(Object.values(DOWNLOADS).flat()),
  'hlsmesh-tracker.wasm',
  'hlsmesh-diagnose.mjs',
  'hlsmesh-shadow.mjs',
  'hlsmesh-overlay.mjs',
];

/** @typedef {{ raw: number, gzip: number, brotli: number }} Size bytes */

/** @returns {Record<string, Size>} of each file, and of each download as the sum of its files */
export function measure() {
  /** @type {Record<string, Size>} */
  const sizes = {};
  for (const name of ALL_FILES) {
    const file = join(ROOT, 'dist', name);
    const bytes = readFileSync(file);
    const brotli = brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
    });
    sizes[name] = {
      raw: bytes.length,
      // By the command, because the zlib in Node compresses differently on different processors.
      gzip: execFileSync('gzip', ['-9', '-n', '-c', file]).length,
      brotli: brotli.length,
    };
  }
  for (const [download, names] of Object.entries(DOWNLOADS)) {
    /** @param {keyof Size} kind */
    const sum = (kind) => names.reduce((total, name) => total + sizes[name][kind], 0);
    sizes[download] = { raw: sum('raw'), gzip: sum('gzip'), brotli: sum('brotli') };
  }
  return sizes;
}

/**
 * @typedef {object} Budget
 * @property {number} growth
 * @property {number} [ceiling] bytes of gzip that no download may exceed, whatever the accepted figure
 * @property {Record<string, { gzip: number, brotli: number }>} bytes
 */

/** @returns {Budget} */
function readBudget() {
  return JSON.parse(readFileSync(BUDGET, 'utf8'));
}

/**
 * Prints the size of each file, and of each download with its budget.
 * @returns {string[]} a line for each download above its budget
 */
export function printSizes() {
  const sizes = measure();
  const budget = readBudget();
  /** @type {string[]} */
  const above = [];
  console.log(
    `${''.padEnd(22)}${['bytes', 'gzip -9', 'brotli'].map((s) => s.padStart(9)).join('')}`,
  );
  for (const [name, size] of Object.entries(sizes)) {
    const figures = [size.raw, size.gzip, size.brotli].map((n) => String(n).padStart(9)).join('');
    const label = name in DOWNLOADS ? `a page's ${name} in all` : name;
    const accepted = budget.bytes[name];
    const limits = accepted && {
      gzip: Math.min(Math.floor(accepted.gzip * (1 + budget.growth)), budget.ceiling ?? Infinity),
      brotli: Math.floor(accepted.brotli * (1 + budget.growth)),
    };
    console.log(
      label.padEnd(22) +
        figures +
        (limits ? `   budget ${limits.gzip} gzip, ${limits.brotli} brotli` : ''),
    );
    if (name in DOWNLOADS && !limits) above.push(`${label}: has no budget yet`);
    for (const kind of /** @type {const} */ (['gzip', 'brotli'])) {
      if (limits && size[kind] > limits[kind]) {
        above.push(`${label}: ${size[kind]} bytes ${kind}, budget ${limits[kind]}`);
      }
    }
  }
  return above;
}

function acceptSizes() {
  const sizes = measure();
  const budget = readBudget();
  budget.bytes = Object.fromEntries(
    Object.keys(DOWNLOADS).map((name) => [
      name,
      { gzip: sizes[name].gzip, brotli: sizes[name].brotli },
    ]),
  );
  writeFileSync(BUDGET, `${JSON.stringify(budget, null, 2)}\n`);
  tellSizes(sizes);
}

/** @param {Record<string, Size>} sizes */
function tellSizes(sizes) {
  const kilobytes = (/** @type {string} */ name) => Math.round(sizes[name].gzip / 1000);
  const told = /A page loads \d+ KB of gzip: a script of \d+ KB/;
  const text = readFileSync(QUESTIONS, 'utf8');
  if (!told.test(text)) throw new UserError(`${QUESTIONS} no longer tells the size of a page`);
  const now = `A page loads ${kilobytes('module')} KB of gzip: a script of ${kilobytes('hlsmesh.mjs')} KB`;
  writeFileSync(QUESTIONS, text.replace(told, now));
}

await runMain(import.meta, async () => {
  if (process.argv.includes('--update')) acceptSizes();
  const above = printSizes();
  if (above.length > 0) {
    throw new UserError(`Above budget:\n${above.join('\n')}
If the growth is worth it, accept it: node scripts/size.mjs --update`);
  }
});
