/**
 * The time that a load waits for peers, in real browsers: a slow parent does not lower the level, and a slow origin gets fewer
 * requests.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { ensureStream } from '../../demo/stream.mjs';
import { Link } from '../streams/link.mjs';
import { LADDER } from '../streams/playlists.mjs';
import { Theatre } from './conformance/theatre.mjs';
import { loadErrors, withStage } from './stage.mjs';

const CDN = 48_000_000 / 8;
const TOP = LADDER.length - 1;

describe('how long a load waits for peers', { concurrency: 2 }, () => {
  test('B3: a parent with less upload than the level has bits does not lower the level', async () => {
    const theatre = await Theatre.open();
    try {
      const { pages, streams } = theatre;
      for (const slower of [0.85, 0.4]) {
        const room = `uplink of ${slower}`;
        const src = theatre.source('ladder', { room });
        for (const viewer of ['plain', 'fed']) streams.links.set(viewer, new Link(CDN));
        const play = { src, rate: 1, endAt: 14, config: { abrEwmaDefaultEstimate: CDN * 8 } };
        const uploadBytesPerSecond = (slower * LADDER[TOP].bitrate) / 8;
        const held = theatre.hold({ src, level: TOP, options: { uploadBytesPerSecond } }, room);
        const [plain, fed] = await Promise.all([
          theatre.run(pages.plain, play),
          held.then(() => theatre.run(pages.fed, { ...play, afterPeer: true }, room)),
        ]);
        await theatre.release(room);
        assert.equal(fed.failure, undefined, fed.failure);
        const levels = (/** @type {any} */ { history }) =>
          history.map((/** @type {any} */ h) => h.level);
        const said = `${room}: ${levels(fed)}; plain: ${levels(plain)}`;
        // How soon hls.js trusts the line enough for the top, the machine decides; a segment from a peer must not end that.
        const brought = fed.segments.findIndex((/** @type {any} */ s) => s.source === 'peer');
        assert.ok(brought >= 0, said);
        const below = levels(fed)
          .slice(brought)
          .filter((/** @type {number} */ l) => l !== TOP);
        // One segment for a moment at which the machine served the other page.
        assert.ok(below.length <= 1, said);
        // The speed of a slow parent says nothing about the line, whose speed plain hls.js measures: a fifth of it at most.
        const [heard, true_] = [fed, plain].map(({ history }) => history.at(-1).estimate);
        assert.ok(heard > 0.4 * true_, `${room}: estimates ${heard} beside ${true_} bit/s`);
      }
    } finally {
      await theatre.close();
    }
  });

  test('B11: four viewers of an origin that has four times the bitrate for all of them', async () => {
    await withStage(async (stage) => {
      const viewers = [];
      for (const name of ['one', 'two', 'three', 'four']) {
        const viewer = await stage.viewer({ name, src: '/slow/360p.m3u8' });
        const came = Date.now();
        // The test does not judge how fast a busy machine connects two browsers.
        if (name !== 'one') await viewer.waitForEvent('peer', { state: 'opened' });
        viewers.push({ viewer, before: name === 'one' ? 0 : (await viewer.stats()).cdnBytes });
        await sleep(Math.max(0, came + 3000 - Date.now()));
      }
      let p2p = 0;
      let all = 0;
      for (const { viewer, before } of viewers) {
        await hasEnded(viewer, 20);
        const seen = await viewer.seen();
        const { p2pBytes, cdnBytes } = await viewer.stats();
        assert.deepEqual({ stalls: seen.stalls, errors: loadErrors(seen) }, CALM, viewer.name);
        if (viewer.name === 'one') continue;
        p2p += p2pBytes;
        all += p2pBytes + cdnBytes - before;
      }
      // 0.65 of what four viewers play, the first of whom has nobody.
      assert.ok(p2p / all >= (0.65 * 4) / 3, `${p2p} bytes of ${all} came from peers`);
    }, slowOrigin(3_300_000));
  });

  test('B11: two viewers begin together at an origin that has 1.6 times the bitrate for both', async () => {
    await withStage(async (stage) => {
      const src = '/slow/360p.m3u8';
      const viewers = await Promise.all(['one', 'two'].map((name) => stage.viewer({ name, src })));
      let p2p = 0;
      let all = 0;
      for (const viewer of viewers) {
        await hasEnded(viewer, 15);
        assert.deepEqual(loadErrors(await viewer.seen()), [], viewer.name);
        const { p2pBytes, cdnBytes } = await viewer.stats();
        p2p += p2pBytes;
        all += p2pBytes + cdnBytes;
      }
      // Half would be one copy; each has fetched what it needed before they were connected.
      assert.ok(p2p / all >= 0.4, `${p2p} bytes of ${all} came from peers`);
    }, slowOrigin(1_300_000));
  });
});

const CALM = { stalls: [], errors: [] };

const SEGMENTS = 30;
const SEGMENT_S = 2;

/**
 * A minute of the middle rendition, from a line that all viewers share.
 *
 * @param {number} bitsPerSecond
 */
function slowOrigin(bitsPerSecond) {
  const segments = Array.from(
    { length: SEGMENTS },
    (_, i) => `#EXTINF:${SEGMENT_S}.000,\n360p_${String(i).padStart(5, '0')}.ts\n`,
  );
  const head = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:${SEGMENT_S}\n`;
  const playlist = `${head}${segments.join('')}#EXT-X-ENDLIST\n`;
  const link = new Link(bitsPerSecond / 8);
  return {
    '/slow/': async (/** @type {any} */ req, /** @type {any} */ res) => {
      const name = path.basename(new URL(req.url, 'http://origin').pathname);
      const body = name.endsWith('.m3u8')
        ? Buffer.from(playlist)
        : await readFile(path.join(await ensureStream(), name));
      await sleep(60);
      res.writeHead(200, { 'Cache-Control': 'no-store', 'Content-Length': body.length });
      return body.length === playlist.length ? res.end(body) : link.send(res, body);
    },
  };
}

/**
 * @param {import('./stage.mjs').Viewer} viewer
 * @param {number} seconds beyond what the film lasts
 */
function hasEnded(viewer, seconds) {
  return viewer.page.waitForFunction(
    () => /** @type {HTMLVideoElement} */ (document.getElementById('video')).ended,
    null,
    { timeout: (SEGMENTS * SEGMENT_S + seconds) * 1000, polling: 250 },
  );
}
