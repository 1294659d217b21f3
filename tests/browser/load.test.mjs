/** `hlsmesh-load` against a real origin and tracker. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startBrowser } from '../../js/load/browser.js';
import { CHROMIUM, LOWEST, withStage } from './stage.mjs';

const CLI = fileURLToPath(new URL('../../js/load/cli.js', import.meta.url));

/** @param {string[]} args */
const load = (...args) =>
  promisify(execFile)(process.execPath, [CLI, '--browser', CHROMIUM, ...args]).catch(
    (error) => error,
  );

test('hlsmesh-load: two viewers play and share, and the report says how much', async () => {
  await withStage(async (stage) => {
    const tracker = stage.tracker?.url ?? '';
    const src = `${stage.origin.url}/vod/master.m3u8`;
    const common = ['--tracker', tracker, '--config', JSON.stringify(LOWEST)];
    const { stdout, code } = await load(
      ...[...common, '--src', src, '--json', '--viewers', '2'],
      ...['--within', '12', '--seconds', '20', '--options', '{"iceServers":[]}'],
    );
    assert.equal(code, undefined, stdout);
    const report = JSON.parse(stdout);
    assert.equal(report.viewers, 2);
    assert.equal(report.playing, 2);
    assert.equal(report.peers, 1);
    assert.ok(report.bytes.p2p > 0 && report.offload > 0);
    assert.ok(report.firstFrameMs.p50 > 0);
    assert.deepEqual(report.failures, {});
    // What the report says of the CDN is what the CDN says.
    const sent = stage.fetches.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(Math.abs(report.bytes.cdn / sent - 1) < 0.1, `${report.bytes.cdn} of ${sent}`);
    assert.ok(report.copies >= 1 && report.copies < report.copiesWithoutPeers, stdout);

    // A stream that is not there: every viewer says so, and so does the exit code.
    const none = await load(
      ...[...common, '--src', `${stage.origin.url}/none.m3u8`, '--viewers', '1'],
      ...['--within', '0', '--seconds', '3'],
    );
    assert.equal(none.code, 1);
    assert.match(none.stdout, /playing +0 of 1/);
    assert.match(none.stdout, /failure +manifestLoadError \(1\)/);
  });
});

test('hlsmesh-load works by Puppeteer as well', async () => {
  const browser = await startBrowser([import.meta.url], CHROMIUM, ['puppeteer-core']);
  try {
    const page = await browser.open();
    await page.goto('data:text/html,<title>here</title>');
    assert.equal(await page.evaluate(() => document.title), 'here');
  } finally {
    await browser.close();
  }
});
