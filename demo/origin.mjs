import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { reachableHosts } from '../js/tracker/reachable.js';
import { CONTENT_TYPES, decodePath, fileIn, parseRange, reader } from './files.mjs';
import { LiveChannel, parseVod } from './live.mjs';
import { OriginStats } from './origin-stats.mjs';
import { vidstack } from './vidstack.mjs';

/**
 * An HTTP origin on node:http for the demo and the tests: the sample stream as VOD (`/vod/`) and as
 * an endless live channel (`/live/`), the demo page (`/`), the recipes (`/recipes/`), the built SDK
 * (`/dist/`), what the page of savings needs of the simulator (`/js/sim/`), hls.js and other players (`/vendor/`). Under `/plain/`
 * are the same streams, for viewers who do not share. It counts every byte it sends, and can be slow or fail on purpose.
 */

/**
 * A fault that one request gets instead of the plain answer.
 * @typedef {object} Treatment
 * @property {number} [status] answer with this status and no body of ours
 * @property {number} [delayMs] wait this long before the first byte, on top of `latencyMs`
 * @property {number} [bytesPerSecond] instead of the origin's own
 * @property {number} [cutAfter] close the connection after this many bytes of the body
 * @property {boolean} [hang] never answer
 */

/** @typedef {{ method: string, path: string, headers: http.IncomingHttpHeaders }} OriginRequest */
/**
 * @typedef {OriginRequest & { status: number, bytes: number, size: number, complete: boolean }} OriginResponse
 *     `bytes`: of the body, handed to the socket; `size`: of the whole file, 0 if it is none; `complete`: all of the body was
 */
/** @typedef {(request: OriginRequest) => Treatment | void | Promise<Treatment | void>} OnRequest */
/** @typedef {import('./files.mjs').Resource} Resource */
/** @typedef {(req: http.IncomingMessage, res: http.ServerResponse) => unknown} Handler */

/**
 * @typedef {object} OriginOptions
 * @property {string} [mediaDir] the directory that `ensureStream` made; without it there is neither
 *     `/vod/` nor `/live/`
 * @property {string} [host]
 * @property {number} [port] 0: any free one
 * @property {Record<string, string | Handler>} [routes] path prefix → directory or handler; looked
 *     at before the built-in ones, longest prefix first. A handler's bytes are not counted
 * @property {number} [latencyMs] before each answer
 * @property {number} [bytesPerSecond] of each response
 * @property {OnRequest} [onRequest] sees each request first and may say how to treat it
 * @property {(response: OriginResponse) => void} [onResponse] sees each answer when it has ended
 * @property {() => number} [now] wall clock of the live channel, Unix milliseconds
 * @property {number} [liveEpochMs] when the live channel's sequence number 0 began
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DEMO = fileURLToPath(new URL('.', import.meta.url));
const PAGE_FILES = new Set([
  'index.html',
  'style.css',
  'panels.css',
  'page.js',
  'audience.css',
  'audience.js',
  'chart.js',
  'graph.js',
  'next-step.js',
  'phone.js',
  'playback.js',
  'players.js',
  'settings.js',
  'format.js',
  'save.html',
  'save.css',
  'save.js',
  'save-worker.js',
]);

/** Folders of packages that pages of the demo load from `/vendor/`. */
const VENDORS = /** @type {Record<string, string>} */ ({
  'lean-qr': 'lean-qr',
  'media-chrome': 'media-chrome/dist',
  plyr: 'plyr/dist',
  'video.js': 'video.js/dist',
});

// One socket write: small enough that the count of an aborted answer is close to what was sent.
const CHUNK_BYTES = 64 * 1024;
// Of a shaped answer: writes this often look like a slow line rather than like a series of stalls.
const SHAPING_STEP_MS = 50;

/**
 * Starts an origin. `onRequest`, `onResponse`, `latencyMs` and `bytesPerSecond` may be changed on
 * the result while it runs. Rejects with the listener's error, EADDRINUSE for one.
 *
 * @param {OriginOptions} [options]
 */
export async function createOrigin(options = {}) {
  const origin = new Origin(options, options.mediaDir ? await readVod(options.mediaDir) : []);
  await origin.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  return origin;
}

/** @param {string} mediaDir */
async function readVod(mediaDir) {
  const master = await readFile(path.join(mediaDir, 'master.m3u8'), 'utf8');
  const playlists = master.split(/\r?\n/).filter((line) => line && !line.startsWith('#'));
  return Promise.all(
    playlists.map(async (file) => ({
      name: path.basename(file, '.m3u8'),
      segments: parseVod(await readFile(path.join(mediaDir, file), 'utf8')),
    })),
  );
}

