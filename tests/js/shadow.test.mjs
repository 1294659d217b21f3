/** A viewer in shadow (js/shadow): what the engine's loads get, what the player gets, and what is compared. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { EventCode, Option } from '../../js/abi.js';
import { shadows } from '../../js/shadow/index.js';
import { emptyStats } from '../../js/stats.js';
import { version } from '../../js/version.js';

const body = (/** @type {number} */ size, seed = 1) =>
  Uint8Array.from({ length: size }, (_, at) => (at * 7 + seed) & 255);
const FACTS = /** @type {any} */ ({ shareable: true, streams: true });

/** A driver whose engine asks for what a test lets it ask for. */
class Engine {
  /** @type {any[][]} */
  calls = [];
  /** @type {any} */
  sink;
  counts = { ...emptyStats(), cdnBytes: 100, p2pBytes: 300, uploadBytes: 7, fallbacks: 2 };
  /** Whether it goes to the CDN at once. */
  toCdn = false;
  plain = false;
  #last = 0;
  load(/** @type {any} */ sink, /** @type {any} */ facts, fetching = false) {
    this.sink = sink;
    this.calls.push(['load', facts.shareable, fetching]);
    return { load: ++this.#last, fetch: 9, fromCdn: fetching || this.toCdn };
  }
  loadAborted(/** @type {any} */ { load }) {
    this.calls.push(['aborted', load]);
  }
  fetchPart(/** @type {any} */ { load }, /** @type {any[]} */ ...rest) {
    this.calls.push(['part', load, rest[0], [...rest[1]], rest[2]]);
  }
  fetchDone(/** @type {any} */ { load }, /** @type {any[]} */ ...rest) {
    this.calls.push(['done', load, ...rest]);
    return true;
  }
  fetchFailed(/** @type {any} */ { load }) {
    this.calls.push(['failed', load]);
  }
  verdict(/** @type {any} */ answer, /** @type {any} */ seconds) {
    this.calls.push(['verdict', answer === this.sink.answer, seconds]);
  }
  stop() {
    this.calls.push(['stop']);
  }
  start(/** @type {any} */ settings) {
    this.calls.push(['start', settings]);
  }
  stats() {
    return this.counts;
  }
  /** The calls since the last look. */
  look() {
    return this.calls.splice(0);
  }
}

function room() {
  const engine = new Engine();
  const driver = /** @type {any} */ (engine);
  /** @type {any[]} */
  const events = [];
  const shims = /** @type {any} */ ({
    recover: () => assert.fail('the player is not to be touched'),
    event: (/** @type {any} */ event) => events.push(event.code),
  });
  const past = /** @type {any} */ (emptyStats());
  shadows[version](driver, shims, past);
  const sink = { url: 'u', answer: {}, fetchFromCdn: () => assert.fail(), done: () => assert.fail() };
  const load = (facts = FACTS) => driver.load(sink, facts);
  return { engine, driver, shims, past, events, sink, load, figures: () => (driver.stats(), past.shadow) };
} // prettier-ignore

test('the player fetches at once, whatever the engine waits for, by its own loader', () => {
  const { driver, load, engine } = room();
  assert.equal(driver.plain, true);
  const taken = load();
  assert.equal(taken.fromCdn, true);
  assert.deepEqual(engine.look(), [['load', true, false]]);
  driver.fetchPart(taken, 0, body(8), 8);
  assert.equal(driver.fetchDone(taken, 8, 5, 10), false, 'the page counts it');
  // The engine has not asked for it, so it hears nothing of it.
  assert.deepEqual(engine.look(), []);
});

/** Of what is compared once the player has its answer. */
const compared = () => new Promise((resolve) => setTimeout(resolve));

test('what the engine answers is compared byte by byte, in whichever order both come', async () => {
  for (const first of ['engine', 'cdn']) {
    for (const [theirs, wrong] of /** @type {[Uint8Array, number][]} */ ([
      [body(1001), 0],
      [body(1001, 2), 1],
      [body(1000), 1],
      [Uint8Array.from(body(1001), (byte, at) => (at === 1000 ? byte ^ 1 : byte)), 1],
    ])) {
      const { driver, load, engine, figures } = room();
      const taken = load();
      const cdn = () => {
        driver.fetchPart(taken, 0, body(1001).subarray(0, 500), 1001);
        driver.fetchPart(taken, 500, body(1001).subarray(500), 1001);
        driver.fetchDone(taken, 1001, 1, 1);
      };
      if (first === 'cdn') cdn();
      engine.sink.done(theirs.slice().buffer);
      assert.equal(figures().compared, first === 'cdn' ? 1 : 0);
      if (first !== 'cdn') cdn();
      await compared();
      const { loads, missed, compared: count, wrong: found } = figures();
      assert.deepEqual([loads, missed, count, found], [1, 0, 1, wrong]);
      const verdicts = engine.look().filter(([name]) => name === 'verdict');
      assert.deepEqual(verdicts, wrong ? [['verdict', true, -1]] : []);
    }
  }
});

test('the player has its answer before anything is compared, and the end waits for no timer', async () => {
  for (const stops of [false, true]) {
    const { driver, load, engine, figures } = room();
    const taken = load();
    engine.sink.done(body(9, 2).buffer);
    driver.fetchPart(taken, 0, body(9), 9);
    driver.fetchDone(taken, 9);
    assert.deepEqual([figures().compared, engine.look().length], [0, 1]);
    if (stops) driver.stop();
    else await compared();
    assert.deepEqual([figures().compared, figures().wrong], [1, 1]);
    assert.deepEqual(engine.look(), [['verdict', true, -1], ...(stops ? [['stop']] : [])]);
    await compared();
    assert.equal(figures().compared, 1);
  }
});

test('a body that begins anew replaces what came before', () => {
  const { driver, load, engine, figures } = room();
  const taken = load();
  driver.fetchPart(taken, 0, body(9, 9), 20);
  driver.fetchPart(taken, 0, body(20), 20);
  driver.fetchDone(taken, 20);
  engine.sink.done(body(20).buffer);
  assert.equal(figures().wrong, 0);
});

test('where the engine asks the CDN, it gets the body as late as the CDN would have brought it', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1000;
  const clock = mock.method(performance, 'now', () => now);
  try {
    const { driver, load, engine, figures } = room();
    const taken = load();
    now += 50;
    driver.fetchPart(taken, 0, body(4), 4);
    driver.fetchDone(taken, 4, 20, 30);
    // It waits for peers a while longer.
    now += 500;
    engine.look();
    engine.sink.fetchFromCdn();
    assert.equal(figures().missed, 1);
    mock.timers.tick(49);
    assert.deepEqual(engine.look(), []);
    mock.timers.tick(1);
    assert.deepEqual(engine.look(), [
      ['part', 1, 0, [...body(4)], 4],
      ['done', 1, 4, 20, 30],
    ]);
  } finally {
    clock.mock.restore();
    mock.timers.reset();
  }
});

