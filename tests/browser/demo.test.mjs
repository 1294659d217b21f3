import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serve } from '../../demo/serve.mjs';
import { ensureStream } from '../../demo/stream.mjs';
import { withStage } from './stage.mjs';

describe('the demo page', { concurrency: false }, () => {
  test('says what to do when alone, and shows what comes from the other viewer', async () => {
    await withStage(async (stage) => {
      const demo = await serve({
        port: 0,
        mediaDir: await ensureStream(),
        browser: false,
        log: () => {},
      });
      try {
        const one = await stage.page({ name: 'one' });
        await one.goto(demo.url);
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
