#!/usr/bin/env node
/** `hlsmesh-sim`: runs scenarios and prints what came of them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { UsageError, readArguments } from './options.js';
import { ScenarioError, Simulator } from './simulator.js';
import { flow, flowTable } from './flow.js';
import { summarize, table } from './summary.js';
import { reportPage } from './report.js';

/** Simulated seconds between two looks at how far a run is. */
const STEP_SECONDS = 1;

const USAGE = 2;

// Whoever read the output may be gone, or the disk be full: what the command does goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** @param {import('./options.js').Request} request */
function run(request) {
  const module = new WebAssembly.Module(
    brotliDecompressSync(readFileSync(new URL('../../dist/hlsmesh-sim.wasm.br', import.meta.url))),
  );
  if (request.flow !== null) return runFlow(request, request.flow, module);
  const runs = [];
  for (let i = 0; i < request.seeds; i++) {
    const seed = request.seed + BigInt(i);
    const simulator = new Simulator(module);
    const scenario = simulator.open(request.scenario ?? simulator.draw(seed), seed);
    if (!request.scenario) process.stderr.write(`seed ${seed}: ${JSON.stringify(scenario)}\n`);
    const began = performance.now();
    for (let done = 0; done < 1;) {
      done = simulator.advance(STEP_SECONDS);
      showProgress((i + done) / request.seeds);
    }
    const figures = simulator.figures();
    figures.wallSeconds = (performance.now() - began) / 1000;
    figures.peakBytes = simulator.memoryBytes;
    runs.push({ scenario, figures });
    for (const { what } of figures.violations) {
      process.stderr.write(`seed ${seed}: ${what}\n  again: ${replayOf(request, seed)}\n`);
    }
  }
  const summary = summarize(runs);
  process.stdout.write(request.json ? `${JSON.stringify(summary, null, 2)}\n` : table(summary));
  if (request.report) writeReport(request.report, reportPage(summary, runs));
  return runs.flatMap(({ figures }) => figures.violations)[0]?.property ?? 0;
}

/** @param {import('./options.js').Request} request @param {number} viewers @param {WebAssembly.Module} module */
function runFlow(request, viewers, module) {
  const figuresOf = (/** @type {number} */ part) => {
    const simulator = new Simulator(module);
    const audience = { ...request.scenario.audience };
    const count =
      audience.viewers ?? simulator.open(request.scenario, request.seed).audience.viewers;
    audience.viewers = Math.max(2, Math.round(count * part));
    simulator.open({ ...request.scenario, audience }, request.seed);
    for (let done = 0; done < 1;) showProgress((done = simulator.advance(STEP_SECONDS)));
    return simulator.figures();
  };
  const result = flow(figuresOf(1), figuresOf(1 / 3), viewers);
  process.stdout.write(request.json ? `${JSON.stringify(result, null, 2)}\n` : flowTable(result));
  return 0;
}

/** @param {string} file @param {string} page */
function writeReport(file, page) {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw new UsageError(`--report: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {import('./options.js').Request} request @param {bigint} seed */
const replayOf = ({ replay }, seed) =>
  ['npx -p hlsmesh hlsmesh-sim', ...replay, '--seed', String(seed)].join(' ');

/** @param {number} done 0 to 1 */
function showProgress(done) {
  if (!process.stderr.isTTY) return;
  const bar = '#'.repeat(Math.round(done * 40)).padEnd(40, '.');
  process.stderr.write(`\r[${bar}] ${Math.round(done * 100)} %${done < 1 ? '' : '\n'}`);
}

try {
  const request = readArguments(process.argv.slice(2));
  if ('print' in request) process.stdout.write(request.print);
  else process.exitCode = run(request);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof ScenarioError)) throw error;
  process.stderr.write(`hlsmesh-sim: ${error.message}\n`);
  process.exitCode = USAGE;
}
