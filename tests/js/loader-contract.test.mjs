/** The demands of hls.js 1.7 on any fragment loader, beyond the loads that end well (those are in loader.test.mjs). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LoadSource } from '../../js/abi.js';
import { standStill } from './fake-clock.mjs';
import { fragmentContext } from './fake-hls.mjs';
import { FakeDriver, bytes, setUp } from './fake-load.mjs';

/** @param {import('../../js/driver.js').LoadSink} sink */
const fromCdn = (sink) => sink.fetchFromCdn();
/** @param {import('../../js/driver.js').LoadSink} sink */
const fromPeer = (sink) => {
  const now = performance.now();
  sink.done(bytes(1, 2, 3, 4), LoadSource.peer, now, now + 40);
};

describe('stats', () => {
  test('are one object from construction on, through a peer, the CDN and the end', async () => {
    const { loader, load, driver, inner } = setUp();
    const { stats } = loader;
    stats.retry = 3;
    load();
    driver.sinks[0].progress(10, 100);
    driver.sinks[0].fetchFromCdn();
    inner.answer(bytes(1));
    assert.equal(loader.stats, stats);
    assert.equal(inner.stats, stats);
    assert.equal(stats.retry, 3);
  });

  test('start empty: nothing loaded, no total, no time', () => {
    const { stats } = setUp().loader;
    assert.deepEqual(
      [stats.loaded, stats.total, stats.aborted, stats.loading],
      [0, 0, false, { start: 0, first: 0, end: 0 }],
    );
  });

  test('grow while a peer sends, for the rules that abandon a slow load', () => {
    const { loader, load, driver } = setUp();
    const { stats } = loader;
    load();
    assert.ok(stats.loading.start > 0);
    assert.equal(stats.loading.first, 0, 'no byte yet');
    driver.sinks[0].progress(10, 100);
    const { first } = stats.loading;
    assert.ok(first >= stats.loading.start);
    driver.sinks[0].progress(60, 100);
    assert.deepEqual([stats.loaded, stats.total], [60, 100]);
    assert.equal(stats.loading.first, first, 'the first byte comes once');
    assert.equal(stats.loading.end, 0, 'and the end has not come');
  });

  test('say that a load which was destroyed underway was aborted', () => {
    const { loader, load } = setUp();
    const { stats } = loader;
    load();
    loader.destroy();
    assert.equal(stats.aborted, true);
  });

  test('do not say so of one that had ended, or had not begun', () => {
    const ended = setUp();
    ended.driver.answer = fromCdn;
    const { stats } = ended.loader;
    ended.load();
    ended.inner.answer(bytes(1));
    assert.equal(stats.aborted, false);
    const idle = setUp().loader;
    const before = idle.stats;
    idle.destroy();
    assert.equal(before.aborted, false);
  });
});

describe('bandwidth and time to first byte, as hls.js reckons them', () => {
  /** The duration that hls.js computes for a transfer whose first byte it expects within `ttfb`. */
  const transferMs = (/** @type {any} */ { loading }, ttfb = 100) =>
    loading.end - loading.start - Math.min(loading.first - loading.start, ttfb);

  test('a segment that waited for a peer does not read as a slow network', async (t) => {
    standStill(t);
    const { loader, load, driver } = setUp();
    const { stats } = loader;
    load();
    stats.loading.start -= 3000;
    const now = performance.now();
    driver.sinks[0].done(bytes(1), LoadSource.peer, now, now + 50);
    await Promise.resolve();
    assert.ok(transferMs(stats) < 60, `${transferMs(stats)} ms`);
  });

  test('a segment that a peer sent now or ahead of the player shows no longer and no shorter a delay than the CDN has', async (t) => {
    standStill(t);
    const first = setUp();
    first.driver.answer = fromCdn;
    first.load();
    const { stats: cdn, context, callbacks } = first.inner;
    Object.assign(cdn.loading, { start: 100, first: 180, end: 200 });
    callbacks.onSuccess({ url: '', data: bytes(1), code: 200 }, cdn, context, null);
    for (const ahead of [true, false]) {
      const loader = new first.Loader(/** @type {any} */ ({}));
      const { stats } = loader;
      first.driver.answer = () => {};
      loader.load(
        fragmentContext(),
        /** @type {any} */ ({}),
        /** @type {any} */ ({ onSuccess() {} }),
      );
      stats.loading.start -= 2000;
      const t0 = ahead ? 5 : performance.now();
      first.driver.sinks.at(-1)?.done(bytes(1), LoadSource.peer, t0, t0 + 50);
      await Promise.resolve();
      const delay = stats.loading.first - stats.loading.start;
      assert.ok(delay > 79 && delay < 90, `${delay} ms`);
      assert.ok(Math.abs(transferMs(stats) - 50) < 2, `${transferMs(stats)} ms`);
    }
  });

  test('a quick peer is as quick as it was', async () => {
    const { loader, load, driver } = setUp();
    const { stats } = loader;
    load();
    const { start } = stats.loading;
    driver.sinks[0].done(bytes(1), LoadSource.peer, start + 2, start + 30);
    await Promise.resolve();
    assert.ok(stats.loading.start >= start);
    assert.ok(stats.loading.start <= stats.loading.first);
    assert.equal(Math.round(stats.loading.end - stats.loading.first), 28);
  });
});

