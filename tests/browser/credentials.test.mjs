/**
 * A CDN that asks for cookies or headers, and one that will have none: requests are those of hls.js alone, in real Chromium.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseRange } from '../../demo/files.mjs';
import { SEGMENT_SECONDS, ensureStream } from '../../demo/stream.mjs';
import { Stage, loadErrors } from './stage.mjs';

const SEGMENTS = 10;
/** From this one on they are parts of one file. */
const FIRST_RANGE = 5;

/** Some seconds of buffer: most of the stream is asked for when a parent is there, however busy the machine. */
const SHORT = { maxBufferLength: 4, maxMaxBufferLength: 4 };

/**
 * @typedef {object} Site
 * @property {string} setup configuration of hls.js, as the page's script has it
 * @property {boolean} [elsewhere] the CDN is another origin than the page
 * @property {boolean} [cookies] the CDN admits nobody without the page's cookie
 * @property {boolean} [anybody] the CDN answers every origin, so browsers let no request with credentials have the answer
 * @property {boolean} [header] the CDN admits nobody without the page's header
 * @property {boolean} [parts] nothing is set up, so parts of segments are fetched
 */

/** @type {Record<string, Site>} */
const SITES = {
  'withCredentials of xhrSetup': {
    setup: '{ xhrSetup: (xhr) => { xhr.withCredentials = true; } }',
    elsewhere: true,
    cookies: true,
  },
  'credentials of fetchSetup': {
    setup:
      "{ loader: FetchLoader, fetchSetup: ({ url }, init) => new Request(url, { ...init, credentials: 'include' }) }",
    elsewhere: true,
    cookies: true,
  },
  'a header of xhrSetup, about which the browser asks first': {
    setup: "{ xhrSetup: (xhr) => xhr.setRequestHeader('Authorization', 'Bearer ' + name) }",
    elsewhere: true,
    header: true,
  },
  'a loader of the site’s own': {
    setup: `{ loader: class extends XhrLoader {
      openAndSendXhr(xhr, ...others) {
        xhr.withCredentials = true;
        super.openAndSendXhr(xhr, ...others);
      }
    } }`,
    elsewhere: true,
    cookies: true,
  },
  'no set-up, and a CDN that allows no credentials': {
    setup: '{}',
    elsewhere: true,
    anybody: true,
    parts: true,
  },
  'no set-up, and cookies at the page’s own origin': { setup: '{}', cookies: true, parts: true },
};

/** @param {string} setup */
const page = (setup) => `<!doctype html>
<meta charset="utf-8" />
<title>Credentials</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline></video>
<script src="/pages/observe.js"></script>
<script type="module">
  import Hls, { FetchLoader, XhrLoader } from '/vendor/hls.mjs';
  import { HlsMesh } from '/dist/hlsmesh.mjs';
  const name = navigator.userAgent.split('viewer/')[1];
  // Cookies of a host are those of all its ports.
  document.cookie = 'pass=' + name + '; path=/';
  class Player extends Hls {
    constructor(config) {
      super({ ...config, ...${setup} });
    }
  }
  watch(Player, HlsMesh);
</script>
`;

/** What differs from one request to the next whoever loads; browsers want no part of a compressed body. */
const OF_THE_REQUEST =
  /^(range|accept-encoding|referer|user-agent|connection|cache-control|pragma)$/;

/**
 * A request for media, with the viewer's own name in its credentials left out.
 * @typedef {{ viewer: string, method: string, name: string, range: string, says: string }} Asked
 */

class Cdn {
  /** @type {Asked[]} */
  asked = [];

  /** @param {Buffer[]} bodies */
  constructor(bodies) {
    this.bodies = bodies;
    this.film = Buffer.concat(bodies.slice(FIRST_RANGE));
  }

