import assert from 'node:assert/strict';
import { StreamOrigin } from '../../streams/origin.mjs';
import { Stage } from '../stage.mjs';

/**
 * Four pages of tests/browser/pages/conformance.html on one stage: `plain` plays with hls.js alone, `alone` with a mesh and no
 * peer, `fed` beside `peer`, which has everything. What they saw must be the same.
 */

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ plain: any, alone: any, fed: any }} Results */

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {string} stream
 * @property {any} [play] for conform() and hold() in pages/conformance.js
 * @property {{ levels?: number[], plays?: boolean }} [peer]
 * @property {RegExp} [shared] files that a peer brings, at least one of them; none: a peer brings nothing
 * @property {RegExp} [direct] files that everybody has from the CDN
 * @property {Record<string, string>} [query] of the players' source
 * @property {Record<string, string>} [fedQuery] of the one beside the peer, where that has another
 * @property {Record<string, string>} [peerQuery]
 * @property {(results: Results) => void} [also]
 * @property {boolean} [timely] which loads there are, and which of them are cut off, hangs on the moment of each step
 * @property {boolean} [cutsOff] hls.js may cut a load off and begin it anew, which hangs on the moment of each step
 * @property {number} [mediaDelayMs] of the CDN, so that loads are underway when something happens
 * @property {boolean} [failing] the CDN does not have all
 */

export class Theatre {
  /**
   * @param {Stage} stage
   * @param {StreamOrigin} streams
   * @param {Record<'plain' | 'alone' | 'peer' | 'fed', Page>} pages
   */
  constructor(stage, streams, pages) {
    this.stage = stage;
    this.streams = streams;
    this.pages = pages;
  }

  static async open() {
    const streams = await StreamOrigin.create();
    const stage = await Stage.open({ '/streams/': streams.handler });
    /** @type {Record<string, Page>} */
    const pages = {};
    for (const viewer of ['plain', 'alone', 'peer', 'fed']) {
      const page = (pages[viewer] = await stage.page({ name: viewer }));
      const address = new URL(`/pages/conformance.html?viewer=${viewer}`, stage.origin.url);
      await page.goto(address.href);
    }
    return new Theatre(stage, streams, /** @type {any} */ (pages));
  }

  close() {
    return this.stage.close();
  }

  /** @param {string} stream @param {Record<string, string>} [query] */
  source(stream, query = {}) {
    const url = new URL(`/streams/${stream}/master.m3u8`, this.stage.origin.url);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url.href;
  }