describe('failures', () => {
  test('of peers are never told: the next hls.js hears is what the CDN says', () => {
    const { load, driver, inner, calls, names } = setUp();
    load();
    driver.sinks[0].progress(10, 100);
    assert.deepEqual(names(), []);
    driver.sinks[0].fetchFromCdn();
    assert.deepEqual(names(), []);
    inner.callbacks.onError({ code: 404, text: 'Not Found' }, 'context', 'details', inner.stats);
    assert.deepEqual(calls[0].slice(1, 3), [{ code: 404, text: 'Not Found' }, 'context']);
  });

  test('are not retried here: one load asks the CDN once', () => {
    const { load, driver, inner, made } = setUp();
    driver.answer = fromCdn;
    load();
    const { callbacks } = inner;
    callbacks.onTimeout(inner.stats, 'context', null);
    driver.sinks[0].fetchFromCdn();
    assert.equal(made.length, 1);
    assert.deepEqual(driver.names(), ['load', 'failed']);
  });

  test('a loader that cannot begin throws out of load(), as without us', () => {
    const { load, driver, inner, names } = setUp();
    driver.answer = fromCdn;
    inner.load = () => {
      throw new Error('no network today');
    };
    assert.throws(() => load(), /no network today/);
    assert.deepEqual(driver.names(), ['load', 'failed']);
    assert.deepEqual(names(), []);
  });

  test('one that cannot begin after a peer was tried gets a status that hls.js retries', async () => {
    const { load, driver, inner, calls } = setUp();
    load();
    inner.load = () => {
      throw new Error('no network today');
    };
    driver.sinks[0].fetchFromCdn();
    await Promise.resolve();
    const { code, text } = calls[0][1];
    assert.ok(code >= 500, 'hls.js retries neither 0 nor 4xx');
    assert.equal(text, 'no network today');
    assert.deepEqual(driver.names(), ['load', 'failed']);
  });
});

describe('destroy from inside a callback', () => {
  for (const [what, act] of /** @type {[string, (s: ReturnType<typeof setUp>) => void][]} */ ([
    ['an answer of the CDN', ({ inner }) => inner.answer(bytes(1))],
    ['an error', ({ inner }) => inner.callbacks.onError({ code: 500 }, null, null, null)],
    ['a timeout', ({ inner }) => inner.callbacks.onTimeout(null, null, null)],
    ['an abort', ({ loader }) => loader.abort()],
  ])) {
    test(`${what}: one callback, and all is let go`, () => {
      const set = setUp();
      set.driver.answer = fromCdn;
      set.load();
      act(set);
      assert.equal(set.calls.length, 1);
      assert.equal(set.inner.destroyed, 1);
      assert.equal(set.loader.context, null);
    });
  }

  test("a peer's answer: one callback, and all is let go", async () => {
    const { load, driver, loader, inner, names } = setUp();
    driver.answer = fromPeer;
    load();
    await Promise.resolve();
    assert.deepEqual(names(), ['success']);
    assert.equal(inner.destroyed, 1);
    assert.equal(loader.context, null);
  });
});

describe('one load per loader', () => {
  for (const [what, end] of /** @type {[string, (loader: any) => void][]} */ ([
    ['that runs', () => {}],
    ['that was aborted', (loader) => loader.abort()],
  ])) {
    test(`a loader ${what} refuses another`, () => {
      const { load, loader, callbacks } = setUp();
      load(fragmentContext(), { ...callbacks, onAbort() {} });
      end(loader);
      assert.throws(() => load(), /only be used once/);
    });
  }
});