  static async create() {
    const dir = await ensureStream();
    const names = Array.from({ length: SEGMENTS }, (_, i) => `240p_${String(i).padStart(5, '0')}`);
    return new Cdn(await Promise.all(names.map((name) => readFile(path.join(dir, `${name}.ts`)))));
  }

  /** @param {string} name */
  body(name) {
    if (name === 'film.ts') return this.film;
    return this.bodies[Number(/^seg(\d+)\.ts$/.exec(name)?.[1] ?? -1)];
  }

  get playlist() {
    const lines = ['#EXTM3U', '#EXT-X-VERSION:4', `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`];
    for (const [index, { length }] of this.bodies.entries()) {
      lines.push(`#EXTINF:${SEGMENT_SECONDS},`);
      if (index < FIRST_RANGE) lines.push(`seg${index}.ts`);
      else lines.push(`#EXT-X-BYTERANGE:${length}${index > FIRST_RANGE ? '' : '@0'}`, 'film.ts');
    }
    return `${lines.join('\n')}\n#EXT-X-ENDLIST\n`;
  }

  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   */
  handler = (req, res) => {
    const { headers, method = '' } = req;
    const [, , site, name] = decodeURIComponent(req.url?.split('?')[0] ?? '').split('/');
    const { anybody, cookies, header } = SITES[site] ?? {};
    const viewer = / viewer\/(\S+)$/.exec(headers['user-agent'] ?? '')?.[1] ?? '';
    if (name.endsWith('.ts')) {
      const says = Object.entries(headers).filter(([key]) => !OF_THE_REQUEST.test(key));
      this.asked.push({
        ...{ viewer, method, name, range: headers.range ?? '' },
        says: JSON.stringify(Object.fromEntries(says)).replaceAll(viewer, 'NAME'),
      });
    }
    res.setHeader('Access-Control-Allow-Origin', anybody ? '*' : (headers.origin ?? 'null'));
    if (!anybody) res.setHeader('Access-Control-Allow-Credentials', 'true');
    res.setHeader('Access-Control-Expose-Headers', 'Content-Length, Content-Range');
    res.setHeader('Cache-Control', 'no-store');
    if (method === 'OPTIONS') {
      res.setHeader('Access-Control-Allow-Headers', 'Authorization, Range');
      return void res.writeHead(204).end();
    }
    const admitted =
      (!cookies || headers.cookie === `pass=${viewer}`) &&
      (!header || headers.authorization === `Bearer ${viewer}`);
    const found = name === 'master.m3u8' ? Buffer.from(this.playlist) : this.body(name);
    if (!admitted || !found) return void res.writeHead(admitted ? 404 : 403).end();
    const range = parseRange(headers.range, found.length);
    if (range === 'unsatisfiable') return void res.writeHead(416).end();
    const { start, length } = range ?? { start: 0, length: found.length };
    if (range) {
      res.setHeader('Content-Range', `bytes ${start}-${start + length - 1}/${found.length}`);
    }
    res.writeHead(range ? 206 : 200, { 'Content-Length': length });
    res.end(found.subarray(start, start + length));
  };
}

