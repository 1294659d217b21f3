import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadSource } from '../../js/abi.js';
import { EarlyLoads } from '../../js/early-loads.js';
import { createFragmentLoader } from '../../js/hls-loader.js';
import { fakeLoaderClass, fragmentContext } from './fake-hls.mjs';
import { FakeDriver, bytes, setUp } from './fake-load.mjs';

test("stats are the inner loader's own object from construction to the answer", () => {
  const { loader, inner, load, driver, calls } = setUp();
  driver.answer = (sink) => sink.fetchFromCdn();
  const { stats } = loader;
  stats.retry = 2;
  assert.equal(stats, inner.stats);
  load();
  assert.equal(loader.stats, stats);
  inner.answer(bytes(1, 2, 3));
  assert.equal(calls[0][2], stats);
  assert.equal(stats.retry, 2);
});

test('the inner loader is made with the configuration hls.js gave', () => {
  assert.deepEqual(setUp().inner.config, { some: 'configuration' });
});

test('without a fragment loader of its own, a site may change its loader at any time, as without a mesh', () => {
  const { host } = setUp();
  const [before, after] = [fakeLoaderClass(), fakeLoaderClass()];
  const config = /** @type {any} */ ({ loader: before.FakeLoader });
  const Loader = createFragmentLoader(host, undefined);
  new Loader(config);
  config.loader = after.FakeLoader;
  new Loader(config);
  assert.deepEqual([before.made.length, after.made.length], [1, 1]);
});

test('a second load of one loader is refused', () => {
  const { load } = setUp();
  load();
  assert.throws(() => load(), /only be used once/);
});

test('a segment from a peer arrives once, whole, and not from inside load()', async () => {
  const { load, driver, calls, inner, delivered, loader } = setUp();
  driver.answer = (sink) => {
    const t1 = performance.now();
    sink.done(bytes(5, 6, 7, 8), LoadSource.peer, t1, t1 + 40);
  };
  const { stats } = loader;
  load();
  assert.equal(calls.length, 0);
  await Promise.resolve();
  assert.equal(calls.length, 1);
  assert.equal(calls[0][0], 'success');
  /** @type {any[]} */
  const [response, given, context] = calls[0].slice(1);
  assert.equal(response.code, 200);
  assert.equal(response.url, 'https://cdn.example/v/seg7.ts');
  assert.deepEqual([...new Uint8Array(response.data)], [5, 6, 7, 8]);
  assert.equal(given, stats);
  assert.equal(context.frag.sn, 7);
  assert.deepEqual([stats.loaded, stats.total], [4, 4]);
  assert.ok(Math.abs(stats.loading.end - stats.loading.first - 40) < 1);
  assert.ok(stats.loading.start <= stats.loading.first);
  assert.equal(inner.callbacks, null, 'the inner loader was never used');
  assert.deepEqual(delivered[0][0].source, 'peer');
});

test('a cache hit reports the time its bytes once took, ending now', async () => {
  const { load, driver, loader } = setUp();
  driver.answer = (sink) => sink.done(bytes(1), LoadSource.peer, 100, 900);
  const { loading } = loader.stats;
  load();
  const asked = performance.now();
  await Promise.resolve();
  assert.ok(loading.end >= asked);
  assert.equal(Math.round(loading.end - loading.first), 800);
  assert.ok(loading.start <= loading.first);
});

test('a transfer of no measurable length never reads as an infinitely fast network', async () => {
  const { load, driver, loader } = setUp();
  driver.answer = (sink) => sink.done(bytes(1), LoadSource.peer, 100, 100);
  load();
  await Promise.resolve();
  const { loading, bwEstimate } = loader.stats;
  assert.ok(loading.end - loading.first >= 4.9);
  assert.ok(Number.isFinite(bwEstimate));
});

test('bytes from the CDN reach the engine before hls.js can transfer them away', () => {
  const { load, driver, inner, callbacks, delivered } = setUp();
  driver.answer = (sink) => sink.fetchFromCdn();
  let length = -1;
  load(fragmentContext(), {
    ...callbacks,
    onSuccess: (/** @type {any} */ response) => {
      structuredClone(response.data, { transfer: [response.data] });
      length = response.data.byteLength;
    },
  });
  inner.answer(bytes(9, 8, 7));
  assert.equal(length, 0);
  const done = driver.calls.find(([name]) => name === 'done');
  assert.deepEqual([...done?.[2]], [9, 8, 7]);
  assert.equal(done?.[3], 3);
  assert.deepEqual(delivered[0].slice(1), [true]);
});

