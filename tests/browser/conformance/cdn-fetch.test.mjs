import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { withFirefox } from '../firefox.mjs';
import { Stage } from '../stage.mjs';
import { BODY, abandoned, oddOrigin, preflights } from './odd-origin.mjs';

/**
 * The SDK's own fetch beside hls.js's loader for XMLHttpRequest: whatever the server does, hls.js hears the same.
 */

const SDK = fileURLToPath(new URL('../../../js/', import.meta.url));

/** @type {Record<string, any>} */
const LOADS = {
  'a whole segment': { file: 'whole' },
  'a segment from another origin': { file: 'whole', elsewhere: true },
  'a segment without a length': { file: 'no-length' },
  'a segment that the server zipped': { file: 'zipped' },
  'a segment that drips': { file: 'drip' },
  'a redirect': { file: 'moved' },
  'a redirect at another origin': { file: 'moved', elsewhere: true },
  'an empty answer': { file: 'empty' },
  'no content': { file: 'no-content' },
  'status 404': { file: 'missing' },
  'a status with words of its own': { file: 'gone' },
  'status 503': { file: 'busy' },
  'an answer that CORS forbids': { file: 'refused', elsewhere: true },
  'a body cut short': { file: 'cut-short' },
  'a body without a length cut short': { file: 'cut-chunked' },
  'a body longer than its head says': { file: 'longer-than-said' },
  'a body shorter than its head says': { file: 'shorter-than-said' },
  'a connection reset within the body': { file: 'reset' },
  'a connection that ends': { file: 'hung' },
  'a port where nobody listens': { url: 'http://127.0.0.1:9/segment.ts' },
  'a first byte that is too late': { file: 'late', firstByteMs: 300 },
  'a first byte that may be late': { file: 'late', firstByteMs: Infinity },
  'a body that takes too long': { file: 'drip', wholeMs: 250 },
  'a head, and no byte after it': { file: 'head-only', firstByteMs: 300, wholeMs: 900 },
  // The first byte comes at once, which on a busy machine may take a while.
  'a body that stops': { file: 'stuck', firstByteMs: 5000, wholeMs: 1500 },
  'a first byte that is late after its head': { file: 'late-body' },
  'a first byte that is too late after its head': { file: 'late-body', firstByteMs: 300 },
  'a refusal that does not end': { file: 'missing-stuck', firstByteMs: 5000, wholeMs: 1500 },
  'a refusal of which only the head comes': {
    file: 'missing-head-only',
    firstByteMs: 300,
    wholeMs: 900,
  },
  'a range': { file: 'range', range: [100, 200] },
  'a range of another origin': { file: 'range', range: [100, 200], elsewhere: true },
  'a range that the server ignores': { file: 'range-ignored', range: [100, 200] },
  'another range': { file: 'other-range', range: [100, 200] },
  'a shorter range': { file: 'short-range', range: [100, 200] },
  'a range that is none': { file: 'unsatisfiable', range: [100, 200] },
  'a part that nobody asked for': { file: 'other-range' },
  'what the request says of itself': { file: 'echo', range: [3, 9] },
  'what it says to another origin': { file: 'echo', elsewhere: true },
  'headers of the player': { file: 'echo', headers: { 'x-of-the-site': 'yes' } },
  'a header that cannot be': { file: 'echo', headers: { 'not a name': 'yes' } },
  'an abort before the answer': { file: 'late', abortAfterMs: 100 },
  'an abort within the body': { file: 'drip', abortAfterMs: 450 },
  'destruction before the answer': { file: 'late', destroyAfterMs: 100 },
  'destruction within the body': { file: 'drip', destroyAfterMs: 450 },
};

