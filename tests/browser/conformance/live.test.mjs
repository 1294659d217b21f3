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
  test('low latency: parts and blocking reload', async () => {
    const { pages, streams } = theatre;
    const room = 'low latency';
    // Whoever starts late on a busy machine catches up.
    const config = { maxLiveSyncPlaybackRate: 1.5 };
    const src = theatre.source('low-latency');
    const play = { src, rate: 1, endAt: 12, nearEdge: 0.5, config };
    streams.live.start();
    const held = theatre.hold({ ...play, plays: true }, room);
    const results = await Promise.all([
      theatre.run(pages.plain, play),
      theatre.run(pages.alone, play, `${room}, alone`),
      held.then(() => theatre.run(pages.fed, { ...play, afterPeer: true }, room)),
    ]);
    await theatre.release(room);
    for (const result of results) {
      theatre.assertTrueBytes(result);
      assert.equal(result.failure, undefined);
      assert.deepEqual(errorsOf(result), []);
      const files = result.loads.map((/** @type {any} */ l) => l.file);
      assert.ok(files.includes('part20.m4s'), `${files}`);
    }
    // Parts are the CDN's.
    const [, , fed] = results;
    for (const { file, source } of fed.segments) {
      if (file.startsWith('part')) assert.equal(source, 'cdn', file);
    }
    assert.ok(streams.count('fed', 'low-latency', /^part\d+\.m4s$/) > 8);
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
      assert.ok(Math.abs(meshed.currentTime - plain.currentTime) < 0.5);
    }
    await theatre.release(room);
  });
});
