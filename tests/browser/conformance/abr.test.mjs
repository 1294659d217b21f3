import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Link } from '../../streams/link.mjs';
import { LADDER } from '../../streams/playlists.mjs';
import { Theatre } from './theatre.mjs';

/** @type {Theatre} */
let theatre;

before(async () => {
  theatre = await Theatre.open();
});
after(() => theatre?.close());

const LINE = 5_000_000 / 8;
const PEER = 50_000_000 / 8;
/** The last level that fits LINE. */
const TOP = 2;

/**
 * The true throughput of the segments so far, in bit/s, for somebody who knows both lines: their bytes, divided by the time that
 * the line which brought each of them takes for it. One that was kept counts as what once brought it.
 * @param {{ source: string, file: string, bytes: number }[]} segments
 */
function throughput(segments) {
  /** @type {Map<string, string>} */
  const brought = new Map();
  let bytes = 0;
  let seconds = 0;
  for (const segment of segments) {
    const by = brought.get(segment.file) ?? segment.source;
    brought.set(segment.file, by);
    bytes += segment.bytes;
    seconds += segment.bytes / (by === 'cdn' ? LINE : PEER);
  }
  return (bytes * 8) / seconds;
}

test('a line of 5 Mbit/s, a peer at 50 that has every other segment, some kept from before: the estimate is true and the level holds', async () => {
  const { pages, streams } = theatre;
  const room = 'ladder';
  const src = theatre.source('ladder');
  for (const viewer of ['plain', 'alone', 'fed']) streams.links.set(viewer, new Link(LINE));
  const config = { abrEwmaDefaultEstimate: 4_000_000, backBufferLength: 2 };
  const play = { src, rate: 1, script: 'back', endAt: 16, config };
  const peer = { src, level: TOP, shares: 'even', options: { uploadBytesPerSecond: PEER } };
  const [plain, alone, fed] = await Promise.all([
    theatre.run(pages.plain, play),
    theatre.run(pages.alone, play, `${room}, alone`),
    theatre.hold(peer, room).then(() => theatre.run(pages.fed, { ...play, afterPeer: true }, room)),
  ]);
  await theatre.release(room);
  streams.links.clear();

  for (const [who, result] of Object.entries({ plain, alone, fed })) {
    assert.equal(result.failure, undefined, `${who}: ${result.failure}`);
    // The segment after a seek is chosen with nothing in the buffer, and may be of a lower level for that.
    const levels = result.history
      .filter((/** @type {any} */ h, /** @type {number} */ i, /** @type {any[]} */ all) => {
        return i === 0 || h.sn > all[i - 1].sn;
      })
      .map((/** @type {any} */ h) => h.level);
    const reached = levels.indexOf(TOP);
    assert.ok(reached >= 0, `${who} did not get to level ${TOP}: ${levels}`);
    assert.ok(
      levels.slice(reached).every((/** @type {number} */ level) => level === TOP),
      `${who} held level ${TOP} of ${LADDER.length}: ${levels}`,
    );
  }
  const sources = new Set(fed.segments.map((/** @type {any} */ s) => s.source));
  assert.deepEqual([...sources].sort(), ['cdn', 'peer']);
  for (const [who, { history, segments }] of Object.entries({ alone, fed })) {
    const off = history.map((/** @type {any} */ { estimate }, /** @type {number} */ i) => {
      return estimate / throughput(segments.slice(0, i + 1));
    });
    // Before, the segments are so small that hls.js measures how busy the machine is.
    const settled = off.slice(history.findIndex((/** @type {any} */ h) => h.level === TOP));
    const said = `${who}: estimate to throughput ${off.map((/** @type {number} */ r) => r.toFixed(2))}`;
    console.log(said);
    assert.ok(Math.max(...off) < 2 && Math.min(...settled) > 0.5, said);
  }
});
