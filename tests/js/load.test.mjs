import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBrowser } from '../../js/load/browser.js';
import { lost, reportOf, textOf } from '../../js/load/report.js';
import { HELP, readArguments } from '../../js/load/usage.js';

const CLI = fileURLToPath(new URL('../../js/load/cli.js', import.meta.url));
const GOOD = ['--tracker', 'wss://tracker.example', '--src', 'https://cdn.example/a.m3u8'];

test('hlsmesh-load says what is wrong with its command line, and ends with 2', () => {
  for (const [wrong, message] of /** @type {[string[], RegExp][]} */ ([
    [[], /--tracker is missing/],
    [['--tracker', 'wss://tracker.example'], /--src is missing/],
    [['--tracker', 'https://tracker.example'], /--tracker is https.*ws:\/\/ or wss:\/\//],
    [[...GOOD, '--viewers', '0'], /--viewers is 0; it must be a whole number from 1 to 500/],
    [[...GOOD, '--seconds', '1e3'], /--seconds is 1e3/],
    [[...GOOD, '--options', '[1]'], /--options is \[1\]; it must be a JSON object/],
    [[...GOOD, '--option', '{}'], /--option/],
  ])) {
    assert.throws(() => readArguments(wrong), { message });
  }
  const request = readArguments([...GOOD, '--viewers', '3', '--options', '{"upload":false}']);
  assert.equal(request?.viewers, 3);
  assert.deepEqual(request?.options, { upload: false });
  assert.equal(readArguments(['--help']), null);
  const run = (/** @type {string[]} */ ...args) =>
    spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
  const { status, stderr } = run('--tracker', 'x');
  assert.equal(status, 2);
  assert.match(stderr, /^hlsmesh-load: --tracker is x;/);
  const help = run('--help');
  assert.deepEqual([help.status, help.stdout], [0, HELP]);
});

test('without a library, or a browser, hlsmesh-load says how to get one', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'hlsmesh-load-'));
  try {
    await assert.rejects(startBrowser([join(empty, 'package.json')], undefined), {
      message: /none of playwright-core, .* is installed[^]*npm install --no-save playwright-core/,
    });
    await assert.rejects(startBrowser([import.meta.url], join(empty, 'chromium')), {
      message: /Chromium does not start from .*chromium[^]*--browser/,
    });
  } finally {
    rmSync(empty, { recursive: true });
  }
});

/** @param {object} [stats] @param {object} [more] */
const seen = (stats, more) => ({
  ...lost(''),
  stats: { ...lost('').stats, ...stats },
  ...{ watched: 1800, segments: /** @type {[string, number][]} */ ([['/1.ts', 100]]) },
  ...more,
});

test('the report counts copies of each segment, and viewers by what they met', () => {
  const viewers = [
    seen({ cdnBytes: 300, uploadBytes: 100, firstFrameMs: 400, peers: 1 }),
    seen(
      { cdnBytes: 100, p2pBytes: 100, firstFrameMs: 800, stalls: 2, stalledMs: 3000, peers: 1 },
      {
        segments: [
          ['/1.ts', 100],
          ['/2.ts', 100],
        ],
        warnings: ['alone', 'alone'],
      },
    ),
    lost(new Error('the page has crashed\nat somewhere')),
  ];
  const report = reportOf(viewers);
  assert.deepEqual(report, {
    ...{ viewers: 3, playing: 2, offload: 0.2, copies: 2, copiesWithoutPeers: 2.5 },
    bytes: { cdn: 400, p2p: 100, upload: 100 },
    firstFrameMs: { p50: 400, p95: 800 },
    ...{ stalls: 2, stallingViewers: 1, stalledSecondsPerHour: 3, peers: 2 / 3 },
    warnings: { alone: 1 },
    failures: { 'the page has crashed': 1 },
  });
  const text = textOf(report);
  for (const part of ['2 of 3', '20 %', 'sent a segment 2.00 times', 'alone (1)', 'crashed (1)']) {
    assert.ok(text.includes(part), part);
  }
});

test('the report of viewers who saw nothing has no figure that is none', () => {
  const report = reportOf([lost(new Error('gone'))]);
  assert.deepEqual([report.copies, report.firstFrameMs, report.offload], [null, null, 0]);
  assert.match(textOf(report), /playing +0 of 1[^]*sent nothing[^]*first frame +none/);
});
