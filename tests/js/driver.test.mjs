import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { EventCode, LoadSource, Option } from '../../js/abi.js';
import { Driver } from '../../js/driver.js';
import { createCore } from '../../js/engine.js';
import { loadModule } from '../../js/module.js';
import { fakeEngine } from './fake-engine.mjs';

const shipped = loadModule(await readFile(new URL('../../dist/hlsmesh.wasm', import.meta.url)));

const FACTS = {
  kind: 0,
  rendition: 0,
  sn: 1,
  url: 'seg1.ts',
  cleanUrl: 'seg1.ts',
  from: 0,
  to: 0,
  start: 0,
  duration: 4,
  shareable: true,
};

/** @param {Promise<WebAssembly.Module>} [module] */
async function setUp(module = shipped) {
  const core = await createCore(await module);
  /** @type {any[][]} */
  const log = [];
  const shim = (/** @type {string} */ name) =>
    /** @type {any} */ (
      new Proxy(
        {},
        {
          get:
            (_, method) =>
            (/** @type {any[]} */ ...args) => {
              if (method !== 'settle') log.push([`${name}.${String(method)}`, ...args]);
            },
        },
      )
    );
  const shims = {
    socket: shim('socket'),
    peers: shim('peers'),
    digests: async () => null,
    segments: () => [],
    recover: () => void log.push(['recover']),
    event: (/** @type {any} */ event) => void log.push(['event', event]),
    trapped: (/** @type {Error} */ error) => void log.push(['trapped', error]),
    broken: (/** @type {unknown} */ error) => void log.push(['broken', error]),
  };
  const driver = new Driver(core, shims);
  const start = () => {
    driver.start({
      numbers: [
        [Option.seedLow, 1],
        [Option.cacheBytes, 64 << 20],
      ],
      texts: { [Option.channel]: 'https://cdn.example/master.m3u8' },
    });
    const url = 'https://cdn.example/v/360.m3u8';
    const texts = ['avc1.42c01e,mp4a.40.2', '640x360', '', '', 'two\nlines', ''];
    driver.engine.setRenditions(
      [{ kind: 0, index: 0, bitrate: 1_000_000, texts, url }],
      'https://cdn.example/master.m3u8',
    );
    driver.engine.playheadMoved({ currentTime: 0, bufferedEnd: 0, rate: 1 });
  };
  return { core, driver, log, shims, start, names: () => log.map(([name]) => name) };
}

/** @param {Partial<import('../../js/driver.js').LoadSink>} [sink] */
function sinkOf(sink) {
  return {
    url: FACTS.url,
    answer: {},
    fetchFromCdn() {},
    fetchRange: () => () => {},
    progress() {},
    done() {},
    ...sink,
  };
}

/**
 * Asks as the fragment loader does.
 * @param {Driver} driver
 * @param {Partial<import('../../js/driver.js').LoadSink>} [sink]
 */
function ask(driver, sink, facts = FACTS) {
  const whole = sinkOf(sink);
  const taken = driver.load(whole, facts);
  if (taken.fromCdn) whole.fetchFromCdn();
  return taken;
}

/**
 * Gives the body that the CDN answers.
 * @param {Driver} driver
 * @param {import('../../js/driver.js').Taken} taken
 * @param {Uint8Array} body
 */
function answer(driver, taken, body, parts = 1) {
  const size = Math.ceil(body.length / parts);
  for (let at = 0; at < body.length; at += size) {
    driver.fetchPart(taken, at, body.subarray(at, at + size), parts > 1 ? 0 : body.length);
  }
  return driver.fetchDone(taken, body.length);
}

/** How ADTS begins: what does not look like media is not kept. */
const SYNC = [0xff, 0xf1];

test('the shipped engine opens its socket and enters the channel', async () => {
  const { driver, log, start } = await setUp();
  start();
  assert.deepEqual(log, [['socket.open', 0]]);
  driver.engine.socketOpened('');
  const [name, text] = log[1];
  assert.equal(name, 'socket.send');
  assert.equal(JSON.parse(String(text)).channel, 'https://cdn.example/master.m3u8');
  driver.engine.socketText('{"action":"accept","live":false,"peer_id":"me"}');
  /** @type {any} */
  const event = log[2][1];
  assert.deepEqual([event.code, event.text], [EventCode.trackerConnected, 'me']);
  driver.stop();
});

test('A6: an answer whose bytes nobody can read is counted, and nothing is kept in its place', async () => {
  const { driver, start } = await setUp();
  start();
  let asked = 0;
  const facts = { ...FACTS, opaque: true };
  for (const size of [300_000, 300_000]) {
    const load = ask(driver, { fetchFromCdn: () => void asked++ }, facts);
    assert.equal(driver.fetchDone(load, size), true);
    driver.loadAborted(load);
  }
  assert.equal(asked, 2);
  const { cdnBytes, cacheBytes, cacheHits } = driver.stats();
  assert.deepEqual([cdnBytes, cacheBytes, cacheHits], [600_000, 0, 0]);
  driver.stop();
});

