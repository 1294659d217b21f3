/** `hlsmesh-sim` as its users run it: arguments, figures, the report, and what is said of mistakes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../js/sim/options.js';
import { fitGrowth, flow, originPart, roomOf } from '../../js/sim/flow.js';
import { Simulator } from '../../js/sim/simulator.js';
import { summarize } from '../../js/sim/summary.js';

const CLI = fileURLToPath(new URL('../../js/sim/cli.js', import.meta.url));
const SCENARIOS = new URL('../../js/sim/scenarios/', import.meta.url);
const SMALL = ['--scenario', 'reference', '--viewers', '4', '--seconds', '30'];
const dir = mkdtempSync(path.join(tmpdir(), 'hlsmesh-sim-'));
after(() => rmSync(dir, { recursive: true }));

/** @param {string[]} args */
function sim(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** @param {string} name @param {unknown} content */
function file(name, content) {
  const at = path.join(dir, name);
  writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content));
  return at;
}

describe('hlsmesh-sim', { concurrency: 2 }, () => {
  test('prints the figures that others rely on, the same for the same seed', () => {
    const first = sim(...SMALL, '--json');
    assert.equal(first.status, 0, first.stderr);
    const figures = JSON.parse(first.stdout);
    for (const name of [
      ...['viewers', 'offload', 'eta', 'originCopies', 'stallSeconds', 'twinStallSeconds'],
      ...['duplicates', 'control', 'wallSeconds', 'peakBytes'],
    ]) {
      assert.equal(typeof figures[name], 'number', name);
    }
    for (const name of ['addedLatency', 'firstFrame']) {
      assert.equal(typeof figures[name].p50, 'number', name);
      assert.equal(typeof figures[name].p95, 'number', name);
    }
    const page = readFileSync(new URL('../../docs/SIMULATOR.md', import.meta.url), 'utf8');
    for (const name of Object.keys(figures)) assert.ok(page.includes(`\`${name}\``), name);
    assert.match(figures.digest, /^[0-9a-f]{16}$/);
    assert.equal(figures.viewers, 4);
    assert.equal(JSON.parse(sim(...SMALL, '--json').stdout).digest, figures.digest);
    assert.notEqual(
      JSON.parse(sim(...SMALL, '--json', '--seed', '2').stdout).digest,
      figures.digest,
    );
  });

  test('several seeds are means with intervals, in a table and in a report that needs nothing else', () => {
    const page = path.join(dir, 'report.html');
    const { status, stdout, stderr } = sim(...SMALL, '--seeds', '3', '--report', page);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /offload: media bytes that came from peers +[\d.]+ % ± [\d.]+ %/);
    const html = readFileSync(page, 'utf8');
    const data = /<script type="application\/json" id="figures">(.*?)<\/script>/s.exec(html);
    const { summary, runs } = JSON.parse(data?.[1] ?? '');
    assert.equal(runs.length, 3);
    const offloads = runs.map((/** @type {any} */ run) => run.figures.offload);
    assert.ok(Math.min(...offloads) <= summary.offload && summary.offload <= Math.max(...offloads));
    assert.ok(!/(src|href)="(?!data:)/.test(html), 'it loads nothing');
  });

  test('a figure that is missed gives its exit code, what it was, and the command that does it again', () => {
    const scenario = file('missed.json', {
      ...JSON.parse(readFileSync(new URL('two-viewers.json', SCENARIOS), 'utf8')),
      seconds: 20,
      expect: { offload: { least: 2 } },
    });
    const { status, stderr } = sim('--scenario', scenario, '--seed', '5');
    assert.equal(status, 14);
    assert.match(stderr, /seed 5: offload is [\d.]+, expected at least 2/);
    assert.ok(stderr.includes(`again: npx -p hlsmesh hlsmesh-sim --scenario ${scenario} --seed 5`));
  });

  test('a report that cannot be written loses no figures', () => {
    const { status, stdout, stderr } = sim(...SMALL, '--json', '--report', dir);
    assert.equal(status, 2);
    assert.match(stderr, /^hlsmesh-sim: --report: EISDIR/);
    assert.equal(JSON.parse(stdout).viewers, 4);
  });

  test('without a scenario everything is drawn from the seed, and printed', () => {
    const { status, stderr } = sim('--seed', '9');
    assert.equal(status, 0, stderr);
    const drawn = JSON.parse(/^seed 9: (.*)$/m.exec(stderr)?.[1] ?? '');
    assert.equal(drawn.name, 'seed 9');
    assert.ok(drawn.audience.viewers >= 2);
  });

  test('mistakes are said, with exit code 2', () => {
    for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
      [['--viewers', 'many'], /--viewers must be a number, not "many"/],
      [['--viewers', '0'], /audience\.viewers must be a number from 1/],
      [['--scenario', 'nowhere'], /--scenario: there is none named nowhere; --list names all/],
      [['--scenario', './nowhere.json'], /--scenario: ENOENT/],
      [['--scenario', file('no.json', '{')], /no\.json is not JSON/],
      [['--scenario', file('list.json', [])], /must hold a JSON object/],
      [['--audience', file('odd.json', { viewer: 3 })], /audience\.viewer is unknown here/],
      [['--seed=-1'], /--seed must be a whole number below 2\^64/],
      [['--seed', '3', '--viewers', '9'], /--viewers needs --scenario/],
      [['--report', path.join(dir, 'nowhere', 'report.html')], /--report: ENOENT/],
      [['--seeds', '0'], /--seeds must be a whole number from 1/],
      [['--speed', '3'], /--speed/],
    ])) {
      const all = args[0] === '--audience' ? ['--scenario', 'reference', ...args] : args;
      const { status, stdout, stderr } = sim(...all);
      assert.equal(status, 2, all.join(' '));
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }
  });

  test('--help and --list tell what there is', () => {
    assert.match(sim('--help').stdout, /--scenario NAME\|FILE/);
    const names = readdirSync(SCENARIOS).map((name) => name.replace('.json', ''));
    const { stdout } = sim('--list');
    for (const name of names) assert.match(stdout, new RegExp(`^${name} `, 'm'));
  });

  test('every scenario that comes with hlsmesh is one, and says where its audience is from', () => {
    const simulator = new Simulator(
      new WebAssembly.Module(readFileSync(new URL('../../dist/hlsmesh-sim.wasm', import.meta.url))),
    );
    for (const name of readdirSync(SCENARIOS)) {
      const scenario = JSON.parse(readFileSync(new URL(name, SCENARIOS), 'utf8'));
      assert.equal(`${simulator.open(scenario, 1n).name}.json`, name);
      assert.ok(scenario.about, name);
      if (name === 'reference.json') continue;
      for (const { source } of scenario.audience.access) assert.ok(source, name);
    }
  });
});

