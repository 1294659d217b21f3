/**
 * A viewer never gets another segment than it asked for, and equal segments are shared: real Chromium, hls.js and tracker, one
 * origin.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ensureStream } from '../../demo/stream.mjs';
import { Stage, loadErrors } from './stage.mjs';

const SEGMENTS = 10;
const SEGMENT_SECONDS = 4;
const ATTRIBUTES = 'RESOLUTION=426x240,CODECS="avc1.4d401e,mp4a.40.2"';
const LONG = 'n'.repeat(1200);

/** Some seconds of buffer: most of the stream is asked for when a parent is there, however busy the machine. */
const SHORT = { maxBufferLength: 4, maxMaxBufferLength: 4 };

/** @param {number} index */
const numbered = (index) => String(index).padStart(5, '0');

/**
 * Streams that say as little of themselves as they may. The query of a playlist is that of all that it lists: `video=b` has other
 * pictures under the names of `video=a`, `long` names that are long, `ranges=<n>` one file from its segment n on, `bare` a master
 * playlist without attributes. BANDWIDTH is another at each request, as with packagers that measure it. `go` in the path redirects:
 * viewers whose names end with `two` to the folder `eu`, which has the other pictures, everybody else to `us`.
 */
async function streams() {
  const dir = await ensureStream();
  /** @type {Record<string, Buffer[]>} */
  const videos = {};
  for (const [video, rendition] of Object.entries({ a: '240p', b: '360p' })) {
    videos[video] = await Promise.all(
      Array.from({ length: SEGMENTS }, (_, index) =>
        readFile(path.join(dir, `${rendition}_${numbered(index)}.ts`)),
      ),
    );
  }
  let bandwidth = 331_676;

  /** @param {string} name @param {URLSearchParams} query @param {string} search */
  const playlist = (name, query, search) => {
    if (name === 'master.m3u8') {
      const attributes = query.has('bare') ? '' : `,${ATTRIBUTES}`;
      const folder = query.has('moves') ? 'go' : 'v';
      return `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth++}${attributes}\n${folder}/media.m3u8${search}\n`;
    }
    const lines = ['#EXTM3U', '#EXT-X-VERSION:4', `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`];
    const bodies = videos.a;
    const first = Number(query.get('ranges') ?? 0);
    for (let index = first; index < SEGMENTS; index++) {
      lines.push(`#EXTINF:${SEGMENT_SECONDS},`);
      if (query.has('ranges')) {
        const from = bodies.slice(0, index).reduce((sum, { length }) => sum + length, 0);
        lines.push(`#EXT-X-BYTERANGE:${bodies[index].length}@${from}`, `film.ts${search}`);
      } else {
        const prefix = query.has('long') ? LONG : 'seg';
        lines.push(`${prefix}_${numbered(index)}.ts${search}`);
      }
    }
    return `${lines.join('\n')}\n#EXT-X-ENDLIST\n`;
  };

  /** @type {import('../../demo/origin.mjs').Handler} */
  const handler = (req, res) => {
    const { pathname, search, searchParams } = new URL(req.url ?? '', 'http://origin');
    const name = path.posix.basename(pathname);
    res.setHeader('Access-Control-Allow-Origin', '*');
    res.setHeader('Access-Control-Allow-Headers', 'Range');
    res.setHeader('Cache-Control', 'no-store');
    if (req.method === 'OPTIONS') return res.end();
    if (name.endsWith('.m3u8') && pathname.includes('/go/')) {
      const region = req.headers['user-agent']?.endsWith('two') ? '/eu/' : '/us/';
      return res.writeHead(302, { Location: pathname.replace('/go/', region) }).end();
    }
    if (name.endsWith('.m3u8')) {
      res.setHeader('Content-Type', 'application/vnd.apple.mpegurl');
      return res.end(playlist(name, searchParams, search));
    }
    const bodies = videos[searchParams.get('video') ?? (pathname.includes('/eu/') ? 'b' : 'a')];
    const film = name === 'film.ts';
    const body = film ? Buffer.concat(bodies) : bodies[Number(/_(\d+)\.ts$/.exec(name)?.[1])];
    const range = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '');
    res.setHeader('Content-Type', 'video/mp2t');
    if (!range) return res.end(body);
    res.statusCode = 206;
    res.setHeader('Content-Range', `bytes ${range[1]}-${range[2]}/${body.length}`);
    res.end(body.subarray(Number(range[1]), Number(range[2]) + 1));
  };
  return handler;
}

/** Notes every text that goes out on a data channel. */
function noteTexts() {
  const { prototype } = RTCDataChannel;
  const { send } = prototype;
  /** @type {any} */ (globalThis).sentTexts = [];
  prototype.send = function (/** @type {any} */ data) {
    if (typeof data === 'string') /** @type {any} */ (globalThis).sentTexts.push(data);
    return send.call(this, data);
  };
}

