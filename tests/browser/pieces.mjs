/** What tests of viewers that bring each other pieces of segments have in common. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SEGMENT_SECONDS, STREAM_SECONDS, ensureStream } from '../../demo/stream.mjs';
import { loadErrors } from './stage.mjs';

/** One rendition, so that all viewers want the same: 1.4 Mbit/s, segments of 2 s in about 20 pieces. */
export const SRC = { live: '/live/360p-high.m3u8', vod: '/vod/360p-high.m3u8' };

/** Of one of its segments, about. */
export const SEGMENT_BYTES = 350_000;

/** A CDN of everyday speed: a segment takes it 0.7 s. */
export const FAR = { latencyMs: 60, bytesPerSecond: 500_000 };

/** Counts the messages that a page sends over its data channels: by event, and what is no text as `bytes`. */
export function countMessages() {
  /** @type {Record<string, number>} */
  const said = {};
  const { send } = RTCDataChannel.prototype;
  RTCDataChannel.prototype.send = function (/** @type {any} */ data) {
    const event = typeof data === 'string' ? JSON.parse(data).event : 'bytes';
    said[event] = (said[event] ?? 0) + 1;
    return send.call(this, data);
  };
  Object.assign(globalThis, { said });
}

/** @param {import('./stage.mjs').Viewer} viewer @returns {Promise<Record<string, number>>} */
export const said = (viewer) => viewer.page.evaluate(() => /** @type {any} */ (globalThis).said);

/**
 * The bytes of a segment: live is the VOD in a loop.
 * @param {string} url
 */
async function bodyOf(url) {
  const [, name, number] = /** @type {string[]} */ (/([^/]+)_(\d+)\.ts$/.exec(url));
  const sn = Number(number) % (STREAM_SECONDS / SEGMENT_SECONDS);
  const file = `${name}_${String(sn).padStart(5, '0')}.ts`;
  return readFile(path.join(await ensureStream(), file));
}

/**
 * Every segment that hls.js was given has the origin's bytes, and playback was as it should be.
 * @param {import('./stage.mjs').Viewer} viewer
 */
export async function playsTheOrigins(viewer) {
  const seen = await viewer.seen();
  assert.deepEqual(seen.stalls, [], `${viewer.name} stalled`);
  assert.deepEqual(loadErrors(seen), [], viewer.name);
  assert.ok(seen.fragments.length > 5, `${viewer.name} got ${seen.fragments.length} segments`);
  for (const { url, sha256, bytes } of seen.fragments) {
    const body = await bodyOf(url);
    assert.equal(bytes, body.length, `length of ${url}`);
    const digest = createHash('sha256').update(body).digest('hex');
    assert.equal(sha256, digest, `${viewer.name}: digest of ${url}`);
  }
}

/** @param {import('./stage.mjs').Viewer[]} viewers @param {number} seconds */
export const allPlay = (viewers, seconds) =>
  Promise.all(viewers.map((viewer) => viewer.plays(seconds)));

/**
 * How often the origin sent each segment, in whole or in part, of those that it was first asked for after `from`.
 * @param {import('./stage.mjs').Stage} stage
 * @param {import('./stage.mjs').Viewer[]} viewers who know the sizes
 * @param {number} from milliseconds
 * @returns {Promise<{ copies: Map<string, number>, ranges: number }>}
 */
export async function copiesSince(stage, viewers, from) {
  /** @type {Map<string, number>} */
  const sizes = new Map();
  for (const viewer of viewers) {
    const { fragments } = await viewer.seen();
    for (const { url, bytes } of fragments) sizes.set(new URL(url).pathname, bytes);
  }
  const early = new Set(stage.fetches.filter(({ at }) => at < from).map(({ path }) => path));
  /** @type {Map<string, number>} */
  const copies = new Map();
  let ranges = 0;
  for (const fetched of stage.fetches) {
    const size = sizes.get(fetched.path);
    if (early.has(fetched.path) || size === undefined) continue;
    copies.set(fetched.path, (copies.get(fetched.path) ?? 0) + fetched.bytes / size);
    if (fetched.range) ranges += 1;
  }
  return { copies, ranges };
}

/** @param {Iterable<number>} numbers */
export const mean = (numbers) => {
  const all = [...numbers];
  return all.reduce((sum, number) => sum + number, 0) / all.length;
};
