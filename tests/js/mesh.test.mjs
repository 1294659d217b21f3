import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  DefaultConfig,
  Events,
  HlsMesh,
  HlsMeshError,
  attach,
  isSupported,
  version,
} from '../../js/index.js';
import { Option } from '../../js/abi.js';
import { Engine } from '../../js/engine.js';
import face from '../../js/index.js';
import { fakeEngine } from './fake-engine.mjs';
import { FakeHls, fakeLoaderClass, fragmentContext } from './fake-hls.mjs';
import {
  FakeSocket,
  listeners,
  meshes,
  onFreshPages,
  page,
  ROOM,
  setUp,
  SOURCE,
  takenFragment,
  TRACKER,
  until,
  WASM,
} from './fake-page.mjs';

onFreshPages();

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

test('A1: a source that its query selects is another channel', async () => {
  const { hls, mesh } = setUp();
  hls.loadSource('https://cdn.example/vod/master.m3u8?video=a&token=one#t=10');
  assert.equal(mesh.channel, 'https://cdn.example/vod/master.m3u8?video=a');
  hls.loadSource('https://cdn.example/vod/master.m3u8?video=b&token=one');
  assert.equal(mesh.channel, 'https://cdn.example/vod/master.m3u8?video=b');
  hls.loadSource('https://cdn.example/vod/master.m3u8?token=two&video=b');
  assert.equal(mesh.channel, 'https://cdn.example/vod/master.m3u8?video=b');
});

test('C7: a channel that is too long for a message is shortened, however it came to be', async () => {
  const long = `https://cdn.example/${'d/'.repeat(2000)}master.m3u8`;
  const { hls, mesh } = setUp();
  hls.loadSource(`${long}?token=${'t'.repeat(5000)}`);
  const { channel } = mesh;
  assert.ok(channel.length <= 2048 && channel.startsWith('https://cdn.example/d/'));
  hls.loadSource(`${long}?v=1`);
  assert.notEqual(mesh.channel, channel);
  const named = setUp({ channel: () => long });
  named.hls.loadSource('https://other.example/master.m3u8');
  assert.equal(named.mesh.channel, channel);
});

test('a site may name the channel itself, by a name or by a function of the playlist URL', async () => {
  const named = setUp({ channel: 'news' });
  named.hls.loadSource(SOURCE);
  assert.equal(named.mesh.channel, 'news');
  const computed = setUp({ channel: (/** @type {string} */ url) => new URL(url).pathname });
  computed.hls.loadSource(SOURCE);
  assert.equal(computed.mesh.channel, '/vod/master.m3u8');
});

test('a function of the playlist URL that gives an object or a promise names no channel, for all streams would have it', async () => {
  for (const gives of [
    async () => 'news',
    () => new URL(SOURCE),
    () => ({ toString: () => 'x' }),
  ]) {
    const { hls, mesh, events } = setUp({ channel: /** @type {any} */ (gives) });
    hls.loadSource(SOURCE);
    assert.equal(mesh.channel, '');
    await until(() => events.some(([name]) => name === 'warning'));
    assert.match(events.find(([name]) => name === 'warning')?.[1].message, /gave an object/);
  }
  assert.equal(FakeSocket.made.length, 0);
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
  hls.emit('hlsFragBuffered', '', { frag: {} });
  await until(() => FakeSocket.made.length === 2);
  assert.equal(mesh.channel, 'https://cdn.example/vod/master.m3u8');
});

test('the engine hears of renditions and keeps their segments for others; what is loaded again comes from the CDN', async () => {
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
  made[0].answer(new Uint8Array([0xff, 0xf1, 3]).buffer);
  const second = hls.fragment();
  made[1].answer(new Uint8Array([0xff, 0xf1, 4]).buffer);
  assert.deepEqual([...first.names(), ...second.names()], ['success', 'success']);
  assert.deepEqual([...new Uint8Array(second.calls[0][1].data)], [0xff, 0xf1, 4]);
  const { cdnBytes, cacheHits, cacheBytes, peers } = mesh.stats;
  assert.deepEqual([cdnBytes, cacheHits, cacheBytes, peers], [6, 0, 3, 0]);
});

test('B5: segments that come before the engine are kept for it, up to 16 MiB, and counted once', async () => {
  const { hls, mesh, made } = setUp();
  hls.levels = [{ bitrate: 1e6, uri: 'https://cdn.example/vod/360.m3u8' }];
  hls.loadSource(SOURCE);
  hls.emit('hlsManifestParsed');
  const fragment = (/** @type {number} */ sn) =>
    hls.fragment(fragmentContext({ sn, relurl: `seg${sn}.ts` }));
  // Of packets that begin as those of MPEG-TS do: what does not look like media is not shared.
  const packet = 188;
  const most = Math.floor((16 << 20) / packet) * packet;
  for (const [sn, bytes] of /** @type {const} */ ([
    [7, packet],
    [8, most - packet],
    [9, packet],
  ])) {
    fragment(sn);
    made.at(-1).answer(new Uint8Array(bytes).fill(0x47).buffer);
  }
  const { cdnBytes, cdnSegments } = mesh.stats;
  assert.equal(FakeSocket.made.length, 0, 'the engine was there already: the test shows nothing');
  await until(() => FakeSocket.made.length === 1);
  assert.deepEqual([cdnBytes, cdnSegments], [most + packet, 3]);
  assert.deepEqual([mesh.stats.cdnBytes, mesh.stats.cdnSegments], [cdnBytes, cdnSegments]);
  assert.equal(mesh.stats.cacheBytes, most, 'what is there for others');
});