test('hls.js destroying the loader from inside an answer tells the engine of no abort', () => {
  const { load, driver, inner, names } = setUp();
  driver.answer = (sink) => sink.fetchFromCdn();
  load();
  inner.answer(bytes(1));
  assert.deepEqual(names(), ['success']);
  assert.deepEqual(driver.names(), ['load', 'done']);
  assert.equal(inner.destroyed, 1);
});

test('a fetch from the CDN begins with clean times although a peer was tried first', () => {
  const { load, driver, inner, loader } = setUp();
  load();
  driver.sinks[0].progress(50, 100);
  assert.deepEqual([loader.stats.loaded, loader.stats.total], [50, 100]);
  assert.ok(loader.stats.loading.first >= loader.stats.loading.start);
  driver.sinks[0].fetchFromCdn();
  assert.ok(inner.stats.loading.start > 0);
  assert.deepEqual([inner.stats.loaded, inner.stats.loading.first], [0, 0]);
  driver.sinks[0].progress(60, 100);
  assert.equal(inner.stats.loaded, 0, 'the peer has no say any more');
});

for (const [answer, args] of /** @type {[string, any[]][]} */ ([
  ['onError', [{ code: 503, text: 'busy' }, 'context', 'details', 'stats']],
  ['onTimeout', ['stats', 'context', 'details']],
])) {
  test(`${answer} of the CDN is passed on unchanged, and the engine hears of the failure`, () => {
    const { load, driver, inner, calls } = setUp();
    driver.answer = (sink) => sink.fetchFromCdn();
    load();
    inner.callbacks[answer](...args);
    assert.deepEqual(calls[0].slice(1), args);
    assert.equal(calls.length, 1);
    assert.deepEqual(driver.names(), ['load', 'failed']);
  });
}

test('an abort while a peer sends is reported once and the late bytes go nowhere', async () => {
  const { load, driver, loader, names } = setUp();
  const { stats } = loader;
  load();
  loader.abort();
  loader.abort();
  assert.equal(stats.aborted, true);
  assert.deepEqual(names(), ['abort']);
  assert.deepEqual(driver.names(), ['load', 'aborted']);
  driver.sinks[0].done(bytes(1), LoadSource.peer, 1, 2);
  driver.sinks[0].fetchFromCdn();
  await Promise.resolve();
  assert.deepEqual(names(), ['abort']);
});

test("peers' answer that comes while hls.js's own loader fetches goes nowhere, and that one's is given", async () => {
  const { load, driver, calls, inner, loader } = setUp();
  driver.answer = (sink) => sink.fetchFromCdn();
  load();
  const [sink] = driver.sinks;
  sink.progress(2, 4);
  assert.equal(loader.stats.loaded, 0);
  sink.done(bytes(5, 6), LoadSource.peer, 1, 2);
  await Promise.resolve();
  assert.equal(calls.length, 0);
  inner.answer(bytes(1, 2, 3));
  assert.deepEqual([...new Uint8Array(calls[0][1].data)], [1, 2, 3]);
  assert.equal(calls.length, 1);
});

test('an abort between a cache hit and its delivery wins', async () => {
  const { load, driver, loader, names } = setUp();
  driver.answer = (sink) => sink.done(bytes(1), LoadSource.peer, 1, 2);
  load();
  loader.abort();
  await Promise.resolve();
  assert.deepEqual(names(), ['abort']);
});

test('an abort of a CDN fetch comes from the inner loader, with its details', () => {
  const { load, driver, loader, calls } = setUp();
  driver.answer = (sink) => sink.fetchFromCdn();
  load();
  loader.abort();
  assert.equal(calls.length, 1);
  assert.equal(calls[0][0], 'abort');
  assert.equal(calls[0][3], 'inner details');
  assert.deepEqual(driver.names(), ['load', 'aborted']);
});

