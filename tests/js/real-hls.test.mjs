/** hls.js itself with the loader that a mesh put into its configuration; this needs no browser. */
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { fragmentContext } from './fake-hls.mjs';

// hls.js looks for the browser's global object when it is loaded.
Object.assign(globalThis, { self: globalThis, location: { href: 'https://site.example/' } });
if (!globalThis.crypto) Object.assign(globalThis, { crypto: webcrypto });
const { default: Hls } = await import('hls.js');
const { attach } = await import('../../js/index.js');
const { describeFragment } = await import('../../js/fragments.js');

const OPTIONS = { tracker: 'wss://tracker.example/', logger: null, wasm: new Uint8Array(1) };

/** @param {any} config */
function withMesh(config) {
  const hls = new Hls(config);
  return { hls, mesh: attach(hls, OPTIONS) };
}

test('players that hls.js makes for interstitials and I-frames know nothing of the mesh', () => {
  const { hls, mesh } = withMesh({ startLevel: 0 });
  assert.equal(typeof hls.config.fLoader, 'function');
  // hls.js makes them from what the site gave, not from what became of it.
  const child = new Hls({ ...hls.userConfig });
  assert.equal(child.config.fLoader, undefined);
  assert.equal(Hls.DefaultConfig.fLoader, undefined, 'nor does any other player');
  mesh.detach();
  child.destroy();
  hls.destroy();
});

test("the site's own loader stays beneath the mesh, and comes back when that is detached", () => {
  class Own {
    stats = { loading: { start: 0, first: 0, end: 0 } };
    destroy() {}
  }
  const { hls, mesh } = withMesh({ fLoader: Own });
  assert.notEqual(hls.config.fLoader, Own);
  const Loader = /** @type {any} */ (hls.config.fLoader);
  assert.ok(new Loader(hls.config).stats.loading, 'the stats are those of the loader beneath');
  mesh.detach();
  assert.equal(hls.config.fLoader, Own);
  hls.destroy();
});

test("with CMCD, whose loader has neither cache age nor headers, nothing of a loader's face is missing", () => {
  const { hls, mesh } = withMesh({ cmcd: { sessionId: 's', contentId: 'c' } });
  const Loader = /** @type {any} */ (hls.config.fLoader);
  const loader = new Loader(hls.config);
  assert.equal(loader.getCacheAge(), null);
  assert.equal(loader.getResponseHeader('age'), null);
  assert.equal(loader.stats.loaded, 0);
  loader.destroy();
  mesh.detach();
  hls.destroy();
});

test("a player made from another's configuration has loads, and a mesh, of its own", () => {
  class Own {
    /** @type {any[]} */
    static loads = [];
    stats = { loading: { start: 0, first: 0, end: 0 } };
    /** @param {any} config */
    constructor(config) {
      this.config = config;
    }
    load() {
      Own.loads.push(this.config);
    }
    destroy() {}
  }
  const { hls, mesh } = withMesh({ fLoader: Own });
  for (const copy of [{ ...hls.config }, Object.assign({}, hls.config, { startLevel: 1 })]) {
    const other = new Hls(copy);
    const Loader = /** @type {any} */ (other.config.fLoader);
    const loader = new Loader(other.config);
    loader.load(fragmentContext(), {}, {});
    assert.deepEqual(Own.loads.splice(0), [other.config], 'what it loads goes past the mesh');
    const second = attach(other, OPTIONS);
    assert.notEqual(second, mesh);
    assert.equal(attach(other, OPTIONS), second);
    second.detach();
    other.destroy();
  }
  mesh.detach();
  hls.destroy();
});

