import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Theatre, errorsOf } from './theatre.mjs';

/** @type {Theatre} */
let theatre;

before(async () => {
  theatre = await Theatre.open();
});
after(() => theatre?.close());

describe('live with a mesh is what it is without', { concurrency: false }, () => {
  test('C10: low latency: parts and blocking reload; nobody is connected for what is not shared', async () => {
    const { fed } = await playLowLatency('low-latency');
    for (const { file, source } of fed.segments) {
      if (file.startsWith('part')) assert.equal(source, 'cdn', file);
    }
    assert.ok(theatre.streams.count('fed', 'low-latency', /^part\d+\.m4s$/) > 8);
  });

  test('C10: low latency: parts that are byte ranges of a segment', async () => {
    const stream = 'low-latency-ranges';
    await playLowLatency(stream);
    const ranges = theatre.streams.fetches.filter(
      (fetch) => fetch.viewer === 'fed' && fetch.stream === stream && fetch.range,
    );
    assert.ok(ranges.length > 8);
  });

  /** Checks that each viewer got the true bytes and is near the live edge. @param {string} stream */
  async function playLowLatency(stream) {
    const { pages, streams } = theatre;
    const room = stream;
    // Whoever starts late on a busy machine catches up.
    const config = { maxLiveSyncPlaybackRate: 1.5 };
    const play = { src: theatre.source(stream), rate: 1, endAt: 12, nearEdge: 0.5, config };
    streams.live.start();
    const held = theatre.hold({ ...play, plays: true }, room);
    const [plain, alone, fed] = await Promise.all([
      theatre.run(pages.plain, play),
      theatre.run(pages.alone, play, `${room}, alone`),
      held.then(() => theatre.run(pages.fed, play, room)),
    ]);
    await theatre.release(room);
    for (const result of [plain, alone, fed]) {
      theatre.assertTrueBytes(result);
      assert.equal(result.failure, undefined);
      assert.deepEqual(errorsOf(result), []);
      const files = result.loads.map((/** @type {any} */ l) => l.file);
      // Of second 10.
      assert.ok(files.includes('part20.m4s') || files.includes('whole5.m4s'), `${files}`);
    }
    for (const { peers, trackers, warnings } of [alone, fed]) {
      assert.deepEqual({ peers, trackers }, { peers: 0, trackers: 0 });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], /^warning parts-only .*lowLatencyMode: false/);
    }
    return { plain, alone, fed };
  }

  test('low latency: parts of a second come from peers, near the live edge', async () => {
    const { pages, streams } = theatre;
    const stream = 'low-latency-seconds';
    const config = { maxLiveSyncPlaybackRate: 1.5 };
    const play = { src: theatre.source(stream), rate: 1, endAt: 14, nearEdge: 1, config };
    streams.live.start();
    await theatre.hold({ ...play, plays: true }, stream);
    const [plain, fed] = await Promise.all([
      theatre.run(pages.plain, play),
      theatre.run(pages.fed, play, stream),
    ]);
    await theatre.release(stream);
    for (const [who, result] of Object.entries({ plain, fed })) {
      theatre.assertTrueBytes(result);
      assert.equal(result.failure, undefined, `${who}: ${result.failure}`);
      assert.deepEqual(errorsOf(result), [], who);
    }
    assert.deepEqual(fed.warnings, []);
    const parts = fed.segments.filter((/** @type {any} */ { file }) => /^second/.test(file));
    // The first ones come before there is a connection.
    const fromPeer = parts.filter((/** @type {any} */ { source }) => source === 'peer');
    assert.ok(fromPeer.length >= 4, `${fromPeer.length} of ${parts.length}`);
  });

  test('C10: with lowLatencyMode off a stream with parts is shared by whole segments', async () => {
    const { pages, streams } = theatre;
    streams.live.start();
    const room = 'whole segments';
    const config = { lowLatencyMode: false };
    const play = { src: theatre.source('low-latency'), rate: 1, endAt: 4, config };
    await theatre.hold({ ...play, plays: true }, room);
    const fed = await theatre.run(pages.fed, { ...play, afterPeer: true }, room);
    await theatre.release(room);
    assert.equal(fed.failure, undefined);
    theatre.assertTrueBytes(fed);
    assert.ok(fed.peers > 0);
    assert.ok(fed.stats.p2pSegments > 0, 'nothing came from the peer');
    assert.deepEqual(fed.warnings, []);
  });

  test('an event whose playlist has no media sequence is shared, by whoever has a segment first', async () => {
    const { pages, streams } = theatre;
    const room = 'event';
    const play = { src: theatre.source('event'), rate: 1, endAt: 15 };
    streams.live.start();
    await theatre.hold({ ...play, plays: true }, room);
    const fed = await theatre.run(pages.fed, { ...play, afterPeer: true }, room);
    const [peer] = await theatre.release(room);
    assert.equal(fed.failure, undefined, fed.failure);
    for (const result of [fed, peer]) {
      theatre.assertTrueBytes(result);
      assert.deepEqual(errorsOf(result), []);
      assert.deepEqual(result.warnings, []);
    }
    const shared = fed.stats.p2pSegments + peer.stats.p2pSegments;
    assert.ok(shared >= 3, `${shared} of ${fed.loads.length} and ${peer.loads.length} loads`);
  });

  test('a media sequence that starts over: who knows the old numbers does not give them for the new', async () => {
    const { pages, streams } = theatre;
    const room = 'reset';
    const play = { src: theatre.source('reset'), rate: 1 };
    streams.live.start();
    const before = Promise.all([
      theatre.run(pages.plain, play),
      theatre.run(pages.alone, play, `${room}, alone`),
    ]);
    await theatre.hold({ ...play, plays: true }, room);
    await streams.live.afterReset(5);
    const after = Promise.all([
      theatre.run(pages.plain, play),
      theatre.run(pages.fed, { ...play, afterPeer: true }, room),
    ]);
    for (const [plain, meshed] of [await before, await after]) {
      for (const result of [plain, meshed]) {
        theatre.assertTrueBytes(result);
        assert.equal(result.failure, undefined);
        assert.equal(result.ended, true);
      }
      assert.deepEqual(errorsOf(meshed), errorsOf(plain));
      // The one beside a peer waits for it first, so that its timeline begins with a later playlist.
      assert.equal(meshed.loads.at(-1).file, plain.loads.at(-1).file);
      if (meshed.loads[0].file === plain.loads[0].file) {
        assert.ok(Math.abs(meshed.currentTime - plain.currentTime) < 0.5);
      }
    }
    await theatre.release(room);
  });
});