test('destroy is silent, ends an unfinished load, and may be repeated', () => {
  const { load, driver, loader, inner, calls } = setUp();
  load();
  loader.destroy();
  loader.destroy();
  assert.deepEqual(calls, []);
  assert.deepEqual(driver.names(), ['load', 'aborted']);
  assert.equal(inner.destroyed, 1);
  assert.equal(loader.context, null);
  loader.abort();
  assert.deepEqual(calls, []);
});

test("without an engine a load is the inner loader's, and its bytes are still offered to one that came meanwhile", () => {
  const { load, host, inner, names, delivered } = setUp(null);
  load();
  assert.ok(inner.callbacks, 'started at once');
  const late = new FakeDriver();
  host.driver = late;
  inner.answer(bytes(4, 4));
  assert.deepEqual(names(), ['success']);
  assert.deepEqual(late.names(), ['load', 'done']);
  assert.equal(late.calls[0][3], true, 'offered as a fetch that is under way');
  assert.deepEqual([...late.calls[1][2]], [4, 4]);
  assert.equal(delivered[0][1], true);
});

test('without any engine the page still gets its segment and the mesh its count', () => {
  const { load, inner, names, delivered } = setUp(null);
  load();
  inner.answer(bytes(4, 4));
  assert.deepEqual(names(), ['success']);
  assert.deepEqual(
    [delivered[0][0].source, delivered[0][0].bytes, delivered[0][1]],
    ['cdn', 2, false],
  );
});

for (const [what, context] of /** @type {[string, any][]} */ ([
  ['an init segment', fragmentContext({ sn: 'initSegment' })],
  ['a part without an address', fragmentContext({}, { part: { index: 0 } })],
  ['text', fragmentContext({}, { responseType: 'text' })],
  ['a number that others have too', fragmentContext({ sn: 2 ** 53 })],
])) {
  test(`${what} is not offered to peers`, () => {
    const { load, driver, inner } = setUp();
    driver.answer = (sink) => sink.fetchFromCdn();
    load(context);
    assert.equal(driver.calls[0][2].shareable, false);
    inner.answer(bytes(1, 2));
    assert.deepEqual(driver.calls[1].slice(2), [null, 2], 'counted, but no bytes');
  });
}

test('a segment that is in the playlist itself is not offered to peers, nor named', () => {
  const { load, driver } = setUp();
  const url = `data:video/mp2t;base64,${'A'.repeat(100_000)}`;
  load(fragmentContext({ relurl: url, url }, { url }));
  const [, , facts] = driver.calls[0];
  assert.equal(facts.shareable, false);
  assert.equal(facts.url + facts.cleanUrl, '');
});

test('what came before the engine is described when it is there: lists of renditions may be others by then', () => {
  const { load, inner, host } = setUp(null);
  const early = new EarlyLoads();
  host.early = /** @type {any} */ (early);
  const context = fragmentContext({ type: 'audio', relurl: 'seg7.ts' });
  load(context);
  inner.answer(bytes(1, 2, 3));
  // The number of its track has become that of a track in another folder.
  host.moved = () => true;
  const driver = new FakeDriver();
  early.handOver(/** @type {any} */ (driver), () => {});
  assert.equal(driver.calls[0][2].url, context.url);
  assert.deepEqual(driver.names(), ['load', 'done']);
});

test('what a segment is goes to the engine as the playlist has it', () => {
  const { load, driver } = setUp();
  const programDateTime = 1_700_000_000_000;
  load(fragmentContext({ type: 'audio', level: 3, start: Number.NaN, programDateTime }));
  assert.deepEqual(driver.calls[0][2], {
    kind: 1,
    rendition: 3,
    sn: 7,
    url: 'seg7.ts',
    cleanUrl: 'seg7.ts',
    start: 0,
    duration: 2,
    from: 0,
    to: 0,
    shareable: true,
    named: false,
    dateTime: programDateTime,
    opaque: false,
    part: false,
    streams: false,
  });
});

test('headers and cache age are those of the CDN fetch, and unknown without one', () => {
  const fromPeer = setUp();
  fromPeer.load();
  assert.equal(fromPeer.loader.getCacheAge?.(), null);
  const fromCdn = setUp();
  fromCdn.driver.answer = (sink) => sink.fetchFromCdn();
  fromCdn.load();
  assert.equal(fromCdn.loader.getCacheAge?.(), 7);
  assert.equal(fromCdn.loader.getResponseHeader?.('age'), 'value of age');
});
