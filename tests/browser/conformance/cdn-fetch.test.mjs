import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withFirefox } from '../firefox.mjs';
import { Stage } from '../stage.mjs';
import { BODY, oddOrigin } from './odd-origin.mjs';

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
  'a connection that ends': { file: 'hung' },
  'a port where nobody listens': { url: 'http://127.0.0.1:9/segment.ts' },
  'a first byte that is too late': { file: 'late', firstByteMs: 300 },
  'a first byte that may be late': { file: 'late', firstByteMs: Infinity },
  'a body that takes too long': { file: 'drip', wholeMs: 250 },
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

      /** @param {any} what @param {'own' | 'ours'} by @returns {Promise<any>} */
      const load = ({ file, elsewhere, url, ...rest }, by) => {
        const base = new URL(stage.origin.url);
        if (elsewhere) base.hostname = base.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
        // Firefox lets the second request for a URL wait for the first.
        const what = { ...rest, by, url: url ?? new URL(`/odd/${file}?${by}`, base).href };
        return page.evaluate((/** @type {any} */ it) => globalThis.load(it), what);
      };

      for (const [what, how] of Object.entries(LOADS)) {
        test(what, async () => {
          const [{ body: _, ...own }, { body, ...ours }] = await Promise.all([
            load(how, 'own'),
            load(how, 'ours'),
          ]);
          assert.deepEqual(ours, own);
          assert.equal(body.order, true, 'offsets follow each other');
          if (ours.heard === 'success' && body.arrived > 0) assert.equal(body.arrived, ours.loaded);
        });
      }

      test('bytes come as they arrive, and their number as the head says it', async () => {
        const { body } = await load({ file: 'drip' }, 'ours');
        assert.ok(body.bytes.length >= 4, `${body.bytes.length} pieces`);
        assert.deepEqual([body.total, body.arrived], [BODY.length, BODY.length]);
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

      test('a fetch stands for nothing that a site has set up', async () => {
        const url = new URL('/odd/whole', stage.origin.url).href;
        const may = (/** @type {string} */ set, address = url) =>
          page.evaluate(
            (/** @type {[string, string]} */ args) => globalThis.may(...args),
            [set, address],
          );
        assert.equal(await may(''), true);
        for (const set of ['xhrSetup', 'derived', 'other', 'sent', 'fetched']) {
          assert.equal(await may(set), false, set);
        }
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
