/**
 * The files of deploy/, made to run on this machine, and the programs that read them.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { selfSigned } from '../js/certificate.mjs';

export const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
export const folder = mkdtempSync(path.join(tmpdir(), 'hlsmesh-deploy-'));

after(async () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** @returns {{ chain: string, key: string, both: string }} files with a certificate for 127.0.0.1 */
export function certificateFiles() {
  const { cert, key } = selfSigned('tracker.example');
  const write = (/** @type {string} */ name, /** @type {string} */ text) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    chain: write('fullchain.pem', cert),
    key: write('privkey.pem', key),
    both: write('tracker.pem', cert + key),
  };
}

/**
 * Writes a file of deploy/ with other values in it. Each must be found, so that no change of the file leaves its test behind.
 * @param {string} name
 * @param {[from: string, to: string][]} replaced
 * @returns {string} the path of the copy
 */
export function adapted(name, replaced) {
  let text = readFileSync(path.join(DEPLOY, name), 'utf8');
  for (const [from, to] of replaced) {
    assert.ok(text.includes(from), `${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  const copy = path.join(folder, path.basename(name));
  writeFileSync(copy, text);
  return copy;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export function start(command, args, env = process.env) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd: folder });
  running.add(child);
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  const exited = once(child, 'close').then(() => running.delete(child));
  return {
    child,
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/**
 * @param {{ child: import('node:child_process').ChildProcess, output: () => string }} program
 * @param {number} port that it is to listen on
 */
export async function listening(program, port) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    const ended = program.child.exitCode !== null || Date.now() > deadline;
    assert.ok(!ended, `does not listen: ${program.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
