import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRange } from '../../demo/files.mjs';
import { KEYS, WAYS, encrypt } from './encrypt.mjs';
import { FAULTS } from './faults.mjs';
import { PARTS_A_SECOND, PART_SECONDS, SEGMENT_SECONDS, ensureTestStreams } from './make.mjs';
import { LADDER, LiveStreams, STREAMS, subtitle } from './playlists.mjs';

/**
 * Serves the test streams under /streams/<stream>/, remembers who fetched what, and knows what each address holds. A route for
 * the demo's origin.
 */

const TYPES = /** @type {Record<string, string>} */ ({
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.json': 'application/json',
  '.ts': 'video/mp2t',
  '.vtt': 'text/vtt',
});

/** @typedef {{ viewer: string, stream: string, file: string, range: string | undefined, status: number }} Fetch */

export class StreamOrigin {
  /** @type {Fetch[]} */
  fetches = [];
  /** Before each answer that carries media, in milliseconds. */
  mediaDelayMs = 0;
  /** The lines of viewers that have a slow one, by viewer. @type {Map<string, import('./link.mjs').Link>} */
  links = new Map();
  /** @type {Parameters<StreamOrigin['setFault']>[0]} */
  #fault = null;
  /** How often each viewer asked for its file. @type {Map<string, number>} */
  #failed = new Map();
  #files;

  /** @param {Map<string, Buffer>} files @param {number[]} partBytes */
  constructor(files, partBytes) {
    this.#files = files;
    this.live = new LiveStreams(partBytes);
  }

  static async create() {
    const dir = await ensureTestStreams();
    /** @type {Map<string, Buffer>} */
    const files = new Map();
    for (const name of await readdir(dir)) files.set(name, await readFile(path.join(dir, name)));
    const { length } = [...files.keys()].filter((name) => /^part\d+\.m4s$/.test(name));
    const perSegment = SEGMENT_SECONDS / PART_SECONDS;
    for (let sn = 0; sn < length / perSegment; sn++) {
      const parts = Array.from({ length: perSegment }, (_, i) => `part${sn * perSegment + i}.m4s`);
      const bodies = parts.map((name) => /** @type {Buffer} */ (files.get(name)));
      files.set(`whole${sn}.m4s`, Buffer.concat(bodies));
      for (let i = 0; i < perSegment; i += PARTS_A_SECOND) {
        const name = `second${(sn * perSegment + i) / PARTS_A_SECOND}.m4s`;
        files.set(name, Buffer.concat(bodies.slice(i, i + PARTS_A_SECOND)));
      }
    }
    const partBytes = Array.from({ length }, (_, p) => files.get(`part${p}.m4s`)?.length ?? 0);
    for (const [name, body] of [...files]) {
      const sn = /^rung(\d+)\.ts$/.exec(name)?.[1];
      if (sn) LADDER.forEach(({ bytes }, i) => files.set(`rung${i}-${sn}.ts`, pad(body, bytes)));
    }
    for (const [name, body] of encrypted(files)) files.set(name, body);
    for (let sn = 0; sn < 6; sn++) files.set(`text${sn}.vtt`, Buffer.from(subtitle(sn)));
    return new StreamOrigin(files, partBytes);
  }

  /**
   * SHA-256 of what an address holds.
   * @param {string} file
   * @param {number} [start]
   * @param {number} [end] exclusive
   */
  digest(file, start, end) {
    const body = this.#files.get(file)?.subarray(start, end || undefined);
    return body && createHash('sha256').update(body).digest('hex');
  }

