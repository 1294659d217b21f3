/**
 * Real live packagers, one process for each broadcast, that write into one folder and so use the same names again; and the
 * origin of that folder, which knows the digest of every segment of each broadcast.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The time between two looks at the folder, in milliseconds: a segment is listed for seconds. */
const WATCH_MS = 100;

/** @typedef {(broadcast: number) => [command: string, args: string[]]} Command that writes `live.m3u8` into its working folder */
/** @typedef {(dir: string) => Promise<import('node:child_process').ChildProcess>} Server that does so in its place */
/** @typedef {{ number: number, since: number, digests: Set<string> }} Broadcast `since`: when its playlist was there, as Date.now() */

/**
 * ffmpeg makes and packages a small picture with a tone, both others with each broadcast.
 * @param {string[]} hls options of its HLS muxer
 * @returns {Command}
 */
export function ffmpeg(...hls) {
  return (broadcast) => [
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-threads', '1', '-re'],
      ...['-f', 'lavfi', '-i', `testsrc=size=160x90:rate=10:decimals=${broadcast % 3}`],
      ...['-re', '-f', 'lavfi', '-i', `sine=frequency=${300 + 100 * broadcast}:sample_rate=48000`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'],
      ...['-keyint_min', '10', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '32k', '-ac', '1'],
      ...['-f', 'hls', '-hls_time', '1', '-hls_list_size', '5', ...hls, 'live.m3u8'],
    ],
  ];
}

export class Packager {
  /** @type {Broadcast[]} */
  broadcasts = [];
  #dir;
  #command;
  #server;
  /** @type {import('node:child_process').ChildProcess | null} */
  #process = null;
  #closed = false;
  /** When the command of the last broadcast was started, as Date.now(): it writes segments before its playlist. */
  #began = 0;
  /** @type {Set<string>} versions of files that were read */
  #read = new Set();
  #watching;

  /**
   * @param {string} dir
   * @param {Command} command
   * @param {import('node:child_process').ChildProcess} [server]
   */
  constructor(dir, command, server) {
    this.#dir = dir;
    this.#command = command;
    this.#server = server;
    this.#watching = this.#watch();
  }

  /**
   * @param {Command} command
   * @param {Server} [server]
   */
  static async open(command, server) {
    const dir = await mkdtemp(path.join(tmpdir(), 'hlsmesh-packager-'));
    return new Packager(dir, command, await server?.(dir));
  }

  /** Begins a broadcast, and returns when its playlist is there. */
  async start() {
    const number = this.broadcasts.length + 1;
    const [command, args] = this.#command(number);
    const began = Date.now();
    this.#began = began;
    this.#process = spawn(command, args, {
      cwd: this.#dir,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const failed = once(this.#process, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => {});
    while (((await this.#version('live.m3u8'))?.mtimeMs ?? 0) < began) {
      await Promise.race([sleep(50), failed]);
      if (Date.now() - began > 60_000) throw new Error(`${command} makes no playlist`);
    }
    this.broadcasts.push({ number, since: Date.now(), digests: new Set() });
  }

  /** @param {NodeJS.Signals} signal that ends the broadcast */
  async end(signal) {
    const process = this.#process;
    this.#process = null;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  }

  /** Waits for as many segments of the present broadcast. @param {number} count */
  async makes(count) {
    const { digests } = this.broadcasts[this.broadcasts.length - 1];
    for (const began = Date.now(); digests.size < count; await sleep(100)) {
      if (Date.now() - began > count * 1000 + 60_000) {
        throw new Error(`only ${digests.size} of ${count} segments`);
      }
    }
  }

  /** @param {string} sha256 @returns {number} of the broadcast that it is a segment of; 0: of none */
  broadcastOf(sha256) {
    return this.broadcasts.find(({ digests }) => digests.has(sha256))?.number ?? 0;
  }

  /** The folder, as an origin serves it. @type {import('../../demo/origin.mjs').Handler} */
  serve = async (req, res) => {
    const { pathname } = new URL(req.url ?? '', 'http://origin');
    const name = path.basename(pathname);
    const body = await readFile(path.join(this.#dir, name)).catch(() => null);
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Access-Control-Allow-Origin', '*');
    if (!body) {
      res.writeHead(404).end();
      return;
    }
    const type = name.endsWith('.m3u8') ? 'application/vnd.apple.mpegurl' : 'video/mp2t';
    res.writeHead(200, { 'Content-Type': type }).end(body);
  };

  async close() {
    this.#closed = true;
    await this.end('SIGKILL');
    this.#server?.kill('SIGKILL');
    await this.#watching;
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** @param {string} name */
  #version(name) {
    return stat(path.join(this.#dir, name)).catch(() => null);
  }

  async #watch() {
    for (; !this.#closed; await sleep(WATCH_MS)) {
      const present = this.broadcasts[this.broadcasts.length - 1];
      if (!present) continue;
      const playlist = await readFile(path.join(this.#dir, 'live.m3u8'), 'utf8').catch(() => '');
      for (const name of playlist.split(/\r?\n/).filter((line) => line && !line.startsWith('#'))) {
        const version = await this.#version(name);
        // The next broadcast writes over what the last one's playlist still lists.
        if (version && version.mtimeMs >= this.#began && present.since < this.#began) continue;
        const key = `${name} ${version?.mtimeMs} ${version?.size}`;
        if (!version || this.#read.has(key)) continue;
        const body = await readFile(path.join(this.#dir, name)).catch(() => null);
        const after = await this.#version(name);
        if (!body || after?.mtimeMs !== version.mtimeMs || after.size !== version.size) continue;
        if (present !== this.broadcasts[this.broadcasts.length - 1]) continue;
        this.#read.add(key);
        // Files of an earlier broadcast belong to that one.
        if (version.mtimeMs >= present.since - 2_000 && !this.broadcastOf(digest(body))) {
          present.digests.add(digest(body));
        }
      }
    }
  }
}

/** @param {Buffer} body */
function digest(body) {
  return createHash('sha256').update(body).digest('hex');
}
