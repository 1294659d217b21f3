import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';

import { createTracker } from '../../js/tracker/index.js';
import { CHANNEL, Peer, get, halfOpen, launch, startTracker, until } from './tracker-peers.mjs';
import { trappingEngine } from './tracker-trap.mjs';

test('the command prints its URL, reports its health and ends on SIGTERM', async () => {
  const tracker = await startTracker();
  const peer = await Peer.enter(tracker.url);
  const health = await get(tracker.port, '/healthz');
  assert.equal(health.status, 200);
  const { uptime, ...state } = JSON.parse(health.body);
  assert.deepEqual(state, { status: 'ok', connections: 1, peers: 1, channels: 1, nodes: 1 });
  assert.ok(uptime >= 0 && uptime < 60);

  const other = await get(tracker.port, '/');
  assert.equal(other.status, 404);
  assert.match(other.body, /WebSocket/);

  const refused = new Peer(`ws://127.0.0.1:${tracker.port}/healthz`);
  await until(() => refused.closed !== undefined, 'the upgrade to be refused');

  tracker.child.kill('SIGTERM');
  const { code, stderr } = await tracker.exited;
  assert.deepEqual([code, stderr.match(/warn|error/)], [0, null]);
  assert.equal((await peer.end()).code, 1012);
});

test('the command says what is wrong with its arguments', async () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const tracker = await startTracker();
  /** @type {[string[], number, RegExp][]} */
  const cases = [
    [['--help'], 0, /^Usage: npx -p hlsmesh hlsmesh-tracker/],
    [['--version'], 0, new RegExp(`^${version.replaceAll('.', '\\.')}\n$`)],
    [['--port', 'http'], 2, /--port must be a whole number from 0 to 65535, not 'http'/],
    [['--port', '65536'], 2, /--port must be a whole number/],
    [['--prot', '1'], 2, /--prot/],
    [['8000'], 2, /8000/],
    [['--port', String(tracker.port)], 1, new RegExp(`port ${tracker.port} .*in use`)],
    [['--port', '0', '--host', '192.0.2.1'], 1, /192\.0\.2\.1 is not an address of this machine/],
  ];
  const results = await Promise.all(cases.map(([args]) => launch(args).exited));
  results.forEach(({ code, stdout, stderr }, index) => {
    const [args, expected, says] = cases[index];
    assert.equal(code, expected, `${args.join(' ')}: ${stdout}${stderr}`);
    assert.match(code === 0 ? stdout : stderr, says);
    assert.equal(code === 0 ? stderr : stdout, '');
  });
  tracker.child.kill('SIGINT');
  assert.equal((await tracker.exited).code, 0);
});

test('two peers are introduced and signal through a tracker process', async () => {
  const tracker = await startTracker();
  const parent = await Peer.enter(tracker.url);
  const child = await Peer.enter(`${tracker.url}any/path?query`);
  assert.match(parent.id, /^[0-9a-f]{32}$/);
  assert.notEqual(parent.id, child.id);
  assert.equal((await child.next('connect')).to_peer_id, parent.id);

  const offer = { type: 'offer', sdp: 'v=0\r\no=- é "quoted"\r\n' };
  child.send({ action: 'signal', to_peer_id: parent.id, data: offer });
  const received = await parent.next('signal');
  assert.equal(received.from_peer_id, child.id);
  assert.equal(typeof received.data, 'string');
  assert.deepEqual(JSON.parse(received.data), offer);

  const answer = JSON.stringify({ type: 'answer', sdp: 'v=0\r\n' });
  parent.send({ action: 'signal', to_peer_id: child.id, data: answer });
  assert.deepEqual(await child.next('signal'), {
    action: 'signal',
    from_peer_id: parent.id,
    data: answer,
  });

  child.send({ action: 'dc_opened', dc_id: `${child.id}-${parent.id}` });
  await child.settle();
  await parent.settle();
  assert.deepEqual([parent.messages, child.messages], [[], []]);
});

