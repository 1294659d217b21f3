/** What hls.js may do to a fragment loader at awkward moments, and what must not happen then. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LoadSource } from '../../js/abi.js';
import { fragmentContext } from './fake-hls.mjs';
import { bytes, setUp } from './fake-load.mjs';

/** @param {import('../../js/driver.js').LoadSink} sink */
const fromCdn = (sink) => sink.fetchFromCdn();

describe('abort', () => {
  test('before load() is nothing, and a load after it works', () => {
    const { load, loader, driver, inner, names } = setUp();
    loader.abort();
    assert.deepEqual(names(), []);
    assert.equal(loader.stats.aborted, false);
    driver.answer = fromCdn;
    load();
    inner.answer(bytes(1));
    assert.deepEqual(names(), ['success']);
  });

  for (const [what, answer] of /** @type {[string, (s: ReturnType<typeof setUp>) => void][]} */ ([
    ['an answer of the CDN', ({ inner }) => inner.answer(bytes(1))],
    [
      'a segment from a peer',
      ({ driver }) => driver.sinks[0].done(bytes(1), LoadSource.peer, 1, 2),
    ],
  ])) {
    test(`from inside ${what} is silent, and the engine hears of none`, async () => {
      const set = setUp();
      const { load, loader, driver, names } = set;
      if (what.includes('CDN')) driver.answer = fromCdn;
      const success = /** @type {string[]} */ ([]);
      load(fragmentContext(), {
        ...set.callbacks,
        onSuccess: () => {
          success.push('success');
          loader.abort();
        },
      });
      answer(set);
      await Promise.resolve();
      assert.deepEqual([...success, ...names()], ['success']);
      assert.ok(!driver.names().includes('aborted'));
      assert.equal(loader.stats.aborted, false);
    });
  }
});

describe('nothing comes after the end', () => {
  for (const [end, told] of /** @type {['abort' | 'destroy', string[]][]} */ ([
    ['abort', ['abort']],
    ['destroy', []],
  ])) {
    test(`${end} while the CDN answers: its late answer, error and timeout go nowhere`, () => {
      const { load, loader, driver, inner, names, delivered } = setUp();
      driver.answer = fromCdn;
      load();
      const { callbacks, stats, context } = inner;
      loader[end]();
      callbacks.onSuccess({ url: '', data: bytes(1), code: 200 }, stats, context, null);
      callbacks.onError({ code: 500, text: '' }, context, null, stats);
      callbacks.onTimeout(stats, context, null);
      assert.deepEqual(names(), told);
      assert.deepEqual(driver.names(), ['load', 'aborted']);
      assert.deepEqual(delivered, []);
    });

    test(`${end} while a peer sends: progress and the end of the transfer change no figure`, async () => {
      const { load, loader, driver, names } = setUp();
      const { stats } = loader;
      load();
      const [sink] = driver.sinks;
      loader[end]();
      const before = structuredClone(stats);
      sink.progress(50, 100);
      sink.done(bytes(1), LoadSource.peer, 1, 2);
      sink.fetchFromCdn();
      await Promise.resolve();
      assert.deepEqual(stats, before);
      assert.deepEqual(names(), told);
    });
  }

  test('two answers of one load, as a CDN loader that errs may give: hls.js gets the first', () => {
    const set = setUp();
    set.driver.answer = fromCdn;
    let answers = 0;
    set.load(fragmentContext(), { ...set.callbacks, onSuccess: () => answers++ });
    const { callbacks, stats, context } = set.inner;
    for (let i = 0; i < 2; i++) {
      callbacks.onSuccess({ url: '', data: bytes(1), code: 200 }, stats, context, null);
    }
    callbacks.onError({ code: 500, text: '' }, context, null, stats);
    assert.equal(answers, 1);
    assert.deepEqual(set.names(), []);
    assert.deepEqual(set.driver.names(), ['load', 'done']);
  });
});

