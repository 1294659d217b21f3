/**
 * Rows E9, E10, E14, E15, E17 and E18 of the cases: what one address or one wrong setting does to others, and what the operator is
 * told.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { SignJWT } from 'jose';
import { Admission } from '../../js/tracker/admission.js';
import { keyFromSecret } from '../../js/tracker/keys.js';
import { formatted } from '../../js/tracker/log.js';
import { Places } from '../../js/tracker/places.js';
import { mmdb } from './mmdb.mjs';
import { WAIT_MS, Peer, get, launch, metricsOf, startTracker, until } from './tracker-peers.mjs';

const folder = mkdtempSync(join(tmpdir(), 'hlsmesh-fair-'));
/** @param {string} name @param {Buffer | string} contents */
function file(name, contents) {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const DAY_S = 86_400;
const fresh = { buildEpoch: Math.floor(Date.now() / 1000) - DAY_S };

/**
 * Silent TCP connections. @param {number} port @param {number} count @param {(index: number) => string} addressOf
 */
async function silent(port, count, addressOf) {
  /** @type {net.Socket[]} */
  const sockets = [];
  for (let i = 0; i < count; ++i) {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: addressOf(i) });
    socket.on('error', () => {});
    sockets.push(socket);
    if (i % 100 === 99) await once(socket, 'connect');
  }
  return () => sockets.forEach((socket) => socket.destroy());
}

for (const [what, addressOf] of /** @type {[string, (index: number) => string][]} */ ([
  ['one address', () => '127.0.0.2'],
  ['thirty addresses', (index) => `127.0.1.${index % 30}`],
  ['the address of the viewers', () => '127.0.0.1'],
])) {
  test(`E9: silent connections from ${what} keep nobody out`, async () => {
    const tracker = await startTracker(0, ['--max-connections', '200']);
    const stop = await silent(tracker.port, 1300, addressOf);
    const viewers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        Peer.enter(tracker.url, { channel: `https://cdn.example/${index}` }),
      ),
    );
    assert.equal(viewers.filter(({ id }) => id !== '').length, 20);
    const limited = 'hlsmesh_tracker_limited_total{limit="pending-per-address"}';
    const deadline = performance.now() + WAIT_MS;
    while (Number((await metricsOf(tracker.port)).get(limited)) < 700) {
      assert.ok(performance.now() < deadline, 'they were never dropped');
    }
    stop();
    tracker.child.kill();
    await tracker.exited;
  });
}

/** @param {string[]} args @param {string} [limit] of open files */
function checkConfig(args, limit = 'hard') {
  const cli = new URL('../../js/tracker/cli.js', import.meta.url).pathname;
  const command = `ulimit -n ${limit}; exec "$0" "$@"`;
  const set = ['-c', command, process.execPath, cli, '--check-config', ...args];
  const { stdout, stderr, status } = spawnSync('bash', set, { encoding: 'utf8' });
  return { stdout, stderr, status };
}

