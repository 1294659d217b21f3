/**
 * Runs all tests: `npm test`, or a part of them: `npm test -- --only static,native,asan,wasm,js,packaging,browser`. After a
 * failed step the others still run, except those that need what it would have built.
 *
 * The C++ is compiled and tested in the background of the build and of the tests that mostly wait, with the processor time that
 * these leave. Most browser tests and the packaging run side by side in two rows; what judges playback comes after them. Tests in
 * real time that failed are run once more when all others have ended, the background included.
 */

import { UserError, inBackground, runMain, say } from './lib/process.mjs';
import { checkCommand, cppTests, importList, nodeTests, verdict } from './lib/steps.mjs';
import { refreshAbi } from './abi.mjs';
import { build } from './build.mjs';
import { checkHouse } from './check-house.mjs';
import { formatCpp, formatJs } from './format.mjs';
import { setup } from './setup.mjs';
import { printSizes } from './size.mjs';

/** @typedef {import('./lib/steps.mjs').Outcome} Outcome */

/**
 * @typedef {object} Step
 * @property {string} group its name for --only
 * @property {string} name
 * @property {boolean} [needsBuild] runs only if the build step passed
 * @property {boolean} [background] runs in the background of the others
 * @property {1 | 2} [row] mostly waits, and runs beside the steps of the other row; default: nothing but the background is beside it
 * @property {boolean} [inBuildFolder] of the background, one that waits for the build step, which compiles in the same folder
 * @property {() => Outcome | Promise<Outcome>} run
 */

/** @param {{ code: number, output: string }} result */
const formatted = ({ code, output }) =>
  verdict(code === 0 ? '' : `${output.slice(0, 4000)}\nFormat with: npm run format`);

/**
 * Browser tests that judge stalls, shares or estimates, or play at many times the speed: other browsers beside them would change
 * their results, and what is in the background, with the lowest priority, hardly does.
 */
const ALONE = /\/(abr|drills|mesh|pair|release-drills|share|soak|waiting)\.test\.mjs$/;

/** Those that take longest of what is not in `ALONE`: at the end of their row they would be the last for minutes. */
const LONG = /\/(history|word)\.test\.mjs$/;

/** Those of `ALONE` that leave half of two cores idle and have room for one another, which rooms of four viewers have not. */
const PAIRED = /\/(drills|pair|release-drills|share|soak)\.test\.mjs$/;

/** @type {Step[]} */
const STEPS = [
  { group: 'static', name: 'C++ formatting', run: async () => formatted(await formatCpp(false)) },
  {
    group: 'static',
    name: 'JavaScript formatting',
    run: async () => formatted(await formatJs(false)),
  },
  {
    group: 'static',
    name: 'JavaScript types (tsc --checkJs --strict)',
    run: () => checkCommand('node_modules/.bin/tsc', ['-p', '.'], 'tsc.log'),
  },
  { group: 'static', name: 'house rules', run: () => verdict(checkHouse().join('\n')) },
  {
    group: 'build',
    name: 'build of dist/',
    run: async () => {
      await build();
      return verdict('');
    },
  },
  {
    group: 'static',
    name: 'size budget',
    needsBuild: true,
    run: () => verdict(printSizes().join('\n')),
  },
  ...['hlsmesh.wasm', 'hlsmesh-tracker.wasm', 'hlsmesh-sim.wasm'].map((file) => ({
    group: 'static',
    name: `import list of ${file}`,
    needsBuild: true,
    run: () => importList(file),
  })),
  {
    group: 'static',
    name: 'generated ABI files are fresh',
    needsBuild: true,
    run: async () => {
      const stale = await refreshAbi(false);
      return verdict(stale.length > 0 ? `stale: ${stale.join(', ')}; npm run abi` : '');
    },
  },
  {
    group: 'native',
    name: 'C++ tests, native (gcc)',
    background: true,
    run: () => cppTests('native'),
  },
  {
    group: 'asan',
    name: 'C++ tests and fuzz corpus, sanitized (clang)',
    background: true,
    run: () => cppTests('native-asan'),
  },
  {
    group: 'wasm',
    name: 'C++ tests as WebAssembly in Node',
    background: true,
    inBuildFolder: true,
    run: () => cppTests('wasm'),
  },
  {
    group: 'js',
    name: 'Node tests',
    needsBuild: true,
    // Most of these tests wait for processes or timers, for less time than browsers beside them may take.
    run: () =>
      nodeTests('tests/js', {
        log: 'node-tests',
        options: ['--test-concurrency=2'],
        secondTry: true,
      }),
  },
  {
    group: 'packaging',
    name: 'packed tarball, bundlers and versions of hls.js (Chromium)',
    needsBuild: true,
    row: 1,
    run: () => nodeTests('tests/packaging', { log: 'packaging-tests', secondTry: true }),
  },
  {
    group: 'browser',
    name: 'browser tests that take long (Chromium)',
    needsBuild: true,
    row: 1,
    run: () =>
      nodeTests('tests/browser', {
        log: 'long-tests',
        options: ['--test-concurrency=2'],
        which: (file) => LONG.test(file),
        secondTry: true,
      }),
  },
  {
    group: 'browser',
    name: 'browser tests (Chromium, Firefox)',
    needsBuild: true,
    row: 2,
    // These tests mostly wait for playback: two of them leave half of two cores idle.
    run: () =>
      nodeTests('tests/browser', {
        log: 'browser-tests',
        options: ['--test-concurrency=3'],
        which: (file) => !ALONE.test(file) && !LONG.test(file),
        secondTry: true,
      }),
  },
  {
    group: 'browser',
    name: 'browser tests that measure playback (Chromium)',
    needsBuild: true,
    run: () =>
      nodeTests('tests/browser', {
        log: 'paired-tests',
        options: ['--test-concurrency=2'],
        which: (file) => PAIRED.test(file),
        secondTry: true,
      }),
  },
  {
    group: 'browser',
    name: 'browser tests that fill the machine (Chromium)',
    needsBuild: true,
    run: () =>
      nodeTests('tests/browser', {
        log: 'playback-tests',
        options: ['--test-concurrency=1'],
        which: (file) => ALONE.test(file) && !PAIRED.test(file),
        secondTry: true,
      }),
  },
];