  /** @param {string} viewer @param {string} stream @param {RegExp} file @returns {number} */
  count(viewer, stream, file) {
    const match = (/** @type {Fetch} */ f) =>
      f.viewer === viewer && f.stream === stream && file.test(f.file);
    return this.fetches.filter(match).length;
  }

  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   */
  handler = async (req, res) => {
    const url = new URL(req.url ?? '/', `http://${req.headers.host}`);
    const [, , stream, file = ''] = url.pathname.split('/');
    const found = await this.#find(url, stream, file);
    const extension = path.extname(file);
    const range = found && parseRange(req.headers.range, found.length);
    const viewer = viewerOf(req.headers.referer);
    const status = !found || range === 'unsatisfiable' ? 404 : range ? 206 : 200;
    this.fetches.push({ viewer, stream, file, range: req.headers.range, status });
    if (this.mediaDelayMs && !/\.(m3u8|json)$/.test(file)) await sleep(this.mediaDelayMs);
    res.setHeader('Content-Type', TYPES[extension] ?? 'video/mp4');
    res.setHeader('Cache-Control', 'no-store');
    if (!found || range === 'unsatisfiable') return void res.writeHead(404).end();
    const body = range ? found.subarray(range.start, range.start + range.length) : found;
    if (range) {
      const last = range.start + range.length - 1;
      res.setHeader('Content-Range', `bytes ${range.start}-${last}/${found.length}`);
    }
    const kind = this.#fails(viewer, file);
    if (kind) return FAULTS[kind](res, status, body);
    res.writeHead(status, { 'Content-Length': body.length });
    const link = this.links.get(viewer);
    if (link) await link.send(res, body);
    else res.end(body);
  };

  /**
   * Sets what goes wrong the first times that each of the viewers asks for a file; null: nothing.
   * @param {{ file: string, kind: import('./faults.mjs').Kind, times: number, viewers: string[] } | null} fault
   */
  setFault(fault) {
    this.#fault = fault;
    this.#failed.clear();
  }

  /** @param {string} viewer @param {string} file */
  #fails(viewer, file) {
    const fault = this.#fault;
    if (file !== fault?.file || !fault.viewers.includes(viewer)) return null;
    const failed = (this.#failed.get(viewer) ?? 0) + 1;
    this.#failed.set(viewer, failed);
    return failed <= fault.times ? fault.kind : null;
  }

  /**
   * @param {URL} url
   * @param {string} stream
   * @param {string} file
   * @returns {Promise<Buffer | undefined>}
   */
  async #find({ searchParams: query, port, hostname }, stream, file) {
    const playlists = STREAMS[stream] ?? this.live.streams[stream];
    if (!playlists) return undefined;
    const other = hostname === 'localhost' ? '127.0.0.1' : 'localhost';
    const [base, otherBase] = [hostname, other].map(
      (host) => `http://${host}:${port}/streams/${stream}/`,
    );
    const write = file === 'master.m3u8' ? playlists.master : playlists.media[file];
    if (write) return Buffer.from(await write({ query, base, otherBase }));
    // A part that was announced is sent once it is there.
    const part = /^(part|second)(\d+)\.m4s$/.exec(file);
    if (part) {
      const made = part[1] === 'part' ? 1 : PARTS_A_SECOND;
      await this.live.waitForPart((Number(part[2]) + 1) * made - 1);
    }
    return this.#files.get(file);
  }
}

/**
 * The encrypted streams and their keys, made of what ffmpeg wrote.
 * @param {Map<string, Buffer>} files
 * @returns {Generator<[name: string, body: Buffer]>}
 */
function* encrypted(files) {
  for (const [name, key] of Object.entries(KEYS)) yield [`${name}.key`, key];
  for (const [prefix, ways] of Object.entries(WAYS)) {
    const [source, extension] = prefix === 'sealed' ? ['fmp4', '.m4s'] : ['lo', '.ts'];
    for (const [sn, way] of ways.entries()) {
      const body = /** @type {Buffer} */ (files.get(`${source}${sn}${extension}`));
      yield [`${prefix}${sn}${extension}`, encrypt(body, way, sn)];
    }
  }
  const init = /** @type {Buffer} */ (files.get('fmp4-init.mp4'));
  yield ['sealed-init.mp4', encrypt(init, WAYS.sealed[0], 0)];
}

const TS_PACKET = 188;
const NULL_PACKET = Buffer.alloc(TS_PACKET, 0xff).fill(Buffer.from([0x47, 0x1f, 0xff, 0x10]), 0, 4);

/**
 * A transport stream of about `bytes`, of which most is null packets: as heavy to carry as a large picture, as light to decode
 * as a small one.
 * @param {Buffer} body
 * @param {number} bytes
 */
function pad(body, bytes) {
  const packets = Math.max(0, Math.floor((bytes - body.length) / TS_PACKET));
  return Buffer.concat([body, Buffer.alloc(packets * TS_PACKET, NULL_PACKET)]);
}

/** Pages say who they are by their address. @param {string | undefined} referer */
function viewerOf(referer) {
  return (referer && new URL(referer).searchParams.get('viewer')) || '';
}
