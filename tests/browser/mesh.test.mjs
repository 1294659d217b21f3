/** Three and four viewers that bring each other pieces of segments (protocol section 5), and viewers that do not know what pieces are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FAR,
  SEGMENT_BYTES,
  SRC,
  allPlay,
  copiesSince,
  countMessages,
  mean,
  playsTheOrigins,
  said,
} from './pieces.mjs';
import { loadErrors, withStage } from './stage.mjs';

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
