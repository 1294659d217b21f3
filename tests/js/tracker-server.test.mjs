import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { SignJWT } from 'jose';
import * as ws from 'ws';

import { textFrame } from '../../js/tracker/frames.js';
import { createTracker } from '../../js/tracker/index.js';
import { OPTIONS } from '../../js/tracker/options.js';
import { selfSigned } from './certificate.mjs';
import { mmdb } from './mmdb.mjs';
import {
  WAIT_MS,
  CHANNEL,
  Peer,
  get,
  halfOpen,
  handshake,
  launch,
  metricsOf,
  startTracker,
  until,
} from './tracker-peers.mjs';

const SECRET = 'a secret of no less than 32 bytes';
const API_TOKEN = 'a-token-of-the-api';
const BEARER = { authorization: `Bearer ${API_TOKEN}` };

const folder = mkdtempSync(path.join(tmpdir(), 'tracker-server-'));
after(() => rmSync(folder, { recursive: true }));

/**
 * @param {string} name
 * @param {string | Buffer} contents
 */
function file(name, contents) {
  const target = path.join(folder, name);
  // As an operator should: nobody sees it half written.
  writeFileSync(`${target}.new`, contents);
  renameSync(`${target}.new`, target);
  return target;
}

/** @param {string} secret @param {string | number} expires */
const tokenOf = (secret, expires = '10m', channel = CHANNEL) =>
  new SignJWT({ channel })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));

test('a viewer with a good token enters, one without is rejected with a reason', async () => {
  const tracker = await createTracker({ port: 0, tokenSecret: SECRET });
  const good = await Peer.enter(tracker.url, { token: await tokenOf(SECRET) });
  assert.match(good.id, /^[0-9a-f]{32}$/);
  /** @type {[string | undefined, RegExp][]} */
  const cases = [
    [undefined, /a token is needed/],
    ['nonsense', /not valid/],
    [await tokenOf(SECRET, 1), /expired/],
    [await tokenOf(SECRET, '10m', 'https://cdn.example/other.m3u8'), /another channel/],
    [await tokenOf(`${SECRET}!`), /not valid/],
  ];
  for (const [token, reason] of cases) {
    const bad = await Peer.connect(tracker.url);
    bad.send({ action: 'enter', channel: CHANNEL, token });
    assert.match((await bad.next('reject')).reason, reason);
    await bad.end();
  }
  assert.deepEqual([tracker.stats().peers, tracker.stats().unauthorized], [1, cases.length]);
  await tracker.close();
});

test('a token is free again when the viewer who held it has gone, however that came', async () => {
  const options = { port: 0, tokenSecret: SECRET, viewersPerToken: 1 };
  const tracker = await createTracker(options);
  const token = await tokenOf(SECRET);
  /** @type {((peer: Peer) => void)[]} */
  const ways = [
    ({ ws }) => ws.close(),
    ({ ws }) => ws.terminate(),
    // Closed by the tracker.
    (peer) => peer.send('x'.repeat(70_000)),
  ];
  for (const way of ways) {
    const first = await Peer.enter(tracker.url, { token });
    const second = await Peer.connect(tracker.url);
    second.send({ action: 'enter', channel: CHANNEL, token });
    assert.match((await second.next('reject')).reason, /too many viewers/);
    way(first);
    await first.end();
    await until(() => tracker.stats().connections === 0, 'both to be gone');
  }
  // Who has gone while the token was looked at holds nothing.
  const hasty = await Peer.connect(tracker.url);
  hasty.send({ action: 'enter', channel: CHANNEL, token });
  hasty.ws.terminate();
  await until(() => tracker.stats().connections === 0, 'the hasty one to be gone');
  await Peer.enter(tracker.url, { token });
  await tracker.close();
});

test('a viewer is sent away when its token runs out', async () => {
  const tracker = await createTracker({ port: 0, tokenSecret: SECRET });
  // Five seconds' difference between clocks are forgiven.
  const almost = Math.floor(Date.now() / 1000) - 3;
  const peer = await Peer.enter(tracker.url, { token: await tokenOf(SECRET, almost) });
  assert.match((await peer.next('reject')).reason, /expired/);
  await peer.end();
  assert.equal(tracker.stats().peers, 0);
  await tracker.close();
});

