/**
 * The files of deploy/proxies, each in its program, before real trackers: viewers of one channel meet at one tracker, addresses are
 * right, nothing of the operator's is told, silent viewers stay, and more viewers fit than the program's defaults hold.
 */
import assert from 'node:assert/strict';
import https from 'node:https';
import { before, test } from 'node:test';
import { startRedis } from '../js/redis.mjs';
import { Peer, metricsOf, startTracker, until } from '../js/tracker-peers.mjs';
import { freePort } from '../js/ports.mjs';
import { adapted, certificateFiles, folder, listening, start } from './programs.mjs';

const ROOMS = 12;
// nginx as Debian ships it holds 363 of them a worker, Apache 150.
const CROWD = 450;
const AT_ONCE = 25;

const TRACKER = [
  ...['--trusted-proxies', '127.0.0.1', '--log-level', 'debug', '--log-addresses', 'full'],
  ...['--max-connections-per-address', '100000', '--enters-per-address', '100000'],
  ...['--handshakes-per-address', '100000', '--messages-per-address', '100000'],
];
/** @type {import('ws').ClientOptions} A viewer who is not on the proxy's own address, and claims yet another one. */
const ELSEWHERE = {
  rejectUnauthorized: false,
  localAddress: '127.0.0.9',
  headers: { 'x-forwarded-for': '198.51.100.7' },
};

/** @type {Awaited<ReturnType<typeof startTracker>>[]} */
let trackers = [];
const certificate = certificateFiles();

before(async () => {
  const redis = await startRedis();
  const args = [...TRACKER, '--redis-url', redis.url];
  trackers = await Promise.all([startTracker(0, args), startTracker(0, args)]);
});

/** @param {number} port */
const backends = (port) =>
  /** @type {[string, string][]} */ ([
    ['127.0.0.1:8001', `127.0.0.1:${trackers[0].port}`],
    ['127.0.0.1:8002', `127.0.0.1:${trackers[1].port}`],
    ['443', String(port)],
  ]);

