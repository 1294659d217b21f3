/** Runs the test programs of each kind and counts their tests. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './cmake.mjs';
import { LOGS, ROOT, buildEnvironment, filesIn, lastLines, run } from './process.mjs';

/** A program that runs longer than this hangs. */
const CTEST_LIMIT_S = 1800;
const NODE_LIMIT_MS = 35 * 60_000;

/** The lines of a failed program's output that are printed; all of it is in build/logs. */
const SHOWN_LINES = 150;

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {string} [detail]
 * @property {() => Promise<Outcome>} [again] runs what failed once more; its outcome is the one of the whole
 */

/**
 * The outcome of a check that counts as one test: it failed if there is a complaint.
 * @param {string} complaint
 * @returns {Outcome}
 */
export function verdict(complaint) {
  return complaint === '' ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, detail: complaint };
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} log
 */
export async function checkCommand(command, args, log) {
  const { code, output } = await run(command, args, { log });
  return verdict(code === 0 ? '' : lastLines(output, SHOWN_LINES) || `exit code ${code}`);
}

/**
 * Counts a `ctest --verbose` run: Catch2's test cases, and every other program as one test.
 * @param {string} output
 * @returns {Outcome}
 */
export function countCtest(output) {
  let passed = 0;
  let failed = 0;
  /** Programs whose cases Catch2 has counted, by ctest's number. @type {Set<string>} */
  const counted = new Set();
  for (const [, program, cases] of output.matchAll(
    /^(\d+): All tests passed \([\d,]+ assertions? in (\d+) test cases?\)/gm,
  )) {
    counted.add(program);
    passed += Number(cases);
  }
  for (const [, program, summary] of output.matchAll(/^(\d+): test cases: *\d+ \|(.*)$/gm)) {
    counted.add(program);
    passed += Number(/(\d+) passed/.exec(summary)?.[1] ?? 0);
    failed += Number(/(\d+) failed/.exec(summary)?.[1] ?? 0);
  }
  for (const [, program, result] of output.matchAll(
    /^ *\d+\/\d+ Test +#(\d+): \S+ \.+ *(\S+(?: \S+)?)/gm,
  )) {
    if (result.startsWith('Passed')) {
      if (!counted.has(program)) passed += 1;
    } else if (!counted.has(program)) {
      failed += 1;
    } else if (failed === 0) {
      // Every case passed, but the program failed: it crashed at its exit, or a sanitizer reported something.
      failed = 1;
    }
  }
  return { passed, failed };
}

/**
 * Builds all of a preset and runs its tests.
 * @param {string} preset
 * @returns {Promise<Outcome>}
 */
export async function cppTests(preset) {
  await compile(preset);
  const env = { ...buildEnvironment(), UBSAN_OPTIONS: 'print_stacktrace=1' };
  const args = ['--preset', preset, '--verbose', '--timeout', String(CTEST_LIMIT_S)];
  const { code, output } = await run('ctest', args, {
    env,
    log: `ctest-${preset}.log`,
    // Catch2's `0.012 s: name of the case`, and ctest's own line for each program.
    echo: (line) => {
      const test = /^\d+: (\d+\.\d+ s: .+)$/.exec(line);
      if (test) return `  ${test[1]}`;
      return /^ *\d+\/\d+ Test +#/.test(line) ? line.trimEnd() : null;
    },
  });
  const outcome = countCtest(output);
  if (code !== 0 || outcome.passed + outcome.failed === 0) {
    outcome.failed = Math.max(1, outcome.failed);
    outcome.detail = lastLines(output, SHOWN_LINES);
  }
  return outcome;
}

/**
 * @typedef {object} NodeTests
 * @property {string} log its name in build/logs
 * @property {string[]} [options] of `node`
 * @property {(file: string) => boolean} [which] selects files; default: all
 * @property {boolean} [secondTry] what fails may be run once more with nothing beside it: for tests in real time, which a machine
 *   that stands still for a second fails. The first failure stays in the output and is named in the outcome.
 */