test('a part that the engine asks for comes from the body, and no request goes out', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { driver, load, engine, figures } = room();
    const taken = load();
    /** @type {any[]} */
    const told = [];
    const hear = {
      onBytes: (/** @type {any[]} */ ...all) => told.push(['bytes', all[0], [...all[1]], all[2]]),
      onDone: (/** @type {number} */ size) => told.push(['done', size]),
      onFail: () => told.push(['fail']),
    };
    // A check of what peers brought is no miss.
    engine.sink.fetchRange(2, 4, hear, -1);
    assert.equal(figures().missed, 0);
    engine.sink.fetchRange(6, 0, hear, 5);
    engine.sink.fetchRange(7, 0, hear, 6);
    const end = engine.sink.fetchRange(1, 2, hear, 7);
    assert.equal(figures().missed, 1);
    driver.fetchPart(taken, 0, body(8), 8);
    driver.fetchDone(taken, 8, NaN, NaN);
    end();
    mock.timers.tick(1);
    const whole = [...body(8)];
    assert.deepEqual(told, [
      ['bytes', 2, whole.slice(2, 4), 8],
      ['done', 2],
      ['bytes', 6, whole.slice(6), 8],
      ['done', 2],
      ['bytes', 7, whole.slice(7), 8],
      ['done', 1],
    ]);
  } finally {
    mock.timers.reset();
  }
});