test("a class that a site derives from the mesh's loader is called as one of its own", () => {
  const { hls, mesh } = withMesh({});
  const Base = /** @type {any} */ (hls.config.fLoader);
  /** @type {string[]} */
  const urls = [];
  class Derived extends Base {
    #own = 1;
    /** @param {any} context @param {any[]} rest */
    load(context, ...rest) {
      urls.push(`${context.url}?${this.#own}`);
      super.load({ ...context, url: `${context.url}?${this.#own}` }, ...rest);
    }
  }
  hls.config.fLoader = /** @type {any} */ (Derived);
  for (const attached of [true, false]) {
    const Loader = /** @type {any} */ (hls.config.fLoader);
    const loader = new Loader(hls.config);
    assert.ok(loader instanceof Derived);
    assert.equal(typeof loader.getCacheAge, 'function', String(attached));
    loader.destroy();
    mesh.detach();
  }
  assert.equal(hls.config.fLoader, Derived, 'what the site put there stays');
  hls.destroy();
});

/**
 * @param {import('node:test').TestContext} t
 * @param {string[]} lines of a media playlist
 * @returns {Promise<any>} what hls.js makes of it
 */
async function detailsOf(t, lines) {
  const data = ['#EXTM3U', ...lines, ''].join('\n');
  class Playlist {
    context = null;
    stats = { loading: { start: 0, first: 0, end: 0 }, parsing: { start: 0, end: 0 } };
    /** @param {any} context @param {any} _config @param {any} callbacks */
    load(context, _config, callbacks) {
      setTimeout(() => callbacks.onSuccess({ url: context.url, data }, this.stats, context, null));
    }
    abort() {}
    destroy() {}
  }
  const hls = new Hls({ pLoader: /** @type {any} */ (Playlist) });
  t.after(() => hls.destroy());
  const loaded = new Promise((resolve) =>
    hls.once(Hls.Events.LEVEL_LOADED, (_, to) => resolve(to)),
  );
  hls.loadSource('https://cdn.example/v/list.m3u8');
  return (await loaded).details;
}

const HOST = { moved: () => false, segmentId: () => /** @type {string | undefined} */ (undefined) };

test('A5: a fragment lasts as long as its playlist says, whatever hls.js found in its media', async (t) => {
  const { fragments } = await detailsOf(t, [
    ...['#EXT-X-TARGETDURATION:4', '#EXTINF:2.5,Title', 'a.ts'],
    ...['#EXTINF:4', 'b.ts', '#EXT-X-ENDLIST'],
  ]);
  // As hls.js does when it has parsed half of the first.
  fragments[0].setDuration(1.2);
  fragments[1].setDuration(5.3);
  const facts = fragments.map((/** @type {any} */ frag) => describeFragment(frag, HOST));
  assert.deepEqual(
    facts.map((/** @type {any} */ { url, duration }) => [url, duration]),
    [
      ['a.ts', 2.5],
      ['b.ts', 4],
    ],
  );
});

test('a part is described by its own name, place and range, also of a segment that is not whole yet', async (t) => {
  const { partList } = await detailsOf(t, [
    ...['#EXT-X-TARGETDURATION:2', '#EXT-X-PART-INF:PART-TARGET=1', '#EXT-X-MEDIA-SEQUENCE:6'],
    ...['#EXTINF:2', '6.mp4'],
    '#EXT-X-PART:DURATION=1,URI="7.0.mp4?token=1"',
    '#EXT-X-PART:DURATION=0.9,URI="7.mp4",BYTERANGE="50@100"',
    ...['#EXTINF:1.9', '7.mp4', '#EXT-X-PART:DURATION=1,URI="8.0.mp4"'],
  ]);
  const describe = (/** @type {any} */ host) =>
    partList.map((/** @type {any} */ part) => describeFragment(part, { ...HOST, ...host }));
  const facts = describe({});
  assert.deepEqual(
    facts.map((/** @type {any} */ f) => [f.sn, f.cleanUrl, f.start, f.duration, f.from, f.to]),
    [
      [7, '7.0.mp4', 2, 1, 0, 0],
      [7, '7.mp4', 3, 0.9, 100, 150],
      [8, '8.0.mp4', 3.9, 1, 0, 0],
    ],
  );
  for (const { part, shareable } of facts) assert.deepEqual([part, shareable], [true, true]);
  // A site that names segments by their numbers gives two parts one name.
  for (const id of ['segment', null]) {
    for (const { shareable } of describe({ segmentId: () => id })) assert.equal(shareable, false);
  }
});
