import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { createOrigin } from '../../demo/origin.mjs';
import { Stage } from '../browser/stage.mjs';
import { addPage } from './page.mjs';
import { relay } from './relay.mjs';

const VITE = 'node_modules/vite/bin/vite.js';
const ROLLUP = 'node_modules/rollup/dist/bin/rollup';

/**
 * The ways to build a site: `build` puts it into a folder, `page` is what its HTML adds unless the bundler writes that, and
 * `wasm` is where the module comes from.
 * @type {{
 *   name: string,
 *   build: (project: import('./project.mjs').Project, name: string) => Promise<string>,
 *   page?: string,
 *   wasm: RegExp,
 * }[]}
 */
const SITES = [
  {
    name: 'script tags',
    build: copyScripts,
    page: `<script src="/hls.min.js"></script>
<script src="/hlsmesh.js"></script>
<script>watch(Hls, HlsMesh);</script>`,
    wasm: /^\/hlsmesh\.wasm$/,
  },
  {
    name: 'script tags for ES2017',
    build: copyScripts,
    page: `<script src="/hls.min.js"></script>
<script src="/hlsmesh.es2017.js"></script>
<script>watch(Hls, HlsMesh);</script>`,
    wasm: /^\/hlsmesh\.wasm$/,
  },
  {
    name: 'Vite',
    build: (project, name) => project.build(name, VITE, 'build', '--logLevel', 'error'),
    wasm: /^\/assets\/hlsmesh-[\w-]+\.wasm$/,
  },
  {
    name: 'webpack 5',
    build: (project, name) => project.build(name, 'webpack.mjs'),
    page: '<script defer src="/main.js"></script>',
    wasm: /^\/[0-9a-f]+\.wasm$/,
  },
  {
    name: 'Rollup',
    build: (project, name) => project.build(name, ROLLUP, '-c', '--silent'),
    page: '<script type="module" src="/main.js"></script>',
    wasm: /^\/hlsmesh\.wasm$/,
  },
  {
    name: 'esbuild, a module',
    build: (project, name) => project.build(name, 'esbuild.mjs', 'esm'),
    page: '<script type="module" src="/main.js"></script>',
    wasm: /^\/hlsmesh\.wasm$/,
  },
  {
    name: 'esbuild, a script',
    build: (project, name) => project.build(name, 'esbuild.mjs', 'iife'),
    page: '<script src="/main.js"></script>',
    wasm: /^\/hlsmesh\.wasm$/,
  },
  {
    name: 'esbuild with its file loader',
    build: (project, name) => project.build(name, 'esbuild-loader.mjs'),
    page: '<script src="/main.js"></script>',
    wasm: /^\/hlsmesh-\w+\.wasm$/,
  },
];

/** @param {() => import('./project.mjs').Project} project */
export function bundlerTests(project) {
  /** @type {Map<string, Awaited<ReturnType<typeof createOrigin>>>} */
  const origins = new Map();

  // All of them first: a build takes both cores from pages that play.
  describe('a site that installed the tarball', { concurrency: false }, () => {
    for (const site of SITES) {
      test(`is built with ${site.name}`, async () => {
        const dir = await site.build(project(), site.name);
        if (site.page) await addPage(dir, site.page);
        origins.set(site.name, await createOrigin({ routes: { '/': dir } }));
      });
    }
  });

  describe('a viewer of that site takes segments from another and serves the next', () => {
    /** @type {Stage | undefined} */
    let stage;
    /** @type {import('./relay.mjs').Relay} */
    let viewers;

    before(async () => {
      stage = await Stage.open();
      viewers = await relay(stage);
    });
    after(async () => {
      await stage?.close();
      for (const origin of origins.values()) await origin.close();
    });

    for (const site of SITES) {
      test(site.name, async () => {
        const viewer = await viewers.next({
          name: site.name.replace(/\W+/g, '-'),
          page: `${origins.get(site.name)?.url}/index.html`,
        });
        assert.match(await wasmPath(viewer), site.wasm);
      });
    }

    test("Vite's development server", async () => {
      const server = project().start('vite-dev.mjs');
      try {
        const [url] = await once(createInterface({ input: server.stdout }), 'line');
        const viewer = await viewers.next({ name: 'vite-dev', page: url });
        assert.equal(await wasmPath(viewer), '/node_modules/hlsmesh/dist/hlsmesh.wasm');
      } finally {
        server.kill();
      }
    });
  });
}

/** @param {import('./project.mjs').Project} project @param {string} name */
async function copyScripts(project, name) {
  const dir = project.path(`built/${name}`);
  await mkdir(dir, { recursive: true });
  await cp(project.path('node_modules/hls.js/dist/hls.min.js'), path.join(dir, 'hls.min.js'));
  for (const file of ['hlsmesh.js', 'hlsmesh.es2017.js', 'hlsmesh.wasm']) {
    await cp(project.path(`node_modules/hlsmesh/dist/${file}`), path.join(dir, file));
  }
  return dir;
}

/** @param {import('../browser/stage.mjs').Viewer} viewer */
async function wasmPath(viewer) {
  const names = await viewer.page.evaluate(() =>
    performance.getEntriesByType('resource').map((entry) => entry.name),
  );
  return new URL(names.find((name) => name.endsWith('.wasm')) ?? 'none:').pathname;
}
