import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

/** A body whose bytes tell where they stand. */
export const BODY = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256),
);

/** How long an answer that is late keeps one waiting, and the pause between two pieces of one that drips, in milliseconds. */
const LATE_MS = 1200;
const DRIP_MS = 60;

/** Browsers keep the head of what has no type back, and Chromium's XMLHttpRequest the first 512 bytes, to find one. */
const OF_MEDIA = { 'Content-Length': BODY.length, 'Content-Type': 'video/mp2t' };

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

/**
 * What servers do to a request for a segment, by the last part of the path.
 * @type {Record<string, (res: Response, req: Request) => unknown>}
 */
const ANSWERS = {
  whole: (res) => void res.writeHead(200, { 'Content-Length': BODY.length, age: '7' }).end(BODY),
  empty: (res) => void res.writeHead(200, { 'Content-Length': 0 }).end(),
  'no-content': (res) => void res.writeHead(204).end(),
  'no-length': (res) => {
    res.writeHead(200);
    res.write(BODY.subarray(0, 1000));
    res.end(BODY.subarray(1000));
  },
  zipped: (res) => {
    const zipped = gzipSync(BODY);
    res.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': zipped.length }).end(zipped);
  },
  moved: (res) => void res.writeHead(302, { Location: './whole' }).end(),
  missing: (res) => void res.writeHead(404, { 'Content-Length': 9 }).end('not here\n'),
  gone: (res) => void res.writeHead(410, 'No Longer').end('gone'),
  busy: (res) => void res.writeHead(503).end('busy'),
  refused: (res) => {
    res.removeHeader('Access-Control-Allow-Origin');
    res.end(BODY);
  },
  'cut-short': (res) => {
    res.writeHead(200, { 'Content-Length': BODY.length });
    res.write(BODY.subarray(0, 100_000), () => setTimeout(() => res.destroy(), 50));
  },
  'cut-chunked': (res) => {
    res.writeHead(200);
    res.write(BODY.subarray(0, 100_000), () => setTimeout(() => res.destroy(), 50));
  },
  'longer-than-said': (res) => {
    res.writeHead(200, { 'Content-Length': 100_000, Connection: 'close' }).end(BODY);
  },
  'shorter-than-said': (res) => {
    res.writeHead(200, { 'Content-Length': BODY.length + 1, Connection: 'close' });
    res.write(BODY, () => res.socket?.end());
  },
  reset: (res) => {
    res.writeHead(200, { 'Content-Length': BODY.length });
    res.write(BODY.subarray(0, 100_000), () => setTimeout(() => res.socket?.resetAndDestroy(), 50));
  },
  hung: (res) => void res.destroy(),
  late: async (res) => {
    await sleep(LATE_MS);
    res.end(BODY);
  },
  'late-body': async (res) => {
    res.writeHead(200, OF_MEDIA).flushHeaders();
    await sleep(LATE_MS);
    res.end(BODY);
  },
  'head-only': (res) => res.writeHead(200, OF_MEDIA).flushHeaders(),
  stuck: (res) => {
    res.writeHead(200, { 'Content-Length': BODY.length });
    res.write(BODY.subarray(0, 100_000));
  },
  'missing-stuck': (res) => {
    res.writeHead(404, OF_MEDIA);
    res.write('not here\n');
  },
  'missing-head-only': (res) => res.writeHead(404, OF_MEDIA).flushHeaders(),
  drip: async (res) => {
    res.writeHead(200, { 'Content-Length': BODY.length });
    for (let at = 0; at < BODY.length && !res.destroyed; at += 30_000) {
      res.write(BODY.subarray(at, at + 30_000));
      await sleep(DRIP_MS);
    }
    res.end();
  },
  range: (res, req) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? [];
    if (from === undefined) return void res.writeHead(200).end(BODY);
    const head = { 'Content-Range': `bytes ${from}-${to}/${BODY.length}` };
    res.writeHead(206, head).end(BODY.subarray(Number(from), Number(to) + 1));
  },
  'range-ignored': (res) => void res.writeHead(200, { 'Content-Length': BODY.length }).end(BODY),
  'other-range': (res) => {
    const head = { 'Content-Range': `bytes 5-104/${BODY.length}` };
    res.writeHead(206, head).end(BODY.subarray(5, 105));
  },
  'short-range': (res) => {
    const head = { 'Content-Range': `bytes 100-149/${BODY.length}` };
    res.writeHead(206, head).end(BODY.subarray(100, 150));
  },
  /** As servers should. */
  ranges: (res, req) => sendRange(res, req),
  'ranges-chunked': (res, req) => sendRange(res, req, { length: false }),
  'ranges-hidden': (res, req) => {
    res.removeHeader('Access-Control-Expose-Headers');
    sendRange(res, req);
  },
  'ranges-hidden-chunked': (res, req) => {
    res.removeHeader('Access-Control-Expose-Headers');
    sendRange(res, req, { length: false });
  },
  'ranges-without-total': (res, req) => sendRange(res, req, { total: '*' }),
  'ranges-zipped': (res, req) => {
    res.setHeader('Content-Encoding', 'gzip');
    sendRange(res, req, { change: gzipSync });
  },
  'zipped-ranges': (res, req) => {
    res.setHeader('Content-Encoding', 'gzip');
    sendRange(res, req, { change: (bytes) => gzipSync(BODY).subarray(50, 50 + bytes.length) });
  },
  'ranges-shorter': (res, req) =>
    sendRange(res, req, { length: false, change: (bytes) => bytes.subarray(0, -10) }),
  'ranges-longer': (res, req) =>
    sendRange(res, req, { length: false, change: (bytes) => Buffer.concat([bytes, BODY]) }),
  'ranges-hidden-longer': (res, req) => {
    res.removeHeader('Access-Control-Expose-Headers');
    sendRange(res, req, { change: (bytes) => Buffer.concat([bytes, BODY]) });
  },
  'ranges-cut': (res, req) => sendRange(res, req, { cutAfter: 20_000 }),
  'ranges-stuck': (res, req) => sendRange(res, req, { cutAfter: 20_000, stuck: true }),
  'ranges-drip': (res, req) => sendRange(res, req, { drip: true }),
  'ranges-forbidden': (res) => void res.writeHead(403).end('no'),
  /** CORS lets pages have the whole alone. */
  'ranges-refused': (res, req) => {
    if (req.headers.range) res.removeHeader('Access-Control-Allow-Origin');
    sendRange(res, req);
  },
  unsatisfiable: (res) => void res.writeHead(416).end(),
  /** What the request said of itself. */
  echo: (res, req) => {
    const { cookie, range, 'x-of-the-site': own } = req.headers;
    res.end(JSON.stringify({ method: req.method, cookie, range, own }));
  },
};