class Origin {
  /** Where it listens, without a slash at the end. */
  url = '';
  port = 0;
  stats = new OriginStats();
  server;
  latencyMs;
  bytesPerSecond;
  onRequest;
  onResponse;
  #mediaDir;
  #live;
  #now;
  #routes;
  #hlsDir;

  /**
   * @param {OriginOptions} options
   * @param {import('./live.mjs').VodRendition[]} renditions
   */
  constructor(options, renditions) {
    this.latencyMs = options.latencyMs ?? 0;
    this.bytesPerSecond = options.bytesPerSecond ?? Infinity;
    this.onRequest = options.onRequest;
    this.onResponse = options.onResponse;
    this.#mediaDir = options.mediaDir;
    this.#now = options.now ?? Date.now;
    this.#live = renditions.length
      ? new LiveChannel(renditions, { epochMs: options.liveEpochMs })
      : undefined;
    this.#routes = Object.entries(options.routes ?? {}).sort(([a], [b]) => b.length - a.length);
    this.#hlsDir = path.dirname(createRequire(import.meta.url).resolve('hls.js'));
    this.server = http.createServer((req, res) => {
      this.#serve(req, res).catch(() => res.destroy());
    });
  }

  /**
   * @param {number} port
   * @param {string} host
   */
  async listen(port, host) {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    this.port = /** @type {import('node:net').AddressInfo} */ (this.server.address()).port;
    this.url = `http://${reachableHosts(host)[0]}:${this.port}`;
  }

