/** Viewers that bring each other pieces of segments (protocol section 5), and viewers that do not know what pieces are. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEGMENT_SECONDS, STREAM_SECONDS, ensureStream } from '../../demo/stream.mjs';
import { loadErrors, withStage } from './stage.mjs';

/** One rendition, so that all viewers want the same: 1.4 Mbit/s, segments of 2 s in about 20 pieces. */
const SRC = { live: '/live/360p-high.m3u8', vod: '/vod/360p-high.m3u8' };

/** Of one of its segments, about. */
const SEGMENT_BYTES = 350_000;

/** A CDN of everyday speed: a segment takes it 0.7 s. */
const FAR = { latencyMs: 60, bytesPerSecond: 500_000 };

/** Counts the messages that a page sends over its data channels: by event, and what is no text as `bytes`. */
function countMessages() {
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

/** Makes a page a peer of extension 1 to others, and others such peers to it: no message shows more. */
function speakExtension1() {
  /** @type {Record<string, number>} */
  const said = {};
  Object.assign(globalThis, { said });
  const shown = (/** @type {any} */ data) =>
    typeof data === 'string' ? data.replace('"hlsmesh":2', '"hlsmesh":1') : data;
  const { prototype } = RTCDataChannel;
  const { send } = prototype;
  prototype.send = function (/** @type {any} */ data) {
    const event = typeof data === 'string' ? JSON.parse(data).event : 'bytes';
    said[event] = (said[event] ?? 0) + 1;
    return send.call(this, shown(data));
  };
  const { set } = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(prototype, 'onmessage')
  );
  Object.defineProperty(prototype, 'onmessage', {
    set(listener) {
      set?.call(
        this,
        listener && ((/** @type {any} */ { data }) => listener({ data: shown(data) })),
      );
    },
  });
}