describe('identity', () => {
  /** @type {Stage} */
  let stage;
  /** @type {import('./stage.mjs').Viewer[]} */
  const viewers = [];

  before(async () => {
    stage = await Stage.open({ '/id/': await streams() });
  });
  after(() => stage.close());

  /**
   * @param {string} name
   * @param {string} src
   * @param {object} [options] of attach
   * @param {object} [config] of hls.js
   */
  async function watch(name, src, options, config) {
    const viewer = await stage.viewer({ name, src, options, config, init: noteTexts });
    viewers.push(viewer);
    return viewer;
  }

  /** Everything that hls.js was handed is what the origin has under its address. @param {import('./stage.mjs').Viewer} viewer */
  async function assertBytes(viewer) {
    const seen = await viewer.seen();
    assert.deepEqual(loadErrors(seen), []);
    const fragments = seen.fragments.filter((/** @type {any} */ each) => each.sha256);
    assert.ok(fragments.length >= 3, `${viewer.name} loaded ${fragments.length} segments`);
    for (const { url, from, to, bytes, sha256 } of fragments) {
      const headers = to ? { Range: `bytes=${from}-${to - 1}` } : undefined;
      const body = Buffer.from(await (await fetch(url, { headers })).arrayBuffer());
      assert.equal(bytes, body.length, `length of ${url} for ${viewer.name}`);
      assert.equal(sha256, createHash('sha256').update(body).digest('hex'), `digest of ${url}`);
    }
    return fragments;
  }

  /**
   * Two viewers, one after the other; the second has segments from the first, or must not.
   * @param {string} name
   * @param {[one: string, two: string]} sources
   * @param {boolean} share
   * @param {object} [options]
   */
  async function meet(name, [first, second], share, options) {
    const one = await watch(`${name}-one`, first, options);
    // All of it is in the cache of the first, so whatever the second asks for is there.
    await one.page.waitForFunction(
      (count) => globalThis.seen.fragments.length >= count,
      SEGMENTS - 3,
      { timeout: 60_000 },
    );
    const two = await watch(`${name}-two`, second, options, SHORT);
    if (share) await two.waitForEvent('segment', { source: 'peer' });
    await two.plays(6);
    await assertBytes(one);
    await assertBytes(two);
    const { p2pBytes } = await two.stats();
    assert.equal(p2pBytes > 0, share, `${p2pBytes} bytes came from the other`);
    const texts = await two.page.evaluate(() => /** @type {any} */ (globalThis).sentTexts);
    for (const viewer of viewers.splice(0)) await viewer.close();
    return texts.filter((/** @type {string} */ text) =>
      /"event":"(REQUEST|WANT)".*"url"/.test(text),
    );
  }

  test('A2: who watches ?video=b gets nothing of ?video=a, though names, numbers and ladder are the same', async () => {
    const sources = /** @type {[string, string]} */ (
      ['a', 'b'].map((video) => `/id/a2/master.m3u8?video=${video}`)
    );
    await meet('A2', sources, false);
    // Where the site calls both by one name, the query still tells the segments apart.
    await meet('A2-named', sources, false, { channel: 'one name for two videos' });
  });

  test('A2: who was redirected elsewhere gets nothing of what is there under the same names', async () => {
    for (const [what, src] of [
      ['master', '/id/a2/go/master.m3u8'],
      ['media', '/id/a2/master.m3u8?moves'],
    ]) {
      await meet(`A2-${what}`, [src, src], false);
    }
    // Redirected to the same place, viewers share.
    const master = '/id/a2/go/master.m3u8';
    const one = await watch('A2-same-one', master);
    await one.plays(4);
    const other = await watch('A2-same-other', master, undefined, SHORT);
    await other.waitForEvent('segment', { source: 'peer' });
    for (const viewer of viewers.splice(0)) await viewer.close();
  });

  test('A7: ranges of one file are not taken for one another, and are shared where they are the same', async () => {
    const [from0, from2] = [0, 2].map((n) => `/id/a7/master.m3u8?ranges=${n}`);
    const channel = { channel: 'ranges' };
    await meet('A7', [from0, from2], false, channel);
    await meet('A7-same', [from0, from0], true, channel);
  });

  test('C1: a BANDWIDTH that the packager computes anew parts nobody', async () => {
    await meet('C1', ['/id/c1/master.m3u8', '/id/c1/master.m3u8'], true);
    await meet('C1-bare', ['/id/c1/master.m3u8?bare', '/id/c1/master.m3u8?bare'], true);
  });

  test('C5: who plays the master and who plays its media playlist share, whoever was first', async () => {
    const [master, media] = ['/id/c5/master.m3u8', '/id/c5/v/media.m3u8'];
    const channel = { channel: 'master or media' };
    await meet('C5', [master, media], true, channel);
    await meet('C5-back', [media, master], true, channel);
  });

  test('C7, D7: long names are shared, tokens are left at home, and two hosts are one', async () => {
    const { host } = new URL(stage.origin.url);
    const other = stage.origin.url.replace('127.0.0.1', 'localhost');
    const token = 't'.repeat(5000);
    const requests = await meet(
      'D7',
      [
        `/id/d7/master.m3u8?long&video=a&token=first${token}`,
        `${other}/id/d7/master.m3u8?long&video=a&token=second${token}`,
      ],
      true,
      { channel: 'long names' },
    );
    assert.ok(requests.length > 0);
    for (const request of requests) {
      for (const own of ['second', 'token', 'video', 'localhost', host, '?', '/id/']) {
        assert.ok(!JSON.parse(request).url.includes(own), `${own} in the url of ${request}`);
        if (own !== '?') assert.ok(!request.includes(own), `${own} in ${request}`);
      }
    }
    await meet(
      'C7',
      [
        `/id/c7/master.m3u8?token=first${token}&video=a`,
        `/id/c7/master.m3u8?video=a&token=second${token}`,
      ],
      true,
    );
  });
});
