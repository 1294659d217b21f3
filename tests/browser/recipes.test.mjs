import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withStage } from './stage.mjs';

// A channel of its own has the recipe that names segments.
const RECIPES = ['several', 'csp', 'wrapper', 'ice', 'token'];

test('every recipe plays, and takes segments from another viewer', async () => {
  await withStage(async (stage) => {
    /** @type {string[]} */
    const complaints = [];
    const open = async (/** @type {string} */ recipe) => {
      const page = await stage.page({ name: recipe });
      page.on('pageerror', (error) => complaints.push(`${recipe}: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(`${recipe}: ${message.text()}`);
      });
      await page.route('**/config.json', (route) =>
        route.fulfill({ json: { tracker: stage.tracker?.url } }),
      );
      await page.goto(new URL(`/recipes/${recipe}.html`, stage.origin.url).href);
      await page.waitForFunction(
        () => [...document.querySelectorAll('video')].every((video) => video.currentTime > 0.5),
        null,
        { polling: 100 },
      );
      return page;
    };
    // Plays on while the others come and go, with much of the stream in its cache.
    await open('plain');
    for (const recipe of RECIPES) {
      if (recipe === 'token') await open(recipe);
      const page = await open(recipe);
      await page.waitForFunction(() => globalThis.mesh.stats.p2pBytes > 0, null, { polling: 100 });
      await page
        .locator('output', { hasText: /[1-9]\d* % from [1-9]/ })
        .first()
        .waitFor();
      await page.context().close();
    }
    assert.deepEqual(complaints, []);
  });
});
