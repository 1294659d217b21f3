import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import {
  DefaultConfig,
  Events,
  HlsMesh,
  HlsMeshError,
  attach,
  isSupported,
  version,
} from '../../js/index.js';
import face from '../../js/index.js';
import { fakeEngine } from './fake-engine.mjs';
import { FakeHls, fakeLoaderClass } from './fake-hls.mjs';

const WASM = await readFile(new URL('../../dist/hlsmesh.wasm', import.meta.url));
const TRACKER = 'wss://tracker.example/';
// Of the channel of SOURCE.
const ROOM = 'a36484ed';
const SOURCE = 'https://cdn.example/vod/master.m3u8?token=secret#t=10';

// Node 18 has it, but not as a global.
if (!globalThis.crypto) Object.assign(globalThis, { crypto: webcrypto });

class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */
  static made = [];
  readyState = 0;
  closed = false;
  /** @type {any[]} */
  sent = [];
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    FakeSocket.made.push(this);
  }
  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
}

/** @type {Map<string, Set<(event: any) => void>>} listeners of the page */
let page;
/** @type {any[]} */
let meshes;

beforeEach(() => {
  page = new Map();
  meshes = [];
  FakeSocket.made = [];
  Object.assign(globalThis, {
    WebSocket: FakeSocket,
    RTCPeerConnection: class {},
    addEventListener: (/** @type {string} */ name, /** @type {any} */ listener) =>
      page.set(name, (page.get(name) ?? new Set()).add(listener)),
    removeEventListener: (/** @type {string} */ name, /** @type {any} */ listener) =>
      page.get(name)?.delete(listener),
  });
});

afterEach(() => {
  for (const mesh of meshes) mesh.detach();
  for (const name of [
    'WebSocket',
    'RTCPeerConnection',
    'addEventListener',
    'removeEventListener',
  ]) {
    Reflect.deleteProperty(globalThis, name);
  }
});

/** @param {object} [options] */
function setUp(options) {
  const { FakeLoader, made } = fakeLoaderClass();
  const hls = new FakeHls(FakeLoader);
  const mesh = attach(/** @type {any} */ (hls), {
    tracker: TRACKER,
    wasm: WASM,
    logger: null,
    ...options,
  });
  meshes.push(mesh);
  /** @type {any[][]} */
  const events = [];
  for (const name of /** @type {const} */ (['tracker', 'warning', 'fatal', 'segment'])) {
    mesh.on(name, (event) => void events.push([name, event]));
  }
  return { hls, mesh, made, events, FakeLoader };
}