describe('what a CDN is asked with', { concurrency: 3 }, () => {
  /** @type {Cdn} */
  let cdn;
  /** @type {http.Server} */
  let server;
  /** @type {Stage} */
  let stage;

  before(async () => {
    cdn = await Cdn.create();
    server = http.createServer(cdn.handler);
    await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
    stage = await Stage.open({
      '/cdn/': cdn.handler,
      '/site/': (req, res) => {
        const site = decodeURIComponent(req.url?.split('?')[0] ?? '').split('/')[2];
        res.setHeader('Content-Type', 'text/html');
        res.end(page(SITES[site].setup));
      },
    });
  });
  after(async () => {
    await stage?.close();
    server?.close();
    server?.closeAllConnections();
  });

  /** @param {import('./stage.mjs').Viewer} viewer */
  async function assertBytes(viewer) {
    const seen = await viewer.seen();
    assert.deepEqual({ stalls: seen.stalls, errors: loadErrors(seen) }, { stalls: [], errors: [] });
    const came = seen.fragments.filter((/** @type {any} */ each) => each.sha256);
    assert.ok(came.length >= 4, `${viewer.name} loaded ${came.length} segments`);
    for (const { url, from, to, sha256 } of came) {
      const body = cdn.body(new URL(url).pathname.split('/').at(-1) ?? '');
      const part = body.subarray(from, to || undefined);
      assert.equal(sha256, createHash('sha256').update(part).digest('hex'), `digest of ${url}`);
    }
  }

  for (const [name, site] of Object.entries(SITES)) {
    test(name, async () => {
      const folder = `/cdn/${encodeURIComponent(name)}/`;
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      const base = site.elsewhere ? `http://127.0.0.1:${port}` : stage.origin.url;
      const number = Object.keys(SITES).indexOf(name);
      const watch = (/** @type {string} */ who, /** @type {object} */ more = {}) =>
        stage.viewer({
          name: `${who}${number}`,
          src: `${base}${folder}master.m3u8`,
          page: `/site/${encodeURIComponent(name)}/`,
          options: { checks: 1 },
          ...more,
        });
      const asked = (/** @type {import('./stage.mjs').Viewer} */ viewer) =>
        cdn.asked.filter((each) => each.viewer === viewer.name);

      const plain = await watch('plain', { query: { plain: '1' } });
      const one = await watch('one');
      for (const { page } of [plain, one]) {
        await page.waitForFunction((all) => globalThis.seen?.fragments.length >= all, SEGMENTS);
      }
      const two = await watch('two', { config: SHORT });
      await two.waitForEvent('segment', { source: 'peer' });
      await two.page.waitForFunction((all) => globalThis.seen.fragments.length >= all, SEGMENTS);
      for (const viewer of [plain, one, two]) await assertBytes(viewer);
      assert.ok((await two.stats()).p2pBytes > 0);

      const shapes = (/** @type {Asked[]} */ list) =>
        [...new Set(list.map(({ method, says }) => `${method} ${says}`))].sort();
      const expected = shapes(asked(plain));
      assert.equal(expected.length, site.header ? 2 : 1, expected.join('\n'));
      assert.deepEqual(shapes(asked(one)), expected);
      assert.deepEqual(shapes(asked(two)), expected);
      assert.equal(expected.join().includes('"cookie":"pass=NAME"'), Boolean(site.cookies));

      // hls.js asks for segments and for nothing else; parts of them are asked for where nothing is set up, for spot checks above all.
      const wanted = new Set(asked(plain).map((each) => `${each.name} ${each.range}`));
      const others = asked(two).filter((each) => !wanted.has(`${each.name} ${each.range}`));
      const { checks } = await two.stats();
      assert.equal(others.length > 0, Boolean(site.parts), JSON.stringify(others));
      assert.equal(checks > 0, Boolean(site.parts), `${checks} checks`);
      for (const viewer of [plain, one, two]) await viewer.close();
    });
  }

  test('a page that sends credentials where none are allowed fails as without a mesh', async () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const none = encodeURIComponent('no set-up, and a CDN that allows no credentials');
    const src = `http://127.0.0.1:${port}/cdn/${none}/master.m3u8`;
    const where = { src, page: `/site/${encodeURIComponent('withCredentials of xhrSetup')}/` };
    const plain = await stage.viewer({ name: 'plain', ...where, query: { plain: '1' } });
    const ours = await stage.viewer({ name: 'ours', ...where });
    const failures = await Promise.all(
      [plain, ours].map(async (viewer) => {
        await viewer.page.waitForFunction(() =>
          globalThis.seen?.errors.some((/** @type {any} */ e) => e.fatal),
        );
        return (await viewer.seen()).errors;
      }),
    );
    assert.deepEqual(failures[1], failures[0]);
  });
});
