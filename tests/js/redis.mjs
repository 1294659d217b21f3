/**
 * A redis-server of a test's own, which keeps nothing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { freePort } from './ports.mjs';
import { until } from './tracker-peers.mjs';

/** @type {Set<import('node:child_process').ChildProcess>} */
const servers = new Set();

after(() => {
  for (const server of servers) server.kill('SIGKILL');
});

/** @param {number} [port] */
export async function startRedis(port) {
  const at = port ?? (await freePort());
  const args = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', [...args, '--dir', '/'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.add(child);
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  await until(() => output.includes('Ready to accept connections'), 'redis-server');
  return {
    url: `redis://127.0.0.1:${at}`,
    port: at,
    child,
    async stop() {
      servers.delete(child);
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