/** @param {() => unknown} condition */
async function until(condition) {
  const started = Date.now();
  while (!condition()) {
    assert.ok(Date.now() - started < 5000, `waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * A load that the engine has taken on: its inner loader was not started.
 * @param {FakeHls} hls
 * @param {any[]} made
 */
async function takenFragment(hls, made) {
  for (const started = Date.now(); Date.now() - started < 5000;) {
    const fragment = hls.fragment();
    const inner = made.at(-1);
    if (!inner.callbacks) return { ...fragment, inner };
    fragment.loader.destroy();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail('the engine never came up');
}

const listeners = () => [...page.values()].reduce((sum, set) => sum + set.size, 0);

test("the face is the same by name and by default, and knows the package's version", async () => {
  const manifest = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  assert.equal(version, manifest.version);
  assert.equal(face, HlsMesh);
  assert.equal(HlsMesh.attach, attach);
  assert.equal(HlsMesh.HlsMeshError, HlsMeshError);
  assert.equal(HlsMesh.Events, Events);
  assert.equal(HlsMesh.DefaultConfig, DefaultConfig);
});

test('the module loads where there is no browser, and says that it cannot share there', () => {
  Reflect.deleteProperty(globalThis, 'WebSocket');
  Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
  assert.equal(typeof globalThis.document, 'undefined');
  assert.equal(isSupported(), false);
});

test('attach refuses what is no player, and a player that has a mesh until that is detached', () => {
  assert.throws(() => attach(/** @type {any} */ ({}), { tracker: TRACKER }), TypeError);
  const { hls, mesh } = setUp();
  const again = () => attach(/** @type {any} */ (hls), { tracker: TRACKER, wasm: WASM });
  assert.throws(again, /has a mesh; detach/);
  mesh.detach();
  meshes.push(again());
});

for (const [when, order] of /** @type {const} */ ([
  ['before', ['attach', 'load']],
  ['after', ['load', 'attach']],
])) {
  test(`attached ${when} loadSource, it enters the channel of the source`, async () => {
    const { FakeLoader } = fakeLoaderClass();
    const hls = new FakeHls(FakeLoader);
    for (const step of order) {
      if (step === 'load') hls.loadSource(SOURCE);
      else
        meshes.push(
          attach(/** @type {any} */ (hls), { tracker: TRACKER, wasm: WASM, logger: null }),
        );
    }
    await until(() => FakeSocket.made.length === 1);
    const [socket] = FakeSocket.made;
    assert.equal(socket.url, `${TRACKER}?room=${ROOM}`);
    socket.open();
    assert.equal(socket.sent[0].action, 'enter');
    assert.equal(socket.sent[0].channel, 'https://cdn.example/vod/master.m3u8');
  });
}

test('another source is another channel; the same one with a new token is not', async () => {
  const { hls, mesh } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  FakeSocket.made[0].open();
  hls.loadSource('https://cdn.example/vod/master.m3u8?token=other');
  hls.loadSource('https://cdn.example/live/master.m3u8');
  await until(() => FakeSocket.made.length === 2);
  assert.equal(FakeSocket.made[0].sent.at(-1).action, 'leave');
  assert.equal(FakeSocket.made[0].closed, true);
  assert.equal(mesh.channel, 'https://cdn.example/live/master.m3u8');
});

test('a site may name the channel itself, by a name or by a function of the playlist URL', async () => {
  const named = setUp({ channel: 'news' });
  named.hls.loadSource(SOURCE);
  assert.equal(named.mesh.channel, 'news');
  const computed = setUp({ channel: (/** @type {string} */ url) => new URL(url).pathname });
  computed.hls.loadSource(SOURCE);
  assert.equal(computed.mesh.channel, '/vod/master.m3u8');
});

test('detach gives hls.js its loader back and leaves no listener, socket or timer', async () => {
  const { hls, mesh, FakeLoader } = setUp();
  hls.media = new EventTarget();
  const mine = class extends FakeLoader {};
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  assert.notEqual(hls.config.fLoader, undefined);
  assert.equal(listeners(), 2);
  mesh.detach();
  mesh.detach();
  assert.equal(hls.config.fLoader, undefined);
  assert.equal(hls.eventNames().length, 0);
  assert.equal(listeners(), 0);
  assert.equal(FakeSocket.made[0].closed, true);
  assert.equal(FakeSocket.made[0].onclose, null);
  hls.config.fLoader = mine;
  const second = attach(/** @type {any} */ (hls), { tracker: TRACKER, wasm: WASM, logger: null });
  second.detach();
  assert.equal(hls.config.fLoader, mine, 'an fLoader that was there before comes back');
});

test('hls.destroy() detaches, and starts no fetch for loaders that are being destroyed', async () => {
  const { hls, made } = setUp({ wasm: fakeEngine() });
  hls.loadSource(SOURCE);
  const { names, inner } = await takenFragment(hls, made);
  hls.emit('hlsDestroying');
  assert.equal(inner.callbacks, undefined);
  assert.deepEqual(names(), []);
  assert.equal(hls.eventNames().length, 0);
});

test('a load that is under way when the mesh is detached is finished by the CDN', async () => {
  const { hls, mesh, made } = setUp({ wasm: fakeEngine() });
  hls.loadSource(SOURCE);
  const { names, inner } = await takenFragment(hls, made);
  mesh.detach();
  inner.answer(new ArrayBuffer(10));
  assert.deepEqual(names(), ['success']);
});

test('after a trap the page hears of it once, and loads go to the CDN and are counted', async () => {
  const { hls, mesh, made, events } = setUp({ wasm: fakeEngine({ traps: ['hm_set_live'] }) });
  hls.loadSource(SOURCE);
  const waiting = await takenFragment(hls, made);
  hls.emit('hlsLevelUpdated', 'hlsLevelUpdated', { details: { live: true } });
  const fatal = events.filter(([name]) => name === 'fatal');
  assert.equal(fatal.length, 1);
  assert.ok(fatal[0][1].error instanceof HlsMeshError);
  assert.equal(fatal[0][1].error.code, 'engine-trap');
  waiting.inner.answer(new ArrayBuffer(100));
  const later = hls.fragment();
  made.at(-1).answer(new ArrayBuffer(50));
  assert.deepEqual([...waiting.names(), ...later.names()], ['success', 'success']);
  assert.deepEqual([mesh.stats.cdnBytes, mesh.stats.cdnSegments], [150, 2]);
  assert.deepEqual(mesh.peers, []);
});

test('a wasm file that is missing or broken is one warning, and everything plays from the CDN', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/broken.wasm') response.end('<html>not found</html>');
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  for (const [name, code] of [
    ['missing', 'wasm-fetch'],
    ['broken', 'wasm-invalid'],
  ]) {
    const url = `http://127.0.0.1:${port}/${name}.wasm`;
    const { hls, mesh, made, events } = setUp({ wasm: url });
    hls.loadSource(SOURCE);
    await until(() => events.length > 0);
    assert.deepEqual([events[0][0], events[0][1].code], ['warning', code]);
    assert.match(events[0][1].message, new RegExp(`${name}.wasm`));
    const { names } = hls.fragment();
    made[0].answer(new ArrayBuffer(10));
    assert.deepEqual(names(), ['success']);
    assert.equal(mesh.stats.cdnBytes, 10);
    assert.equal(events.filter(([event]) => event === 'warning').length, 1);
  }
  server.close();
});

