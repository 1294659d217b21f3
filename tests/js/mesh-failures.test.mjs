import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { HlsMeshError } from '../../js/index.js';
import { fakeEngine } from './fake-engine.mjs';
import {
  FakeSocket,
  listeners,
  onFreshPages,
  page,
  setUp,
  SOURCE,
  takenFragment,
  until,
  WASM,
} from './fake-page.mjs';

onFreshPages();

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

test('without the file of the option shadow all comes from the CDN, and it is asked for only with consent', async () => {
  for (const [options, warnings] of /** @type {const} */ ([
    [{ shadow: 1 }, ['internal']],
    [{ shadow: 1, p2p: () => false }, []],
    // Nothing is left for shadows.
    [{ shadow: 1, control: 1 }, ['options']],
  ])) {
    const { hls, mesh, made, events } = setUp(options);
    hls.loadSource(SOURCE);
    // The sources have no such file beside them.
    if (options.control) await until(() => FakeSocket.made.length > 0);
    else if (warnings.length > 0) await until(() => events.length > 0);
    else await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(
      events.map(([name, { code }]) => [name, code]),
      warnings.map((code) => ['warning', code]),
    );
    if (warnings[0] === 'internal') {
      assert.match(
        events[0][1].message,
        /^cannot use \S+hlsmesh-shadow\.mjs for the option shadow/,
      );
      assert.equal(FakeSocket.made.length, 0);
    }
    const { names } = hls.fragment();
    made[0].answer(new ArrayBuffer(10));
    assert.deepEqual(names(), ['success']);
    assert.equal(mesh.stats.cdnBytes, 10);
    assert.equal(mesh.stats.shadow, undefined);
  }
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

test('a browser that refuses one connection is asked for another after a pause, and the page is warned once', async (t) => {
  let refuses = true;
  /** @type {object[]} */
  const made = [];
  class Connection {
    constructor() {
      if (refuses) throw new DOMException('Cannot create so many PeerConnections', 'UnknownError');
      made.push(this);
    }
    createDataChannel() {
      return {};
    }
    createOffer() {
      return new Promise(() => {});
    }
    close() {}
  }
  Object.assign(globalThis, { RTCPeerConnection: Connection });
  const { hls, mesh, events } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  const [socket] = FakeSocket.made;
  const says = (/** @type {object} */ message) =>
    socket.onmessage({ data: JSON.stringify(message) });
  socket.open();
  says({ action: 'accept', live: false, peer_id: 'me' });
  for (const id of ['p1', 'p2', 'p3']) says({ action: 'connect', to_peer_id: id });
  const warnings = () => events.filter(([name]) => name === 'warning').map(([, { code }]) => code);
  assert.deepEqual(warnings(), ['rtc-unavailable']);
  assert.deepEqual(
    socket.sent.filter(({ action }) => action === 'dc_failed').map(({ dc_id }) => dc_id),
    ['me-p1', 'me-p2', 'me-p3'],
  );
  assert.ok(mesh.enabled);

  refuses = false;
  const { now } = performance;
  t.mock.method(performance, 'now', () => now.call(performance) + 31_000);
  says({ action: 'connect', to_peer_id: 'p4' });
  assert.equal(made.length, 1);
  assert.equal(mesh.peers.length, 1);
  assert.deepEqual(warnings(), ['rtc-unavailable']);
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

for (const source of [
  'blob:https://site.example/1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  'data:application/vnd.apple.mpegurl,%23EXTM3U',
  'FILE:///home/me/master.m3u8',
]) {
  test(`C6: a playlist at ${source.slice(0, 5)} is nobody else's: said once, unless the site names the channel`, async () => {
    const { hls, made, mesh, events } = setUp();
    for (let round = 0; round < 2; round++) hls.loadSource(source);
    const { names } = hls.fragment();
    made[0].answer(new ArrayBuffer(10));
    assert.deepEqual(names(), ['success']);
    const warnings = events.filter(([name]) => name === 'warning');
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0][1].code, 'channel');
    assert.match(warnings[0][1].message, /the option `channel`/);
    assert.equal(mesh.channel, '');
    assert.equal(FakeSocket.made.length, 0);
    hls.loadSource(SOURCE);
    await until(() => FakeSocket.made.length === 1);

    for (const channel of ['news', () => 'news']) {
      const named = setUp({ channel });
      named.hls.loadSource(source);
      await until(() => FakeSocket.made.length === 2);
      assert.equal(named.mesh.channel, 'news');
      assert.deepEqual(named.events, []);
      FakeSocket.made.pop();
    }
  });
}

test('C6: a viewer who is alone for a minute hears in which channel', async (context) => {
  // Time runs 200 times as fast.
  const now = performance.now.bind(performance);
  const began = now();
  const { setTimeout: wait } = globalThis;
  context.mock.method(performance, 'now', () => began + (now() - began) * 200);
  context.mock.method(globalThis, 'setTimeout', (/** @type {() => void} */ work, ms = 0) =>
    wait(work, ms / 200),
  );
  const { hls, events } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  const [socket] = FakeSocket.made;
  socket.open();
  const tell = (/** @type {object} */ message) =>
    socket.onmessage({ data: JSON.stringify(message) });
  tell({ action: 'accept', live: false, peer_id: 'me' });
  const said = () => events.filter(([name]) => name === 'warning').map(([, event]) => event);
  const accepted = performance.now();
  await until(() => said().length > 0);
  assert.ok(performance.now() - accepted >= 59_900);
  assert.equal(said()[0].code, 'alone');
  assert.match(said()[0].message, /https:\/\/cdn\.example\/vod\/master\.m3u8/);
});
