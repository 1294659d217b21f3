import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { createOrigin } from '../../demo/origin.mjs';

// Four segments of 2 s in two renditions: small enough to spell out every playlist.
const SEGMENTS = 4;
const SEGMENT_MS = 2000;
const EPOCH = Date.UTC(2026, 0, 1);

let temp = '';
let mediaDir = '';

before(async () => {
  temp = await mkdtemp(path.join(os.tmpdir(), 'hlsmesh-origin-'));
  mediaDir = path.join(temp, 'media');
  await mkdir(mediaDir);
  await writeFile(path.join(temp, 'secret.txt'), 'secret');
  await writeFile(
    path.join(mediaDir, 'master.m3u8'),
    '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n',
  );
  for (const name of ['low', 'high']) {
    const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:2'];
    for (let i = 0; i < SEGMENTS; ++i) {
      lines.push('#EXTINF:2.000000,', `${name}_0000${i}.ts`);
      await writeFile(path.join(mediaDir, `${name}_0000${i}.ts`), segmentBytes(name, i));
    }
    await writeFile(path.join(mediaDir, `${name}.m3u8`), `${lines.join('\n')}\n#EXT-X-ENDLIST\n`);
  }
});

after(() => rm(temp, { recursive: true, force: true }));

/**
 * Bytes that tell segments apart; longer than one socket write of the origin.
 * @param {string} name
 * @param {number} index
 */
function segmentBytes(name, index) {
  return Buffer.alloc(100_000 + index, `${name} ${index} `);
}

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../../demo/origin.mjs').OriginOptions} [options]
 */
async function start(t, options = {}) {
  const origin = await createOrigin({ mediaDir, liveEpochMs: EPOCH, ...options });
  t.after(() => origin.close());
  return origin;
}

/**
 * The request target exactly as given, which fetch would tidy up first.
 * @param {string} url
 * @param {string} target
 * @returns {Promise<{ status: number, body: string }>}
 */
function rawGet(url, target) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const req = http.request({ hostname, port, path: target }, (res) => {
      let body = '';
      res.on('data', (chunk) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
    req.on('error', reject);
    req.end();
  });
}

/** @param {string} playlist */
function parseLive(playlist) {
  const tag = (/** @type {string} */ name) =>
    Number(new RegExp(`^#${name}:(\\d+)$`, 'm').exec(playlist)?.[1]);
  let discontinuity = tag('EXT-X-DISCONTINUITY-SEQUENCE');
  let sn = tag('EXT-X-MEDIA-SEQUENCE');
  let dateMs = NaN;
  const segments = [];
  for (const line of playlist.split('\n')) {
    if (line === '#EXT-X-DISCONTINUITY') ++discontinuity;
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) dateMs = Date.parse(line.slice(25));
    else if (line && !line.startsWith('#')) {
      segments.push({ sn: sn++, uri: line, discontinuity, dateMs });
    }
  }
  return segments;
}

test('the live window slides with the clock and never goes back', async (t) => {
  let now = EPOCH;
  const origin = await start(t, { now: () => now });
  const load = async () => parseLive(await (await fetch(`${origin.url}/live/low.m3u8`)).text());

  now = EPOCH + SEGMENT_MS - 1;
  assert.equal((await load()).length, 0, 'no segment is whole yet');
  now = EPOCH + SEGMENT_MS;
  assert.deepEqual(
    (await load()).map((segment) => segment.uri),
    ['low_0.ts'],
  );
  now = EPOCH + 6 * SEGMENT_MS;
  assert.deepEqual(
    (await load()).map((segment) => segment.sn),
    [0, 1, 2, 3, 4, 5],
  );
  now += SEGMENT_MS - 1;
  assert.equal((await load())[0].sn, 0, 'nothing moves within a segment');
  now += 1;
  assert.deepEqual(
    (await load()).map((segment) => segment.uri),
    ['low_1.ts', 'low_2.ts', 'low_3.ts', 'low_4.ts', 'low_5.ts', 'low_6.ts'],
  );
});

test('sequence, discontinuity and date of a live segment stay the same in every playlist that names it', async (t) => {
  let now = EPOCH;
  const origin = await start(t, { now: () => now });
  /** @type {Map<string, { sn: number, discontinuity: number, dateMs: number }>} */
  const seen = new Map();
  for (let step = 1; step <= 5 * SEGMENTS; ++step) {
    now = EPOCH + step * SEGMENT_MS + 500;
    const playlist = await (await fetch(`${origin.url}/live/high.m3u8`)).text();
    for (const { uri, ...rest } of parseLive(playlist)) {
      assert.deepEqual(seen.get(uri) ?? rest, rest, `${uri} changed at step ${step}`);
      seen.set(uri, rest);
    }
  }
  assert.equal(seen.size, 5 * SEGMENTS);
  for (const [uri, segment] of seen) {
    assert.equal(uri, `high_${segment.sn}.ts`);
    assert.equal(segment.discontinuity, Math.floor(segment.sn / SEGMENTS), 'one per loop');
    assert.equal(segment.dateMs, EPOCH + segment.sn * SEGMENT_MS);
  }
});