test('a module served with the wrong type is compiled all the same, once for all players', async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(200, { 'content-type': 'text/plain' }).end(WASM);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const wasm = `http://127.0.0.1:${port}/hlsmesh.wasm`;
  for (const { hls } of [setUp({ wasm }), setUp({ wasm })]) hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 2);
  assert.equal(requests, 1);
  server.close();
});

test('without RTCPeerConnection there is one warning, no tracker, and the CDN', async () => {
  Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
  const { hls, made, events } = setUp();
  hls.loadSource(SOURCE);
  await until(() => events.length > 0);
  assert.deepEqual(
    events.map(([name, event]) => [name, event.code]),
    [['warning', 'rtc-unavailable']],
  );
  const { names } = hls.fragment();
  made[0].answer(new ArrayBuffer(10));
  assert.deepEqual(names(), ['success']);
  assert.equal(FakeSocket.made.length, 0);
});

test('a WebSocket that the browser refuses is a warning that names the URL', async () => {
  Object.assign(globalThis, {
    WebSocket: class {
      constructor() {
        throw new Error('insecure from a secure page');
      }
    },
  });
  const { hls, events } = setUp();
  hls.loadSource(SOURCE);
  await until(() => events.some(([name]) => name === 'tracker'));
  const [, warning] = events.find(([name]) => name === 'warning') ?? [];
  assert.equal(warning.code, 'tracker-unreachable');
  assert.match(warning.message, /wss:\/\/tracker.example\//);
});

test('a page that is hidden for good leaves, and one that comes back enters again', async () => {
  const { hls, mesh } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  FakeSocket.made[0].open();
  for (const listener of page.get('pagehide') ?? []) listener({ persisted: true });
  assert.equal(FakeSocket.made[0].sent.at(-1).action, 'leave');
  for (const listener of page.get('pageshow') ?? []) listener({ persisted: false });
  assert.equal(mesh.channel, '');
  for (const listener of page.get('pageshow') ?? []) listener({ persisted: true });
  await until(() => FakeSocket.made.length === 2);
  assert.equal(mesh.channel, 'https://cdn.example/vod/master.m3u8');
});

test('a listener that throws breaks neither playback nor the listeners after it', async () => {
  /** @type {any[]} */
  const reported = [];
  const logger = { warn() {}, error: (/** @type {any[]} */ ...args) => void reported.push(args) };
  const { hls, mesh, made } = setUp({ logger });
  let heard = 0;
  mesh.once('segment', () => {
    throw new Error('the page is broken');
  });
  mesh.on('segment', () => void heard++);
  for (let index = 0; index < 2; index++) {
    const { names } = hls.fragment();
    made[index].answer(new ArrayBuffer(10));
    assert.deepEqual(names(), ['success']);
  }
  assert.equal(heard, 2);
  assert.equal(reported.length, 1);
});

test('the engine hears of renditions, and its cache serves the same segment of the same rendition', async () => {
  const { hls, mesh, made } = setUp();
  hls.levels = [
    {
      bitrate: 1e6,
      width: 640,
      height: 360,
      attrs: { CODECS: 'avc1' },
      name: '360p',
      uri: 'https://cdn.example/vod/360.m3u8',
    },
  ];
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  hls.emit('hlsManifestParsed');
  const first = hls.fragment();
  made[0].answer(new Uint8Array([1, 2, 3]).buffer);
  const second = hls.fragment();
  await Promise.resolve();
  assert.deepEqual([...first.names(), ...second.names()], ['success', 'success']);
  assert.deepEqual([...new Uint8Array(second.calls[0][1].data)], [1, 2, 3]);
  assert.deepEqual([mesh.stats.cdnBytes, mesh.stats.cacheHits, mesh.stats.peers], [3, 1, 0]);
});

test('counters go on when the source changes', async () => {
  const { hls, mesh, made } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  hls.fragment();
  made[0].answer(new ArrayBuffer(10));
  hls.loadSource('https://cdn.example/other.m3u8');
  await until(() => FakeSocket.made.length === 2);
  assert.equal(mesh.stats.cdnBytes, 10);
  mesh.detach();
  assert.deepEqual([mesh.stats.cdnBytes, mesh.stats.peers], [10, 0]);
});

test('the second tracker is tried when the first does not answer, and named in the event', async () => {
  const second = 'wss://second.example/';
  const { hls, mesh, events } = setUp({ tracker: [TRACKER, new URL(second)] });
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  assert.equal(FakeSocket.made[0].url, `${TRACKER}?room=${ROOM}`);
  FakeSocket.made[0].onclose();
  assert.deepEqual(events[0], [
    'tracker',
    { state: 'disconnected', url: TRACKER, retryInMs: events[0][1].retryInMs },
  ]);
  await until(() => FakeSocket.made.length === 2);
  assert.equal(FakeSocket.made[1].url, `${second}?room=${ROOM}`);
  FakeSocket.made[1].open();
  FakeSocket.made[1].onmessage({
    data: JSON.stringify({ action: 'accept', live: false, peer_id: 'me' }),
  });
  assert.deepEqual(events.at(-1), ['tracker', { state: 'connected', url: second, peerId: 'me' }]);
  assert.equal(mesh.enabled, true);
});

test('enabled and upload take effect at once, and refuse what they cannot be', async () => {
  const { hls, mesh } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  FakeSocket.made[0].open();
  mesh.enabled = false;
  assert.equal(FakeSocket.made[0].sent.at(-1).action, 'leave');
  assert.equal(mesh.enabled, false);
  mesh.enabled = true;
  assert.equal(FakeSocket.made.length, 2);
  mesh.upload = false;
  assert.equal(mesh.upload, false);
  assert.throws(
    () => (mesh.upload = /** @type {any} */ ('no')),
    /option upload is "no"; it must be true or false/,
  );
  assert.equal(mesh.upload, false);
});

test('update changes all it is given or nothing', () => {
  const { mesh } = setUp();
  assert.equal(mesh.update({ upload: false, maxChildren: 2 }), mesh);
  assert.equal(mesh.upload, false);
  assert.throws(() => mesh.update({ upload: true, maxChildren: -1 }), /option maxChildren is -1/);
  assert.equal(mesh.upload, false);
  const channel = /** @type {any} */ ({ upload: true, channel: 'other' });
  assert.throws(() => mesh.update(channel), /option channel cannot change while running/);
  assert.equal(mesh.upload, false);
});

test('options changed by update go for the next engine too', async () => {
  const { hls, mesh } = setUp();
  mesh.update({ enabled: false });
  hls.loadSource(SOURCE);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(FakeSocket.made.length, 0);
  mesh.enabled = true;
  await until(() => FakeSocket.made.length === 1);
});

test('stats are emitted each second while somebody listens, and no timer is left after', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const { mesh } = setUp();
  /** @type {any[]} */
  const heard = [];
  const listener = (/** @type {any} */ stats) => void heard.push(stats);
  mesh.on('stats', listener);
  context.mock.timers.tick(2000);
  assert.equal(heard.length, 2);
  assert.deepEqual(heard[1], mesh.stats);
  mesh.off('stats', listener);
  context.mock.timers.tick(2000);
  assert.equal(heard.length, 2);
  mesh.once('stats', listener);
  context.mock.timers.tick(3000);
  assert.equal(heard.length, 3);
  mesh.on('stats', listener);
  mesh.detach();
  context.mock.timers.tick(2000);
  mesh.on('stats', listener);
  context.mock.timers.tick(2000);
  assert.equal(heard.length, 3);
});

