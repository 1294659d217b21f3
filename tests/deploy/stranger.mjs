/**
 * A stranger with an empty folder gives pages of the Internet a tracker: the packed tarball behind Debian's nginx with TLS, by the
 * commands of docs/OPERATING.md as they stand there.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import path from 'node:path';
import { after, test } from 'node:test';
import { ROOT, findCommand } from '../../scripts/lib/process.mjs';
import { freePort } from '../js/ports.mjs';
import { CHANNEL, Peer } from '../js/tracker-peers.mjs';
import { npm } from '../packaging/project.mjs';
import { adapted, certificateFiles, folder, listening } from './programs.mjs';

const NAME = 'tracker.example';
const HOME = path.join(folder, 'stranger');
const BIN = path.join(folder, 'bin');
const CONFIG = path.join(folder, 'etc-nginx.conf');
const ENV = { ...process.env, PATH: `${BIN}:${process.env.PATH}` };

/** @type {(() => void)[]} */
const ends = [];
after(() => ends.forEach((end) => end()));

/** @returns {string[][]} the lines of each block of commands */
function commandsOfPage() {
  const page = readFileSync(path.join(ROOT, 'docs/OPERATING.md'), 'utf8');
  const [part] = /^## First steps\n[^]*?(?=^## )/m.exec(page) ?? [''];
  return [...part.matchAll(/```sh\n([^]*?)```/g)].map(([, text]) => text.trim().split('\n'));
}

/** Puts a script of sh before a command of the machine. @param {string} name @param {string} script */
function instead(name, script) {
  writeFileSync(path.join(BIN, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(BIN, name), 0o755);
}

/** @param {string} line @returns {string} what it printed */
function run(line) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
    ...{ cwd: HOME, env: ENV, encoding: 'utf8' },
  });
  assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
  return stdout;
}

/** Runs until the test is over. @param {string} line */
function keepRunning(line) {
  const child = spawn('sh', ['-c', line], { cwd: HOME, env: ENV, detached: true });
  let text = '';
  child.stdout.on('data', (more) => (text += more));
  child.stderr.on('data', (more) => (text += more));
  // npx, its shell and the tracker.
  ends.push(() => void (child.exitCode === null && process.kill(-Number(child.pid), 'SIGKILL')));
  return { child, output: () => text };
}

/** @param {string} text @param {string} from that must be there @param {string} to */
function swapped(text, from, to) {
  assert.ok(text.includes(from), `no ${from} in: ${text}`);
  return text.replaceAll(from, to);
}

test('a tracker behind nginx with TLS, by the first steps of docs/OPERATING.md', async () => {
  const [steps, checks] = commandsOfPage();
  const last = steps.pop() ?? '';
  const [secure, http, stun] = [await freePort(), await freePort(), await freePort()];
  const certificate = certificateFiles();
  const config = adapted('proxies/nginx.conf', [
    ['127.0.0.1:8001', `127.0.0.1:${http}`],
    ['listen 443', `listen 127.0.0.1:${secure}`],
    ['/etc/ssl/hlsmesh/fullchain.pem', certificate.chain],
    ['/etc/ssl/hlsmesh/privkey.pem', certificate.key],
    ['/run/nginx.pid', `${folder}/stranger.pid`],
    ['/var/log/nginx/error.log', `${folder}/nginx.log`],
    // Of this machine, which may allow fewer files.
    ['worker_rlimit_nofile 140000', 'worker_rlimit_nofile 4096'],
    ['worker_connections 65536', 'worker_connections 1000'],
  ]);

  mkdirSync(HOME);
  mkdirSync(BIN);
  const [{ filename }] = JSON.parse(
    await npm(ROOT, 'pack', '--json', `--pack-destination=${folder}`),
  );
  const nginx = findCommand('nginx');
  // What is the machine's: rights, packages of Debian and services, and names on the Internet.
  instead('sudo', 'exec "$@"');
  instead('apt', `[ "$*" = "install nginx" ]`);
  instead('systemctl', `[ "$*" = "reload nginx" ] && exec ${nginx} -c ${CONFIG} -p ${folder}`);
  instead('nginx', `exec ${nginx} -c ${CONFIG} -p ${folder} "$@"`);
  instead(
    'npm',
    `[ "$*" = "install hlsmesh" ] && exec ${findCommand('npm')} install --prefer-offline --no-audit --no-fund ${folder}/${filename}`,
  );
  instead(
    'curl',
    `exec ${findCommand('curl')} -sSf --cacert ${certificate.chain} --connect-to ${NAME}:443:127.0.0.1:${secure} "$@"`,
  );
  ends.push(() => spawnSync(String(nginx), ['-c', CONFIG, '-p', folder, '-s', 'quit']));

  for (const line of steps) {
    run(line.includes('/etc/') ? swapped(line, '/etc/nginx/nginx.conf', CONFIG) : line);
    if (!line.startsWith('npm install')) continue;
    const installed = path.join(HOME, 'node_modules/hlsmesh/deploy/proxies/nginx.conf');
    writeFileSync(installed, readFileSync(config));
  }
  const tracker = keepRunning(swapped(swapped(last, '8001', String(http)), '3478', String(stun)));
  await listening(tracker, http);

  const agent = new Agent({
    ca: readFileSync(certificate.chain),
    lookup: (_, { all }, found) =>
      all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
  });
  const viewer = () =>
    Peer.enter(`wss://${NAME}:${secure}/?room=1`, { channel: CHANNEL }, { agent });
  const first = await viewer();
  const second = await viewer();
  assert.equal((await second.next('connect')).to_peer_id, first.id);

  const [ready, metrics] = checks.map((line) =>
    run(line.includes('8001') ? swapped(line, '8001', String(http)) : line),
  );
  assert.match(ready, /"status":"ready"/);
  assert.match(metrics, /^hlsmesh_tracker_peers 2$/m);
  assert.match(tracker.output(), /hlsmesh-tracker listening on ws:/);
});