describe('progressive mode', () => {
  const progressive = () => {
    const set = setUp();
    /** @type {any[][]} */
    const pieces = [];
    const onProgress = (/** @type {any[]} */ ...args) => {
      pieces.push([...args.slice(0, 2), [...new Uint8Array(args[2])], args[3]]);
      // hls.js transfers what it gets to its worker.
      structuredClone(args[2], { transfer: [args[2]] });
    };
    const load = (context = fragmentContext()) =>
      set.load(context, { ...set.callbacks, onProgress });
    return { ...set, load, pieces };
  };

  test("the CDN's pieces go on as they come, and the engine gets the whole", () => {
    const { load, driver, inner, loader, pieces } = progressive();
    driver.answer = fromCdn;
    load();
    const { stats, callbacks } = inner;
    callbacks.onProgress(stats, loader.context, bytes(1, 2), 'details');
    callbacks.onProgress(stats, loader.context, bytes(3), 'details');
    assert.deepEqual(
      pieces.map((piece) => piece[2]),
      [[1, 2], [3]],
    );
    inner.answer(bytes());
    assert.deepEqual([...driver.calls[1][2]], [1, 2, 3]);
  });

  test('A6: pieces that are views on larger buffers count as what they show', () => {
    const { load, driver, inner, loader, callbacks: own } = setUp();
    driver.answer = fromCdn;
    load(fragmentContext(), { ...own, onProgress() {} });
    const { stats, callbacks } = inner;
    // As hls.js 1.4 and 1.5 get them from their fetch loader.
    const chunk = new Uint8Array([9, 1, 2, 3, 9]);
    callbacks.onProgress(stats, loader.context, chunk.subarray(1, 3), 'details');
    inner.answer(bytes());
    assert.deepEqual([...driver.calls[1][2]], [1, 2]);
  });

  test("a peer's segment comes as one piece, and the answer after it is empty", async () => {
    const { load, driver, calls, pieces, loader } = progressive();
    driver.answer = fromPeer;
    const { stats } = loader;
    load();
    await Promise.resolve();
    assert.equal(pieces.length, 1);
    assert.equal(pieces[0][0], stats);
    assert.deepEqual(pieces[0][2], [1, 2, 3, 4]);
    assert.equal(calls[0][0], 'success');
    assert.equal(calls[0][1].data.byteLength, 0);
    assert.equal(stats.loaded, 4);
  });

  test('an abort from within a piece is the last word', async () => {
    const { load, driver, loader, names, callbacks } = setUp();
    driver.answer = fromPeer;
    load(fragmentContext(), { ...callbacks, onProgress: () => loader.abort() });
    await Promise.resolve();
    assert.deepEqual(names(), ['abort']);
  });
});

for (const [what, data, body] of /** @type {[string, any, number[] | null][]} */ ([
  ['a typed array', new Uint8Array([9, 1, 2, 9]).subarray(1, 3), [1, 2]],
  ['a data view', new DataView(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2), [1, 2]],
  ['a text', 'what a loader for subtitles answers', null],
])) {
  test(`A6: a loader of the site's that answers with ${what}`, () => {
    const { load, driver, inner, calls } = setUp();
    driver.answer = fromCdn;
    load();
    inner.answer(data);
    assert.equal(calls[0][1].data, data);
    const told = driver.calls[1][2];
    assert.deepEqual(told && [...told], body);
  });
}

describe('hls.js 1.4 and 1.5, which listen for pieces in every mode', () => {
  const whole = () => {
    const set = setUp(new FakeDriver(), { progressive: false });
    const onProgress = () => assert.fail('hls.js was given a piece');
    return { ...set, load: () => set.load(fragmentContext(), { ...set.callbacks, onProgress }) };
  };

  test("a peer's segment comes with the answer", async () => {
    const { load, driver, calls } = whole();
    driver.answer = fromPeer;
    load();
    await Promise.resolve();
    assert.equal(calls[0][0], 'success');
    assert.deepEqual([...new Uint8Array(calls[0][1].data)], [1, 2, 3, 4]);
  });

  test("the CDN's segment comes with the answer, and the engine gets it", () => {
    const { load, driver, inner, calls } = whole();
    driver.answer = fromCdn;
    load();
    assert.equal(inner.callbacks.onProgress, undefined);
    inner.answer(bytes(1, 2, 3));
    assert.deepEqual([...driver.calls[1][2]], [1, 2, 3]);
    assert.equal(calls[0][0], 'success');
    assert.equal(calls[0][1].data.byteLength, 3);
  });
});

describe('byte ranges', () => {
  const range = (/** @type {number} */ from, /** @type {number} */ to) =>
    fragmentContext({}, { rangeStart: from, rangeEnd: to });

  test('of one file are told apart by where they lie', () => {
    const { load, driver } = setUp();
    load(range(100, 103));
    const { url, from, to, shareable } = driver.calls[0][2];
    assert.deepEqual([url, from, to, shareable], ['seg7.ts', 100, 103, true]);
  });

  test('are offered to peers when the server sent just them', () => {
    const { load, driver, inner } = setUp();
    driver.answer = fromCdn;
    load(range(100, 103));
    inner.answer(bytes(1, 2, 3));
    assert.deepEqual([...driver.calls[1][2]], [1, 2, 3]);
  });

  test('are not when it sent the whole file instead', () => {
    const { load, driver, inner, names } = setUp();
    driver.answer = fromCdn;
    load(range(100, 103));
    inner.answer(bytes(1, 2, 3, 4, 5));
    assert.deepEqual(names(), ['success'], 'hls.js judges for itself');
    assert.equal(driver.calls[1][2], null);
  });
});

test('D7: the engine is told what of the URL is identity, beside the URL as the playlist spells it', () => {
  const { load, driver } = setUp();
  load(fragmentContext({ relurl: 'a/seg7.ts?token=secret&part=2&auth=x' }));
  const { url, cleanUrl } = driver.calls[0][2];
  assert.deepEqual([url, cleanUrl], ['a/seg7.ts?token=secret&part=2&auth=x', 'a/seg7.ts?part=2']);
});

test('a load that outlived its source is not filed under the next', () => {
  const { load, host, inner, names } = setUp(null);
  load();
  host.driver = new FakeDriver();
  host.sourceCount++;
  inner.answer(bytes(1));
  assert.deepEqual(names(), ['success']);
  assert.deepEqual(host.driver.names(), []);
});
