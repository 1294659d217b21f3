import assert from 'node:assert/strict';
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
        '/version/': (req, res) => {
          const build = new URL(req.url ?? '', 'http://page').searchParams.get('build');
          res.setHeader('Content-Type', 'text/html');
          res.end(pageWith(`/packages/${build}`));
        },
      });
      viewers = await relay(stage);
    });
    after(() => stage?.close());

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
  });
}

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