/** @param {import('./stage.mjs').Viewer} viewer @returns {Promise<Record<string, number>>} */
const said = (viewer) => viewer.page.evaluate(() => /** @type {any} */ (globalThis).said);

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
async function playsTheOrigins(viewer) {
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
const allPlay = (viewers, seconds) => Promise.all(viewers.map((viewer) => viewer.plays(seconds)));

/**
 * Bytes that came from each neighbor since `before`.
 * @param {import('./stage.mjs').Viewer} viewer
 * @param {import('../../js/index.js').PeerSnapshot[]} before
 */
async function gifts(viewer, before) {
  const peers = await viewer.peers();
  return peers.map(
    ({ id, receivedBytes }) =>
      receivedBytes - (before.find((peer) => peer.id === id)?.receivedBytes ?? 0),
  );
}

/**
 * How often the origin sent each segment, in whole or in part, of those that it was first asked for after `from`.
 * @param {import('./stage.mjs').Stage} stage
 * @param {import('./stage.mjs').Viewer[]} viewers who know the sizes
 * @param {number} from milliseconds
 * @returns {Promise<{ copies: Map<string, number>, ranges: number }>}
 */
async function copiesSince(stage, viewers, from) {
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
const mean = (numbers) => {
  const all = [...numbers];
  return all.reduce((sum, number) => sum + number, 0) / all.length;
};

/** @param {Iterable<number>} numbers */
const median = (numbers) => {
  const all = [...numbers].sort((a, b) => a - b);
  return (all[(all.length - 1) >> 1] + all[all.length >> 1]) / 2;
};

/**
 * Waits until all viewers but the one that fetches have had two segments of neighbors, since now.
 * @param {import('./stage.mjs').Viewer[]} viewers
 */
async function haveBeenFed(viewers) {
  const before = await Promise.all(viewers.map((viewer) => viewer.peers()));
  const fed = async () => {
    const received = await Promise.all(viewers.map((viewer, i) => gifts(viewer, before[i])));
    const enough = received.filter((bytes) => bytes.reduce((a, b) => a + b, 0) > 2 * SEGMENT_BYTES);
    return enough.length >= viewers.length - 1;
  };
  for (const deadline = Date.now() + 60_000; !(await fed()); await sleep(250)) {
    assert.ok(Date.now() < deadline, 'they do not share any more');
  }
}

describe('pieces', { concurrency: 1 }, () => {
  for (const kind of /** @type {const} */ (['vod', 'live'])) {
    test(`${kind}: what two viewers play has the origin's SHA-256, and most of it comes once from the origin, then in pieces`, async () => {
      await withStage(async (stage) => {
        Object.assign(stage.origin, FAR);
        const setUp = { src: SRC[kind], init: countMessages };
        const one = await stage.viewer({ name: 'one', ...setUp });
        await one.plays(6);
        const two = await stage.viewer({ name: 'two', ...setUp });
        await two.waitForEvent('peer', { state: 'opened' });
        await sleep(3_000);
        const from = Date.now();
        await allPlay([one, two], 20);
        await playsTheOrigins(one);
        await playsTheOrigins(two);

        const { copies, ranges } = await copiesSince(stage, [one, two], from);
        const all = [await one.stats(), await two.stats()];
        const words = [await said(one), await said(two)];
        console.log(
          `${kind}: ${mean(copies.values()).toFixed(2)} copies of ${copies.size} segments, ${ranges} answers to Range; ` +
            `bytes from peers ${all.map(({ p2pBytes }) => p2pBytes)}, from the CDN ${all.map(({ cdnBytes }) => cdnBytes)}; ` +
            `said ${JSON.stringify(words)}`,
        );
        assert.ok(copies.size >= 8, `the origin was asked for ${copies.size} segments`);
        assert.ok(mean(copies.values()) <= 1.2, 'two copies of a segment');
        // Live, either may be the one that fetches.
        const [share] = all
          .map(({ p2pBytes, cdnBytes }) => p2pBytes / (p2pBytes + cdnBytes))
          .sort((a, b) => b - a);
        assert.ok(share >= 0.6, `at most ${(share * 100).toFixed(1)} % came from the other`);
        assert.deepEqual(
          all.map(({ malformed }) => malformed),
          [0, 0],
        );
        const sum = (/** @type {string} */ event) =>
          words.reduce((count, each) => count + (each[event] ?? 0), 0);
        assert.ok(sum('WANT') > 0, 'no pieces were asked for');
        assert.equal(sum('REQUEST'), 0, 'whole segments were asked for');
      });
    });
  }

  test('live: four viewers fetch each segment about once from the origin, bring each other the rest, and play on when the first one dies', async () => {
    await withStage(async (stage) => {
      Object.assign(stage.origin, FAR);
      const home = await stage.browser();
      const doomed = await stage.browser();
      /** @type {import('./stage.mjs').Viewer[]} */
      const viewers = [];
      for (const name of ['one', 'two', 'three', 'four']) {
        const browser = viewers.length === 0 ? doomed : home;
        viewers.push(await stage.viewer({ name, src: SRC.live, init: countMessages, browser }));
        await viewers[viewers.length - 1].plays(1);
        await sleep(2_000);
      }
      await sleep(5_000);
      const from = Date.now();
      const before = await Promise.all(viewers.map((viewer) => viewer.peers()));
      await allPlay(viewers, 24);

      const { copies, ranges } = await copiesSince(stage, viewers, from);
      const received = await Promise.all(viewers.map((viewer, i) => gifts(viewer, before[i])));
      console.log(
        `four viewers: ${mean(copies.values()).toFixed(2)} copies of ${copies.size} segments, at most ` +
          `${Math.max(...copies.values()).toFixed(2)}, ${ranges} answers to Range; KB by neighbor: ` +
          received.map((bytes) => bytes.map((n) => Math.round(n / 1000)).join('+')).join(', '),
      );
      assert.ok(copies.size >= 8, `the origin was asked for ${copies.size} segments`);
      assert.ok(mean(copies.values()) <= 1.3, `${mean(copies.values())} copies of a segment`);
      let fed = 0;
      for (const viewer of viewers) {
        const { malformed, p2pBytes } = await viewer.stats();
        assert.equal(malformed, 0, viewer.name);
        fed += p2pBytes > 0 ? 1 : 0;
        await playsTheOrigins(viewer);
      }
      assert.ok(fed >= viewers.length - 1, 'besides the one that fetches somebody has nothing');

      await doomed.kill();
      const killed = Date.now();
      const others = viewers.slice(1);
      await haveBeenFed(others);
      const again = Date.now();
      await allPlay(others, 24);
      const { copies: later } = await copiesSince(stage, others, again);
      console.log(
        `without the first, fed again after ${again - killed} ms: copies of each segment ` +
          [...later.values()].map((count) => count.toFixed(2)).join(' '),
      );
      assert.ok(later.size >= 8, `the origin was asked for ${later.size} segments`);
      // They notice a death at different times: one of them may fetch a segment or two for itself.
      assert.ok(median(later.values()) <= 1.3, 'the others do not share any more');
      assert.ok(mean(later.values()) <= 1.5, `${mean(later.values())} copies of a segment`);
      for (const viewer of others) {
        const seen = await viewer.seen();
        assert.deepEqual(seen.stalls, [], `${viewer.name} stalled`);
        assert.deepEqual(loadErrors(seen), [], viewer.name);
      }
    });
  });

  test('vod: a viewer whose peer sends too slowly has the rest of a segment from the CDN, by Range, and next to nothing twice', async () => {
    await withStage(async (stage) => {
      Object.assign(stage.origin, FAR);
      const slow = { uploadBytesPerSecond: 120_000 };
      const one = await stage.viewer({ name: 'one', src: SRC.vod, options: slow });
      await one.plays(6);
      const two = await stage.viewer({ name: 'two', src: SRC.vod });
      await two.waitForEvent('peer', { state: 'opened' });
      await two.plays(24);
      await playsTheOrigins(two);
      const own = stage.fetches.filter(({ viewer }) => viewer === 'two');
      const parts = own.filter(({ range }) => range !== undefined);
      const { p2pBytes, cdnBytes, wastedBytes } = await two.stats();
      console.log(
        `a slow peer: ${parts.length} of ${own.length} fetches by Range; ${p2pBytes} bytes from the peer, ${cdnBytes} from the ` +
          `CDN, ${wastedBytes} in vain`,
      );
      assert.ok(parts.length >= 5, `${parts.length} fetches by Range`);
      assert.ok(p2pBytes > 1_000_000, `${p2pBytes} bytes from the peer`);
      // What peers had begun and the CDN's second range brings once more counts.
      assert.ok(wastedBytes < 0.15 * (p2pBytes + cdnBytes), `${wastedBytes} bytes in vain`);
    });
  });

  for (const [what, old] of /** @type {[string, number][]} */ ([
    ['first', 0],
    ['second', 1],
  ])) {
    test(`live: a viewer of extension 1 that comes ${what} gives and takes whole segments, and the others play with it`, async () => {
      await withStage(async (stage) => {
        /** @type {import('./stage.mjs').Viewer[]} */
        const viewers = [];
        for (const [i, name] of ['one', 'two', 'three'].entries()) {
          const init = i === old ? speakExtension1 : countMessages;
          viewers.push(await stage.viewer({ name, src: SRC.live, init }));
          await viewers[i].plays(4);
        }
        await sleep(4_000);
        const from = Date.now();
        await allPlay(viewers, 20);
        const words = await Promise.all(viewers.map(said));
        const { copies, ranges } = await copiesSince(stage, viewers, from);
        console.log(
          `extension 1 comes ${what}: ${mean(copies.values()).toFixed(2)} copies of ${copies.size} segments, ` +
            `${ranges} answers to Range; said ${JSON.stringify(words)}`,
        );
        for (const viewer of viewers) {
          assert.equal((await viewer.stats()).malformed, 0, viewer.name);
          await playsTheOrigins(viewer);
        }
        const { WANT = 0, HAVE = 0, CANCEL = 0, REQUEST = 0, BINARY = 0 } = words[old];
        assert.equal(WANT + HAVE + CANCEL, 0, 'it speaks of pieces');
        assert.ok(REQUEST + BINARY > 5, 'it has no part in it');
        assert.ok(copies.size >= 8, `the origin was asked for ${copies.size} segments`);
        assert.ok(mean(copies.values()) <= 1.5, 'they do not share');
      });
    });
  }
});