const PART = /** @type {[number, number]} */ ([50_000, 200_000]);
const TAIL = /** @type {[number, number]} */ ([50_000, 0]);
const SIZE = BODY.length;
const AS_ASKED = { at: 50_000, total: SIZE, came: PART };
const TO_THE_END = { at: 50_000, total: SIZE, came: [50_000, SIZE] };
const REFUSED = { failed: true };
/**
 * Fetches of a part of a segment, and what the engine hears: where its bytes begin, the size of the segment, which bytes of the file
 * came, and whether the fetch failed.
 * @type {Record<string, [load: any, heard: { at?: number, total?: number, came?: number[], failed?: boolean }]>}
 */
const PARTS = {
  'a part': [{ file: 'ranges', part: PART }, AS_ASKED],
  'a part of another origin': [{ file: 'ranges', elsewhere: true, part: PART }, AS_ASKED],
  'the rest': [{ file: 'ranges', part: TAIL }, TO_THE_END],
  'more than there is': [{ file: 'ranges', part: [50_000, 900_000] }, TO_THE_END],
  'the beginning': [
    { file: 'ranges', part: [0, 100] },
    { at: 0, total: SIZE, came: [0, 100] },
  ],
  'a part of a part of the file': [
    { file: 'ranges', range: [1_000, 100_000], part: [500, 900] },
    { at: 500, total: 99_000, came: [1_500, 1_900] },
  ],
  'the rest of a part of the file': [
    { file: 'ranges', range: [1_000, 100_000], part: [500, 0] },
    { at: 500, total: 99_000, came: [1_500, 100_000] },
  ],
  'a part without a length': [{ file: 'ranges-chunked', part: PART }, AS_ASKED],
  'a part of an unknown size': [
    { file: 'ranges-without-total', part: PART },
    { ...AS_ASKED, total: 0 },
  ],
  'a part that the page may not know': [
    { file: 'ranges-hidden', elsewhere: true, part: PART },
    { ...AS_ASKED, total: 0 },
  ],
  'the rest, which the page may not know': [
    { file: 'ranges-hidden', elsewhere: true, part: TAIL },
    { ...TO_THE_END, total: 0 },
  ],
  'a part of which the page may know nothing': [
    { file: 'ranges-hidden-chunked', elsewhere: true, part: PART },
    REFUSED,
  ],
  'a length that is not that of the part': [
    { file: 'ranges-hidden-longer', elsewhere: true, part: PART },
    REFUSED,
  ],
  'all of the segment': [
    { file: 'range-ignored', part: PART },
    { at: 0, total: SIZE, came: [0, SIZE] },
  ],
  'all of a file, in place of a part of a part': [
    { file: 'range-ignored', range: [1_000, 100_000], part: [500, 900] },
    REFUSED,
  ],
  'another part': [
    { file: 'other-range', part: PART },
    { at: 5, total: SIZE, came: [5, 105] },
  ],
  'another part than of a part': [
    { file: 'other-range', range: [1_000, 100_000], part: [500, 900] },
    { at: -995, total: 99_000, came: [5, 105] },
  ],
  'less than a part': [
    { file: 'ranges-shorter', part: PART },
    { ...AS_ASKED, came: [50_000, 199_990] },
  ],
  'more than a part': [{ file: 'ranges-longer', part: PART }, AS_ASKED],
  'a part past the end': [{ file: 'ranges', part: [SIZE, 0] }, REFUSED],
  'status 416': [{ file: 'unsatisfiable', part: PART }, REFUSED],
  'status 403': [{ file: 'ranges-forbidden', part: PART }, REFUSED],
  'status 404': [{ file: 'missing', part: PART }, REFUSED],
  'no content': [{ file: 'no-content', part: PART }, REFUSED],
  'a part that CORS forbids': [{ file: 'ranges-refused', elsewhere: true, part: PART }, REFUSED],
  'a header about which CORS is asked, and refuses': [
    { file: 'ranges-refused', elsewhere: true, part: PART, headers: { 'x-of-the-site': 'a' } },
    REFUSED,
  ],
  'a header that cannot be': [
    { file: 'ranges', part: PART, headers: { 'not a name': 'a' } },
    REFUSED,
  ],
  'a connection that ends': [{ file: 'hung', part: PART }, REFUSED],
  'a part cut short': [
    { file: 'ranges-cut', part: PART },
    { ...AS_ASKED, came: [50_000, 70_000], failed: true },
  ],
  'a part that goes on no more': [
    { file: 'ranges-stuck', part: PART, waitMs: 1500 },
    { ...AS_ASKED, came: [50_000, 70_000], failed: true },
  ],
  'an answer that is late': [{ file: 'late', part: PART, waitMs: 300 }, REFUSED],
};