test('A5: what the player says of a segment before there is an engine, the engine hears', async () => {
  const { hls, made } = setUp();
  hls.levels = [{ bitrate: 1e6, uri: 'https://cdn.example/vod/360.m3u8' }];
  hls.loadSource(SOURCE);
  hls.emit('hlsManifestParsed');
  const { loader } = hls.fragment();
  const { stats } = loader;
  made[0].answer(new Uint8Array([60, 104]).buffer);
  const frag = { sn: 7, stats };
  hls.emit('hlsError', '', { details: 'fragParsingError', frag, error: new Error('x') });
  await until(() => FakeSocket.made.length === 1);
  hls.fragment();
  assert.equal(made.length, 2);
  assert.ok(made[1].callbacks, 'the refused bytes came again');
});

test('B5: segments of another source are not kept for the engine of the next', async () => {
  const { hls, made } = setUp();
  hls.levels = [{ bitrate: 1e6, uri: 'https://cdn.example/vod/360.m3u8' }];
  hls.loadSource('https://cdn.example/other.m3u8');
  hls.fragment();
  hls.loadSource(SOURCE);
  made[0].answer(new ArrayBuffer(3));
  hls.emit('hlsManifestParsed');
  await until(() => FakeSocket.made.length === 1);
  const { names } = hls.fragment();
  await Promise.resolve();
  assert.deepEqual(names(), []);
});

test('A1: a source that is loaded, the same one again or another of the channel, is not answered from the one before', async () => {
  const { hls, made, mesh } = setUp({ channel: 'one for both' });
  const level = { attrs: {}, uri: 'https://cdn.example/vod/360.m3u8' };
  const play = (/** @type {string} */ url) => {
    hls.loadSource(url);
    hls.levels = [level];
    hls.emit('hlsManifestParsed');
  };
  play(`${SOURCE}?video=a`);
  await until(() => FakeSocket.made.length === 1);
  hls.fragment();
  made[0].answer(new Uint8Array([1, 2, 3]).buffer);
  for (const [url, body] of /** @type {[string, number][]} */ ([
    [`${SOURCE}?video=b`, 4],
    [`${SOURCE}?video=b`, 5],
  ])) {
    play(url);
    const again = hls.fragment();
    made.at(-1).answer(new Uint8Array([body]).buffer);
    assert.deepEqual([...new Uint8Array(again.calls[0][1].data)], [body], url);
  }
  assert.deepEqual([FakeSocket.made.length, mesh.stats.cacheHits], [1, 0], 'one tracker session');
});

test('the engine hears for how long the channel before was the channel', async (t) => {
  const set = t.mock.method(Engine.prototype, 'set');
  /** @type {() => number[]} */
  const told = () =>
    set.mock.calls.flatMap((call) =>
      call.arguments[0].flatMap(([name, value]) => (name === Option.stayed ? [value] : [])),
    );
  const clock = t.mock.method(performance, 'now', () => (told().length > 0 ? 8500 : 1000));
  const { hls } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  hls.loadSource(`${SOURCE}?token=new`);
  hls.loadSource('https://cdn.example/other.m3u8');
  await until(() => FakeSocket.made.length === 2);
  clock.mock.restore();
  assert.deepEqual(told(), [Infinity, 7.5]);
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
  const keptAfterLoad = () => {
    const { names } = hls.fragment();
    made.at(-1).answer(new Uint8Array([0xff, 0xf1, 3, 4, 5, 6, 7, 8, 9, 10]).buffer);
    assert.deepEqual(names(), ['success']);
    return mesh.stats.cacheBytes;
  };
  assert.equal(keptAfterLoad(), 10);
  assert.equal(keptAfterLoad(), 10);
  assert.deepEqual(Object.keys(asked[0]).sort(), ['level', 'sn', 'type', 'url']);
  assert.match(asked[0].url, /^https:/);
  id = 'advertisement';
  assert.equal(keptAfterLoad(), 20);
  id = null;
  assert.equal(keptAfterLoad(), 20, 'what is not shared is not cached');
  id = 7;
  assert.equal(keptAfterLoad(), 20);
  assert.equal(
    events.filter(([name, { code }]) => name === 'warning' && code === 'internal').length,
    1,
  );
  assert.equal(mesh.stats.cdnSegments, 5);
});
