/** Segments that the player refuses, and bodies that do not look like media, are neither shared nor given a second time. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ensureStream } from '../../demo/stream.mjs';
import { withStage } from './stage.mjs';

const SEGMENTS = 10;
const SECONDS = 2 * SEGMENTS;

/** Of the live stream: all of its segments, those that were there when the first viewer came, and those that are listed. */
const LIVE_SEGMENTS = 12;
const HISTORY = 8;
const WINDOW = 7;

// Little, so that most of the stream is asked for while a parent is there.
const CONFIG = { maxBufferLength: 8, maxMaxBufferLength: 8 };

const nameOf = (/** @type {number} */ number) => `240p_${String(number).padStart(5, '0')}.ts`;

const sha256 = (/** @type {Buffer} */ body) => createHash('sha256').update(body).digest('hex');

const bodyOf = async (/** @type {string} */ name) =>
  readFile(path.join(await ensureStream(), name));

/**
 * An origin's handler of `/word/<anything>/`: the first segments of the stream, which `edge` may spoil.
 * @typedef {(viewer: string, name: string, times: number, body: Buffer) => Buffer} Edge `times` that the viewer has asked for it
 */
class Word {
  /** @type {Edge} */
  edge = (_viewer, _name, _times, body) => body;
  /** @type {Map<string, number>} */
  asked = new Map();

  /** @type {import('../../demo/origin.mjs').OriginOptions['routes']} */
  routes = {
    '/word/': async (/** @type {any} */ req, /** @type {any} */ res) => {
      const { pathname } = new URL(req.url, 'http://origin');
      const name = path.basename(pathname);
      const viewer = / viewer\/(\S+)$/.exec(req.headers['user-agent'] ?? '')?.[1] ?? '';
      const key = `${viewer} ${name}`;
      const times = (this.asked.get(key) ?? 0) + 1;
      this.asked.set(key, times);
      const body = name.endsWith('.m3u8') ? this.#playlist(pathname) : await bodyOf(name);
      res.writeHead(200, { 'Cache-Control': 'no-store' });
      res.end(name.endsWith('.m3u8') ? body : this.edge(viewer, name, times, Buffer.from(body)));
    },
  };

  /** When each live playlist was first asked for, in milliseconds. @type {Map<string, number>} */
  #began = new Map();
  #token = 0;

  /** @param {string} pathname with the name live.m3u8: the stream is live, and each URL has a token that is new in each answer */
  #playlist(pathname) {
    if (!pathname.endsWith('/live.m3u8')) return playlist(0, SEGMENTS);
    const began = this.#began.get(pathname) ?? Date.now();
    this.#began.set(pathname, began);
    const end = HISTORY + Math.floor((Date.now() - began) / 2000);
    return playlist(
      Math.max(0, Math.min(end, LIVE_SEGMENTS) - WINDOW),
      end,
      `?token=${this.#token++}`,
    );
  }

  /** @param {string} viewer @param {number} number of the segment */
  times(viewer, number) {
    return this.asked.get(`${viewer} ${nameOf(number)}`) ?? 0;
  }
}

/** @param {number} from @param {number} end exclusive @param {string} [query] of each segment */
function playlist(from, end, query) {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-TARGETDURATION:2',
    `#EXT-X-MEDIA-SEQUENCE:${from}`,
  ];
  const last = query ? LIVE_SEGMENTS : SEGMENTS;
  for (let i = from; i < Math.min(end, last); i++) {
    lines.push('#EXTINF:2.000,', `${nameOf(i)}${query ?? ''}`);
  }
  if (end >= last) lines.push('#EXT-X-ENDLIST');
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** @param {import('./stage.mjs').Viewer} viewer */
async function ends(viewer, seconds = SECONDS + 60) {
  await viewer.page.waitForFunction(
    () => /** @type {HTMLVideoElement} */ (document.getElementById('video')).ended,
    null,
    { timeout: seconds * 1000, polling: 250 },
  );
}