const digest = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');

/** @param {() => boolean} condition */
async function until(condition) {
  const end = Date.now() + 5_000;
  while (!condition()) {
    assert.ok(Date.now() < end, 'not within 5 s');
    await sleep(20);
  }
}

for (const [
  name,
  withBrowser,
] of /** @type {[string, (play: (browser: any) => Promise<void>) => Promise<void>][]} */ ([
  ['Chromium', (play) => play(undefined)],
  ['Firefox', withFirefox],
])) {
  describe(
    `hls.js hears the same of a fetch and of an XMLHttpRequest in ${name}`,
    { concurrency: false },
    () => {
      /** @type {Stage} */
      let stage;
      /** @type {any} */
      let page;
      let finish = () => {};
      /** @type {Promise<void>} */
      let played;

      before(async () => {
        stage = await Stage.open({ '/sdk/': SDK, '/odd/': oddOrigin });
        page = await new Promise((resolve, reject) => {
          played = withBrowser(async (browser) => {
            const opened = await stage.page({ name: 'loads', browser, remember: false });
            await opened.goto(new URL('/pages/loaders.html', stage.origin.url).href);
            await opened.evaluate(() => void (document.cookie = 'viewer=7'));
            await opened.waitForFunction(() => 'load' in globalThis);
            resolve(opened);
            await new Promise((resolve) => (finish = () => resolve(undefined)));
          });
          played.catch(reject);
        });
      });
      after(async () => {
        finish();
        await played;
        await stage?.close();
      });

      /** @param {any} what @param {string} query */
      const urlOf = ({ file, elsewhere, url }, query) => {
        const base = new URL(stage.origin.url);
        if (elsewhere) base.hostname = base.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
        return url ?? new URL(`/odd/${file}?${query}`, base).href;
      };
      /** @param {any} what @param {'own' | 'ours'} by @returns {Promise<any>} */
      const load = (what, by) =>
        page.evaluate((/** @type {any} */ it) => globalThis.load(it), {
          ...what,
          by,
          // Firefox lets the second request for a URL wait for the first.
          url: urlOf(what, by),
        });
      /** @param {any} what @returns {Promise<any>} */
      const loadPart = (what) =>
        page.evaluate((/** @type {any} */ it) => globalThis.loadPart(it), {
          ...what,
          url: urlOf(what, 'part'),
        });

      for (const [what, how] of Object.entries(LOADS)) {
        test(what, async () => {
          const [{ body: theirs, ...own }, { body, ...ours }] = await Promise.all([
            load(how, 'own'),
            load(how, 'ours'),
          ]);
          assert.deepEqual(ours, own);
          assert.equal(body.order, true, 'offsets follow each other');
          const lag = Math.abs(body.firstAt - theirs.firstAt);
          assert.ok(lag < 500, `the first byte came ${lag} ms apart`);
          if (ours.heard === 'success' && body.arrived > 0) assert.equal(body.arrived, ours.loaded);
        });
      }

      test('bytes come as they arrive, and their number as the head says it', async () => {
        const { body } = await load({ file: 'drip' }, 'ours');
        assert.ok(body.bytes.length >= 4, `${body.bytes.length} pieces`);
        assert.deepEqual([body.total, body.arrived], [BODY.length, BODY.length]);
      });

      test('what comes otherwise ends the transfer, of which nothing more is heard: it is no abort', async () => {
        abandoned.length = 0;
        const came = await load({ file: 'drip', stops: true }, 'ours');
        assert.deepEqual([came.heard, came.aborted, came.began], [undefined, false, true]);
        assert.deepEqual([came.body.bytes.length, came.body.arrived < BODY.length], [1, true]);
        await until(() => abandoned.includes('drip'));
      });

      test('what was not asked for is told from what was', async () => {
        for (const [file, asked, range] of /** @type {[string, boolean, number[]?][]} */ ([
          ['whole', true],
          ['range', true, [100, 200]],
          ['range-ignored', false, [100, 200]],
          ['other-range', false, [100, 200]],
          ['other-range', false],
          ['short-range', false, [100, 200]],
        ])) {
          const { body } = await load({ file, range }, 'ours');
          assert.equal(body.arrived > 0, asked, `${file} ${range}`);
        }
      });

      for (const [what, [how, heard]] of Object.entries(PARTS)) {
        test(`of a range: ${what}`, async () => {
          const came = await loadPart(how);
          const [first, end] = heard.came ?? [0, 0];
          const { at, total, failed } = heard;
          assert.deepEqual(
            { at: came.offset, total: came.total, bytes: came.bytes, failed: came.failed },
            { at, total, bytes: end - first, failed },
          );
          assert.equal(came.digest, digest(BODY.subarray(first, end)));
          assert.equal(came.done, failed ? undefined : end - first);
          assert.ok(came.order && !(came.tookMs < 0));
        });
      }

      test('of a range: the server zips it, and its bytes come or none', async () => {
        const came = await loadPart({ file: 'ranges-zipped', part: PART });
        assert.equal(came.digest, digest(came.failed ? Buffer.of() : BODY.subarray(...PART)));
      });

      test('of a range: a part of what is zipped is nothing', async () => {
        const came = await loadPart({ file: 'zipped-ranges', part: [50, 200] });
        assert.ok(came.failed);
        assert.equal(came.bytes, 0);
      });

      test('of a range: bytes come as they arrive, and the end of it ends the transfer', async () => {
        abandoned.length = 0;
        const came = await loadPart({ file: 'ranges-drip', part: PART, endAfterMs: 300 });
        assert.ok(came.failed && came.parts >= 2, `${came.parts} parts`);
        assert.ok(came.bytes < 150_000);
        await until(() => abandoned.includes('ranges-drip'));
      });

      test('of a range: what is not wanted ends the transfer', async () => {
        abandoned.length = 0;
        const came = await loadPart({ file: 'ranges-drip', part: PART, wanted: 15_000 });
        assert.ok(came.failed && came.bytes < 100_000, `${came.bytes} bytes`);
        await until(() => abandoned.includes('ranges-drip'));
      });

      test('of a range: nobody is asked for leave', async () => {
        preflights.count = 0;
        for (const part of [PART, TAIL]) await loadPart({ file: 'ranges', elsewhere: true, part });
        assert.equal(preflights.count, 0);
      });

      test('a fetch stands for nothing that a site has set up', async () => {
        const url = new URL('/odd/whole', stage.origin.url).href;
        const may = (/** @type {string} */ set, address = url) =>
          page.evaluate(
            (/** @type {[string, string]} */ args) => globalThis.may(...args),
            [set, address],
          );
        assert.equal(await may(''), true);
        const own = ['xhrSetup', 'derived', 'overriding', 'bound', 'other', 'sent', 'fetched'];
        const passing = ['open in a Proxy', 'requests in a Proxy', 'bound fetch'];
        for (const set of [...own, ...passing, 'loading otherwise', 'opening otherwise']) {
          assert.equal(await may(set), false, set);
        }
        assert.equal(await may(''), true);
        for (const other of [
          'file:///a/b.ts',
          'capacitor://a/b.ts',
          'http://name:word@cdn.example/b.ts',
        ]) {
          assert.equal(await may('', other), false, other);
        }
        assert.equal(await may('', 'https://cdn.example/a@b/c.ts?d=e@f'), true);
      });
    },
  );
}
