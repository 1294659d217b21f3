/** Mistakes of a page, and what it does to its mesh, in real browsers: its video plays, and the mistake is reported. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { withFirefox } from './firefox.mjs';
import { LOWEST, Stage } from './stage.mjs';

const SRC = '/vod/240p.m3u8';

/** Nobody listens on the discard port. */
const NOWHERE = 'ws://127.0.0.1:9/';

/** @param {string} script */
const page = (script) => `<!doctype html>
<meta charset="utf-8" />
<title>A page and its mistakes</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline width="426" height="240"></video>
<script src="/vendor/hls.min.js"></script>
<script src="/dist/hlsmesh.js"></script>
<script src="/pages/observe.js"></script>
${script}
`;

/**
 * In the order of README, without a try; the player is in a Proxy. Deeper in one hls.js does not play, with a mesh or without.
 * @param {string} options
 * @param {string} [wrap] what becomes of the mesh `of`
 */
const inOrder = (options, wrap = 'of') => `<script>
  const wrap = (of) => ${wrap};
  const query = new URLSearchParams(location.search);
  const video = document.getElementById('video');
  globalThis.warnings = [];
  globalThis.details = [];
  globalThis.sources = {};
  globalThis.hls = new Proxy(new Hls(${JSON.stringify(LOWEST)}), {});
  globalThis.mesh = wrap(HlsMesh.attach(hls, ${options}));
  mesh.on('warning', ({ code, message }) => warnings.push(code + ': ' + message));
  mesh.on('segment', ({ url, source }) => (sources[url] = source));
  hls.loadSource(query.get('src'));
  hls.attachMedia(video);
  video.play();
  // As analytics do; of either kind of request.
  hls.on(Hls.Events.FRAG_LOADED, (_, { frag, networkDetails: of }) => {
    const { status, ok, readyState, responseURL } = of;
    const length = [of.getResponseHeader('Content-Length'), of.headers?.get('content-length')];
    const missing = of.getResponseHeader('x-cache');
    const all = of.getAllResponseHeaders();
    details.push({ frag: frag.url, status, ok, readyState, responseURL, length, missing, all });
  });
</script>`;

/** Vue 3's `reactive` in short: objects that plain data is made of come out wrapped, functions are called on the wrapper. */
const REACTIVE = `(function reactive(target) {
    if (!['Object', 'Array'].includes(Object.prototype.toString.call(target).slice(8, -1))) return target;
    return new Proxy(target, {
      get(of, key, receiver) {
        const value = Reflect.get(of, key, receiver);
        const fixed = Object.getOwnPropertyDescriptor(of, key)?.configurable === false;
        return value && typeof value === 'object' && !fixed ? reactive(value) : value;
      },
    });
  })(of)`;

/** A page in which the snippets of the README run: without MediaSource, if the test wants that. */
const NATIVE = `<script>
  globalThis.made = 0;
  globalThis.seenHls = (Hls) => {
    if (globalThis.native) Hls.isSupported = () => false;
    return class extends Hls {
      constructor(...args) {
        super(...args);
        globalThis.made++;
      }
    };
  };
</script>`;

/**
 * README's first snippet of a kind, as it stands there but for the addresses.
 * @param {string} kind
 * @param {string} src
 * @param {string} tracker
 */
