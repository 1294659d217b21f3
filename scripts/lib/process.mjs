/** Child processes and files for the scripts: Node's own modules only, so that it works before `npm ci` has run. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
} from 'node:fs';
import { delimiter, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const LOGS = join(ROOT, 'build', 'logs');

/** The folders of the JavaScript packages that Debian's Emscripten needs; only Debian's own Node searches them by default. */
const DEBIAN_NODE_PATH = ['/usr/share/nodejs', '/usr/lib/nodejs'];

/**
 * The environment of every build and test: it prefers an activated or named emsdk to Debian's Emscripten.
 * @returns {NodeJS.ProcessEnv}
 */
export function buildEnvironment() {
  const env = { ...process.env };
  const emsdk = env.EMSDK && join(env.EMSDK, 'upstream', 'emscripten');
  if (emsdk && existsSync(join(emsdk, 'emcc'))) {
    env.PATH = `${emsdk}${delimiter}${env.PATH ?? ''}`;
  }
  env.NODE_PATH = [env.NODE_PATH, ...DEBIAN_NODE_PATH].filter(Boolean).join(delimiter);
  return env;
}

/**
 * @param {string} name
 * @param {string} [path]
 * @returns {string | null} the full path of a command, or null if there is none
 */
export function findCommand(name, path = buildEnvironment().PATH ?? '') {
  for (const directory of path.split(delimiter)) {
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not in this directory
    }
  }
  return null;
}

/** The lines that work in the background has printed so far. @type {AsyncLocalStorage<string[]>} */
const background = new AsyncLocalStorage();

/**
 * Does work whose commands have only the processor time that others leave, and prints its lines when it is done.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inBackground(work) {
  /** @type {string[]} */
  const lines = [];
  try {
    return await background.run(lines, work);
  } finally {
    if (lines.length > 0) console.log(lines.join('\n'));
  }
}

/** Prints a line, or keeps it for the end of the background work that says it. @param {string} line */
export function say(line) {
  const lines = background.getStore();
  if (lines) lines.push(line);
  else console.log(line);
}

/**
 * A command with the lowest priority. Linux shares the processor between sessions first, so that a lower priority counts within
 * one only, and each session has a priority of its own.
 */
const YIELDING = [
  'sh',
  '-c',
  '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec nice -n 19 "$0" "$@"',
];

/**
 * @typedef {object} RunOptions
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [log] a file in build/logs that gets all output
 * @property {(line: string) => string | null} [echo] returns the text to print for a line of output, or null; default: nothing is
 *   printed
 * @property {number} [timeoutMs]
 */

/**
 * The processes that run now, by process id, or by the negative id of a process group.
 * @type {Set<number>}
 */
const running = new Set();

/**
 * @param {number} target
 * @param {NodeJS.Signals} signal
 */
function send(target, signal) {
  try {
    process.kill(target, signal);
  } catch {
    // it has ended meanwhile
  }
}

/** @param {NodeJS.Signals} signal */
function passOn(signal) {
  for (const target of running) send(target, signal);
  process.exit(130);
}

/**
 * Handles signals only while a child runs: a script that serves afterwards handles them itself.
 * @param {number} target
 */
function watch(target) {
  if (running.size === 0) {
    process.on('SIGINT', passOn);
    process.on('SIGTERM', passOn);
  }
  running.add(target);
}

/** @param {number} target */
function unwatch(target) {
  running.delete(target);
  if (running.size === 0) {
    process.off('SIGINT', passOn);
    process.off('SIGTERM', passOn);
  }
}

/**
 * Runs a command in the project's root and gathers its output.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string }>} never rejects; code 124 on a time-out
 */
export function run(command, args, options = {}) {
  const { env = buildEnvironment(), log, echo, timeoutMs } = options;
  return new Promise((resolve) => {
    mkdirSync(LOGS, { recursive: true });
    const file = log ? createWriteStream(join(LOGS, log)) : null;
    const yields = background.getStore() !== undefined;
    const [program, ...rest] = [...(yields ? YIELDING : []), command, ...args];
    // The child gets a session and a process group of its own, so that the time limit ends all of it. Without a time limit it does
    // not: sudo remembers its user by the terminal.
    const detached = yields || timeoutMs !== undefined;
    const child = spawn(program, rest, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
    });
    const target = child.pid && (detached ? -child.pid : child.pid);
    if (target) watch(target);
    let output = '';
    let unfinished = '';
    let timedOut = false;
    const timer = timeoutMs
      ? setTimeout(() => {
          timedOut = true;
          if (target) send(target, 'SIGKILL');
        }, timeoutMs)
      : null;
    /** @param {string} chunk */
    const take = (chunk) => {
      output += chunk;
      file?.write(chunk);
      if (!echo) return;
      const lines = (unfinished + chunk).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) {
        const shown = echo(line);
        if (shown !== null) say(shown);
      }
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    /** @param {number} code */
    const finish = (code) => {
      if (timer) clearTimeout(timer);
      if (target) unwatch(target);
      if (timedOut) take(`\nended after its time limit of ${(timeoutMs ?? 0) / 1000} s\n`);
      file?.end();
      resolve({ code: timedOut ? 124 : code, output });
    };
    child.once('error', (error) => {
      take(`${command}: ${error.message}\n`);
    });
    // `close` follows `error` too, with a negative code if the command could not be started.
    child.once('close', (code, signal) => finish(signal !== null || code === null ? 1 : code));
  });
}

/**
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/**
 * All files below folders of the project that have one of the extensions, without node_modules, sorted.
 * @param {string[]} folders
 * @param {string[]} extensions with their dots
 * @returns {string[]} paths from the project's root
 */
export function filesIn(folders, extensions) {
  /** @type {string[]} */
  const found = [];
  /** @param {string} folder */
  const walk = (folder) => {
    if (!existsSync(join(ROOT, folder))) return;
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.name === 'node_modules') continue;
      if (entry.isDirectory()) walk(path);
      else if (extensions.includes(extname(entry.name))) found.push(path);
    }
  };
  folders.forEach(walk);
  return found.sort();
}

/** An expected failure: the user sees its message and no stack. */
export class UserError extends Error {}

/**
 * Runs a script's main function and turns its failure into a message and an exit code.
 * @param {ImportMeta} meta of the script; nothing runs if another module imports it
 * @param {() => Promise<unknown>} main
 */
export async function runMain(meta, main) {
  if (process.argv[1] !== fileURLToPath(meta.url)) return;
  try {
    await main();
  } catch (error) {
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