test('E10: one warning at the start for each setting that is probably not meant', () => {
  const asnDb = file('asn.mmdb', mmdb({ '128.0.0.0/2': { isp: 'Provider' } }, fresh));
  /** @type {[string[], RegExp, string?][]} */
  const cases = [
    [['--max-connections', '5000'], /may open 300 files/, '-H 300; ulimit -n 300'],
    [['--trusted-proxies', '0.0.0.0/0'], /trusts nearly everybody/],
    [['--trusted-proxies', '::/0'], /trusts nearly everybody/],
    [['--trusted-proxies', '128.0.0.0/1,0.0.0.0/1'], /trusts nearly everybody/],
    [['--redis-url', 'redis://redis.example'], /without encryption/],
    [['--ping-seconds', '60'], /cut off without a ping/],
    [['--ping-seconds', '9', '--idle-seconds', '9'], /cut off without a ping/],
    [['--allowed-origins', 'https://a.example:443'], /it sends https:\/\/a\.example$/m],
    [['--allowed-origins', 'https://*.a.example:443'], /it sends https:\/\/\*\.a\.example$/m],
    [['--allowed-origins', 'http://bücher.example'], /it sends http:\/\/xn--bcher-kva\.example$/m],
    [
      ['--allowed-channels', 'https://a.example/live.m3u8?token=*'],
      /leave out .* that stream https:\/\/a\.example\/live\.m3u8$/m,
    ],
    [['--allowed-channels', 'https://a.example/hdnts=*/live.m3u8'], /example\/live\.m3u8$/m],
    [['--allowed-channels', 'https://a.example/live.m3u8#top'], /example\/live\.m3u8$/m],
    [['--allowed-channels', 'https://a.example/v?b=1&a=2'], /example\/v\?a=2&b=1$/m],
    [['--host', '0.0.0.0'], /everybody may use this tracker/],
    [['--host', '::'], /everybody may use this tracker/],
    [['--city-db', asnDb], /city-db: .* are asn-db and city-db swapped/],
  ];
  for (const [args, warning, limit] of cases) {
    const { stdout, status } = checkConfig(args, limit);
    assert.equal(status, 0, stdout);
    assert.match(stdout, warning);
  }
  const fine = [
    ['--trusted-proxies', '10.0.0.0/8,loopback,private', '--max-connections', '100'],
    ['--host', '0.0.0.0', '--allowed-origins', 'https://site.example', '--max-connections', '100'],
    ['--asn-db', asnDb, '--max-connections', '100'],
    ['--allowed-origins', 'null,https://*.a.example,http://a.example:8080,http://[::1]:3000'],
    // Of an app made with Capacitor.
    ['--allowed-origins', 'capacitor://localhost'],
    ['--ping-seconds', '10', '--idle-seconds', '30'],
    ['--allowed-channels', 'https://a.example/v?a=1&*,https://a.example/*.m3u8,a room'],
  ];
  for (const args of fine) {
    assert.equal(checkConfig(args).stdout, 'the configuration can be used\n');
  }
  const wrong = checkConfig(['--asn-db', file('no.mmdb', 'nothing')]);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /asn-db/);
});

test('E10: a proxy that was not named is pointed out once', async () => {
  const tracker = await startTracker();
  for (let i = 0; i < 3; ++i) {
    const headers = { 'X-Forwarded-For': `198.51.100.${i}` };
    await Peer.enter(tracker.url, {}, { headers });
  }
  await until(() => tracker.stderr().includes('trusted-proxies'), 'a warning');
  assert.equal(tracker.stderr().split('comes from no trusted proxy').length, 2);
});

test('E14: of an IPv6 viewer a database of IPv4 knows nothing', () => {
  const places = new Places();
  const doubts = places.useNetworks(
    mmdb({ '32.0.0.0/3': { isp: 'Foreign' } }, { ipVersion: 4, ...fresh }),
  );
  assert.match(doubts.join(), /IPv4 only/);
  assert.equal(places.of('32.1.2.3').isp, 'Foreign');
  assert.equal(places.of('::ffff:32.1.2.3').isp, 'Foreign');
  for (const address of ['2001:db8::1', '2a00::', '::1', '2001::32.1.2.3', 'fe80::1%eth0']) {
    assert.equal(places.of(address).isp, '', address);
  }
});

test('E15: flat city databases are read, and databases that do not fit are named', () => {
  const flat = mmdb({ '128.0.0.0/2': { country_code: 'DE', state1: 'Berlin', city: 'B' } }, fresh);
  const places = new Places();
  assert.deepEqual(places.useCities(flat), []);
  assert.equal(places.of('130.0.0.1').province, 'DE-Berlin');
  assert.match(places.useNetworks(flat).join(), /knows no networks but provinces: .*swapped/);
  const networks = mmdb({ '128.0.0.0/2': { autonomous_system_number: 64500 } }, fresh);
  assert.match(places.useCities(networks).join(), /knows no provinces but networks: .*swapped/);
  assert.deepEqual(places.useNetworks(networks), []);
  const other = mmdb({ '128.0.0.0/2': { is_anonymous: 1 } }, fresh);
  assert.match(places.useCities(other).join(), /knows no provinces, in \d+ records/);
  const old = mmdb(
    { '128.0.0.0/2': { isp: 'Net' } },
    { buildEpoch: fresh.buildEpoch - 365 * DAY_S },
  );
  assert.match(places.useNetworks(old).join(), /is 366 days old/);
});

