/**
 * The other files of deploy/: the unit of systemd, what Prometheus and docker-compose read, and metrics of a real tracker.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../js/redis.mjs';
import { get, startTracker } from '../js/tracker-peers.mjs';
import { DEPLOY, certificateFiles, folder, listening, start } from './programs.mjs';

const CLI = fileURLToPath(new URL('../../js/tracker/cli.js', import.meta.url));
const UNIT = path.join(DEPLOY, 'hlsmesh-tracker.service');
const MONITORING = path.join(DEPLOY, 'monitoring');

/** @param {string} command @param {string[]} args @param {import('node:child_process').SpawnSyncOptions} [options] */
function passes(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    ...options,
  });
  assert.equal(error, undefined);
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

test('systemd accepts the unit, with the credentials that it proposes too', () => {
  assert.equal(passes('systemd-analyze', ['verify', UNIT]), '');
  const all = readFileSync(UNIT, 'utf8').replace(/^#(?=[A-Z]\w+=)/gm, '');
  assert.match(all, /^LoadCredential=/m);
  const copy = path.join(folder, 'hlsmesh-tracker.service');
  writeFileSync(copy, all);
  assert.equal(passes('systemd-analyze', ['verify', copy]), '');
});

test('the capability of the unit is needed for port 443, and suffices', async () => {
  const [, capability] = /^AmbientCapabilities=CAP_(\w+)$/m.exec(readFileSync(UNIT, 'utf8')) ?? [];
  const name = capability.toLowerCase();
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'];
  const tracker = [process.execPath, CLI, '--port', '443', '--host', '127.0.0.1'];
  const without = spawnSync('setpriv', [...nobody, '--bounding-set=-all', ...tracker], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.match(without.stderr, /not allowed to listen on port 443/);

  const { chain, key } = certificateFiles();
  passes('chmod', ['755', folder]);
  passes('chmod', ['644', chain, key]);
  const program = start(
    'setpriv',
    [
      ...nobody,
      `--inh-caps=-all,+${name}`,
      `--ambient-caps=-all,+${name}`,
      `--bounding-set=-all,+${name}`,
      ...tracker,
    ],
    { ...process.env, HLSMESH_TLS_CERT: chain, HLSMESH_TLS_KEY: key },
  );
  await listening(program, 443);
  await program.stop();
  assert.equal(program.child.exitCode, 0, program.output());
});

test('promtool accepts alerts, their tests, and the configuration', () => {
  const inside = { cwd: MONITORING };
  passes('promtool', ['check', 'config', 'prometheus.yml'], inside);
  assert.match(passes('promtool', ['check', 'rules', 'alerts.yml'], inside), /SUCCESS/);
  assert.match(passes('promtool', ['test', 'rules', 'alerts.test.yml'], inside), /SUCCESS/);
});

test('promtool finds nothing wrong with the metrics of one process, of two, and of a node', async () => {
  const redis = await startRedis();
  for (const args of [[], ['--workers', '2'], ['--redis-url', redis.url]]) {
    const { port } = await startTracker(0, args);
    const { body } = await get(port, '/metrics');
    assert.equal(passes('promtool', ['check', 'metrics'], { input: body }), '');
  }
});

test('docker-compose accepts the services', () => {
  for (const secret of ['token-secret', 'cluster-secret']) {
    writeFileSync(path.join(folder, secret), 'x'.repeat(40));
  }
  const file = path.join(folder, 'docker-compose.yml');
  writeFileSync(file, readFileSync(path.join(DEPLOY, 'docker-compose.yml')));
  const shown = passes('docker-compose', ['-f', file, 'config']);
  for (const service of ['tracker-1', 'tracker-2', 'redis', 'caddy']) {
    assert.match(shown, new RegExp(`^ {2}${service}:$`, 'm'));
  }
});
