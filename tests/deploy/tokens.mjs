/**
 * The sample token services of deploy/tokens, each in its language, before a tracker that has the same secret.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { CHANNEL, Peer, startTracker } from '../js/tracker-peers.mjs';
import { freePort } from '../js/ports.mjs';
import { DEPLOY, folder, listening, start } from './programs.mjs';

const secretFile = path.join(folder, 'token-secret');
/** @type {Awaited<ReturnType<typeof startTracker>>} */
let tracker;

before(async () => {
  writeFileSync(secretFile, `${randomBytes(36).toString('base64')}\n`);
  tracker = await startTracker(0, ['--token-secret-file', secretFile]);
});

/** @type {[name: string, command: (port: number) => [string, string[]]][]} */
const SERVICES = [
  ['token-service.mjs', () => [process.execPath, [path.join(DEPLOY, 'tokens/token-service.mjs')]]],
  ['token_service.py', () => ['/usr/bin/python3', [path.join(DEPLOY, 'tokens/token_service.py')]]],
  [
    'token-service.php',
    (port) => ['php', ['-S', `127.0.0.1:${port}`, path.join(DEPLOY, 'tokens/token-service.php')]],
  ],
];

for (const [name, command] of SERVICES) {
  test(name, async () => {
    const port = await freePort();
    const [program, args] = command(port);
    const env = { ...process.env, TOKEN_SECRET_FILE: secretFile, PORT: String(port) };
    const service = start(program, args, env);
    await listening(service, port);
    /** @param {string} channel @param {string} [cookie] @param {string} [method] @param {string} [at] */
    const ask = async (channel, cookie = 'a=b; viewer=ann', method = 'POST', at = '/token') => {
      const body = method === 'POST' ? channel : undefined;
      const url = `http://127.0.0.1:${port}${at}`;
      const response = await fetch(url, { method, body, headers: { cookie } });
      return { status: response.status, text: await response.text(), headers: response.headers };
    };

    const { status, text: token, headers } = await ask(CHANNEL);
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    const { id } = await Peer.enter(tracker.url, { token });
    assert.match(id, /^[0-9a-f]{32}$/);
    // As the site's own page would, with characters that need escapes in JSON.
    const odd = `https://cdn.example/"ä\\/${name}`;
    await Peer.enter(tracker.url, { channel: odd, token: (await ask(odd)).text });

    const other = await Peer.connect(tracker.url);
    other.send({ action: 'enter', channel: `${CHANNEL}?other`, token });
    assert.equal((await other.next('reject')).reason, 'the token is for another channel');

    for (const refused of [
      await ask(CHANNEL, ''),
      await ask(CHANNEL, 'viewer='),
      await ask('https://elsewhere.example/master.m3u8'),
      await ask(`https://cdn.example/${'x'.repeat(5000)}`),
    ]) {
      assert.deepEqual([refused.status, refused.text], [403, 'not for you']);
    }
    assert.notEqual((await ask('', '', 'GET')).status, 200);
    assert.notEqual((await ask(CHANNEL, undefined, 'POST', '/other')).status, 200);
    await service.stop();
  });
}
