import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandKind, LoadSource } from '../../js/abi.js';
import { Driver } from '../../js/driver.js';

/** The driver and fetches of ranges, with an engine that commands what the test says. */

const FACTS = { kind: 0, rendition: 0, sn: 1, url: 'a.ts', cleanUrl: 'a.ts', from: 0, to: 0 };
const COMMAND = { peer: 0, aux: 0, t0: 0, t1: 0, text: '', data: new Uint8Array() };

function setUp() {
  /** @type {any[][]} */
  const calls = [];
  /** @type {any[]} */
  const commands = [];
  const wanted = { at: 64 };
  const core = {
    poison: null,
    call(/** @type {string} */ name, /** @type {any[]} */ ...args) {
      if (name === 'hm_next_timeout') return Infinity;
      // The time that most begin with is the driver's.
      calls.push([name, ...(name === 'hm_fetch_reserve' ? args : args.slice(1))]);
      return name === 'hm_fetch_reserve' ? wanted.at : 0;
    },
    callWithText: () => 0,
    write: (/** @type {number} */ at, /** @type {Uint8Array} */ bytes) =>
      calls.push(['write', at, ...bytes]),
  };
  const nothing = /** @type {any} */ (new Proxy({}, { get: () => () => {} }));
  /** @type {any[]} */
  const broken = [];
  const driver = new Driver(/** @type {any} */ (core), {
    socket: nothing,
    peers: nothing,
    digests: async () => null,
    segments: () => [],
    recover() {},
    event() {},
    trapped() {},
    broken: (error) => void broken.push(error),
  });
  driver.engine.poll = () => commands.shift() ?? null;
  /** @type {{ from: number, to: number, told: any, ended: boolean }[]} */
  const ranges = [];
  let whole = 0;
  /** @type {any[][]} */
  const done = [];
  const sink = {
    url: 'https://cdn.example/a.ts',
    answer: {},
    fetchFromCdn: () => void whole++,
    fetchRange: (/** @type {number} */ from, /** @type {number} */ to, /** @type {any} */ told) => {
      const range = { from, to, told, ended: false };
      ranges.push(range);
      return () => void (range.ended = true);
    },
    progress() {},
    done: (/** @type {any[]} */ ...what) => void done.push(what),
  };
  const taken = driver.load(sink, /** @type {any} */ (FACTS));
  /** The engine says so. */
  const command = (/** @type {object[]} */ ...these) => {
    commands.push(...these.map((what) => ({ ...COMMAND, load: taken.load, ...what })));
    driver.engine.timeout();
    driver.engine.connectionRefused();
  };
  const fetch = (/** @type {number} */ code, t0 = 0, t1 = 0) =>
    command({ kind: CommandKind.fetch, code, t0, t1 });
  const clear = () => void (calls.length = 0);
  clear();
  return {
    driver,
    taken,
    calls,
    clear,
    ranges,
    command,
    fetch,
    wanted,
    broken,
    done,
    whole: () => whole,
  };
}

test('bytes of a range go to the engine by the name of their fetch', () => {
  const s = setUp();
  s.fetch(7, 100, 200);
  s.fetch(8, 300);
  assert.deepEqual(
    s.ranges.map(({ from, to }) => [from, to]),
    [
      [100, 200],
      [300, 0],
    ],
  );
  assert.equal(s.whole(), 0);
  s.clear();
  const [{ told }, second] = s.ranges;
  assert.equal(told.onBytes(100, Uint8Array.of(1, 2), 400), true);
  told.onDone(2, 20);
  second.told.onFail();
  assert.deepEqual(s.calls, [
    ['hm_fetch_reserve', 7, 100, 2, 400],
    ['write', 64, 1, 2],
    ['hm_fetch_bytes', 7, 2],
    ['hm_fetch_done', 7, 2, NaN, 20],
    ['hm_fetch_failed', 8],
  ]);
  assert.deepEqual(s.broken, []);
});

test('who fetches a range hears that its bytes are not wanted', () => {
  const s = setUp();
  s.fetch(7, 100, 200);
  s.wanted.at = 0;
  s.clear();
  assert.equal(s.ranges[0].told.onBytes(100, Uint8Array.of(1), 0), false);
  assert.deepEqual(s.calls, [['hm_fetch_reserve', 7, 100, 1, 0]]);
  s.wanted.at = 64;
  s.driver.stop();
  assert.equal(s.ranges[0].told.onBytes(100, Uint8Array.of(1), 0), false);
});

for (const [what, end] of /** @type {[string, (s: ReturnType<typeof setUp>) => void][]} */ ([
  [
    'an answer',
    (s) => {
      s.command({ kind: CommandKind.loadDone, code: LoadSource.peer, data: Uint8Array.of(5) });
      assert.equal(s.done.length, 1);
    },
  ],
  [
    'a fetch of the whole',
    (s) => {
      s.fetch(9);
      assert.equal(s.whole(), 1);
      assert.equal(s.taken.fetch, 9);
    },
  ],
  ['an abort', (s) => s.driver.loadAborted(s.taken)],
  [
    'the end of the engine',
    (s) => {
      s.driver.stop();
      assert.equal(s.whole(), 1);
    },
  ],
  ['a player that goes away', (s) => s.driver.dropLoads()],
])) {
  test(`ranges end with ${what}`, () => {
    const s = setUp();
    s.fetch(7, 100, 200);
    s.fetch(8, 300);
    end(s);
    assert.deepEqual(
      s.ranges.map(({ ended }) => ended),
      [true, true],
    );
    assert.deepEqual(s.broken, []);
  });
}