test('a segment in memory is handed out as a buffer of its own, and again only if the player did not get it', async () => {
  const { driver, start } = await setUp();
  start();
  let asked = 0;
  const first = ask(driver, { fetchFromCdn: () => void asked++ });
  assert.equal(asked, 1);
  const body = new Uint8Array(300_000).map((_, index) => index % 251);
  body.set(SYNC);
  assert.equal(answer(driver, first, body), true);
  driver.loadAborted(first);
  for (let round = 0; round < 2; round++) {
    /** @type {ArrayBuffer | undefined} */
    let got;
    const again = ask(driver, {
      done: (data, source) => {
        got = data;
        assert.equal(source, LoadSource.peer);
      },
    });
    assert.ok(got);
    assert.deepEqual(new Uint8Array(got), body);
    structuredClone(got, { transfer: [got] });
    if (round === 0) driver.loadAborted(again);
  }
  ask(driver, { fetchFromCdn: () => void asked++ });
  assert.equal(asked, 2);
  assert.deepEqual([driver.stats().cdnBytes, driver.stats().cacheHits], [300_000, 2]);
  driver.stop();
});

test('a body in parts, of a length that nobody said, is kept as it was', async () => {
  const { driver, start } = await setUp();
  start();
  const body = new Uint8Array(700_001).map((_, index) => index % 251);
  body.set(SYNC);
  const first = ask(driver);
  assert.equal(answer(driver, first, body, 9), true);
  driver.loadAborted(first);
  /** @type {ArrayBuffer | undefined} */
  let got;
  ask(driver, { done: (data) => void (got = data) });
  assert.ok(got);
  assert.deepEqual(new Uint8Array(got), body);
  driver.stop();
});

test('an input from inside a command is taken after the command, with the bytes as they were', async () => {
  const { driver, shims, start } = await setUp();
  const body = new Uint8Array([...SYNC, 3, 4]);
  /** @type {any} */
  let first;
  let toldLater = false;
  // A listener of the page that makes the player load, a loader that answers at once, and a player that transfers the buffer away.
  shims.event = () => {
    const sink = sinkOf({
      fetchFromCdn: () => {
        toldLater = true;
        const { buffer } = body;
        assert.equal(answer(driver, first, body), true);
        structuredClone(buffer, { transfer: [buffer] });
      },
    });
    const taken = driver.load(sink, FACTS);
    assert.equal(taken.fromCdn, false);
    first = taken;
    shims.event = () => {};
  };
  start();
  driver.engine.socketOpened('');
  driver.engine.socketText('{"action":"accept","live":false,"peer_id":"me"}');
  assert.ok(toldLater);
  assert.equal(body.length, 0);
  driver.loadAborted(first);
  /** @type {number[]} */
  let got = [];
  ask(driver, { done: (data) => void (got = [...new Uint8Array(data)]) });
  assert.deepEqual(got, [...SYNC, 3, 4]);
  driver.stop();
});

test("a load in an engine that has ended is the CDN's at once", async () => {
  const { driver, start } = await setUp();
  start();
  driver.stop();
  assert.equal(
    driver.load(sinkOf({ fetchFromCdn: () => assert.fail('told twice') }), FACTS).fromCdn,
    true,
  );
});

test("a load during which the engine dies is the CDN's at once", async () => {
  const { driver } = await setUp(loadModule(fakeEngine({ traps: ['hm_load'] })));
  driver.start({ numbers: [], texts: { [Option.channel]: 'x' } });
  assert.equal(
    driver.load(sinkOf({ fetchFromCdn: () => assert.fail('told twice') }), FACTS).fromCdn,
    true,
  );
  assert.equal(driver.alive, false);
});

test('a shim that throws is reported and the commands after it are still carried out', async () => {
  const { driver, log, shims, start, names } = await setUp();
  shims.event = () => {
    throw new Error('a listener of the page');
  };
  start();
  driver.engine.socketOpened('');
  driver.engine.socketText('{"action":"accept","live":false,"peer_id":"me"}');
  driver.engine.socketText('{"action":"connect","to_peer_id":"you"}');
  assert.ok(names().includes('broken'));
  assert.ok(names().includes('peers.dial'));
  const dialled = log.find(([name]) => name === 'peers.dial')?.[1];
  driver.engine.peerSignal(dialled, '{"type":"offer","sdp":"x"}');
  const relayed = JSON.parse(log.at(-1)?.[1]);
  assert.deepEqual([relayed.action, relayed.to_peer_id], ['signal', 'you']);
  driver.stop();
});