/**
 * Runs the node:test files of a folder.
 * @param {string} folder
 * @param {NodeTests} tests
 * @returns {Promise<Outcome>}
 */
export async function nodeTests(
  folder,
  { log, options = [], which = () => true, secondTry = false },
) {
  const tests = filesIn([folder], ['.mjs']).filter((file) => file.endsWith('.test.mjs'));
  const files = tests.filter(which);
  if (files.length === 0) return verdict(`there are no tests in ${folder}`);
  const first = await runNodeTests(files, log, options);
  if (first.failed === 0 || !secondTry) return first;
  const { again, names } = failures(readFileSync(tapFile(log), 'utf8'), files);
  const secondly = async () => {
    const second = await runNodeTests(again, `${log}-again`, ['--test-concurrency=1']);
    if (second.failed > 0) return { ...first, failed: second.failed, detail: second.detail };
    const told = `passed at the second try only: ${names.join('; ')}`;
    return { passed: first.passed + first.failed, failed: 0, detail: told };
  };
  return { ...first, again: secondly };
}

/** @param {string} log */
const tapFile = (log) => join(LOGS, `${log}.tap`);

/**
 * @param {string[]} files
 * @param {string} log
 * @param {string[]} options
 * @returns {Promise<Outcome>}
 */
async function runNodeTests(files, log, options) {
  const { code, output } = await run(
    process.execPath,
    [
      '--test',
      ...options,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${tapFile(log)}`,
      ...files,
    ],
    {
      log: `${log}.log`,
      timeoutMs: NODE_LIMIT_MS,
      echo: (line) => (/^\s*[✔✖▶﹣]/.test(line) ? `  ${line}` : null),
    },
  );
  const report = readFileSync(tapFile(log), 'utf8');
  /** @param {string} kind */
  const count = (kind) => Number(new RegExp(`^# ${kind} (\\d+)$`, 'm').exec(report)?.[1] ?? 0);
  // A skipped or cancelled test has not passed.
  const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
  if (code === 0 && failed === 0 && count('pass') > 0) return { passed: count('pass'), failed };
  return {
    passed: count('pass'),
    failed: Math.max(1, failed),
    detail: lastLines(output, SHOWN_LINES),
  };
}

/**
 * @param {string} report in TAP, as Node writes it
 * @param {string[]} files that were run
 * @returns {{ again: string[], names: string[] }} the files with failures, all where the report names none; the failed tests
 */
export function failures(report, files) {
  /** @type {string[]} */
  const names = [];
  /** @type {Set<string>} */
  const paths = new Set();
  const blocks = /^ *not ok \d+ - (.*)\n *---\n((?:.*\n)*?) *\.\.\.\n/gm;
  for (const [, name, detail] of report.matchAll(blocks)) {
    const path = /^ *location: '(.*?):\d+:\d+'$/m.exec(detail)?.[1];
    if (path) paths.add(path);
    if (!/^ *type: 'suite'$/m.test(detail)) names.push(name);
  }
  const again = files.filter((file) => paths.has(join(ROOT, file)) || paths.has(file));
  return { again: again.length > 0 ? again : files, names };
}

/** The only functions that the shipped modules may import from their host. */
const IMPORTS = ['env.emscripten_notify_memory_growth', 'wasi_snapshot_preview1.proc_exit'];

/**
 * A clock, random device or stdio in an engine would be one more import.
 * @param {string} file in dist/
 * @returns {Outcome}
 */
export function importList(file) {
  const module = new WebAssembly.Module(readFileSync(join(ROOT, 'dist', file)));
  const imports = WebAssembly.Module.imports(module).map((item) => `${item.module}.${item.name}`);
  const found = imports.sort().join(', ');
  return verdict(
    found === IMPORTS.join(', ') ? '' : `${file} imports ${found}\nnot ${IMPORTS.join(', ')}`,
  );
}