test('secrets are read again on SIGHUP, and one that cannot be used changes nothing', async () => {
  const secretFile = file('secret', `${SECRET}\n`);
  const tracker = await startTracker(0, ['--token-secret-file', secretFile]);
  await Peer.enter(tracker.url, { token: await tokenOf(SECRET) });

  file('secret', 'too short');
  tracker.child.kill('SIGHUP');
  await until(() => tracker.stderr().includes('could not be read again'), 'the failure to be told');
  await Peer.enter(tracker.url, { token: await tokenOf(SECRET) });

  const next = `the next ${SECRET}`;
  file('secret', next);
  tracker.child.kill('SIGHUP');
  await until(() => tracker.stderr().includes('read again option='), 'the new secret');
  await Peer.enter(tracker.url, { token: await tokenOf(next) });
  const old = await Peer.connect(tracker.url);
  old.send({ action: 'enter', channel: CHANNEL, token: await tokenOf(SECRET) });
  assert.match((await old.next('reject')).reason, /not valid/);
  assert.ok(!tracker.stderr().includes(SECRET));
});

test('a changed file is noticed without a signal', async () => {
  const secretFile = file('noticed', SECRET);
  const tracker = await createTracker({ port: 0, tokenSecretFile: secretFile });
  const next = `the next ${SECRET}`;
  file('noticed', next);
  const token = await tokenOf(next);
  const deadline = Date.now() + WAIT_MS;
  for (let admitted = false; !admitted;) {
    assert.ok(Date.now() < deadline, 'waited in vain for the new secret');
    const peer = await Peer.connect(tracker.url);
    peer.send({ action: 'enter', channel: CHANNEL, token });
    await until(() => peer.messages.length > 0, 'a verdict');
    admitted = peer.messages[0].action === 'accept';
    peer.ws.terminate();
  }
  await tracker.close();
});

test('pages of other origins and channels that are not served are refused', async () => {
  const tracker = await createTracker({
    port: 0,
    allowedOrigins: ['https://*.site.example'],
    allowedChannels: ['https://cdn.example/*'],
  });
  const origin = 'https://www.site.example';
  assert.equal(await handshake(tracker.url), 403);
  assert.equal(await handshake(tracker.url, { origin: 'https://evil.example' }), 403);
  await Peer.enter(tracker.url, {}, { origin });
  const stray = await Peer.connect(tracker.url, { origin });
  stray.send({ action: 'enter', channel: 'https://elsewhere.example/a.m3u8' });
  assert.match((await stray.next('reject')).reason, /not served/);
  await tracker.close();
});

test('provider and province come from the databases, by the address that a trusted proxy names', async () => {
  const asnDb = file('asn.mmdb', mmdb({ '198.51.100.0/24': { isp: 'Provider' } }));
  const cityDb = file('city.mmdb', mmdb({ '198.51.100.0/24': { country: { iso_code: 'DE' } } }));
  const tracker = await createTracker({
    port: 0,
    asnDb,
    cityDb,
    trustedProxies: ['loopback'],
    apiToken: API_TOKEN,
  });
  const headers = { 'X-Forwarded-For': '203.0.113.5, 198.51.100.7' };
  const known = await Peer.enter(tracker.url, {}, { headers });
  const unknown = await Peer.enter(tracker.url);
  const url = `/api/topology?channel=${encodeURIComponent(CHANNEL)}`;
  const { nodes } = JSON.parse((await get(tracker.port, url, BEARER)).body);
  const places = new Map(
    nodes.map((/** @type {any} */ { id, isp, province }) => [id, [isp, province]]),
  );
  assert.deepEqual(places.get(known.id), ['Provider', 'DE']);
  assert.deepEqual(places.get(unknown.id), ['', '']);
  await tracker.close();
});

test('limits are kept by the viewer that a trusted proxy names, not by the proxy', async () => {
  const tracker = await createTracker({
    port: 0,
    trustedProxies: ['127.0.0.1'],
    limits: { maxConnectionsPerAddress: 1 },
    handshakesPerAddress: 2,
  });
  /** @param {string} from */
  const options = (from) => ({ headers: { 'X-Forwarded-For': from } });
  const first = await Peer.enter(tracker.url, {}, options('198.51.100.1'));
  await Peer.enter(tracker.url, {}, options('198.51.100.2'));
  const second = new Peer(tracker.url, options('198.51.100.1'));
  assert.deepEqual(await second.end(), {
    code: 1013,
    reason: 'too many connections from this address',
  });
  assert.equal(await handshake(tracker.url, options('198.51.100.1')), 429);
  assert.equal(await handshake(tracker.url, options('198.51.100.3')), 101);
  assert.equal(first.closed, undefined);
  const metrics = await metricsOf(tracker.port);
  for (const limit of ['max-connections-per-address', 'handshakes-per-address']) {
    assert.equal(metrics.get(`hlsmesh_tracker_limited_total{limit="${limit}"}`), 1, limit);
  }
  await tracker.close();
});