  /** @returns {Promise<void>} settled when the port is free again; open answers are cut */
  close() {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /**
   * @param {http.IncomingMessage} req
   * @param {http.ServerResponse} res
   */
  async #serve(req, res) {
    const requestPath = decodePath(req.url ?? '/');
    const method = req.method ?? 'GET';
    res.setHeader('Access-Control-Allow-Origin', '*');
    res.setHeader('Access-Control-Expose-Headers', 'Content-Length, Content-Range');
    res.setHeader('Timing-Allow-Origin', '*');
    if (requestPath === undefined) return end(res, 400);
    if (method === 'OPTIONS') {
      res.setHeader('Access-Control-Allow-Methods', 'GET, HEAD');
      res.setHeader('Access-Control-Allow-Headers', 'Range');
      return end(res, 204);
    }

    this.stats.countRequest(requestPath);
    const request = { method, path: requestPath, headers: req.headers };
    const treatment = (await this.onRequest?.(request)) ?? {};
    if (treatment.hang) return;
    const waitMs = this.latencyMs + (treatment.delayMs ?? 0);
    if (waitMs > 0) await sleep(waitMs);

    let bytes = 0;
    let size = 0;
    let complete = false;
    try {
      if (treatment.status) {
        end(res, treatment.status);
      } else if (method !== 'GET' && method !== 'HEAD') {
        res.setHeader('Allow', 'GET, HEAD, OPTIONS');
        end(res, 405);
      } else {
        const resource = await this.#find(requestPath);
        if (typeof resource === 'function') await resource(req, res);
        else if (!resource) end(res, 404);
        else {
          size = resource.size;
          await this.#send(req, res, resource, treatment, (count) => {
            bytes += count;
            this.stats.countBytes(requestPath, count);
          });
        }
      }
      complete = res.writableEnded;
    } finally {
      this.onResponse?.({ ...request, status: res.statusCode, bytes, size, complete });
    }
  }

  /**
   * @param {string} requestPath
   * @returns {Promise<Resource | Handler | undefined>}
   */
  async #find(requestPath) {
    for (const [prefix, target] of this.#routes) {
      if (!requestPath.startsWith(prefix)) continue;
      return typeof target === 'string'
        ? fileIn(target, requestPath.slice(prefix.length), 'no-cache')
        : target;
    }
    const [, top, ...rest] = requestPath.replace(/^\/plain\//, '/').split('/');
    const name = rest.join('/');
    if (top === 'vod' && this.#mediaDir) return fileIn(this.#mediaDir, name, 'no-store');
    if (top === 'live' && this.#mediaDir) return this.#findLive(this.#mediaDir, name);
    if (top === 'dist') return fileIn(path.join(ROOT, 'dist'), name, 'no-cache');
    if (top === 'js' && /^sim\/(simulator\.js|scenarios\/[\w-]+\.json)$/.test(name)) {
      return fileIn(path.join(ROOT, 'js'), name, 'no-cache');
    }
    if (top === 'vendor' && /^hls(\.light)?(\.min)?\.m?js$/.test(name)) {
      return fileIn(this.#hlsDir, name, 'no-cache');
    }
    if (top === 'vendor' && name === 'vidstack.js') {
      const body = await vidstack();
      return { body, size: body.length, extension: '.js', cacheControl: 'no-cache' };
    }
    const vendor = Object.keys(VENDORS).find((each) => name.startsWith(`${each}/`));
    if (top === 'vendor' && vendor) {
      const dir = path.join(ROOT, 'node_modules', VENDORS[vendor]);
      return fileIn(dir, name.slice(vendor.length + 1), 'no-cache');
    }
    if (top === 'recipes') return fileIn(path.join(DEMO, 'recipes'), name, 'no-cache');
    const page = requestPath === '/' ? 'index.html' : requestPath.slice(1);
    return PAGE_FILES.has(page) ? fileIn(DEMO, page, 'no-cache') : undefined;
  }

  /**
   * @param {string} mediaDir
   * @param {string} name
   * @returns {Promise<Resource | undefined>}
   */
  async #findLive(mediaDir, name) {
    if (name === 'master.m3u8') return fileIn(mediaDir, name, 'no-store');
    const nowMs = this.#now();
    if (name.endsWith('.m3u8')) {
      const text = this.#live?.playlist(name.slice(0, -'.m3u8'.length), nowMs);
      if (text === undefined) return undefined;
      const body = Buffer.from(text);
      return { body, size: body.length, extension: '.m3u8', cacheControl: 'no-store' };
    }
    const file = this.#live?.fileOf(name, nowMs);
    return file === undefined ? undefined : fileIn(mediaDir, file, 'no-store');
  }

  /**
   * @param {http.IncomingMessage} req
   * @param {http.ServerResponse} res
   * @param {Resource} resource
   * @param {Treatment} treatment
   * @param {(bytes: number) => void} sent
   */
  async #send(req, res, resource, treatment, sent) {
    const range = parseRange(req.headers.range, resource.size);
    res.setHeader('Content-Type', CONTENT_TYPES[resource.extension] ?? 'application/octet-stream');
    res.setHeader('Cache-Control', resource.cacheControl);
    res.setHeader('Accept-Ranges', 'bytes');
    if (range === 'unsatisfiable') {
      res.setHeader('Content-Range', `bytes */${resource.size}`);
      return end(res, 416);
    }
    const { start, length } = range ?? { start: 0, length: resource.size };
    if (range) {
      res.setHeader('Content-Range', `bytes ${start}-${start + length - 1}/${resource.size}`);
    }
    res.writeHead(range ? 206 : 200, { 'Content-Length': length });
    if (req.method === 'HEAD') return void res.end();
    res.flushHeaders();

    const stop = Math.min(length, treatment.cutAfter ?? Infinity);
    const rate = treatment.bytesPerSecond ?? this.bytesPerSecond;
    const step = Math.max(1, Math.min(CHUNK_BYTES, Math.floor((rate * SHAPING_STEP_MS) / 1000)));
    const started = performance.now();
    const read = await reader(resource);
    try {
      for (let done = 0; done < stop && !res.destroyed;) {
        const chunk = await read(start + done, Math.min(step, stop - done));
        if (chunk.length === 0) return void res.destroy();
        done += chunk.length;
        sent(chunk.length);
        if (!res.write(chunk)) await drained(res);
        const aheadMs = (done / rate) * 1000 - (performance.now() - started);
        if (aheadMs > 1) await sleep(aheadMs);
      }
    } finally {
      await read.close();
    }
    if (stop < length) res.destroy();
    else if (!res.destroyed) res.end();
  }
}

/**
 * @param {http.ServerResponse} res
 * @param {number} status
 */
function end(res, status) {
  const text = status === 204 ? '' : `${status} ${http.STATUS_CODES[status] ?? ''}\n`;
  if (!res.hasHeader('Content-Type')) res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.writeHead(status, status === 204 ? {} : { 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

/**
 * Settles when more may be written, or nothing ever will.
 * @param {http.ServerResponse} res
 * @returns {Promise<void>}
 */
function drained(res) {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.on('drain', done);
    res.on('close', done);
    if (res.destroyed) done();
  });
}
