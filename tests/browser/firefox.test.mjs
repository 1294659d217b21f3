import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { withFirefox } from './firefox.mjs';
import { loadErrors, withStage } from './stage.mjs';

/** @typedef {import('./stage.mjs').Viewer} Viewer */

// Enough that it is no accident, few enough that the first viewer has them soon after it starts.
const SEGMENTS = 5;

// Seconds of media. With all of the stream in reach, a second viewer whose connection is slow to open would have no use for it.
const SHORT_BUFFER = { maxBufferLength: 14, maxMaxBufferLength: 14 };

/**
 * Waits until hls.js has enough segments of a source, digests and all.
 * @param {Viewer} viewer
 * @param {'cdn' | 'peer'} source
 * @returns {Promise<{ url: string, bytes: number, sha256: string }[]>} what hls.js was given
 */
async function delivered({ page }, source) {
  const fragments = await page.waitForFunction(
    ([wanted, count]) => {
      const urls = globalThis.seen.events
        .filter((/** @type {any} */ e) => e.name === 'segment' && e.source === wanted)
        .map((/** @type {any} */ e) => e.url);
      const found = globalThis.seen.fragments.filter(
        (/** @type {any} */ f) => f.sha256 && urls.includes(f.url),
      );
      return found.length >= count && found;
    },
    /** @type {[string, number]} */ ([source, SEGMENTS]),
    { timeout: 60_000, polling: 100 },
  );
  return fragments.jsonValue();
}

/** @param {Viewer} viewer */
async function assertPlaysWithoutLoadErrors(viewer) {
  await viewer.plays(2);
  assert.deepEqual(loadErrors(await viewer.seen()), [], viewer.name);
  assert.ok((await viewer.video()).videoWidth > 0, `${viewer.name} shows no picture`);
}

describe('two engines of browser', { concurrency: false }, () => {
  for (const [first, second] of /** @type {const} */ ([
    ['Chromium', 'Firefox'],
    ['Firefox', 'Chromium'],
  ])) {
    test(`${second} joins ${first} and plays the very bytes of the origin that ${first} gave it`, () =>
      withFirefox((firefox) =>
        withStage(async (stage) => {
          const browsers = { Firefox: firefox, Chromium: await stage.browser() };
          const giver = await stage.viewer({ name: first, browser: browsers[first] });
          await delivered(giver, 'cdn');
          const taker = await stage.viewer({
            name: second,
            browser: browsers[second],
            config: SHORT_BUFFER,
          });
          const given = await delivered(taker, 'peer');
          await Promise.all([giver, taker].map(assertPlaysWithoutLoadErrors));

          assert.match(
            await (first === 'Firefox' ? giver : taker).page.evaluate(() => navigator.userAgent),
            / Gecko\/\S+ Firefox\//,
          );
          for (const { url, bytes, sha256 } of given) {
            const body = Buffer.from(await (await fetch(url)).arrayBuffer());
            assert.equal(bytes, body.length, `length of ${url}`);
            assert.equal(sha256, createHash('sha256').update(body).digest('hex'), `${url}`);
          }
          const bytes = given.reduce((sum, fragment) => sum + fragment.bytes, 0);
          const { received } = await taker.dataChannelBytes();
          const { sent } = await giver.dataChannelBytes();
          console.log(
            `${second}: ${given.length} segments (${bytes} bytes) compared, ${received} bytes received; ` +
              `${stage.mediaBytes(second)} bytes from the origin; ${first}: ${sent} bytes sent`,
          );
          assert.ok(received >= bytes, `${second}'s channels received ${received} of ${bytes}`);
          assert.ok(sent >= bytes, `${first}'s channels sent ${sent} of ${bytes}`);
        }),
      ));
  }
});