test('who does not enter in time, and who is not there any more, is counted by the limit that closed it', async () => {
  /** @param {number} port @param {string} limit */
  const limited = async (port, limit) =>
    (await metricsOf(port)).get(`hlsmesh_tracker_limited_total{limit="${limit}"}`);

  const impatient = await createTracker({ port: 0, limits: { enterTimeoutMs: 200 } });
  const undecided = await Peer.connect(impatient.url);
  assert.equal((await undecided.end()).reason, 'did not enter a channel in time');
  assert.equal(await limited(impatient.port, 'enter-seconds'), 1);
  await impatient.close();

  const limits = { pingIntervalMs: 100, deadAfterMs: 400 };
  const watchful = await createTracker({ port: 0, limits });
  const dead = await halfOpen(watchful.port, `{"action":"enter","channel":"c"}`);
  await once(dead.resume(), 'close');
  assert.equal(await limited(watchful.port, 'idle-seconds'), 1);
  await watchful.close();
});

test('every limit that the help lists has a time series', async () => {
  const tracker = await createTracker({ port: 0 });
  const metrics = await metricsOf(tracker.port);
  // A ping is no refusal.
  const limits = OPTIONS.filter(({ group, name }) => group === 'Limits' && name !== 'ping-seconds');
  for (const { name } of limits) {
    assert.equal(metrics.get(`hlsmesh_tracker_limited_total{limit="${name}"}`), 0, name);
  }
  await tracker.close();
});

test('--check ends with 0 while the tracker of the same options is well, TLS or not', async () => {
  const { cert, key } = selfSigned('tracker.example');
  const secure = ['--tls-cert', file('check.pem', cert), '--tls-key', file('check-key.pem', key)];
  for (const options of [['--host', '0.0.0.0'], secure]) {
    const tracker = await startTracker(0, options);
    const port = ['--port', String(tracker.port)];
    const well = await launch([...options, ...port, '--check']).exited;
    assert.equal(well.code, 0, well.stderr);
    assert.match(well.stdout, /"status":"ok"/);
    tracker.child.kill('SIGKILL');
    await tracker.exited;
    const gone = await launch([...options, ...port, '--check']).exited;
    assert.deepEqual([gone.code, gone.stdout], [1, '']);
    assert.match(gone.stderr, new RegExp(`:${tracker.port}/healthz: .*ECONNREFUSED`));
  }
});

test('pings are answered with what they carry, and a flood of them is closed like any other', async () => {
  const tracker = await createTracker({ port: 0, limits: { messagesPerSecond: 10 } });
  const peer = await Peer.enter(tracker.url);
  for (const payload of ['', 'x', 'y'.repeat(125)]) {
    const pong = once(peer.ws, 'pong');
    peer.ws.ping(payload);
    assert.equal(String((await pong)[0]), payload);
  }
  for (let i = 0; i < 100; ++i) peer.ws.ping();
  assert.deepEqual(await peer.end(), { code: 1008, reason: 'too many messages' });
  await tracker.close();
});

test('frames of every length are read as they were written', () => {
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];
  /** @type {number[]} */
  const read = [];
  const { Receiver } = /** @type {any} */ (ws);
  const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true });
  receiver.on('message', (/** @type {Buffer} */ data, /** @type {boolean} */ isBinary) => {
    assert.equal(isBinary, false);
    assert.ok(data.every((byte) => byte === 0x61));
    read.push(data.length);
  });
  for (const length of lengths) receiver.write(textFrame(Buffer.alloc(length, 'a')));
  assert.deepEqual(read, lengths);
});

test('a certificate is taken into use when it changes', async () => {
  const first = selfSigned('first');
  const tlsCert = file('cert.pem', first.cert);
  const tlsKey = file('key.pem', first.key);
  const tracker = await createTracker({ port: 0, tlsCert, tlsKey });
  assert.match(tracker.url, /^wss:/);
  const peer = await Peer.enter(tracker.url, {}, { ca: first.cert });
  assert.equal(await certificateOf(tracker.port), 'first');

  const second = selfSigned('second');
  file('cert.pem', second.cert);
  // Not the pair of the certificate: nothing changes until both are there.
  await tracker.reload();
  assert.equal(await certificateOf(tracker.port), 'first');
  file('key.pem', second.key);
  await tracker.reload();
  assert.equal(await certificateOf(tracker.port), 'second');
  assert.equal(peer.closed, undefined);
  await tracker.close();
});

/** @param {number} port @returns {Promise<string>} the name in the certificate */
async function certificateOf(port) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

