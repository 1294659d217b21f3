import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cycles, soak } from './soak.mjs';

/** `node tests/browser/soak.mjs` plays 30. */
const MINUTES = 8;

/**
 * hls.js keeps figures of each fragment of a VOD playlist that has played, and Chromium compiled code; a segment kept by mistake
 * is 60 KB, and there are 30 of them to a minute.
 */
const HEAP_PER_MINUTE = 200_000;
const HEAP_PER_CYCLE = 50_000;

describe('a page holds no more as time goes by', { concurrency: 2 }, () => {
  test('long playback beside a peer: after minute 5, heap, wasm memory, connections, timers and listeners stay', async () => {
    const { readings, stats } = await soak(MINUTES);
    const [first] = readings;
    const last = readings[readings.length - 1];
    assert.ok(
      stats.p2pBytes > stats.cdnBytes,
      'the peer gave too little for this to show anything',
    );
    for (const { minute, heap, wasmBytes, connections, listeners, nodes, timers } of readings) {
      const allowed = HEAP_PER_MINUTE * (minute - first.minute);
      assert.ok(heap - first.heap <= allowed, `minute ${minute}: ${heap} after ${first.heap}`);
      assert.equal(wasmBytes, first.wasmBytes, `wasm memory in minute ${minute}`);
      assert.equal(connections, 1);
      assert.ok(Math.abs(listeners - first.listeners) <= 4, `${listeners} listeners`);
      assert.ok(Math.abs(nodes - first.nodes) <= 20, `${nodes} nodes`);
      assert.ok(timers <= 8, `${timers} timers`);
    }
    assert.deepEqual([last.engines, last.meshes, last.players], [1, 1, 1]);
  });

  test('50 players that came, were fed and went leave nothing', async () => {
    const { before, after } = await cycles(50);
    const { timers, connections, engines, players, meshes, videos, wasmBytes } = after;
    assert.deepEqual(
      { timers, connections, engines, players, meshes, videos, wasmBytes },
      { timers: 0, connections: 0, engines: 0, players: 0, meshes: 0, videos: 0, wasmBytes: 0 },
    );
    assert.equal(after.listeners, before.listeners);
    assert.equal(after.nodes, before.nodes);
    const grown = after.heap - before.heap;
    assert.ok(grown / 40 < HEAP_PER_CYCLE, `${grown} bytes in 40 cycles`);
  });
});