/**
 * Where the segments came from, in order.
 * @param {import('./stage.mjs').Viewer} viewer
 */
async function story(viewer) {
  const { events } = await viewer.seen();
  const told = events.filter((/** @type {any} */ { name }) => name !== 'tracker');
  return told
    .map((/** @type {any} */ { at, name, url, source, reason, state }) =>
      [Math.round(at), name, url && path.basename(url), source ?? reason ?? state].join(' '),
    )
    .join(', ');
}

/**
 * Segments whose bytes, as hls.js was given them, are not the origin's.
 * @param {import('./stage.mjs').Viewer} viewer
 */
async function strange(viewer) {
  const { fragments } = await viewer.seen();
  const wrong = [];
  for (const { url, sha256: digest } of fragments) {
    const name = path.basename(new URL(url).pathname);
    if (digest !== sha256(await bodyOf(name))) wrong.push(name);
  }
  return wrong;
}

describe('A5: an edge that answers 200 with what is no segment, once', { concurrency: 3 }, () => {
  for (const [what, spoil] of /** @type {[string, (body: Buffer) => Buffer][]} */ ([
    ['a page of HTML', () => Buffer.from('<!doctype html>\n<title>Please wait</title>\n')],
    ['half a segment', (body) => body.subarray(0, body.length / 2)],
    [
      'half a segment, cut between packets',
      (body) => body.subarray(0, Math.floor(body.length / 376) * 188),
    ],
  ])) {
    test(`A5: ${what}: not shared, and healed by the source loaded again`, async () => {
      const word = new Word();
      word.edge = (viewer, name, times, body) =>
        viewer === 'one' && name === nameOf(3) && times === 1 ? spoil(body) : body;
      await withStage(async (stage) => {
        const src = '/word/a/240p.m3u8';
        const one = await stage.viewer({ name: 'one', src, query: { recover: '1' } });
        await one.plays(4);
        // The first segments, the spoilt one among them, are asked for when a parent is there.
        const config = { ...CONFIG, startPosition: 2 * (SEGMENTS - 4) };
        const two = await stage.viewer({ name: 'two', src, config });
        await two.waitForEvent('peer', { state: 'opened' });
        await two.page.evaluate(() => {
          /** @type {HTMLVideoElement} */ (document.getElementById('video')).currentTime = 0;
        });
        await Promise.all([ends(one), ends(two)]);
        const { p2pSegments } = await two.stats();
        assert.ok(p2pSegments > 0, `none from the other: ${await story(two)}`);
        assert.deepEqual(await strange(two), []);
        assert.ok((await strange(one)).length <= 1);

        await one.page.evaluate(() => {
          globalThis.seen.fragments.length = 0;
          globalThis.hls.loadSource(globalThis.hls.url);
        });
        await one.page.waitForFunction(
          (count) =>
            globalThis.seen.fragments.filter((/** @type {any} */ f) => f.sha256).length >= count,
          SEGMENTS,
          { timeout: 60_000 },
        );
        assert.deepEqual(await strange(one), []);
      }, word.routes);
    });
  }
});

/** hls.js never gets a body that does not look like the segment. */
const SEEN_THROUGH = ['random', 'flipped', 'cut', 'page'];
/** hls.js or the decoder finds these out. */
const REFUSED = ['touched', 'packets'];
/** Media that plays, and boxes that hls.js passes over without a word: nobody can tell. */
const PLAYS = ['other', 'boxes'];

