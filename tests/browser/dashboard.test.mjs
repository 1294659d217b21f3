/** The dashboard in a real page: its figures, its map by keyboard, its token, and its access in light, dark and on a phone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { createTracker } from '../../js/tracker/index.js';
import { Peer } from '../js/tracker-peers.mjs';
import { violations } from './axe.mjs';
import { CHROMIUM } from './stage.mjs';

const API_TOKEN = 'a-token-of-the-api';

test('the dashboard shows the audience to who has the token, by keyboard, light, dark and on a phone', async () => {
  const tracker = await createTracker({ port: 0, dashboard: true, apiToken: API_TOKEN });
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args });
  try {
    const parent = await Peer.enter(tracker.url, { hlsmesh: 2, live: true, control: false });
    const child = await Peer.enter(tracker.url, { hlsmesh: 2, browser: 'Firefox', control: false });
    const drawn = { hlsmesh: 2, control: true, idle: true, slots: 0 };
    const without = await Peer.enter(tracker.url, drawn);
    without.send({ action: 'statistics', level: 0, cdn: 0, p2p: 0, played: 30, loads: 0 });
    await without.settle();
    await child.next('connect');
    child.send({ action: 'dc_opened', dc_id: `${child.id}-${parent.id}` });
    const statistics = { action: 'statistics', level: 0, cdn: 1e3, p2p: 3e3, up: 0 };
    child.send({ ...statistics, played: 30, stalled: 1, stalls: 1, first: 0.5 });
    await child.settle();
    const page = await browser.newPage();
    /** @type {string[]} */
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    await page.goto(`http://localhost:${tracker.port}/dashboard`);
    await page.getByLabel('Token').fill('not the token');
    await page.getByRole('button', { name: 'Show the audience' }).click();
    await page.getByText('That is not the token of this tracker.').waitFor();
    await page.getByLabel('Token').fill(API_TOKEN);
    await page.keyboard.press('Enter');
    const tiles = page.getByRole('region', { name: 'Key figures' });
    await tiles.getByText('75 %').waitFor();
    await page.getByText('Too few viewers yet to tell.').waitFor();
    await page.getByRole('cell', { name: '3 MB' }).first().waitFor();

    await page.getByRole('heading', { name: 'Silent test' }).waitFor();
    await page.getByRole('rowheader', { name: 'Viewers who try it now' }).waitFor();
    await page.getByRole('button', { name: 'Site' }).press('Enter');
    await page.getByRole('rowheader', { name: 'no site' }).waitFor();
    await page.getByRole('button', { name: 'Browser' }).press('Enter');
    await page.getByRole('rowheader', { name: 'Firefox' }).waitFor();
    await page.getByRole('button', { name: 'Stalled an hour' }).press('Enter');
    await page.getByRole('columnheader', { name: 'Stalled an hour' }).waitFor();
    await page.getByLabel('CDN price per GB').fill('1000');
    await page.getByLabel('CDN price per GB').press('Enter');
    await tiles.getByText('$3.07').waitFor();

    const guide = page.getByRole('link', { name: 'IDENTITY.md' });
    assert.match(
      String(await guide.first().getAttribute('href')),
      /^https:.*\/docs\/IDENTITY\.md$/,
    );

    const map = page.getByRole('img', {
      name: /^Map of who feeds whom: 2 in class 0, 1 in class 1/,
    });
    await map.scrollIntoViewIfNeeded();
    await map.waitFor();
    await page.getByRole('button', { name: `${parent.id.slice(0, 6)} (1)` }).press('Enter');
    await page.getByText('1 of 6').waitFor();

    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'History as CSV' }).click();
    assert.equal((await download).suggestedFilename(), 'hlsmesh-history.csv');

    // The page's policy lets no script of a test in.
    const open = await browser.newPage({ bypassCSP: true });
    await open.addInitScript(
      (token) => sessionStorage.setItem('hlsmesh-api-token', token),
      API_TOKEN,
    );
    await open.goto(page.url());
    await open.getByText('Too few viewers yet to tell.').waitFor();
    for (const [colorScheme, width] of /** @type {const} */ ([
      ['light', 1280],
      ['dark', 1280],
      ['light', 390],
    ])) {
      await open.emulateMedia({ colorScheme });
      await open.setViewportSize({ width, height: 800 });
      assert.deepEqual(await violations(open), [], `${colorScheme}, ${width}`);
      assert.ok(await open.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    }
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
    await tracker.close();
  }
});
