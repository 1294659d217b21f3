/** The overlay in real pages: what it shows, that the keyboard suffices, and that page and overlay leave each other alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { violations } from './axe.mjs';
import { withStage } from './stage.mjs';

/** Styles of a page that would ruin everything they reach. */
const HOSTILE = `* { color: rgb(255, 0, 0) !important; font: 40px serif !important; }
button, details, table, dl, section { display: none !important; } div { transform: scale(3); }`;

/** What the page looks like to the page. */
const looks = () =>
  [...document.querySelectorAll('body, video, p')].map((element) => {
    const style = getComputedStyle(element);
    return [...style].map((name) => style.getPropertyValue(name)).join();
  });

test('the overlay shows what the mesh does, by keyboard too, and closes without a trace', async () => {
  await withStage(async (stage) => {
    const one = await stage.viewer({ name: 'one' });
    await one.plays(1);
    const two = await stage.viewer({ name: 'two' });
    await two.waitForEvent('segment', { source: 'peer' });
    const { page } = two;
    await page.addStyleTag({ content: HOSTILE });
    await page.evaluate(() => {
      document.body.append(document.createElement('p'));
      document.addEventListener('keydown', ({ key }) => (document.title += ` ${key}`));
      document.title = 'keys';
    });
    const before = await page.evaluate(looks);
    await page.addScriptTag({ url: '/dist/hlsmesh-overlay.js' });
    await page.evaluate(() => {
      const shown = /** @type {any} */ (globalThis).HlsMesh.overlay(globalThis.mesh);
      Object.assign(globalThis, { shown });
    });

    const overlay = page.getByRole('region', { name: 'hlsmesh overlay' });
    await overlay.getByText(/^\d+ % from peers$/).waitFor();
    await overlay.getByText(/^Buffer \d+\.\d s, target \d+ s$/).waitFor();
    await overlay.getByText('Peers (1)').waitFor();
    const [peer] = await two.peers();
    await overlay.getByRole('cell', { name: peer.id.slice(0, 8) }).waitFor();
    await overlay.getByRole('cell', { name: 'parent' }).waitFor();
    assert.equal(await overlay.evaluate((e) => getComputedStyle(e).fontSize), '12px');
    assert.deepEqual(await page.evaluate(looks), before, 'the page looks as before');

    // From the title to the sections, and back by Escape; the page hears of none of it.
    await overlay.getByRole('button', { name: /^hlsmesh/ }).focus();
    for (const summary of ['Peers (1)', 'Identity', 'Log']) {
      do await page.keyboard.press('Tab');
      while (!(await focused(page)).includes(summary));
      if (summary !== 'Peers (1)') await page.keyboard.press('Enter');
    }
    await overlay.getByText(await page.evaluate(() => globalThis.mesh.channel)).waitFor();
    await overlay
      .getByText(/\.ts from (a peer|the CDN), \d/)
      .first()
      .waitFor();
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      // The page's own styles are of no interest here.
      const found = await violations(page, 'body > div');
      assert.deepEqual(found, [], colorScheme);
    }
    await overlay.getByRole('button', { name: 'Diagnose' }).press('Enter');
    await overlay.getByText(/streams-match: Segments are exchanged/).waitFor();
    await overlay.getByRole('button', { name: 'Diagnose again' }).press('Escape');
    assert.equal(await overlay.getByRole('button', { name: 'Diagnose again' }).isVisible(), false);
    assert.match(await focused(page), /^hlsmesh/);
    assert.equal(await page.title(), 'keys');

    await page.setViewportSize({ width: 320, height: 480 });
    await overlay.getByRole('button', { name: /^hlsmesh/ }).press('Enter');
    const box = await overlay.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 320 && box.y >= 0, JSON.stringify(box));
    await page.getByRole('button', { name: 'Close the hlsmesh overlay' }).press('Enter');
    assert.equal(await overlay.count(), 0);
    assert.deepEqual(await page.evaluate(() => globalThis.mesh.peers.length), 1);
  });
});

test('as a module it says why there are no peers, and starts closed if told so', async () => {
  await withStage(async (stage) => {
    const { page } = await stage.viewer({ name: 'one', tracker: 'ws://127.0.0.1:9' });
    await page.waitForFunction(() =>
      globalThis.seen.events.some((/** @type {any} */ e) => e.state === 'disconnected'),
    );
    await page.evaluate(async () => {
      const file = '/dist/hlsmesh-overlay.mjs';
      const { overlay } = await import(file);
      Object.assign(globalThis, { shown: overlay(globalThis.mesh, { open: false }) });
    });
    const overlay = page.getByRole('region', { name: 'hlsmesh overlay' });
    const title = overlay.getByRole('button', { name: /^hlsmesh/ });
    await title.waitFor();
    const why = overlay.getByText('None: the tracker is disconnected.');
    assert.equal(await why.isVisible(), false);
    await title.click();
    await why.waitFor();
    await page.evaluate(() => /** @type {any} */ (globalThis).shown.close());
    assert.equal(await overlay.count(), 0);
  });
});

/** @param {import('playwright-core').Page} page @returns {Promise<string>} the text of what has the focus in the overlay */
const focused = (page) =>
  page.evaluate(
    () => /** @type {any} */ (globalThis).shown.element.shadowRoot.activeElement?.textContent ?? '',
  );