describe('A6: a parent that sends what is not the segment', () => {
  /**
   * @param {string} mode
   * @param {boolean} recover
   * @param {import('./stage.mjs').Stage} stage
   */
  async function drill(mode, recover, stage) {
    const src = `/word/${mode}/240p.m3u8`;
    const rogue = await stage.rogue({ mode, level: 1, src });
    const query = /** @type {Record<string, string>} */ (recover ? { recover: '1' } : {});
    const viewer = await stage.viewer({ name: mode, src, config: CONFIG, query });
    await ends(viewer).catch((error) => assert.fail(`${mode}: ${error.message}`));
    const { served, errors } = await rogue.evaluate(() => globalThis.rogue);
    const { fragments } = await viewer.seen();
    const wrong = await strange(viewer);
    assert.ok(served > 0, `${mode}: the parent was never asked`);
    if (PLAYS.includes(mode)) assert.ok(fragments.length < 2 * SEGMENTS, mode);
    else assert.ok(errors > 0, `${mode}: the parent was not dropped`);
    if (SEEN_THROUGH.includes(mode)) assert.deepEqual(wrong, [], mode);
    // No segment is asked for again and again, and none twice of the parent.
    assert.ok(fragments.length <= 2 * SEGMENTS, `${mode}: ${fragments.length} loads`);
    assert.equal(new Set(wrong).size, wrong.length, `${mode}: ${wrong} given twice`);

    if (PLAYS.includes(mode)) return;
    await rogue.context().close();
    const next = await stage.viewer({ name: `${mode}-next`, src, config: CONFIG });
    await next.plays(6);
    assert.deepEqual(await strange(next), [], `${mode}: served on`);
  }

  for (const recover of [false, true]) {
    const page = recover ? 'a page that recovers' : 'a page that does nothing about errors';
    test(`A6: ${page} plays to the end, the parent is dropped, and nothing is served on`, async () => {
      const word = new Word();
      await withStage(async (stage) => {
        for (const modes of [SEEN_THROUGH, [...REFUSED, ...PLAYS]]) {
          await Promise.all(modes.map((mode) => drill(mode, recover, stage)));
        }
      }, word.routes);
    });
  }
});

/** Takes apart what a peer sent only after the live playlist was loaded again, which lists it with another token. */
function refreshWhileParsing() {
  const { hls, mesh } = globalThis;
  mesh.on('segment', (/** @type {any} */ { source }) => {
    if (source !== 'peer') return;
    const { transmuxer } = hls.streamController;
    const flush = transmuxer.flush.bind(transmuxer);
    transmuxer.flush = (/** @type {any} */ chunk) => {
      delete transmuxer.flush;
      hls.once('hlsLevelUpdated', () => setTimeout(flush, 0, chunk));
    };
  });
}

describe('A6: a live playlist with new tokens at each refresh', { concurrency: 2 }, () => {
  for (const mode of ['packets', 'nulls']) {
    test(`A6: ${mode}: the parent is dropped at the first word, and the rest is the CDN's`, async () => {
      const word = new Word();
      await withStage(async (stage) => {
        const src = `/word/${mode}/live.m3u8`;
        const rogue = await stage.rogue({ mode, level: 1, src });
        const config = { ...CONFIG, liveSyncDurationCount: 4 };
        const viewer = await stage.viewer({ name: mode, src, config });
        await viewer.page.evaluate(refreshWhileParsing);
        await ends(viewer);
        const told = await story(viewer);
        const { served, errors } = await rogue.evaluate(() => globalThis.rogue);
        assert.ok(served > 0, `the parent was never asked: ${told}`);
        assert.equal(errors, 1, `the parent was not dropped: ${told}`);
        const { fragments } = await viewer.seen();
        const numbers = fragments.map((/** @type {any} */ { sn }) => sn);
        assert.equal(Math.max(...numbers), LIVE_SEGMENTS - 1);
        // hls.js may ask for the next segment, which came meanwhile, before it says what it thinks of the first.
        const wrong = await strange(viewer);
        assert.ok(wrong.length === 1 || wrong.length === 2, `${wrong}: ${told}`);
        // hls.js 1.5 loads the refused segment again.
        assert.equal(new Set(wrong).size, wrong.length, `${wrong} given twice: ${told}`);
      }, word.routes);
    });
  }
});