test('what a tracker of the day died of disturbs nobody', async () => {
  const tracker = await startTracker();
  const parent = await Peer.enter(tracker.url);
  const child = await Peer.enter(tracker.url);
  const garbage = ['', 'x', 'null', '[]', '{}', '{"action":"enter"}', '{"action":"signal"}'];
  for (const text of garbage) {
    const bad = await Peer.connect(tracker.url);
    bad.ws.send(text);
    bad.ws.send(Buffer.from([0, 1, 2, 255]));
    bad.send({ action: 'no such action' });
    bad.send({ action: 'signal', to_peer_id: parent.id, data: '{}' });
    bad.send({ action: 'enter', channel: 'garbage' });
    await bad.next('accept');
    bad.ws.close();
  }

  const flood = await Peer.connect(tracker.url);
  for (let i = 0; i < 20; ++i) flood.ws.send('null');
  await until(() => flood.closed !== undefined, 'the flood to be closed');
  assert.equal(flood.closed?.code, 1008);
  assert.match(flood.closed?.reason ?? '', /malformed/);

  const long = await Peer.connect(tracker.url);
  long.ws.send('x'.repeat(64 * 1024 + 1));
  await until(() => long.closed !== undefined, 'the long message to be refused');
  assert.equal(long.closed?.code, 1009);

  const endless = await Peer.connect(tracker.url);
  endless.ws.send('x'.repeat(4 * 1024 * 1024));
  await until(() => endless.closed !== undefined, 'the endless message to be refused');
  assert.equal(endless.closed?.code, 1009);

  // A frame with reserved bits set: not WebSocket at all.
  const broken = await halfOpen(tracker.port, '');
  broken.write(Buffer.from([0xff, 0xff, 0xff]));
  await once(broken.resume(), 'close');

  child.send({ action: 'signal', to_peer_id: parent.id, data: '{"type":"offer"}' });
  await parent.next('signal');
  assert.equal(parent.messages.length, 0);
});

test('a killed tracker comes back, and a newcomer is introduced to peers that kept theirs', async () => {
  const first = await startTracker();
  const before = [await Peer.enter(first.url), await Peer.enter(first.url)];
  first.child.kill('SIGKILL');
  await first.exited;
  await until(() => before.every((peer) => peer.closed !== undefined), 'both sockets to close');

  const second = await startTracker(first.port);
  const child = await Peer.enter(second.url, { parents: 1, hlsmesh: 1 });
  const parent = await Peer.enter(second.url, { hlsmesh: 1 });
  await child.settle();
  assert.equal(child.messages.length, 0);
  const newcomer = await Peer.enter(second.url);
  const { to_peer_id: to } = await newcomer.next('connect');
  assert.ok([child.id, parent.id].includes(to));
});

test('a half-open socket is found by ping and its child gets another parent', async () => {
  const tracker = await createTracker({
    port: 0,
    limits: { pingIntervalMs: 200, deadAfterMs: 500 },
  });
  await halfOpen(tracker.port, `{"action":"enter","channel":"${CHANNEL}"}`);
  await until(() => tracker.stats().peers === 1, 'the half-open peer to enter');
  const other = await Peer.enter(tracker.url);
  await other.next('connect');
  const child = await Peer.enter(tracker.url);
  assert.notEqual((await child.next('connect')).to_peer_id, other.id);
  assert.equal((await child.next('connect')).to_peer_id, other.id);
  assert.deepEqual([tracker.stats().dead, tracker.stats().peers], [1, 2]);
  assert.equal(child.closed, undefined);
  await tracker.close();
});

test('a peer that reads nothing is ended before it fills the memory', async () => {
  /** @type {string[]} */
  const lines = [];
  const tracker = await createTracker({
    port: 0,
    limits: { messagesPerSecond: 0, bytesPerSecond: 0, bytesPerAddress: 0, bytesPerPair: 0 },
    log: (line) => lines.push(line),
  });
  await halfOpen(tracker.port, `{"action":"enter","channel":"${CHANNEL}"}`);
  await until(() => tracker.stats().peers === 1, 'the mute peer to enter');
  const child = await Peer.enter(tracker.url);
  const { to_peer_id: mute } = await child.next('connect');
  const data = 'x'.repeat(60_000);
  for (let i = 0; i < 1000 && tracker.stats().peers === 2; ++i) {
    child.send({ action: 'signal', to_peer_id: mute, data });
    if (i % 10 === 0) await child.settle();
  }
  assert.equal(tracker.stats().peers, 1);
  assert.match(lines.join('\n'), /unread/);
  await tracker.close();
});