describe('what hls.js gave comes back as it was', () => {
  test("the CDN's loader is given hls.js's own context and configuration, with its timeouts", () => {
    const { loader, inner, driver, callbacks } = setUp();
    driver.answer = fromCdn;
    const context = fragmentContext();
    const policy = { maxTimeToFirstByteMs: 9000, maxLoadTimeMs: 100_000 };
    const config = /** @type {any} */ ({ loadPolicy: policy, timeout: 9000 });
    /** @type {any[]} */
    const given = [];
    inner.load = (/** @type {any[]} */ ...args) => given.push(...args);
    loader.load(context, config, callbacks);
    assert.equal(given[0], context);
    assert.equal(given[1], config);
    assert.deepEqual(config, { loadPolicy: policy, timeout: 9000 });
  });

  test("the address that the CDN redirected to, its status and details are the answer's", () => {
    const { load, inner, driver, calls, loader } = setUp();
    driver.answer = fromCdn;
    const { stats } = loader;
    const context = fragmentContext();
    load(context);
    const response = { url: 'https://edge.example/seg7.ts', data: bytes(1), code: 206 };
    const details = { an: 'XMLHttpRequest' };
    inner.callbacks.onSuccess(response, stats, context, details);
    const [, ...answer] = calls[0];
    [response, stats, context, details].forEach((it, i) => assert.equal(answer[i], it));
  });

  test("a peer's answer has the address that was asked for and a status of success", async () => {
    const { load, driver, calls, loader } = setUp();
    const { stats } = loader;
    const context = fragmentContext();
    load(context);
    driver.sinks[0].done(bytes(1, 2), LoadSource.peer, 1, 2);
    await Promise.resolve();
    const [, response, itsStats, itsContext] = calls[0];
    assert.deepEqual([response.url, response.code], [context.url, 200]);
    assert.equal(itsStats, stats);
    assert.equal(itsContext, context);
  });

  for (const source of [LoadSource.peer]) {
    test(`F8: what was not asked of the CDN has details all the same, source ${source}`, async () => {
      const { load, driver, calls, callbacks, loader } = setUp();
      const context = fragmentContext();
      /** @type {any[]} */
      const pieces = [];
      const onProgress = (/** @type {any[]} */ ...args) => void pieces.push(args[3]);
      load(context, { ...callbacks, onProgress });
      assert.equal(loader.getResponseHeader?.('content-length'), null);
      driver.sinks[0].done(bytes(1, 2), source, 1, 2);
      await Promise.resolve();
      const details = calls[0][4];
      assert.deepEqual(pieces, [details]);
      // Of an XMLHttpRequest.
      assert.deepEqual([details.status, details.readyState, details.statusText], [200, 4, 'OK']);
      assert.equal(details.responseURL, context.url);
      assert.equal(details.getResponseHeader('Content-Length'), '2');
      assert.equal(details.getResponseHeader('x-cache'), null);
      assert.equal(details.getAllResponseHeaders(), 'content-length: 2\r\n');
      // Of a Response.
      assert.deepEqual([details.ok, details.url], [true, context.url]);
      assert.equal(details.headers.get('content-length'), '2');
      assert.equal(details.headers.get('age'), null);
      // Of the loader itself, as hls.js offers it.
      assert.equal(loader.getResponseHeader?.('content-length'), '2');
      assert.equal(loader.getResponseHeader?.('age'), null);
      assert.equal(loader.getCacheAge?.(), null);
    });
  }

  test('F8: what was given up before it was asked of anybody has details too', () => {
    const { load, loader, calls } = setUp();
    load();
    loader.abort();
    const details = calls[0][3];
    assert.deepEqual([calls[0][0], details.status, details.ok], ['abort', 0, false]);
    assert.equal(details.getResponseHeader('content-length'), null);
    assert.equal(details.getAllResponseHeaders(), '');
  });

  test('times of parsing and buffering, which are hls.js’s own, stay', async () => {
    const { load, driver, loader } = setUp();
    const { stats } = loader;
    stats.parsing = { start: 1, end: 2 };
    stats.buffering = { start: 3, first: 4, end: 5 };
    stats.chunkCount = 6;
    load();
    driver.sinks[0].done(bytes(1, 2), LoadSource.peer, 1, 2);
    await Promise.resolve();
    assert.deepEqual(
      [stats.parsing, stats.buffering, stats.chunkCount],
      [{ start: 1, end: 2 }, { start: 3, first: 4, end: 5 }, 6],
    );
  });
});

test('destroy from inside a piece of the CDN is the last word', () => {
  const { load, driver, loader, inner, callbacks, names } = setUp();
  driver.answer = fromCdn;
  let pieces = 0;
  const onProgress = () => {
    pieces++;
    loader.destroy();
  };
  load(fragmentContext(), { ...callbacks, onProgress });
  const { stats, callbacks: heard, context } = inner;
  heard.onProgress(stats, context, bytes(1), null);
  heard.onSuccess({ url: '', data: bytes(), code: 200 }, stats, context, null);
  assert.equal(pieces, 1);
  assert.deepEqual(names(), []);
  assert.deepEqual(driver.names(), ['load', 'aborted']);
});

test('an answer in which hls.js throws has still been told to the engine', () => {
  const { load, driver, inner, callbacks } = setUp();
  driver.answer = fromCdn;
  const onSuccess = () => {
    throw new Error('a listener of the page');
  };
  load(fragmentContext(), { ...callbacks, onSuccess });
  assert.throws(() => inner.answer(bytes(1, 2)), /a listener of the page/);
  assert.deepEqual([...driver.calls[1][2]], [1, 2]);
});

describe('a listener of the page ends the load', () => {
  for (const end of /** @type {const} */ (['destroy', 'abort'])) {
    const ended = end === 'abort' ? ['abort'] : [];
    for (const source of ['CDN', 'peer']) {
      test(`${end} as it hears of a segment from the ${source}: hls.js gets no answer after that`, async () => {
        const { load, driver, host, loader, inner, names } = setUp();
        if (source === 'CDN') driver.answer = fromCdn;
        host.delivered = () => Number(loader[end]());
        load();
        if (source === 'CDN') inner.answer(bytes(1));
        else driver.sinks[0].done(bytes(1), LoadSource.peer, 1, 2);
        await Promise.resolve();
        assert.deepEqual(names(), ended);
      });
    }

    test(`${end} as the engine takes a piece of the CDN: hls.js gets no piece after that`, () => {
      const { load, driver, loader, inner, callbacks, names } = setUp();
      driver.answer = fromCdn;
      driver.fetchPart = () => loader[end]();
      const pieces = /** @type {ArrayBuffer[]} */ ([]);
      const onProgress = (/** @type {any[]} */ ...piece) => pieces.push(piece[2]);
      load(fragmentContext(), { ...callbacks, onProgress });
      const { stats, callbacks: heard, context } = inner;
      heard.onProgress(stats, context, bytes(1), null);
      assert.deepEqual(pieces, []);
      assert.deepEqual(names(), ended);
    });

    test(`${end} from what load() reports first: nobody is asked`, () => {
      const { load, driver, host, loader, inner, names } = setUp();
      driver.answer = fromCdn;
      host.reportPlayhead = () => loader[end]();
      load();
      assert.deepEqual(names(), ended);
      assert.deepEqual(driver.names(), []);
      assert.equal(inner.callbacks ?? null, null, 'the CDN was asked');
    });
  }
});