test('stopping says goodbye, sends unfinished loads to the CDN and lets go of everything', async () => {
  const { driver, names, start } = await setUp();
  start();
  driver.engine.socketOpened('');
  driver.engine.socketText('{"action":"accept","live":false,"peer_id":"me"}');
  let asked = 0;
  driver.load(sinkOf({ fetchFromCdn: () => void asked++ }), FACTS);
  driver.stop();
  assert.equal(asked, 1);
  assert.equal(driver.alive, false);
  assert.ok(names().includes('socket.close'));
  assert.ok(names().includes('peers.closeAll'));
  const before = names().length;
  driver.engine.socketText('{"action":"connect","to_peer_id":"you"}');
  driver.stop();
  assert.equal(names().length, before);
});

test('after a trap every load goes to the CDN, once, and the engine is never called again', async () => {
  const { driver, core, log, names } = await setUp(
    loadModule(fakeEngine({ traps: ['hm_set_live'] })),
  );
  driver.start({ numbers: [], texts: { [Option.channel]: 'x' } });
  let asked = 0;
  const load = ask(driver, { fetchFromCdn: () => void asked++ });
  assert.equal(asked, 0);
  driver.engine.setLive(true);
  assert.equal(asked, 1);
  assert.ok(core.poison instanceof WebAssembly.RuntimeError);
  assert.deepEqual(names(), ['socket.close', 'peers.closeAll', 'trapped']);
  assert.equal(log[2][1], core.poison);
  assert.equal(answer(driver, load, new Uint8Array(1)), false);
  driver.engine.setLive(true);
  driver.stop();
  assert.equal(names().length, 3);
  assert.equal(driver.stats().cdnBytes, 0);
});

test('a module of another version is refused with the reason', async () => {
  const module = await loadModule(fakeEngine({ version: 99 }));
  await assert.rejects(createCore(module), { name: 'HlsMeshError', code: 'wasm-invalid' });
});

test('a module that is none of ours is refused with the reason', async () => {
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await assert.rejects(createCore(await loadModule(empty)), { code: 'wasm-invalid' });
  await assert.rejects(loadModule(new Uint8Array([1, 2, 3])), { code: 'wasm-invalid' });
});

test('a text too long for the engine is no message, does no harm and is not encoded', async (t) => {
  const { driver, start } = await setUp();
  start();
  driver.engine.socketOpened('');
  const encode = t.mock.method(TextEncoder.prototype, 'encode');
  driver.engine.socketText('x'.repeat(2 << 20));
  driver.engine.channelText(1, 'x'.repeat(2 << 20));
  const encoded = new Set(encode.mock.calls.map((call) => call.arguments[0]));
  assert.deepEqual([...encoded], ['']);
  // It is short enough by its characters, and too long by its bytes.
  driver.engine.socketText('\u20ac'.repeat(400_000));
  assert.equal(driver.alive, true);
  assert.ok(driver.stats());
  driver.stop();
});

test('the engine asks for the stretch of a playlist that lies ahead, once a parent is there', async () => {
  const { driver, shims, start, names, log } = await setUp();
  /** @type {number[][]} */
  const asked = [];
  shims.segments = /** @type {any} */ (
    (/** @type {number[]} */ ...range) => {
      asked.push(range);
      return [FACTS, { ...FACTS, sn: FACTS.sn + 1, start: FACTS.start + FACTS.duration }];
    }
  );
  start();
  driver.engine.playlistFollowed(FACTS.kind, FACTS.rendition);
  driver.engine.conditions({ flags: 0, maxBuffer: 20 });
  const playhead = { currentTime: FACTS.start - 10, bufferedEnd: FACTS.start, rate: 1 };
  driver.engine.playheadMoved(playhead);
  assert.deepEqual(asked, []);
  driver.engine.socketOpened('');
  driver.engine.socketText('{"action":"accept","live":false,"peer_id":"me","hlsmesh":1}');
  driver.engine.socketText('{"action":"connect","to_peer_id":"parent"}');
  const dialled = log.find(([name]) => name === 'peers.dial');
  driver.engine.channelOpened(Number(dialled?.[1]), 262_144);
  driver.engine.channelText(Number(dialled?.[1]), '{"event":"KEEPALIVE","hlsmesh":1}');
  assert.deepEqual(asked, [[FACTS.kind, playhead.currentTime, playhead.currentTime + 22]]);
  const requests = log.filter(
    ([name, , text]) => name === 'peers.sendText' && String(text).includes('REQUEST'),
  );
  assert.equal(requests.length, 1);
  assert.match(String(requests[0][2]), new RegExp(`"sn":${FACTS.sn},`));
  assert.ok(!names().includes('broken'));
  driver.stop();
});
