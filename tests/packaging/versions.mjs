import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Stage } from '../browser/stage.mjs';
import { relay } from './relay.mjs';

/** The newest patch of each minor version in the peer dependency's range, and the build without subtitles and DRM. */
const BUILDS = [
  ['hls.js 1.4', 'hls.js-1.4/dist/hls.min.js'],
  ['hls.js 1.5', 'hls.js-1.5/dist/hls.min.js'],
  ['hls.js 1.6', 'hls.js-1.6/dist/hls.min.js'],
  ['hls.js 1.7', 'hls.js/dist/hls.min.js'],
  ['hls.js 1.7 light', 'hls.js/dist/hls.light.min.js'],
  ['hls.js 1.4 light', 'hls.js-1.4/dist/hls.light.min.js'],
];

/** Versions before the range, whose playback a mesh would break. */
const OLD = [
  ['0.14', 'hls.js-0.14/dist/hls.min.js'],
  ['1.0', 'hls.js-1.0/dist/hls.min.js'],
  ['1.3', 'hls.js-1.3/dist/hls.min.js'],
];

/** @param {() => import('./project.mjs').Project} project */
export function versionTests(project) {
  describe('a viewer with another hls.js takes segments from one and serves the next', () => {
    /** @type {Stage | undefined} */
    let stage;
    /** @type {import('./relay.mjs').Relay} */
    let viewers;

    before(async () => {
      stage = await Stage.open({
        '/packages/': project().path('node_modules'),
        '/alone/': (req, res) => {
          const build = new URL(req.url ?? '', 'http://page').searchParams.get('build');
          res.setHeader('Content-Type', 'text/html');
          res.end(scriptPage(`/packages/${build}`, LEFT_ALONE));
        },
        '/vue/': (_, res) => {
          res.setHeader('Content-Type', 'text/html');
          res.end(scriptPage('/packages/hls.js/dist/hls.min.js', IN_VUE));
        },
        '/version/': (req, res) => {
          const build = new URL(req.url ?? '', 'http://page').searchParams.get('build');
          res.setHeader('Content-Type', 'text/html');
          res.end(pageWith(`/packages/${build}`));
        },
      });
      viewers = await relay(stage);
    });
    after(() => stage?.close());

    for (const [version, build] of OLD) {
      test(`B7: hls.js ${version} is left alone, says so, and plays`, async () => {
        const viewer = await /** @type {Stage} */ (stage).viewer({
          name: `old-${version}`,
          page: '/alone/',
          query: { build },
        });
        await viewer.plays(3);
        const { seen, own, enabled } = await viewer.page.evaluate(() => {
          const { warnings, before, hls } = /** @type {any} */ (globalThis);
          return { seen: warnings, own: hls.config.fLoader === before, enabled: mesh.enabled };
        });
        assert.deepEqual({ own, enabled }, { own: true, enabled: false });
        assert.equal(seen.length, 1);
        assert.match(
          seen[0],
          new RegExp(`^hls-version hls\\.js ${version}\\.\\d+ is not .* 1\\.4 to 1\\.7`),
        );
        await viewer.close();
      });
    }

    for (const [name, build] of BUILDS) {
      test(name, async () => {
        const viewer = await viewers.next({
          name: name.replace(/\W+/g, '-'),
          page: '/version/',
          query: { build },
        });
        const version = await viewer.page.evaluate(
          () => /** @type {any} */ (globalThis).Hls.version,
        );
        assert.ok(version.startsWith(name.split(' ')[1]), `it is ${version}`);
      });
    }

    // In a channel of its own. What hls.js tells of segments is not the same in all versions.
    test(`A6: the word of ${BUILDS[0][0]} on half a segment drops the parent that sent it`, async () => {
      const theirs = /** @type {Stage} */ (stage);
      const src = '/plain/vod/240p.m3u8';
      const rogue = await theirs.rogue({ mode: 'packets', level: 1, src });
      const viewer = await theirs.viewer({
        name: 'packets',
        page: '/version/',
        query: { build: BUILDS[0][1] },
        src,
        // Which would find it out first.
        options: { checks: 0 },
        config: { maxBufferLength: 8, maxMaxBufferLength: 8 },
      });
      await rogue.waitForFunction(() => globalThis.rogue.errors > 0);
      await viewer.plays(4);
      const { fragments } = await viewer.seen();
      const known = fragments.filter((/** @type {any} */ { sha256 }) => sha256);
      const truth = await Promise.all(
        known.map(async (/** @type {any} */ { url, sha256: had }) => {
          const body = Buffer.from(await (await fetch(url)).arrayBuffer());
          return had === createHash('sha256').update(body).digest('hex');
        }),
      );
      // hls.js may ask for the next segment, which came meanwhile, before it says what it thinks of the first.
      const lies = truth.filter((same) => !same).length;
      assert.ok(lies === 1 || lies === 2, `${lies} of ${truth.length} segments were not the CDN's`);
      assert.ok(truth.at(-1));
      await Promise.all([rogue.context().close(), viewer.close()]);
    });

    // The last one: nobody takes anything from a viewer that has detached.
    test('B9: in reactive() and ref() of Vue 3', async () => {
      // Attached late, the page's observer leaves the loader alone.
      const viewer = await viewers.next({ name: 'vue', page: '/vue/', query: { late: '1' } });
      const told = await viewer.page.evaluate(() => {
        const { state, boxed, hls } = /** @type {any} */ (globalThis);
        state.mesh.upload = false;
        boxed.value.update({ maxChildren: 2 });
        const { stats, channel, upload } = boxed.value;
        const share = stats.p2pBytes > 0 && channel !== '';
        state.mesh.detach();
        return { share, upload, left: hls.config.fLoader === undefined };
      });
      assert.deepEqual(told, { share: true, upload: false, left: true });
    });
  });
}

/** @param {string} hlsJs @param {string} scripts */
const scriptPage = (hlsJs, scripts) => `<!doctype html>
<meta charset="utf-8" />
<title>A page of its own</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline width="426" height="240"></video>
<script src="${hlsJs}"></script>
<script src="/packages/hlsmesh/dist/hlsmesh.js"></script>
${scripts}
`;

const LEFT_ALONE = `<script>
  const query = new URLSearchParams(location.search);
  const video = document.getElementById('video');
  globalThis.warnings = [];
  globalThis.hls = new Hls({ startLevel: 0 });
  globalThis.before = hls.config.fLoader;
  globalThis.mesh = HlsMesh.attach(hls, { tracker: query.get('tracker') });
  mesh.on('warning', ({ code, message }) => warnings.push(code + ' ' + message));
  hls.loadSource(query.get('src'));
  hls.attachMedia(video);
  video.play();
</script>`;

const IN_VUE = `<script src="/packages/vue/dist/vue.global.prod.js"></script>
<script src="/pages/observe.js"></script>
<script>
  // The player goes to attach() in a proxy of Vue's too.
  globalThis.state = Vue.reactive({});
  watch(Hls, {
    attach(player, options) {
      state.hls = player;
      state.mesh = HlsMesh.attach(state.hls, options);
      globalThis.boxed = Vue.ref(state.mesh);
      return state.mesh;
    },
  });
</script>`;

/** @param {string} hlsJs */
const pageWith = (hlsJs) => `<!doctype html>
<meta charset="utf-8" />
<title>Another hls.js</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline width="426" height="240"></video>
<script src="${hlsJs}"></script>
<script src="/packages/hlsmesh/dist/hlsmesh.js"></script>
<script src="/pages/observe.js"></script>
<script>
  watch(Hls, HlsMesh);
</script>
`;
