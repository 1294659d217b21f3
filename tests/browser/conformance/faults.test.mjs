import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Theatre } from './theatre.mjs';

/**
 * A CDN that fails within the body of a segment: what hls.js hears, in which order, how often it asks again and what it gets is the
 * same with hls.js alone, with a mesh and no peer, and with a peer that has the other segments.
 */

/** @type {Theatre} */
let theatre;

before(async () => {
  theatre = await Theatre.open();
});
after(() => theatre?.close());

/** The peer shares only even numbers. */
const FILE = 'lo3.ts';
const VIEWERS = ['plain', 'alone', 'fed'];
/** How long hls.js waits for a whole segment: longer than any takes that does not drip, on a busy machine. */
const WHOLE_MS = 4_000;
/** And for its first byte, where that is what does not come. */
const FIRST_BYTE_MS = 2_000;

const LITTLE = { maxBufferLength: 4, maxMaxBufferLength: 4 };
const retry = { maxNumRetry: 3, retryDelayMs: 100, maxRetryDelayMs: 200 };
const policy = {
  maxLoadTimeMs: WHOLE_MS,
  timeoutRetry: retry,
  errorRetry: retry,
};

/** What hangs on the moment: errors of playback, and when the browser has taken a segment in. */
const OF_MOMENTS = /^BUFFERED|buffer(SeekOverHole|StalledError|NudgeOnStall)/;

/** @param {any} result what it said of segments, and the address of each that it got with the digest of that */
const heard = ({ story, loads, codes, timeouts, levels }) => ({
  story: story.filter((/** @type {string} */ line) => !OF_MOMENTS.test(line)),
  loads: loads.map((/** @type {any} */ l) => `${l.file} ${l.sha256}`),
  ...{ codes, timeouts, levels },
});

/** What made the page's requests for a file since this was last asked. @param {string} file */
const initiators = (file) => {
  const entries = /** @type {PerformanceResourceTiming[]} */ (
    performance.getEntriesByType('resource')
  );
  performance.clearResourceTimings();
  const own = entries.filter(({ name }) => name.includes(file));
  return [...new Set(own.map(({ initiatorType }) => initiatorType))];
};

describe('a body that fails is to a mesh what it is to hls.js', { concurrency: false }, () => {
  for (const [
    kind,
    times,
    error,
    maxTimeToFirstByteMs = 20_000,
  ] of /** @type {[import('../../streams/faults.mjs').Kind, number, string?, number?][]} */ ([
    ['length too long', 1, 'fragLoadError'],
    ['length too long', 2, 'fragLoadError'],
    ['length too short', 1],
    ['reset', 1, 'fragLoadError'],
    ['reset', 3, 'fragLoadError'],
    ['closed', 1, 'fragLoadError'],
    ['drip', 1, 'fragLoadTimeOut'],
    ['head', 1, 'fragLoadTimeOut', FIRST_BYTE_MS],
  ])) {
    test(`${kind}, ${times} times`, async () => {
      const { pages, streams } = theatre;
      const room = `${kind} ${times}`;
      const src = theatre.source('long', { minutes: '0.2' });
      // Chromium cannot decode half of a segment, and gives up there.
      const endAt = kind === 'length too short' ? 5 : undefined;
      // By then the engine is there, which comes after the first frame.
      const config = {
        ...LITTLE,
        fragLoadPolicy: { default: { ...policy, maxTimeToFirstByteMs } },
      };
      const play = { src, rate: 2, endAt, config };
      streams.setFault({ file: FILE, kind, times, viewers: VIEWERS });
      const from = streams.fetches.length;
      const [plain, alone, fed] = await Promise.all([
        theatre.run(pages.plain, play),
        theatre.run(pages.alone, play, `${room}, alone`),
        theatre
          .hold({ src, shares: 'even' }, room)
          .then(() => theatre.run(pages.fed, { ...play, afterPeer: true }, room)),
      ]);
      await theatre.release(room);
      streams.setFault(null);
      for (const page of [pages.alone, pages.fed]) {
        assert.deepEqual(await page.evaluate(initiators, FILE), ['fetch']);
      }
      // Of all of it: places of a kilobyte are compared with what came, and hls.js does not wait for those.
      const requests = (/** @type {string} */ viewer) =>
        streams.fetches.slice(from).filter((fetch) => {
          return fetch.viewer === viewer && fetch.file === FILE && !fetch.range;
        }).length;

      assert.equal(plain.failure, undefined, plain.failure);
      const failures = plain.story.filter((/** @type {string} */ l) => error && l.includes(error));
      assert.equal(failures.length, error ? times : 0, plain.story.join('\n'));
      for (const [who, result] of Object.entries({ alone, fed })) {
        assert.deepEqual(heard(result), heard(plain), who);
        assert.equal(requests(who), requests('plain'), `requests of ${who}`);
        assert.equal(result.failure, undefined, `${who}: ${result.failure}`);
        assert.deepEqual(result.warnings, []);
        assert.equal(result.foreign, 0, 'stats and context are the ones hls.js gave and holds');
      }
      const byPeers = fed.segments.filter((/** @type {any} */ s) => s.source === 'peer');
      assert.ok(byPeers.length > 0, 'nothing came from the peer');
    });
  }
});