test('a file that is missing or wrong at the start ends the command with its name', async () => {
  const wrong = file('wrong', 'neither key nor database');
  /** @type {[string[], RegExp][]} */
  const cases = [
    [['--asn-db', wrong], /asn-db: /],
    [['--token-keys', wrong], /token-keys: .*wrong: holds no key/],
    [['--api-token-file', '/no/such/file'], /api-token-file: ENOENT.*\/no\/such\/file/],
    [['--tls-cert', wrong, '--tls-key', wrong], /tls-cert and tls-key: /],
  ];
  const results = await Promise.all(cases.map(([args]) => launch([...args, '--port', '0']).exited));
  results.forEach(({ code, stdout, stderr }, index) => {
    assert.deepEqual([code, stdout], [1, ''], stderr);
    assert.match(stderr, cases[index][1]);
  });
});

test('who connects and says nothing, or half a request, is dropped', async () => {
  const tracker = await createTracker({ port: 0, handshakeSeconds: 0.2 });
  const quiet = net.connect(tracker.port, '127.0.0.1');
  const halting = net.connect(tracker.port, '127.0.0.1');
  halting.write('GET / HTTP/1.1\r\nHost: t\r\n');
  const said = once(halting, 'data');
  await Promise.all([quiet, halting].map((socket) => once(socket.resume(), 'close')));
  assert.match(String(await said), /^HTTP\/1\.1 408 /);
  const metrics = await metricsOf(tracker.port);
  assert.equal(metrics.get('hlsmesh_tracker_limited_total{limit="handshake-seconds"}'), 2);
  await tracker.close();
});

test('who is refused and keeps its end of the connection open is let go all the same', async () => {
  const tracker = await createTracker({
    port: 0,
    handshakeSeconds: 0.2,
    allowedOrigins: ['https://ours.example'],
  });
  const upgrade =
    'GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://other.example\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  for (const request of [upgrade, 'GET / HTTP/1.1\r\n']) {
    const socket = net.connect({ port: tracker.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {}).resume();
    socket.write(request);
    await once(socket, 'end');
    // A write to a connection that has ended is answered with a reset.
    const gone = new Promise((resolve) => socket.on('close', resolve));
    const knocking = setInterval(() => socket.write('x'), 20);
    await gone;
    clearInterval(knocking);
  }
  await tracker.close();
});

test('logs are JSON where asked for, and cut addresses short unless asked not to', async () => {
  const json = await startTracker(0, ['--log-format', 'json', '--log-level', 'debug']);
  await Peer.enter(json.url);
  await until(() => json.stderr().includes('"opened"'), 'the log');
  const entries = json
    .stderr()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const opened = entries.find(({ event }) => event === 'opened');
  assert.deepEqual([opened.level, opened.address], ['debug', '127.0.0.0/24']);
  assert.ok(Math.abs(Date.parse(opened.time) - Date.now()) < 60_000);

  const full = await startTracker(0, ['--verbose', '--log-addresses', 'full']);
  await Peer.enter(full.url);
  await until(() => full.stderr().includes('opened'), 'the log');
  assert.match(full.stderr(), /^\S+Z hlsmesh-tracker: debug: opened conn=1 address="127\.0\.0\.1"/);
});

test('A2: a query parameter that keeps viewers apart is named in log and API, and its values are not', async () => {
  const tracker = await startTracker(0, ['--log-format', 'json', '--api-token', API_TOKEN]);
  for (const uid of ['4711', '4712', '4713']) {
    await Peer.enter(tracker.url, { channel: `${CHANNEL}?part=1&uid=${uid}` });
  }
  await until(() => tracker.stderr().includes('"parameter":"uid"'), 'the log');
  const said = tracker.stderr().split('"parameter":"uid"');
  assert.equal(said.length, 2, 'it is said once');
  assert.ok(!/471\d|"part"/.test(tracker.stderr()), tracker.stderr());
  const { body } = await get(tracker.port, '/api/channels', BEARER);
  assert.deepEqual(JSON.parse(body).split_by, [{ parameter: 'uid', families: 1 }]);
});

test('--print-config prints what would be used, and a misspelt variable is pointed out', async () => {
  const config = file('config.json', JSON.stringify({ 'max-children': 3 }));
  const env = { ...process.env, HLSMESH_CONFIG: config, HLSMESH_API_TOKEN: API_TOKEN };
  const { code, stdout } = await launch(['--print-config', '--port', '1'], env).exited;
  assert.equal(code, 0);
  const printed = JSON.parse(stdout);
  assert.deepEqual([printed.port, printed['max-children'], printed['api-token']], [1, 3, '***']);

  const misspelt = launch(['--port', '0'], { ...process.env, HLSMESH_PROT: '1' });
  await until(() => misspelt.stderr().includes('HLSMESH_PROT'), 'the warning');
});