test('off without a listener takes all of that name; a name that is no event is refused', () => {
  const { hls, mesh, made } = setUp();
  let heard = 0;
  mesh.on('segment', () => void heard++).on('segment', () => void heard++);
  mesh.off('segment');
  hls.fragment();
  made[0].answer(new ArrayBuffer(10));
  assert.equal(heard, 0);
  assert.throws(
    () => mesh.on(/** @type {any} */ ('segments'), () => {}),
    /no event segments; did you mean segment\?/,
  );
});

test('the log says what the level allows, to a logger that need not know every level', () => {
  /** @type {string[]} */
  const said = [];
  const logger = {
    error: () => void said.push('error'),
    warn: () => void said.push('warn'),
    debug: (/** @type {any[]} */ ...words) => void said.push(`debug ${words[1]}`),
  };
  const { hls, mesh, made } = setUp({ logger, logLevel: 'debug' });
  hls.fragment();
  made[0].answer(new ArrayBuffer(10));
  assert.deepEqual(said, ['debug segment']);
  mesh.update({ logLevel: 'info' });
  hls.fragment();
  made[1].answer(new ArrayBuffer(10));
  assert.deepEqual(said, ['debug segment']);
});

test("the site's own id tells segments of one number apart, and null keeps one from peers", async () => {
  /** @type {any[]} */
  const asked = [];
  let id = /** @type {any} */ ('programme');
  const segmentId = (/** @type {any} */ segment) => (asked.push(segment), id);
  const { hls, made, mesh, events } = setUp({ segmentId });
  hls.levels = [{ bitrate: 1e6, uri: 'https://cdn.example/vod/360.m3u8' }];
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  hls.emit('hlsManifestParsed');
  const again = async () => {
    const { names } = hls.fragment();
    await Promise.resolve();
    if (made.at(-1).callbacks) made.at(-1).answer(new ArrayBuffer(10));
    assert.deepEqual(names(), ['success']);
    return events.at(-1)?.[1].source;
  };
  assert.equal(await again(), 'cdn');
  assert.equal(await again(), 'cache');
  assert.deepEqual(Object.keys(asked[0]).sort(), ['level', 'sn', 'type', 'url']);
  assert.match(asked[0].url, /^https:/);
  id = 'advertisement';
  assert.equal(await again(), 'cdn');
  id = null;
  assert.equal(await again(), 'cdn');
  assert.equal(await again(), 'cdn', 'what is not shared is not cached');
  id = 7;
  assert.equal(await again(), 'cdn');
  assert.equal(
    events.filter(([name, { code }]) => name === 'warning' && code === 'internal').length,
    1,
  );
  assert.equal(mesh.stats.cdnSegments, 5);
});