async function readmePage(kind, src, tracker) {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const code = new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``).exec(readme)?.[1] ?? '';
  const here = code
    .replace('https://cdn.example/hls.js', '/vendor/hls.min.js')
    .replace('https://cdn.example/hlsmesh.js', '/dist/hlsmesh.js')
    .replace(/https:\/\/cdn\.example\/\S+?(?=')/, src)
    .replace('wss://tracker.example', tracker)
    .replace(
      "import Hls from 'hls.js'",
      "import Plain from '/vendor/hls.mjs';\nconst Hls = seenHls(Plain)",
    )
    .replace("from 'hlsmesh'", "from '/dist/hlsmesh.mjs'");
  assert.ok(here.includes(src) && here.includes(tracker), here);
  const body =
    kind === 'js'
      ? `<video></video>\n<script type="module">${here}</script>`
      : here.replace('<video', '<script>Hls = seenHls(Hls);</script>\n<video');
  return `<!doctype html>\n<meta charset="utf-8" />\n<link rel="icon" href="data:," />\n${NATIVE}\n${body}`;
}

/** @type {Record<string, string>} */
const PAGES = {
  '/unset/': page(inOrder('{ tracker: undefined }')),
  '/wrong/': page(
    inOrder(
      `{ tracker: [query.get('tracker'), 'tracker.example'], iceServers: [], maxParents: '4', uplaod: false }`,
    ),
  ),
  '/local/': page(`<script>
    const query = new URLSearchParams(location.search);
    (async () => {
      const src = query.get('src');
      const text = await (await fetch(src)).text();
      const absolute = text.replace(/^(?!#).+$/gm, (line) => new URL(line, src).href);
      const type = 'application/vnd.apple.mpegurl';
      const url =
        query.get('scheme') === 'blob'
          ? URL.createObjectURL(new Blob([absolute], { type }))
          : 'data:' + type + ';base64,' + btoa(absolute);
      query.set('src', url);
      history.replaceState(null, '', '?' + query);
      watch(Hls, HlsMesh);
    })();
  </script>`),
  '/proxies/': page(inOrder(`{ tracker: query.get('tracker'), iceServers: [] }`, REACTIVE)),
};

describe('a page that is not as it should be', { concurrency: false }, () => {
  /** @type {Stage} */
  let stage;

  before(async () => {
    const routes = Object.fromEntries(
      Object.entries(PAGES).map(([path, html]) => [
        path,
        /** @type {import('../../demo/origin.mjs').Handler} */
        ((_, res) => res.setHeader('Content-Type', 'text/html').end(html)),
      ]),
    );
    stage = await Stage.open({
      ...routes,
      '/readme/': async (req, res) => {
        const { searchParams } = new URL(req.url ?? '', 'http://page');
        const kind = searchParams.get('kind') ?? '';
        res.setHeader('Content-Type', 'text/html');
        res.end(await readmePage(kind, `${stage.origin.url}${SRC}`, stage.tracker?.url ?? ''));
      },
      '/policy/': (req, res) => {
        const allowed = new URL(req.url ?? '', 'http://page').searchParams.get('allowed');
        res.setHeader('Content-Security-Policy', `connect-src 'self' ${allowed}`);
        res.setHeader('Content-Type', 'text/html');
        res.end(page('<script>watch(Hls, HlsMesh);</script>'));
      },
    });
    // Slower than peers connect.
    stage.origin.onRequest = ({ path }) => (path.endsWith('.ts') ? { delayMs: 200 } : undefined);
  });
  after(() => stage?.close());

  /** @param {import('./stage.mjs').Viewer} viewer @returns {Promise<string[]>} */
  const warnings = ({ page }) => page.evaluate(() => /** @type {any} */ (globalThis).warnings);

  test('B8: the tracker comes from a variable that is not set: it plays and says so', async () => {
    const viewer = await stage.viewer({ name: 'unset', src: SRC, page: '/unset/' });
    await viewer.plays(2);
    const said = await warnings(viewer);
    assert.equal(said.length, 1);
    assert.match(said[0], /^options: option tracker is undefined; it must be the tracker's/);
    const { enabled, own } = await viewer.page.evaluate(() => ({
      enabled: mesh.enabled,
      own: hls.config.fLoader === undefined,
    }));
    assert.deepEqual({ enabled, own }, { enabled: false, own: true });
    await viewer.close();
  });

  test('B8, B9, F8: wrong options are left out, and player and mesh in proxies share like others', async () => {
    const first = await stage.viewer({ name: 'wrong', src: SRC, page: '/wrong/' });
    await first.plays(2);
    const said = await warnings(first);
    assert.equal(said.length, 3);
    assert.match(said.join(), /maxParents is "4".*did you mean upload.*tracker\[1\] is "tracker/s);
    const second = await stage.viewer({ name: 'proxies', src: SRC, page: '/proxies/' });
    await second.page.waitForFunction(() => mesh.stats.p2pSegments > 0 && mesh.peers.length > 0);
    await second.plays(1);
    const { details, sources, bytes } = await second.page.evaluate(() => ({
      details: /** @type {any} */ (globalThis).details.filter((/** @type {any} */ of) => of.ok),
      sources: /** @type {any} */ (globalThis).sources,
      bytes: mesh.stats.p2pBytes,
    }));
    const ofPeers = details.filter((/** @type {any} */ { frag }) => sources[frag] === 'peer');
    assert.ok(bytes > 0 && ofPeers.length > 0, 'F8: what came from a peer has details');
    for (const { frag, status, readyState, responseURL, length, missing, all } of details) {
      assert.deepEqual(
        { status, readyState, responseURL },
        { status: 200, readyState: 4, responseURL: frag },
      );
      assert.ok(Number(length[0]) > 1000);
      assert.deepEqual([length[1], missing], [length[0], null]);
      // The origin said more about what it sent than that.
      if (sources[frag] === 'peer') assert.equal(all, `content-length: ${length[0]}\r\n`);
      else assert.match(all, /^content-type: video\/mp2t\r$/m);
    }
    const left = await second.page.evaluate(() => {
      const { enabled, channel } = mesh;
      mesh.update({ upload: false });
      hls.stopLoad();
      hls.startLoad();
      mesh.detach();
      const own = hls.config.fLoader === undefined;
      hls.destroy();
      return { enabled, upload: mesh.upload, own, channel: new URL(channel).pathname };
    });
    assert.deepEqual(left, { enabled: true, upload: false, own: true, channel: SRC });
    assert.deepEqual(await warnings(second), []);
    for (const viewer of [first, second]) await viewer.close();
  });

  for (const [kind, native] of /** @type {const} */ ([
    ['html', false],
    ['html', true],
    ['js', false],
    ['js', true],
  ])) {
    const branch = native ? 'the branch for browsers that play HLS themselves' : 'hls.js';
    test(`F7: the snippet in README, as ${kind}: ${branch}`, async () => {
      const viewer = await stage.page({
        name: 'readme',
        init: native ? () => Object.assign(globalThis, { native: true }) : undefined,
      });
      await viewer.goto(new URL(`/readme/?kind=${kind}&src=${SRC}`, stage.origin.url).href);
      const video = viewer.locator('video');
      if (native) {
        await viewer.waitForFunction(
          (src) => document.querySelector('video')?.src.endsWith(src),
          SRC,
        );
        assert.deepEqual(await viewer.evaluate(() => /** @type {any} */ (globalThis).made), 0);
      } else {
        await video.evaluate((/** @type {HTMLVideoElement} */ element) => {
          element.muted = true;
          return element.play();
        });
        await viewer.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1);
        const loaded = await viewer.evaluate(() =>
          performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname),
        );
        assert.ok(loaded.includes('/dist/hlsmesh.wasm'), `loaded ${loaded.join(' ')}`);
      }
      await viewer.context().close();
    });
  }

  for (const scheme of ['blob', 'data']) {
    test(`C6: a ${scheme}: playlist is shared with the option channel, and without it somebody says so`, async () => {
      const query = { scheme };
      const options = { channel: `one for ${scheme}` };
      const alone = await stage.viewer({ name: 'alone', src: SRC, page: '/local/', query });
      await alone.waitForEvent('warning', { code: 'channel' });
      await alone.plays(1);
      const { events } = await alone.seen();
      const names = events.map((/** @type {any} */ e) => e.name);
      assert.equal(names.filter((/** @type {string} */ name) => name === 'warning').length, 1);
      assert.ok(!names.includes('tracker'), 'a tracker was asked for others');
      const what = { src: SRC, page: '/local/', query, options };
      const first = await stage.viewer({ name: 'first', ...what });
      await first.plays(2);
      const second = await stage.viewer({ name: 'second', ...what });
      await second.waitForEvent('segment', { source: 'peer' });
      for (const viewer of [alone, first, second]) await viewer.close();
    });
  }

  for (const browser of ['Chromium', 'Firefox']) {
    test(`B10: ${browser}: a tracker that the page's policy does not allow is left at once for the next`, async () => {
      const url = stage.tracker?.url ?? '';
      const play = async (/** @type {import('playwright-core').Browser} */ firefox) => {
        const viewer = await stage.viewer({
          name: 'policy',
          src: SRC,
          page: '/policy/',
          query: { allowed: new URL(url).origin },
          options: { tracker: [NOWHERE, url] },
          ...(browser === 'Firefox' && { browser: firefox }),
        });
        await viewer.waitForEvent('tracker', { state: 'connected' });
        const { events } = await viewer.seen();
        const [away, there] = events.filter((/** @type {any} */ e) => e.name === 'tracker');
        assert.equal(away.state, 'disconnected');
        assert.equal(away.url, NOWHERE);
        // Without a word from the socket, 15 seconds would pass first.
        assert.ok(
          there.at - away.at < 5000,
          `the next tracker was there ${there.at - away.at} ms later`,
        );
        assert.ok(away.at < 15_000, `noticed ${away.at} ms after the page began`);
        const said = events.filter((/** @type {any} */ e) => e.name === 'warning');
        assert.equal(said.length, 1);
        assert.equal(said[0].code, 'tracker-unreachable');
        assert.match(said[0].message, /Content Security Policy \(connect-src\)/);
        await viewer.plays(1);
        await viewer.close();
      };
      if (browser === 'Firefox') await withFirefox(play);
      else await play(/** @type {any} */ (null));
    });
  }
});
