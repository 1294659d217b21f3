/** A viewer goes to another page and comes back, in real Chromium with its back/forward cache and without. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { SEGMENT_SECONDS, STREAM_SECONDS } from '../../demo/stream.mjs';
import { CHROMIUM, CHROMIUM_FLAGS, PATIENCE_MS, loadErrors, withStage } from './stage.mjs';

const AWAY_MS = 2_000;

/** Some seconds of buffer, so that something is loaded most of the time. */
const SHORT = { maxBufferLength: 6, maxMaxBufferLength: 6 };

/** Bytes a second, above the rate of the stream: a load takes about a second, from the CDN and from a peer. */
const LINE = 100_000;

/** Playwright switches the cache off, which users have. */
const OFF = '--disable-back-forward-cache';

/** @param {boolean} keeps whether pages are kept while their user is elsewhere */
const launch = (keeps) =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: CHROMIUM_FLAGS,
    ignoreDefaultArgs: ['--headless', '--mute-audio', ...(keeps ? [OFF] : [])],
  });

/** Notes whether the page was kept, each time that it is shown. */
function noteShows() {
  /** @type {boolean[]} */
  const shows = [];
  Object.assign(globalThis, { shows });
  addEventListener('pageshow', ({ persisted }) => shows.push(persisted));
}

/** @param {import('./stage.mjs').Viewer} viewer @returns {Promise<boolean[]>} */
const showsOf = ({ page }) => page.evaluate(() => /** @type {any} */ (globalThis).shows);

/** Viewers that the tracker knows. @param {import('./stage.mjs').Stage} stage */
async function viewersOf({ tracker }) {
  const page = await fetch(`http://127.0.0.1:${tracker?.port}/metrics`);
  return Number(/^hlsmesh_tracker_peers (\d+)$/m.exec(await page.text())?.[1]);
}

/** @param {import('./stage.mjs').Stage} stage @param {number} count */
async function knowsViewers(stage, count) {
  const end = Date.now() + PATIENCE_MS;
  let last;
  while ((last = await viewersOf(stage)) !== count) {
    assert.ok(Date.now() < end, `the tracker knows ${last} viewers, not ${count}`);
    await sleep(100);
  }
}

/** In the middle of a load, if there is one soon. @param {import('./stage.mjs').Viewer} viewer */
async function leave({ page, stage }) {
  const loads = () => /** @type {any} */ (globalThis.hls).streamController.state === 'FRAG_LOADING';
  await page.waitForFunction(loads, undefined, { polling: 10, timeout: 5_000 }).catch(() => {});
  await page.goto(`${stage.origin.url}/elsewhere/`);
}

/** @param {import('./stage.mjs').Viewer} viewer */
const comeBack = ({ page }) => page.goBack({ waitUntil: 'commit' });

/** What hls.js was handed is what the origin has. @param {import('./stage.mjs').Viewer} viewer */
async function assertBytes(viewer) {
  const seen = await viewer.seen();
  assert.deepEqual(loadErrors(seen), []);
  const came = seen.fragments.filter((/** @type {any} */ each) => each.sha256);
  assert.ok(came.length > 0, `${viewer.name} loaded nothing`);
  for (const { url, sha256 } of came) {
    // A live segment is one of the film's, which goes round and round, and is soon listed no more.
    const number = Number(/240p_(\d+)\.ts$/.exec(url)?.[1]) % (STREAM_SECONDS / SEGMENT_SECONDS);
    const file = `/vod/240p_${String(number).padStart(5, '0')}.ts`;
    const body = Buffer.from(await (await fetch(new URL(file, url))).arrayBuffer());
    assert.equal(sha256, createHash('sha256').update(body).digest('hex'), `digest of ${url}`);
  }
}

describe('away and back', { concurrency: 2 }, () => {
  for (const kind of ['vod', 'live']) {
    for (const keeps of [true, false]) {
      const how = keeps ? 'kept meanwhile: plays on' : 'not kept: begins anew';
      test(`${kind}, a page that is ${how}, as without a mesh, and is a viewer again, once`, async () => {
        const browser = await launch(keeps);
        try {
          await withStage(
            async (stage) => {
              stage.origin.onRequest = ({ path, headers }) =>
                path.endsWith('.ts') && !headers['user-agent']?.endsWith('/one')
                  ? { bytesPerSecond: LINE }
                  : undefined;
              const src = `/${kind}/master.m3u8`;
              const options = { uploadBytesPerSecond: LINE };
              const one = await stage.viewer({ name: 'one', src, options });
              await one.plays(4);
              const what = { src, browser, config: SHORT, init: noteShows };
              const two = await stage.viewer({ name: 'two', ...what });
              const plain = await stage.viewer({ name: 'plain', ...what, query: { plain: '1' } });
              await two.waitForEvent('peer', { state: 'opened' });

              for (const visits of [1, 2]) {
                await Promise.all([two.plays(3), plain.plays(3)]);
                const [before, plainBefore] = [await two.video(), await plain.video()];
                await Promise.all([leave(two), leave(plain)]);
                await knowsViewers(stage, 1);
                await sleep(AWAY_MS);
                await Promise.all([comeBack(two), comeBack(plain)]);

                await Promise.all([two.plays(4), plain.plays(4)]);
                const shows = keeps ? [false, ...Array(visits).fill(true)] : [false];
                assert.deepEqual([await showsOf(two), await showsOf(plain)], [shows, shows]);
                if (keeps) {
                  assert.ok((await two.video()).currentTime > before.currentTime + 4);
                  assert.ok((await plain.video()).currentTime > plainBefore.currentTime + 4);
                }
                // It is a viewer, with the same neighbor, once.
                for (const { page } of [one, two]) {
                  await page.waitForFunction(() => globalThis.mesh.stats.peers === 1);
                }
                // Live, either may be the one that fetches from the CDN.
                const { p2pBytes, uploadBytes } = await two.stats();
                await two.page.waitForFunction((bytes) => {
                  const { stats } = globalThis.mesh;
                  return stats.p2pBytes + stats.uploadBytes > bytes;
                }, p2pBytes + uploadBytes);
                await knowsViewers(stage, 2);
                assert.equal((await one.peers()).length, 1);
                assert.deepEqual((await two.seen()).events.filter(bad), []);
                for (const viewer of [two, plain]) await assertBytes(viewer);
              }
              assert.deepEqual(loadErrors(await one.seen()), []);
            },
            {
              '/elsewhere/': (_, res) => {
                res.setHeader('Content-Type', 'text/html');
                res.end('<!doctype html><title>Elsewhere</title><link rel="icon" href="data:," />');
              },
            },
          );
        } finally {
          await browser.close();
        }
      });
    }
  }
});

/** @param {any} event */
const bad = ({ name }) => name === 'warning' || name === 'fatal';