test('E17: metrics have no reserved label, and no reader takes another its maximum', async () => {
  const tracker = await startTracker();
  const loop = async () => {
    const metrics = await metricsOf(tracker.port);
    return [...metrics].filter(([name]) => name.includes('event_loop_delay'));
  };
  const { body } = await get(tracker.port, '/metrics');
  assert.doesNotMatch(body, /quantile=|le=/);
  for (const line of body.split('\n').filter((text) => text.startsWith('# TYPE'))) {
    const [, , name, type] = line.split(' ');
    assert.equal(name.endsWith('_total'), type === 'counter', line);
  }
  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  if (promtool.error === undefined) assert.equal(promtool.status, 0, promtool.stderr);
  assert.deepEqual(await loop(), await loop());
});

test('E17: nothing that a stranger wrote is obeyed by a terminal', () => {
  const channel = 'a\u009b31m\u202eb\u2066c\u0007\u061c\u200f\ufeff\u2028';
  for (const format of /** @type {const} */ (['pretty', 'json'])) {
    const line = formatted(format, 'info', 'refused', { channel });
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(
      line,
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u202e\u2066\ufeff]/,
    );
    assert.match(line, /\\u009b31m\\u202eb/);
  }
  assert.match(
    formatted('pretty', 'warn', 'x', {}),
    /^\d{4}-\d\d-\d\dT[\d:.]+Z hlsmesh-tracker: warn: x\n$/,
  );
});

const SECRET = 's'.repeat(32);
/** @param {object} claims @param {string} [secret] @param {string} [kid] */
const tokenOf = (claims, secret = SECRET, kid = undefined) =>
  new SignJWT({ channel: 'c', ...claims })
    .setProtectedHeader({ alg: 'HS256', ...(kid && { kid }) })
    .sign(new TextEncoder().encode(secret));

test('E18: the log says what exactly is wrong with a token, and never the token', async () => {
  const admission = new Admission({
    allowedOrigins: [],
    allowedChannels: [],
    tokenIssuer: 'https://us.example',
    tokenAudience: 'viewers',
  });
  admission.useKeys('token-secret', [keyFromSecret(SECRET)]);
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: 'https://us.example', aud: 'viewers', exp: now + 60 };
  /** @type {[string, RegExp][]} */
  const cases = [
    [await tokenOf({ ...good, iss: 'https://them.example' }), /^iss is "https:\/\/them\.example"/],
    [await tokenOf({ ...good, iss: undefined }), /^iss is missing/],
    [await tokenOf({ ...good, aud: 'others' }), /^aud is "others"/],
    [await tokenOf({ ...good, exp: now - 100 }), /expired 10\d s ago/],
    [await tokenOf({ ...good, exp: undefined }), /^exp is missing/],
    [await tokenOf({ ...good, nbf: now + 600 }), /^nbf is/],
    [await tokenOf(good, 'x'.repeat(32)), /signature fits no key/],
    [await tokenOf({ ...good, outcome: 'granted', channel: 'd' }), /the token is for "d"/],
    ['garbage', /it is no JWT/],
    [`${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`, /no key has alg "none"/],
  ];
  for (const [token, cause] of cases) {
    const verdict = await admission.check('c', token);
    assert.equal(verdict.granted, false);
    assert.match(verdict.cause ?? '', cause);
    assert.ok(!verdict.cause?.includes(token) && !verdict.reason.includes('them.example'));
  }
  assert.equal((await admission.check('c', await tokenOf(good))).granted, true);
});

test('E18: refusals are logged at the level of most operators, and a flood of them is not', async () => {
  const tracker = await startTracker(0, ['--token-secret', SECRET]);
  for (let i = 0; i < 20; ++i) {
    const peer = await Peer.connect(tracker.url);
    peer.send({ action: 'enter', channel: 'c', browser: 'b', device: 'PC', os: 'o', token: 'x' });
    await peer.end();
  }
  await until(() => tracker.stderr().includes('refused'), 'an entry');
  assert.match(tracker.stderr(), /refused channel="c" cause="it is no JWT"/);
  assert.ok(tracker.stderr().split('\n').length < 12, tracker.stderr());
});

test('E10: a tracker says at its start what it was started with', async () => {
  const { child, exited, stderr, stdout } = launch(['--host', '0.0.0.0', '--port', '0']);
  await until(() => stdout().includes('listening'), 'the tracker to listen');
  assert.match(stderr(), /warn: everybody may use this tracker/);
  child.kill();
  await exited;
});