/** Groups whose steps need dist/. */
const NEED_BUILD = new Set(STEPS.filter((step) => step.needsBuild).map((step) => step.group));

/**
 * @param {string[]} args
 * @returns {Set<string> | null} the groups to run, or null for all
 */
function parseOnly(args) {
  if (args.length === 0) return null;
  const groups = new Set(STEPS.map((step) => step.group));
  const wanted = (args[0] === '--only' ? (args[1] ?? '') : args[0].replace(/^--only=/, '')).split(
    ',',
  );
  if (!args[0].startsWith('--only') || !wanted.every((group) => groups.has(group))) {
    throw new UserError(`usage: npm test -- --only ${[...groups].join(',')}`);
  }
  return new Set(wanted);
}

/** @param {number} since */
const secondsSince = (since) => `${((Date.now() - since) / 1000).toFixed(1).padStart(6)} s`;

/**
 * @param {Step['run']} run
 * @returns {Promise<Outcome>}
 */
async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    return verdict(
      error instanceof UserError
        ? error.message
        : String(/** @type {any} */ (error)?.stack ?? error),
    );
  }
}

await runMain(import.meta, async () => {
  const only = parseOnly(process.argv.slice(2));
  const started = Date.now();
  await setup('test');
  const builds = only === null || [...only].some((group) => NEED_BUILD.has(group));
  const steps = STEPS.filter(
    ({ group }) => only === null || only.has(group) || (group === 'build' && builds),
  );
  /** @type {Map<Step, { line: string, outcome: Outcome }>} */
  const done = new Map();
  let built = true;
  /** @param {Step} step @param {Step['run']} run @param {string} [times] */
  const record = async (step, run, times = '') => {
    say(`\n[${steps.indexOf(step) + 1}/${steps.length}] ${step.name}${times}`);
    const stepStarted = Date.now();
    const outcome = await attempt(run);
    if (step.group === 'build' && outcome.failed > 0) built = false;
    if (outcome.detail) say(outcome.detail.replace(/^/gm, '  | '));
    const mark = outcome.failed > 0 ? 'FAILED' : 'ok';
    const line = `${mark.padEnd(7)}${secondsSince(stepStarted)} ${String(outcome.passed).padStart(5)} passed ${String(outcome.failed).padStart(3)} failed  ${step.name}`;
    say(line);
    done.set(step, { line, outcome });
  };
  /** @param {Step[]} some one after the other */
  const perform = async (some) => {
    for (const step of some) {
      const able = !step.needsBuild || built;
      await record(step, able ? step.run : () => verdict('not run: the build failed'));
    }
  };
  const background = steps.filter((step) => step.background);
  const others = steps.filter((step) => !step.background);
  // What is built and checked first.
  const first = others.filter(({ group }) => group === 'static' || group === 'build');
  const beside = others.filter((step) => !first.includes(step));
  // Checks of the sources need not wait for the build, nor the build for them.
  const sources = first.filter(({ group, needsBuild }) => group === 'static' && !needsBuild);
  const fromBuild = first.filter((step) => !sources.includes(step));
  const ready = Promise.all([perform(sources), perform(fromBuild)]);
  const inRow = (/** @type {1 | 2 | undefined} */ row) => beside.filter((step) => step.row === row);
  // With nothing beside it, what is in the background needs no patience.
  const inTurn = async () => {
    for (const step of background) {
      if (step.inBuildFolder || beside.length === 0) await ready;
      if (beside.length > 0) await inBackground(() => perform([step]));
      else await perform([step]);
    }
  };
  const inRows = async () => {
    await ready;
    await perform(beside.filter(({ group }) => group === 'js'));
    await Promise.all([perform(inRow(1)), perform(inRow(2))]);
    await perform(inRow(undefined).filter(({ group }) => group !== 'js'));
  };
  await Promise.all([inTurn(), inRows()]);
  for (const [step, { outcome }] of done) {
    if (outcome.again) await record(step, outcome.again, ', what failed once more');
  }
  const results = steps.map(
    (step) => /** @type {{ line: string, outcome: Outcome }} */ (done.get(step)),
  );
  const summary = results.map(({ line }) => line);
  /** @param {'passed' | 'failed'} what */
  const total = (what) => results.reduce((sum, { outcome }) => sum + outcome[what], 0);
  console.log(`\n${summary.join('\n')}`);
  console.log(`\nin ${secondsSince(started).trim()}; logs are in build/logs`);
  console.log(`${total('passed')} passed, ${total('failed')} failed`);
  if (total('failed') > 0) process.exitCode = 1;
});
