import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serve } from '../../demo/serve.mjs';
import { PLAYER_NAMES } from '../../demo/players.js';
import { ensureStream } from '../../demo/stream.mjs';
import { reachableHosts } from '../../js/tracker/reachable.js';
import { violations } from './axe.mjs';
import { withStage } from './stage.mjs';

describe('the demo page', { concurrency: false }, () => {
  test('says what to do when alone, and shows what comes from the other viewer', async () => {
    await withStage(async (stage) => {
      const demo = await serve({
        host: '0.0.0.0',
        port: 0,
        mediaDir: await ensureStream(),
        browser: false,
        log: () => {},
      });
      try {
        const one = await stage.page({ name: 'one' });
        const { port } = new URL(demo.url);
        await one.goto(`http://127.0.0.1:${port}/`);
        await one.getByText('You are the only viewer').waitFor();
        await one.waitForFunction(() => globalThis.hls.media.currentTime > 8);

        const opening = one.waitForEvent('popup');
        await one.getByRole('button', { name: 'Open another viewer' }).click();
        const two = await opening;
        await two.waitForFunction(() => globalThis.mesh?.stats.p2pBytes > 0, null, {
          polling: 250,
        });
        await two.getByText('came from other viewers').waitFor();
        await two.getByRole('cell', { name: 'Parent' }).waitFor();
        await one.getByRole('cell', { name: 'Child' }).waitFor();
        await two.getByText('Segments come from another viewer now.').waitFor();

        await two.getByText('2 viewers, the CDN sent 1.').waitFor();
        await two.getByRole('img', { name: /^2 viewers; .* other viewers to 1\.$/ }).waitFor();
        const alone = two.waitForEvent('popup');
        await two.getByRole('button', { name: 'Open one by hls.js alone' }).press('Enter');
        const three = await alone;
        await two.getByRole('columnheader', { name: 'hls.js alone (1)' }).waitFor();
        await two.waitForFunction(() =>
          /^\d+ ms$/.test(document.getElementById('plain-first')?.textContent ?? ''),
        );
        await two.getByText('2 viewers, the CDN sent 1.').waitFor();
        assert.equal(await three.evaluate(() => typeof globalThis.mesh), 'undefined');
        // Everything that it plays comes from the CDN, and it shows so.
        const grows = (/** @type {number} */ least) =>
          three.waitForFunction((than) => {
            const text = document.getElementById('cdn-bytes')?.textContent ?? '';
            const [amount, unit] = text.split(' ');
            const bytes = Number(amount) * (unit === 'MB' ? 1e6 : 1e3);
            return bytes > than && bytes;
          }, least);
        const bytes = await (await grows(0)).jsonValue();
        await grows(Number(bytes));
        await three
          .getByRole('listitem', { name: /from the CDN/ })
          .first()
          .waitFor();
        assert.equal(await three.getByText('from a peer').count(), 0);
        await three.close();

        const hosts = reachableHosts('0.0.0.0').filter((host) => host !== '127.0.0.1');
        const code = two.getByRole('img', { name: `QR code of http://${hosts[0]}:${port}/` });
        assert.equal(await code.count(), hosts.length > 0 ? 1 : 0);
        await two.getByRole('button', { name: 'Show the overlay' }).press('Enter');
        await two.getByRole('region', { name: 'hlsmesh overlay' }).waitFor();
        for (const [colorScheme, width] of /** @type {const} */ ([
          ['light', 1280],
          ['dark', 390],
        ])) {
          await two.emulateMedia({ colorScheme });
          await two.setViewportSize({ width, height: 844 });
          assert.deepEqual(await violations(two), [], `${colorScheme}, ${width} px`);
          assert.equal(await two.evaluate(() => document.documentElement.scrollWidth), width);
        }
        // What the parent will not have for a while comes from the CDN, and the page says why.
        await one.evaluate(() => globalThis.hls.media.pause());
        await two.evaluate(() => (globalThis.hls.media.currentTime += 45));
        await two.getByText('Players in hidden tabs stop').waitFor();

        await two.getByLabel('Upload', { exact: true }).press('Space');
        assert.equal(await two.evaluate(() => globalThis.mesh.upload), false);
      } finally {
        await demo.close();
      }
    });
  });

  test('plays the stream and uses the tracker that its address names', async () => {
    await withStage(async (stage) => {
      const address = new URL('/', stage.origin.url);
      address.searchParams.set('src', `${stage.origin.url}/live/master.m3u8`);
      address.searchParams.set('tracker', stage.tracker?.url ?? '');
      const page = await stage.page({ name: 'one' });
      await page.goto(address.href);
      await page.getByText('Tracker connected').waitFor();
      await page.waitForFunction(
        (src) => globalThis.hls.url === src && globalThis.hls.media.currentTime > 0,
        address.searchParams.get('src'),
      );
      const { peers } = await (
        await fetch(`${stage.tracker?.url.replace('ws', 'http')}healthz`)
      ).json();
      assert.equal(peers, 1);
    });
  });

  test('every player of the choice plays and shares, and the address has the settings', async () => {
    await withStage(async (stage) => {
      for (const player of PLAYER_NAMES) {
        const page = await stage.page({ name: player.replace(/\W/g, '') });
        await page.goto(new URL('/', stage.origin.url).href);
        await page.getByLabel('Tracker').fill(stage.tracker?.url ?? '');
        await page.getByRole('combobox', { name: 'Player' }).selectOption(player);
        await page.getByLabel('Most parents').fill('2');
        await page.getByRole('button', { name: 'Play with these' }).press('Enter');
        await page.waitForURL(/player=/);
        assert.equal(new URL(page.url()).searchParams.get('maxParents'), '2');
        assert.equal(new URL(page.url()).searchParams.has('prefetchSeconds'), false);
        await page.waitForFunction(
          () => globalThis.hls?.media?.currentTime > 0.5 && globalThis.mesh.stats.cdnSegments > 0,
        );
        await page.getByText('Tracker connected').waitFor();
        await page.close();
      }
    });
  });

  test('the page of savings simulates by keyboard, and fits a phone', async () => {
    await withStage(async (stage) => {
      const page = await stage.page({ name: 'savings' });
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(new URL('/save.html', stage.origin.url).href);
      await page.getByLabel('Price of the CDN per GB').press('Home');
      await page.getByText('$0.001').waitFor();
      await page.getByRole('button', { name: 'Simulate' }).press('Enter');
      await page.getByText('came from other viewers, as 150 simulated ones did').waitFor();
      const [saved, before] = await page.evaluate(() =>
        ['saved', 'before'].map((id) =>
          Number(document.getElementById(id)?.textContent?.replace(/[$,]/g, '')),
        ),
      );
      assert.ok(saved > 0 && saved < before, `${saved} of ${before}`);
      const dots = page.getByRole('img', { name: /\d+ viewers, \d+ of them fed by other viewers/ });
      await dots.waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    });
  });
});