/** @param {number} port @param {string} path @returns {Promise<number | undefined>} the status */
function status(port, path) {
  return new Promise((resolve, reject) => {
    https
      .get({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
      .on('error', reject);
  });
}

/** @param {string} name of the metric @returns {Promise<number[]>} of each tracker */
async function told(name) {
  const all = await Promise.all(trackers.map(({ port }) => metricsOf(port)));
  return all.map((one) => one.get(name) ?? 0);
}

/** @param {Peer[]} peers */
async function leave(peers) {
  for (const peer of peers) peer.ws.terminate();
  for (;;) {
    const open = await told('hlsmesh_tracker_connections');
    if (open.every((count) => count === 0)) return;
  }
}

/** @param {number} port @param {boolean} hashes the program chooses the tracker by `room` */
async function check(port, hashes) {
  const url = (/** @type {number} */ room) => `wss://127.0.0.1:${port}/?room=${room}c4f`;
  const channel = (/** @type {number} */ room) => `https://cdn.example/${port}/${room}/master.m3u8`;
  /** @type {Peer[]} */
  const peers = [];
  for (let room = 0; room < ROOMS; ++room) {
    for (let viewer = 0; viewer < 2; ++viewer) {
      peers.push(await Peer.enter(url(room), { channel: channel(room) }, ELSEWHERE));
    }
    const { to_peer_id: parent } = await peers[peers.length - 1].next('connect');
    assert.equal(parent, peers[peers.length - 2].id);
  }
  if (hashes) {
    assert.deepEqual(await told('hlsmesh_tracker_cluster_forwarded'), [0, 0]);
    assert.ok((await told('hlsmesh_tracker_peers')).every((count) => count > 0));
  }
  const logs = trackers.map(({ stderr }) => stderr()).join('');
  assert.match(logs, /opened.*127\.0\.0\.9/);
  assert.doesNotMatch(logs, /opened.*198\.51\.100\.7/);

  assert.equal(await status(port, '/readyz'), 200);
  assert.equal(await status(port, '/metrics'), 404);
  assert.equal(await status(port, '/api/totals'), 404);

  while (peers.length < CROWD) {
    const more = Array.from({ length: AT_ONCE }, () =>
      Peer.enter(url(peers.length), {}, ELSEWHERE),
    );
    peers.push(...(await Promise.all(more)));
  }
  // Each is pinged once, and answers: a silent one is closed after 28 s.
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  assert.deepEqual(
    peers.filter(({ closed }) => closed),
    [],
  );
  await leave(peers);
}

test('nginx.conf', async () => {
  const port = await freePort();
  const config = adapted('proxies/nginx.conf', [
    ...backends(port),
    ['worker_processes auto', 'worker_processes 1'],
    ['/etc/ssl/hlsmesh/fullchain.pem', certificate.chain],
    ['/etc/ssl/hlsmesh/privkey.pem', certificate.key],
    ['pid /run/nginx.pid', `daemon off; pid ${folder}/nginx.pid`],
    ['/var/log/nginx/error.log', 'stderr'],
    // Of this machine, which may allow fewer files.
    ['worker_rlimit_nofile 140000', 'worker_rlimit_nofile 4096'],
    ['worker_connections 65536', 'worker_connections 4000'],
  ]);
  const nginx = start('nginx', ['-c', config, '-p', folder]);
  await listening(nginx, port);
  await check(port, true);
  await nginx.stop();
});

test('haproxy.cfg', async () => {
  const port = await freePort();
  const config = adapted('proxies/haproxy.cfg', [
    ...backends(port),
    ['/etc/ssl/hlsmesh/tracker.pem', certificate.both],
    ['maxconn 60000', 'maxconn 2000'],
  ]);
  const haproxy = start('haproxy', ['-db', '-f', config]);
  await listening(haproxy, port);
  await check(port, true);
  await haproxy.stop();
});

test('Caddyfile', async () => {
  const port = await freePort();
  const http = await freePort();
  const config = adapted('proxies/Caddyfile', [
    ...backends(port).slice(0, 2),
    [
      'tracker.example {',
      `{\n\tadmin off\n\thttp_port ${http}\n}\n127.0.0.1:${port} {\n\ttls ${certificate.chain} ${certificate.key}`,
    ],
  ]);
  const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const caddy = start('caddy', ['run', '--config', config, '--adapter', 'caddyfile'], {
    ...process.env,
    ...home,
  });
  await listening(caddy, port);
  await check(port, true);
  await caddy.stop();
});

test('apache.conf', async () => {
  const port = await freePort();
  const tracker = await startTracker(0, [...TRACKER, '--workers', '2']);
  const own = trackers;
  trackers = [tracker];
  try {
    const config = adapted('proxies/apache.conf', [
      ['127.0.0.1:8000', `127.0.0.1:${tracker.port}`],
      ['443', String(port)],
      ['/etc/ssl/hlsmesh/fullchain.pem', certificate.chain],
      ['/etc/ssl/hlsmesh/privkey.pem', certificate.key],
    ]);
    const modules = ['mpm_event', 'ssl', 'socache_shmcb', 'proxy', 'proxy_http', 'proxy_wstunnel'];
    // -C: before the file.
    const loaded = [...modules, 'authz_core'].flatMap((name) => [
      '-C',
      `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    ]);
    const places = ['-C', `PidFile ${folder}/apache.pid`, '-C', `DefaultRuntimeDir ${folder}`];
    const user = [
      '-C',
      'User www-data',
      '-C',
      'Group www-data',
      '-C',
      'ServerName localhost',
      '-C',
      `ErrorLog ${folder}/apache.log`,
    ];
    const args = ['-d', folder, '-f', '/dev/null', ...loaded, ...places, ...user];
    const apache = start('apache2', [...args, '-c', `Include ${config}`, '-DFOREGROUND']);
    await listening(apache, port);
    await check(port, false);
    await apache.stop();
  } finally {
    trackers = own;
  }
});

test('the trackers had nothing to complain of', async () => {
  await until(() => trackers.length === 2, 'both trackers');
  for (const name of ['signals_refused', 'malformed_messages', 'broken_connections']) {
    assert.deepEqual(await told(`hlsmesh_tracker_${name}_total`), [0, 0], name);
  }
});
