/** The costs of a viewer for others: uploads on a line that costs money, and the time of its page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOWEST, loadErrors, withStage } from './stage.mjs';

// A phone in a mobile network, as Chromium describes it there.
function onMobileNetwork() {
  const connection = Object.assign(new EventTarget(), { type: 'cellular', saveData: false });
  Object.defineProperty(navigator, 'connection', { value: connection });
}

/**
 * @param {import('./stage.mjs').Viewer} viewer
 * @param {object} facts of `navigator.connection`
 */
async function connectionBecomes(viewer, facts) {
  await viewer.page.evaluate((changes) => {
    const { connection } = /** @type {any} */ (navigator);
    Object.assign(connection, changes);
    connection.dispatchEvent(new Event('change'));
  }, facts);
}

test('D1: nothing is uploaded on a mobile network, or while data is to be saved', async () => {
  await withStage(async (stage) => {
    const config = { ...LOWEST, maxBufferLength: 8, maxMaxBufferLength: 8 };
    const phone = await stage.viewer({ name: 'phone', config: LOWEST, init: onMobileNetwork });
    await phone.plays(3);
    const other = await stage.viewer({ name: 'other', config });
    await other.plays(6);
    assert.equal((await other.stats()).p2pBytes, 0);
    assert.equal((await phone.stats()).uploadBytes, 0);

    // A paused page hears of its new connection as well.
    await phone.page.evaluate(() => document.querySelector('video')?.pause());
    await connectionBecomes(phone, { type: 'wifi' });
    await other.waitForEvent('segment', { source: 'peer' }, 90_000);

    await connectionBecomes(phone, { saveData: true });
    await other.waitForEvent('peer', { state: 'closed', reason: 'closed-by-peer' });
    const { uploadBytes } = await phone.stats();
    assert.ok(uploadBytes > 0);
    await other.plays(4);
    assert.equal((await phone.stats()).uploadBytes, uploadBytes);
    assert.equal((await phone.stats()).peers, 0);
    for (const viewer of [phone, other]) assert.deepEqual(loadErrors(await viewer.seen()), []);
  });
});

test('D3: a peer that floods us is dropped, and neither page nor picture stands still', async () => {
  await withStage(async (stage) => {
    const rogue = await stage.rogue({ mode: 'flood' });
    const viewer = await stage.viewer({
      name: 'viewer',
      config: LOWEST,
      browser: await stage.browser(),
      init: () => {
        /** @type {any} */ (globalThis).longest = 0;
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) {
            const { longest } = /** @type {any} */ (globalThis);
            /** @type {any} */ (globalThis).longest = Math.max(longest, duration);
          }
        }).observe({ type: 'longtask', buffered: true });
      },
    });
    await viewer.waitForEvent('peer', { state: 'closed', reason: 'misbehaved' });
    await rogue.waitForFunction(() => globalThis.rogue.floodEnded > 0);
    const { sent, floodBegan, floodEnded } = await rogue.evaluate(() => globalThis.rogue);
    assert.ok(sent > 10_000, `${sent} messages are no flood`);
    assert.ok(floodEnded - floodBegan < 5_000, `ended after ${floodEnded - floodBegan} ms`);
    await viewer.plays(8);
    await sleep(100);
    const longest = await viewer.page.evaluate(() => /** @type {any} */ (globalThis).longest);
    // A page on two cores works for some hundred milliseconds while it starts; the flood was seconds of work.
    assert.ok(longest < 2_000, `the page stood still for ${longest} ms`);
    const seen = await viewer.seen();
    assert.deepEqual(seen.stalls, []);
    assert.deepEqual(loadErrors(seen), []);
  });
});