  /**
   * Plays on a page as told by `play`, in `room` with a mesh or without one.
   * @param {Page} page
   * @param {object} play
   * @param {string} [room]
   * @returns {Promise<any>}
   */
  run(page, play, room) {
    return page.evaluate((what) => globalThis.conform(what), this.#with(play, room));
  }

  /** Has the peer load it all, for a room. @param {object} play @param {string} room */
  hold(play, room) {
    return this.pages.peer.evaluate((what) => globalThis.hold(what), this.#with(play, room));
  }

  /** @param {string} room */
  release(room) {
    return this.pages.peer.evaluate((name) => globalThis.release(name), room);
  }

  /** @param {object} play @param {string} [room] */
  #with(play, room) {
    if (!room) return { ...play, with: 'plain' };
    const options = { tracker: this.stage.tracker?.url, .../** @type {any} */ (play).options };
    return { ...play, with: 'mesh', room, options };
  }

  /** @param {Item} item @returns {Promise<Results>} */
  async playThrice({ name, stream, play = {}, peer, query, peerQuery, ...item }) {
    const { pages, streams } = this;
    streams.mediaDelayMs = item.mediaDelayMs ?? 0;
    const src = this.source(stream, query);
    const fedSrc = this.source(stream, item.fedQuery ?? query);
    const all = this.hold(
      { level: play.level, ...peer, src: this.source(stream, peerQuery) },
      name,
    );
    const [plain, alone, fed] = await Promise.all([
      this.run(pages.plain, { ...play, src }),
      this.run(pages.alone, { ...play, src }, `${name}, alone`),
      all.then(() => this.run(pages.fed, { ...play, src: fedSrc, afterPeer: true }, name)),
    ]);
    await this.release(name);
    streams.mediaDelayMs = 0;
    return { plain, alone, fed };
  }

  /** The bytes that hls.js was given are those of the address it asked for. @param {any} result */
  assertTrueBytes(result) {
    for (const { file, rangeStart, rangeEnd, sha256 } of result.loads) {
      assert.equal(sha256, this.streams.digest(file, rangeStart, rangeEnd), `bytes of ${file}`);
    }
    assert.ok(result.loads.length > 0);
  }

  /** @param {Item} item @param {Results} results */
  compare({ shared, direct, timely, cutsOff = timely, failing, stream, also }, results) {
    const { plain, alone, fed } = results;
    assert.equal(plain.failure, undefined, `plain hls.js: ${plain.failure} ${plain.errors}`);
    for (const [who, result] of Object.entries({ alone, fed })) {
      assert.equal(result.failure, undefined, `${who}: ${result.failure} ${result.errors}`);
      assert.equal(result.ended, true, `${who} ended`);
      assert.ok(Math.abs(result.duration - plain.duration) < 0.1, `${who}: ${result.duration} s`);
      assert.ok(Math.abs(result.currentTime - plain.currentTime) < 0.1);
      assert.deepEqual(result.picture, plain.picture);
      if (failing && who === 'fed') {
        // A peer may have what the CDN has lost; it adds no failure of its own.
        for (const error of errorsOf(result)) assert.ok(plain.errors.includes(error), error);
        for (const code of result.codes) assert.ok(plain.codes.includes(code), `status ${code}`);
      } else {
        assert.deepEqual(
          errorsOf(result, cutsOff),
          errorsOf(plain, cutsOff),
          `errors of ${who}: ${result.reasons}`,
        );
        assert.deepEqual(result.codes, plain.codes, `status codes that ${who} saw`);
      }
      assert.equal(result.timeouts, plain.timeouts);
      assert.deepEqual(result.cues.sort(), plain.cues.sort());
      assert.equal(result.foreign, 0, 'stats and context are the ones hls.js gave and holds');
      assert.deepEqual(result.warnings, []);
      if (!timely) {
        assert.deepEqual(result.misplaced, plain.misplaced);
        assert.deepEqual(result.levels, plain.levels, `levels of ${who}`);
        assert.deepEqual(filesOf(result.loads), filesOf(plain.loads), `loads of ${who}`);
      }
      this.assertTrueBytes(result);
    }
    this.assertTrueBytes(plain);
    also?.(results);

    assert.equal(alone.stats.p2pBytes, 0);
    const fromPeer = fed.segments.filter((/** @type {any} */ s) => s.source === 'peer');
    for (const { file } of fromPeer)
      assert.match(file, shared ?? /none/, 'what came from the peer');
    if (shared) assert.ok(fed.stats.p2pBytes > 0, 'nothing came from the peer');
    if (direct) assert.ok(this.streams.count('fed', stream, direct) > 0, `${direct} from the CDN`);
  }
}

/**
 * Complaints about the gap before the first frame and about a decoder that is late: several players at four times the speed
 * on a busy machine differ in those whoever loads.
 */
const OF_PLAYBACK = /buffer(SeekOverHole|StalledError|NudgeOnStall)$/;

/**
 * @param {any} result
 * @param {boolean} [cutsOff] a load that hls.js cut off itself may be among its errors
 */
export const errorsOf = ({ errors }, cutsOff = false) =>
  errors
    .filter((/** @type {string} */ e) => !OF_PLAYBACK.test(e))
    .filter((/** @type {string} */ e) => !cutsOff || e !== 'networkError aborted')
    .sort();

/** @param {any[]} loads */
const filesOf = (loads) => [...new Set(loads.map((l) => `${l.file} ${l.rangeStart}`))].sort();