test('the API attaches to a server on one path and leaves its other paths alone', async () => {
  const server = http.createServer((request, response) => response.end('mine'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  let others = 0;
  server.on('upgrade', (request, socket) => {
    if (request.url === '/tracker') return;
    ++others;
    socket.destroy();
  });
  const tracker = await createTracker({ server, path: '/tracker' });
  assert.equal(tracker.url, `ws://127.0.0.1:${port}/tracker`);
  const peer = await Peer.enter(tracker.url);
  const stranger = new Peer(`ws://127.0.0.1:${port}/elsewhere`);
  await until(() => stranger.closed !== undefined, 'the other path to be answered');
  assert.equal(others, 1);
  assert.equal((await get(port, '/healthz')).body, 'mine');
  assert.deepEqual([tracker.stats().peers, tracker.stats().enters], [1, 1]);

  await tracker.close();
  await until(() => peer.closed !== undefined, 'the peer to be closed');
  assert.equal((await get(port, '/')).body, 'mine');
  server.close();
});

test('the API refuses limits it does not know and a port that is taken', async () => {
  const tracker = await createTracker({ port: 0 });
  await assert.rejects(createTracker({ port: tracker.port }), { code: 'EADDRINUSE' });
  await assert.rejects(
    createTracker({ port: 0, limits: /** @type {any} */ ({ pings: 1 }) }),
    /unknown tracker limit: pings/,
  );
  await assert.rejects(createTracker({ port: 0, limits: { maxChildren: -1 } }), RangeError);
  // An empty variable of the environment must not become "no limit"; one that is not set is the default.
  for (const value of ['', null, '3', true, []]) {
    const limits = /** @type {any} */ ({ maxConnections: value });
    await assert.rejects(createTracker({ port: 0, limits }), /maxConnections must be a whole num/);
  }
  await (await createTracker({ port: 0, limits: { maxConnections: undefined } })).close();
  await tracker.close();
  await tracker.close();
});

test('the API says what an option must be before it begins anything', async () => {
  for (const [given, message] of /** @type {[any, RegExp][]} */ ([
    [5, /the options must be an object/],
    [null, /the options must be an object/],
    [{ log: console }, /option log must be a function/],
    [{ onFatal: 'exit' }, /option onFatal must be a function/],
    [{ server: {} }, /option server must be a server of node:http/],
    [{ path: 'p2p' }, /option path must be a path that begins with \//],
    [{ wasm: 5 }, /option wasm must be a URL, a path or bytes/],
    [{ limits: 'none' }, /option limits must be an object/],
    [{ bus: 1 }, /option bus must be an object/],
  ])) {
    await assert.rejects(createTracker(given), (/** @type {any} */ error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, message);
      return true;
    });
  }
  const none = /** @type {any} */ ({ server: null, log: undefined, limits: null });
  await (await createTracker({ port: 0, ...none })).close();
});

test('a tracker that cannot listen leaves nothing behind, in its cluster neither', async () => {
  const first = await createTracker({ port: 0 });
  const told = /** @type {string[]} */ ([]);
  const bus = {
    ...{ name: 'n', leaseMs: 5000, endsAsOne: false },
    start: async () => void told.push('start'),
    stop: async () => void told.push('stop'),
    claim: async () => [],
    unclaim: async () => {},
    post: () => {},
  };
  await assert.rejects(createTracker({ port: first.port, bus }), { code: 'EADDRINUSE' });
  assert.deepEqual(told, ['start', 'stop']);
  await first.close();
});

test('a trap in the engine closes every socket and is reported once', async () => {
  /** @type {Error[]} */
  const fatal = [];
  const tracker = await createTracker({
    port: 0,
    wasm: trappingEngine(),
    onFatal: (error) => fatal.push(error),
  });
  const peers = [new Peer(tracker.url), new Peer(tracker.url)];
  await Promise.all(peers.map(({ ws }) => once(ws, 'open')));
  peers[0].send({ action: 'leave' });
  await until(() => peers.every(({ closed }) => closed !== undefined), 'both to be closed');
  await until(() => fatal.length > 0, 'the fatal error');
  assert.equal(fatal.length, 1);
  assert.ok(fatal[0] instanceof WebAssembly.RuntimeError);
  await assert.rejects(get(tracker.port, '/healthz'));
});