test('a CDN that fails fails for both, and a load that the player aborts ends', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { driver, load, engine } = room();
    engine.toCdn = true;
    const failing = load();
    driver.fetchFailed(failing);
    mock.timers.tick(1);
    assert.deepEqual(engine.look().slice(1), [['failed', 1]]);
    driver.loadAborted(load());
    assert.deepEqual(engine.look().slice(1), [['aborted', 2]]);
  } finally {
    mock.timers.reset();
  }
});

test('a check of what peers brought ends with the load that the player ends, and is told nothing later', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { driver, load, engine } = room();
    const taken = load();
    /** @type {string[]} */
    const told = [];
    const hear = { onBytes: () => true, onDone: () => told.push('done'), onFail: () => told.push('fail') };
    engine.sink.done(body(8).buffer);
    engine.sink.fetchRange(2, 4, hear, -1);
    driver.fetchPart(taken, 0, body(4), 8);
    driver.loadAborted(taken);
    mock.timers.tick(1);
    assert.deepEqual(told, ['fail']);
    driver.fetchPart(taken, 4, body(4), 8);
    mock.timers.tick(60_000);
    assert.deepEqual(told, ['fail']);
  } finally {
    mock.timers.reset();
  }
}); // prettier-ignore

test('a body for whose copy no memory is left is not compared, and the player hears nothing of it', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { driver, load, engine, figures } = room();
    const taken = load();
    const full = Object.assign(body(4), {
      slice: () => {
        throw new RangeError('Array buffer allocation failed');
      },
    });
    driver.fetchPart(taken, 0, body(4), 12);
    driver.fetchPart(taken, 4, full, 12);
    driver.fetchPart(taken, 8, body(4), 12);
    assert.equal(driver.fetchDone(taken, 12, 1, 1), false);
    engine.look();
    engine.sink.fetchFromCdn();
    mock.timers.tick(60_000);
    assert.deepEqual(engine.look(), [['done', 1, 12, 1, 1]]);
    engine.sink.done(body(12).buffer);
    assert.equal(figures().compared, 0);
  } finally {
    mock.timers.reset();
  }
});

test('what the player had before there was an engine is handed over as it is', () => {
  const { driver, sink, engine } = room();
  const taken = driver.load(sink, FACTS, true);
  driver.fetchPart(taken, 0, body(3), 3);
  assert.equal(driver.fetchDone(taken, 3), false);
  assert.deepEqual(engine.look(), [
    ['load', true, true],
    ['part', 1, 0, [...body(3)], 3],
    ['done', 1, 3],
  ]);
});

test('what the player says of its bytes concerns no peer, and nothing brings it back', () => {
  const { driver, shims, engine, events, sink } = room();
  driver.verdict(sink.answer, -1);
  driver.verdict(null, 12);
  shims.recover();
  assert.deepEqual(engine.look(), []);
  shims.event({ code: EventCode.fallback });
  shims.event({ code: EventCode.peerOpened });
  assert.deepEqual(events, [EventCode.peerOpened]);
});

test('the engine knows that it is a shadow, and asks for no digests', () => {
  const { driver, engine } = room();
  driver.start({ numbers: [[Option.control, 0]], texts: { a: 1 } });
  assert.deepEqual(engine.look(), [
    ['start', { texts: { a: 1 }, numbers: [[Option.control, 0], [Option.control, -2], [Option.digests, 0]] }],
  ]); // prettier-ignore
});

test('figures of what would have been are apart, add up over engines, and none of them is real', () => {
  const { driver, past, engine } = room();
  const real = driver.stats();
  assert.deepEqual([real.cdnBytes, real.p2pBytes, real.fallbacks, real.uploadBytes], [0, 0, 0, 7]);
  assert.equal(past.shadow.offload, 0.75);
  assert.equal(past.shadow.p2pBytes, 300);
  const next = new Engine();
  shadows[version](/** @type {any} */ (next), /** @type {any} */ ({}), past);
  assert.equal(past.shadow.p2pBytes, 600);
  assert.equal(past.shadow.cdnBytes, 200);
  assert.equal(engine.counts.p2pBytes, 300);
});

test('a file of another version is not used', () => {
  assert.equal(shadows['0.0.0-other'], undefined);
});