test('arguments: what is given changes the scenario, and stands in the command for the same again', () => {
  const request = /** @type {import('../../js/sim/options.js').Request} */ (
    readArguments('--viewers 7 --checks 0.1 --bitrate 5 --segment 4 --seconds 60'.split(' '))
  );
  assert.equal(request.scenario.audience.viewers, 7);
  assert.equal(request.scenario.audience.checks, 0.1);
  assert.deepEqual([request.scenario.stream.mbit, request.scenario.stream.segmentSeconds], [5, 4]);
  assert.equal(request.scenario.seconds, 60);
  assert.deepEqual(
    readArguments(request.replay),
    request,
    'the command for the same again makes the same request',
  );
});

test('means and intervals of runs are those of statistics', () => {
  const runs = [1, 2, 3].map((offload) => ({
    scenario: {},
    figures: { offload, upload: { gini: 2 * offload }, steadyOriginCopies: null, violations: [] },
  }));
  const summary = summarize(runs);
  assert.equal(summary.offload, 2);
  assert.equal(summary.upload.gini, 4);
  assert.ok(Math.abs(summary.interval.offload - (4.3 * 1) / Math.sqrt(3)) < 0.01);
});

test('the flow model: the faster engines pass on, the less the origin brings; rooms bound it', () => {
  assert.ok(
    Math.abs(originPart(0, 1000) - 1) < 1e-9,
    'who passes nothing on gets all from the origin',
  );
  assert.ok(originPart(100, 1000) < 0.1);
  assert.ok(originPart(10, 1000) < originPart(5, 1000));
  assert.ok(Math.abs(originPart(fitGrowth(0.4, 1000), 1000) - 0.4) < 1e-6);
  assert.deepEqual([roomOf(4000), roomOf(10_000), roomOf(1_000_000)], [4000, 5000, 3906.25]);
  // What exact runs of the scenario `steady` gave.
  const exact = { viewers: 1000, offload: 0.5752, mostOffload: 0.97 };
  const smaller = { viewers: 300, offload: 0.6224, mostOffload: 0.96 };
  const { offload, error } = flow(exact, smaller, 10_000);
  assert.ok(Math.abs(offload - 0.5513) < 0.05, `${offload} of 10,000 viewers, 0.5513 exactly`);
  assert.ok(Math.abs(error) < 0.06, String(error));
});

test('--flow prints what a larger audience would get, and how far the model is off', () => {
  const { status, stdout, stderr } = sim(...SMALL, '--flow', '100000', '--viewers', '30');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /offload with 100000 viewers, by the flow model +[\d.]+ %/);
  assert.match(stdout, /error of the model there, in points +-?[\d.]+/);
  assert.match(sim('--seed', '1', '--flow', '9').stderr, /--flow needs --scenario/);
});