/** Of all answers that browsers ended before their end, the names. @type {string[]} */
export const abandoned = [];
/** How often a browser asked whether it may ask. */
export const preflights = { count: 0 };

/**
 * @param {Response} res
 * @param {Request} req
 * @param {object} [how]
 * @param {boolean} [how.length] whether the head says how long it is
 * @param {string} [how.total]
 * @param {(bytes: Buffer) => Buffer} [how.change]
 * @param {number} [how.cutAfter] bytes
 * @param {boolean} [how.stuck] it stops there, and the connection stays
 * @param {boolean} [how.drip]
 */
async function sendRange(res, req, how = {}) {
  const { length = true, total = BODY.length, change, cutAfter, stuck, drip } = how;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
  if (!asked) return void res.writeHead(200, { 'Content-Length': BODY.length }).end(BODY);
  const from = Number(asked[1]);
  const last = Math.min(asked[2] ? Number(asked[2]) : Infinity, BODY.length - 1);
  if (from > last) return void res.writeHead(416).end();
  const plain = BODY.subarray(from, last + 1);
  const bytes = change ? change(plain) : plain;
  res.writeHead(206, {
    'Content-Range': `bytes ${from}-${last}/${total}`,
    ...(length && { 'Content-Length': bytes.length }),
  });
  if (cutAfter) {
    res.write(bytes.subarray(0, cutAfter), () => stuck || setTimeout(() => res.destroy(), 50));
    return;
  }
  for (let at = 0; drip && at < bytes.length && !res.destroyed; at += 10_000) {
    res.write(bytes.subarray(at, at + 10_000));
    await sleep(DRIP_MS);
  }
  res.end(drip ? undefined : bytes);
}

/**
 * An origin that does what servers do, and what they should not.
 * @param {Request} req
 * @param {Response} res
 */
export async function oddOrigin(req, res) {
  res.setHeader('Access-Control-Allow-Origin', '*');
  res.setHeader('Access-Control-Allow-Headers', 'range, x-of-the-site');
  res.setHeader('Access-Control-Expose-Headers', 'content-range, age');
  res.setHeader('Cache-Control', 'no-store');
  const name = new URL(req.url ?? '/', 'http://origin').pathname.split('/').at(-1) ?? '';
  if (req.method === 'OPTIONS') {
    ++preflights.count;
    return void res.writeHead(name === 'ranges-refused' ? 403 : 204).end();
  }
  res.on('close', () => res.writableFinished || abandoned.push(name));
  await (ANSWERS[name] ?? ANSWERS.missing)(res, req);
}
