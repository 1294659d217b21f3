/** Commands whose output nobody takes any more: what they are for goes on, and no stack is printed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Peer, get, launch, until } from './tracker-peers.mjs';

const folder = await mkdtemp(path.join(tmpdir(), 'hlsmesh-output-'));
after(() => rm(folder, { recursive: true }));

/** @param {string} name */
const cli = (name) => fileURLToPath(new URL(`../../js/${name}/cli.js`, import.meta.url));

/**
 * Runs a command whose reader has gone before the first line.
 * @param {string[]} args
 */
async function unread(...args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stderr };
}

for (const [name, ...args] of [
  ['digest', '--help'],
  ['load', '--help'],
  ['sim', '--list'],
  ['tracker', '--help'],
]) {
  test(`hlsmesh-${name} whose reader has seen enough ends well`, async () => {
    assert.deepEqual(await unread(cli(name), ...args), { code: 0, stderr: '' });
  });
}

test('hlsmesh-digest whose reader has seen enough writes the other files too', async () => {
  const names = ['a', 'b', 'c'];
  for (const name of names) {
    await writeFile(path.join(folder, `${name}.m3u8`), `#EXTM3U\n#EXTINF:4,\n${name}.ts\n`);
    await writeFile(path.join(folder, `${name}.ts`), name);
  }
  assert.deepEqual(await unread(cli('digest'), folder), { code: 0, stderr: '' });
  const written = (await readdir(folder)).filter((name) => name.endsWith('.digests'));
  assert.deepEqual(
    written.sort(),
    names.map((name) => `${name}.m3u8.digests`),
  );
});

/** Enough entries, of two kinds, that one that ends the tracker would be among them. @param {string} url */
async function makeLogged(url) {
  for (let i = 0; i < 3; ++i) {
    const peer = await Peer.connect(url);
    peer.send('no message');
    peer.ws.terminate();
  }
}

for (const workers of ['1', '2']) {
  test(`a tracker whose log nobody reads any more goes on, with --workers ${workers}`, async () => {
    const { child, stdout } = launch(
      ['--port', '0', '--log-level', 'debug', '--workers', workers].concat(
        ...['--max-connections', '9', '--drain-seconds', '0'],
      ),
    );
    await until(() => stdout().includes('\n'), 'the tracker to listen');
    const [, url, port] = /** @type {RegExpExecArray} */ (/(ws:\S+:(\d+)\/)/.exec(stdout()));
    const viewer = await Peer.enter(url);
    child.stdout.destroy();
    child.stderr.destroy();
    await makeLogged(url);
    assert.equal((await get(Number(port), '/healthz')).status, 200);
    assert.equal(viewer.closed, undefined);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });
}

test('a tracker whose log does not fit on the disk goes on', async () => {
  const full = await open('/dev/full', 'w');
  const child = spawn(
    process.execPath,
    [cli('tracker'), '--port', '0', '--log-level', 'debug', '--drain-seconds', '0'],
    { stdio: ['ignore', 'pipe', full.fd] },
  );
  await full.close();
  after(() => child.kill('SIGKILL'));
  const [line] = await once(/** @type {any} */ (child.stdout), 'data');
  const [url] = /** @type {RegExpExecArray} */ (/ws:\S+/.exec(String(line)));
  await makeLogged(url);
  await Peer.enter(url);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
