import assert from 'node:assert/strict';
import { loadErrors } from '../browser/stage.mjs';

/** @typedef {import('../browser/stage.mjs').Stage} Stage */
/** @typedef {import('../browser/stage.mjs').Viewer} Viewer */
/** @typedef {Awaited<ReturnType<typeof relay>>} Relay */

/** One rendition, so that every version of hls.js plays the same. */
const SRC = '/vod/240p.m3u8';

/** Segments that a viewer must have before the next one joins, and that the next one must get from it. */
const ENOUGH = 10;

/**
 * Before each segment of the origin. hls.js buffers the whole sample, 60 segments, as fast as they come; without a delay it could
 * have them all before two pages are connected.
 */
const CDN_DELAY_MS = 200;

/**
 * Viewers one after the other, two at a time: each takes its segments from the one before, which then leaves, and serves the
 * one after. Sides that cannot work together show at once.
 * @param {Stage} stage
 */
export async function relay(stage) {
  stage.origin.onRequest = ({ path }) =>
    path.endsWith('.ts') ? { delayMs: CDN_DELAY_MS } : undefined;
  let previous = await stage.viewer({ name: 'first', src: SRC });
  await delivered(previous, 'any');

  return {
    /**
     * @param {Parameters<Stage['viewer']>[0]} what
     * @returns {Promise<Viewer>} once it has played and taken enough from the one before
     */
    async next(what) {
      const server = previous;
      const viewer = await stage.viewer({ src: SRC, ...what });
      previous = viewer;
      try {
        await delivered(viewer, 'peer');
        await viewer.plays(1);
        const seen = await viewer.seen();
        const { events, stalls } = seen;
        const errors = loadErrors(seen);
        const faults = events.filter((/** @type {any} */ e) =>
          ['warning', 'fatal'].includes(e.name),
        );
        assert.deepEqual({ faults, errors, stalls }, { faults: [], errors: [], stalls: [] });
        assert.ok((await viewer.stats()).p2pBytes > 0);
        assert.ok((await server.stats()).uploadBytes > 0);
      } finally {
        await server.close();
      }
      return viewer;
    },
  };
}

/**
 * @param {Viewer} viewer
 * @param {'any' | 'peer'} source
 */
async function delivered(viewer, source) {
  try {
    await viewer.page.waitForFunction(
      ([wanted, count]) =>
        globalThis.seen?.events.filter(
          (/** @type {any} */ e) =>
            e.name === 'segment' && (wanted === 'any' || e.source === wanted),
        ).length >= count,
      /** @type {[string, number]} */ ([source, ENOUGH]),
      { timeout: 30_000, polling: 100 },
    );
  } catch {
    const { events, errors } = await viewer.seen();
    assert.fail(`no ${ENOUGH} segments came: ${JSON.stringify({ errors, events }, null, 1)}`);
  }
}