test('a discontinuity tag precedes the first segment of each loop and leaves together with it', async (t) => {
  let now = EPOCH;
  const origin = await start(t, { now: () => now });
  const load = async () => (await fetch(`${origin.url}/live/low.m3u8`)).text();

  now = EPOCH + 10 * SEGMENT_MS; // window 4..9
  const atTag = await load();
  assert.match(atTag, /^#EXT-X-DISCONTINUITY-SEQUENCE:0$/m);
  assert.match(atTag, /#EXT-X-DISCONTINUITY\n[^\n]*\n#EXTINF:2.000,\nlow_4.ts\n/);
  assert.match(atTag, /#EXT-X-DISCONTINUITY\n[^\n]*\n#EXTINF:2.000,\nlow_8.ts\n/);
  now += SEGMENT_MS; // window 5..10
  const afterTag = await load();
  assert.match(afterTag, /^#EXT-X-DISCONTINUITY-SEQUENCE:1$/m);
  assert.equal(afterTag.match(/^#EXT-X-DISCONTINUITY$/gm)?.length, 1);
});

test('a live segment is the looped file, and is refused before its time and long after it', async (t) => {
  const now = EPOCH + 100 * SEGMENT_MS; // window 94..99
  const origin = await start(t, { now: () => now });
  const get = (/** @type {string} */ name) => fetch(`${origin.url}/live/${name}`);

  const response = await get('high_99.ts');
  assert.equal(response.headers.get('content-type'), 'video/mp2t');
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), segmentBytes('high', 99 % SEGMENTS));
  for (const gone of ['low_100.ts', 'low_0.ts', 'low_099.ts', 'low_-1.ts', 'none_99.ts']) {
    assert.equal((await get(gone)).status, 404, gone);
  }
  assert.equal((await get('none.m3u8')).status, 404);
  assert.match(await (await get('master.m3u8')).text(), /low\.m3u8/);
});

test('two origins on one clock publish the same live channel', async (t) => {
  const now = () => EPOCH + 123_456_789;
  const [one, two] = await Promise.all([start(t, { now }), start(t, { now })]);
  const texts = await Promise.all(
    [one, two].map(async ({ url }) => (await fetch(`${url}/live/low.m3u8`)).text()),
  );
  assert.equal(texts[0], texts[1]);
});

test('a byte range is answered with exactly those bytes', async (t) => {
  const origin = await start(t);
  const whole = segmentBytes('low', 1);
  const get = (/** @type {string} */ range) =>
    fetch(`${origin.url}/vod/low_00001.ts`, { headers: { Range: range } });

  for (const [range, first, last] of /** @type {[string, number, number][]} */ ([
    ['bytes=0-0', 0, 0],
    ['bytes=10-70000', 10, 70000],
    ['bytes=99999-', 99999, whole.length - 1],
    ['bytes=-5', whole.length - 5, whole.length - 1],
    ['bytes=100-999999999', 100, whole.length - 1],
  ])) {
    const response = await get(range);
    assert.equal(response.status, 206, range);
    assert.equal(response.headers.get('content-range'), `bytes ${first}-${last}/${whole.length}`);
    const body = Buffer.from(await response.arrayBuffer());
    assert.ok(body.equals(whole.subarray(first, last + 1)), range);
  }
  const beyond = await get(`bytes=${whole.length}-`);
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers.get('content-range'), `bytes */${whole.length}`);
  const nonsense = await get('bytes=7-3');
  assert.equal(nonsense.status, 200);
  assert.equal((await nonsense.arrayBuffer()).byteLength, whole.length);
});

test('requests and body bytes are counted by path, and media apart', async (t) => {
  const origin = await start(t);
  const get = async (/** @type {string} */ name, /** @type {RequestInit} */ init = {}) =>
    (await fetch(`${origin.url}/vod/${name}`, init)).arrayBuffer();
  await get('master.m3u8');
  await get('low_00000.ts?token=1');
  await get('low_00000.ts', { headers: { Range: 'bytes=0-999' } });
  await get('low_00000.ts', { method: 'HEAD' });
  await get('absent.ts');

  assert.deepEqual(origin.stats.paths.get('/vod/low_00000.ts'), { requests: 3, bytes: 101_000 });
  assert.deepEqual(origin.stats.media, { requests: 4, bytes: 101_000 });
  assert.equal(origin.stats.requests, 5);
  assert.ok(origin.stats.bytes > 101_000);
  origin.stats.reset();
  assert.deepEqual(origin.stats.media, { requests: 0, bytes: 0 });
});

test('paths that climb out of their directory are refused', async (t) => {
  const origin = await start(t, { routes: { '/extra/': mediaDir } });
  for (const target of [
    '/vod/../secret.txt',
    '/vod/%2e%2e/secret.txt',
    '/vod/..%2fsecret.txt',
    '/vod/..%5csecret.txt',
    '/extra/../secret.txt',
    '/extra/%2e%2e%2fsecret.txt',
    `/vod/${path.join(temp, 'secret.txt')}`,
    `/vod//${path.join(temp, 'secret.txt')}`,
    '/dist/../package.json',
    '/dist/..%2fpackage.json',
    '/vod/low.m3u8%00',
    '/vod/%zz',
    '/origin.mjs',
    '/package.json',
  ]) {
    const { status, body } = await rawGet(origin.url, target);
    assert.ok(status === 400 || status === 404, `${target} answered ${status}`);
    assert.doesNotMatch(body, /secret|hlsmesh/, target);
  }
  assert.equal((await rawGet(origin.url, '/extra/low.m3u8')).status, 200);
});

test('any page may read the origin, and media is never cached', async (t) => {
  const origin = await start(t);
  const response = await fetch(`${origin.url}/vod/master.m3u8`);
  assert.equal(response.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const preflight = await fetch(`${origin.url}/vod/low_00000.ts`, { method: 'OPTIONS' });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'Range');
  const post = await fetch(`${origin.url}/vod/low_00000.ts`, { method: 'POST' });
  assert.equal(post.status, 405);
});

test('the demo page, hls.js and routes of the caller are served', async (t) => {
  const origin = await start(t, {
    routes: { '/config.json': (req, res) => res.end(`{"path":"${req.url}"}`) },
  });
  const page = await fetch(`${origin.url}/?stream=live`);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  const linked = [...(await page.text()).matchAll(/(?:src|href)="(\/?[\w./-]+)"/g)]
    .map((match) => match[1])
    .filter((target) => !target.startsWith('/dist/'));
  assert.ok(linked.includes('/vendor/hls.min.js') && linked.length >= 3, `links: ${linked}`);
  for (const target of linked) {
    const response = await fetch(new URL(target, origin.url));
    await response.arrayBuffer();
    assert.equal(response.status, 200, target);
  }
  assert.deepEqual(await (await fetch(`${origin.url}/config.json`)).json(), {
    path: '/config.json',
  });
});

test('a hook can fail, delay, cut and hang single requests, and sees how each ended', async (t) => {
  /** @type {import('../../demo/origin.mjs').OriginResponse[]} */
  const ended = [];
  const origin = await start(t, { onResponse: (response) => ended.push(response) });
  origin.onRequest = ({ path: requestPath }) => {
    if (requestPath.endsWith('00000.ts')) return { status: 503 };
    if (requestPath.endsWith('00001.ts')) return { delayMs: 150 };
    if (requestPath.endsWith('00002.ts')) return { cutAfter: 70_000 };
    if (requestPath.endsWith('00003.ts')) return { hang: true };
    return undefined;
  };
  const get = (/** @type {number} */ index, /** @type {RequestInit} */ init = {}) =>
    fetch(`${origin.url}/vod/low_0000${index}.ts`, init);

  assert.equal((await get(0)).status, 503);
  const started = performance.now();
  assert.equal((await (await get(1)).arrayBuffer()).byteLength, 100_001);
  assert.ok(performance.now() - started >= 145);
  await assert.rejects(async () => (await get(2)).arrayBuffer());
  assert.deepEqual(origin.stats.paths.get('/vod/low_00002.ts'), { requests: 1, bytes: 70_000 });
  await assert.rejects(get(3, { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
  assert.deepEqual(
    ended.map(({ status, bytes, complete }) => ({ status, bytes, complete })),
    [
      { status: 503, bytes: 0, complete: true },
      { status: 200, bytes: 100_001, complete: true },
      { status: 200, bytes: 70_000, complete: false },
    ],
  );
});

test('latency and bandwidth shape every answer', async (t) => {
  const origin = await start(t, { latencyMs: 100, bytesPerSecond: 400_000 });
  const started = performance.now();
  const response = await fetch(`${origin.url}/vod/low_00000.ts`);
  const firstByteMs = performance.now() - started;
  assert.equal((await response.arrayBuffer()).byteLength, 100_000);
  const totalMs = performance.now() - started;
  assert.ok(firstByteMs >= 95, `first byte after ${firstByteMs} ms`);
  // 100 kB at 400 kB/s, less the last step, which is not waited for.
  assert.ok(totalMs >= 290 && totalMs < 20_000, `whole after ${totalMs} ms`);
});

test('closing frees the port and cuts open answers', async () => {
  const origin = await createOrigin({ mediaDir, bytesPerSecond: 1000 });
  const response = await fetch(`${origin.url}/vod/low_00000.ts`);
  await Promise.all([assert.rejects(response.arrayBuffer()), origin.close()]);
  const again = await createOrigin({ mediaDir, port: origin.port });
  await assert.rejects(createOrigin({ mediaDir, port: origin.port }), { code: 'EADDRINUSE' });
  await again.close();
});
