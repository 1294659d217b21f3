/** `relayOnly` in real Chromium with a real TURN server: coturn, on loopback. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { freeUdpPort } from '../js/ports.mjs';
import { loadErrors, withStage } from './stage.mjs';

/** A STUN binding request (RFC 8489 section 5). */
const BINDING = `000100002112a442${'00'.repeat(12)}`;

const USER = { username: 'viewer', credential: 'not a secret' };

/** coturn as a process of its own, once it answers. */
async function startTurn() {
  const port = await freeUdpPort();
  const args = [
    ...['-n', '--no-tls', '--no-dtls', '--no-cli', '--lt-cred-mech', '--allow-loopback-peers'],
    ...['--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(port)],
    ...['--realm', 'hlsmesh.test', '--user', `${USER.username}:${USER.credential}`],
    ...['--log-file', 'stdout', '--simple-log', '--pidfile', '/dev/null'],
  ];
  const child = spawn('turnserver', args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  const probe = createSocket('udp4');
  const answered = once(probe, 'message').then(() => true);
  for (const started = Date.now(); ;) {
    probe.send(Buffer.from(BINDING, 'hex'), port, '127.0.0.1');
    const pause = new Promise((resolve) => setTimeout(resolve, 100, false));
    if (await Promise.race([answered, pause])) break;
    if (child.exitCode !== null || Date.now() - started > 20_000) {
      await stop();
      throw new Error(`turnserver does not answer; exit code ${child.exitCode}`);
    }
  }
  probe.close();
  return { url: `turn:127.0.0.1:${port}?transport=udp`, stop };
}

/** The candidates that the page's connections have of the other side, and the kinds of the pairs in use. */
async function paths() {
  const offered = new Set();
  const used = new Set();
  for (const connection of globalThis.connections) {
    const { sdp = '' } = connection.remoteDescription ?? {};
    for (const [, type] of sdp.matchAll(/^a=candidate:.* typ (\w+)/gm)) offered.add(type);
    const reports = await connection.getStats();
    for (const pair of reports.values()) {
      if (pair.type !== 'candidate-pair' || !pair.nominated) continue;
      used.add(reports.get(pair.localCandidateId).candidateType);
    }
  }
  return { offered: [...offered], used: [...used] };
}

test('relayOnly: viewers share through coturn, and learn no address of each other', async () => {
  const turn = await startTurn();
  try {
    await withStage(async (stage) => {
      stage.origin.onRequest = ({ path }) => (path.endsWith('.ts') ? { delayMs: 200 } : undefined);
      const options = { relayOnly: true, iceServers: [{ urls: turn.url, ...USER }] };
      const one = await stage.viewer({ name: 'one', options });
      await one.plays(2);
      const two = await stage.viewer({ name: 'two', options });
      await two.waitForEvent('segment', { source: 'peer' });
      await two.plays(2);
      for (const viewer of [one, two]) {
        assert.deepEqual(await viewer.page.evaluate(paths), {
          offered: ['relay'],
          used: ['relay'],
        });
        const seen = await viewer.seen();
        assert.deepEqual(loadErrors(seen), []);
        assert.deepEqual(seen.stalls, []);
      }
    });
  } finally {
    await turn.stop();
  }
});
