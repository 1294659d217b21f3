/** Checks the playback when a live packager is ended and started again with the names that it used before. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Packager } from './packager.mjs';
import { withStage } from './stage.mjs';

/**
 * The greatest age of a playlist that a player uses, in milliseconds: it looks again after a segment or half of one, and loads.
 */
const REFRESH_MS = 3_000;

export const SOURCE = '/air/live.m3u8';

/**
 * @param {import('./stage.mjs').Stage} stage
 * @param {string} name
 * @param {object} [config]
 */
export const watch = (stage, name, config) =>
  stage.viewer({ name, src: SOURCE, config: { ...config, liveSyncDurationCount: 2 } });

/** How long the packager's folder may take to be looked at: a viewer may be quicker to get a segment. */
const LOOKED_AT_MS = 10_000;

/**
 * Every segment that hls.js got is of a broadcast that was on the air when it got it, or was within a refresh before.
 * @param {Packager} packager
 * @param {import('./stage.mjs').Viewer} viewer
 * @param {number} least that it must have got of the last one
 * @returns {Promise<number[]>} the broadcasts of all that it got
 */
export async function assertOnAir(packager, viewer, least) {
  const { fragments } = await viewer.seen();
  // Init segments are the same in every broadcast, and what has no digest yet came just now.
  const media = fragments.filter((/** @type {any} */ f) => f.sha256 && f.sn !== 'initSegment');
  const numbers = () => media.map((/** @type {any} */ f) => packager.broadcastOf(f.sha256));
  for (const end = Date.now() + LOOKED_AT_MS; numbers().includes(0) && Date.now() < end;) {
    await sleep(100);
  }
  const { broadcasts } = packager;
  let last = 0;
  for (const { sha256, url, at, bytes } of media) {
    const number = packager.broadcastOf(sha256);
    const next = broadcasts[number];
    assert.ok(
      number > 0 && (!next || at < next.since + REFRESH_MS),
      `${viewer.name} got ${url} (${bytes} bytes) of broadcast ${number} of ${broadcasts.length}`,
    );
    if (number === broadcasts.length) last++;
  }
  assert.ok(last >= least, `${viewer.name} got only ${last} segments of the last broadcast`);
  return [...new Set(numbers())];
}

/**
 * A and B watch, the packager is ended and started again, and 9 s later C comes and A loads its source again.
 * @param {import('./packager.mjs').Command} command
 * @param {NodeJS.Signals} signal that ends it
 * @param {{ server?: import('./packager.mjs').Server, pauseMs?: number }} [more] what the command publishes to; how long nobody does
 */
export async function restart(command, signal, { server, pauseMs = 0 } = {}) {
  const packager = await Packager.open(command, server);
  try {
    await withStage(
      async (stage) => {
        await packager.start();
        await packager.makes(3);
        const a = await watch(stage, 'a');
        const b = await watch(stage, 'b');
        await packager.makes(12);
        await packager.end(signal);
        await sleep(pauseMs);
        await packager.start();
        await sleep(9_000);
        const c = await watch(stage, 'c');
        await a.page.evaluate(() => {
          const { hls } = /** @type {any} */ (globalThis);
          hls.loadSource(hls.url);
        });
        await c.waitForEvent('peer', { state: 'opened' });
        await c.plays(6);
        await assertOnAir(packager, a, 4);
        await assertOnAir(packager, b, 0);
        await assertOnAir(packager, c, 6);
      },
      { '/air/': packager.serve },
    );
  } finally {
    await packager.close();
  }
}
