/** A site built with each bundler, its viewers in a relay: `npm run test:sites`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createOrigin } from '../../demo/origin.mjs';
import { BUNDLERS, remember } from '../../scripts/lib/sites.mjs';
import { PAGES, Stage } from '../browser/stage.mjs';
import { addPage } from '../packaging/page.mjs';
import { Project } from '../packaging/project.mjs';
import { relay } from '../packaging/relay.mjs';

const FIXTURE = fileURLToPath(new URL('./bundlers', import.meta.url));

const MODULE = '<script type="module" src="/main.js"></script>';
const SCRIPT = '<script defer src="/main.js"></script>';
/** The build, as API.md says, copies hlsmesh.wasm alone. */
const COPIED = /^\/hlsmesh\.wasm$/;
const PARCEL = ['build', 'src/parcel.js', '--dist-dir', 'dist', '--no-cache'];

/**
 * `build`: the script that builds, or that starts a server and prints its address; `page`: what the page adds, unless the bundler
 * writes it; `wasm`: where the module comes from, null if the script holds it.
 * @type {Record<string, { build: string[], serves?: true, page?: string, wasm: RegExp | null }>}
 */
const SITES = {
  ...vite(7),
  ...vite(8),
  'webpack 5': { build: ['webpack.mjs', 'webpack'], page: SCRIPT, wasm: /^\/\w+\.wasm$/ },
  Rspack: { build: ['webpack.mjs', '@rspack/core'], page: SCRIPT, wasm: /^\/\w+\.wasm$/ },
  Rollup: { build: ['rollup.mjs', 'rollup'], page: MODULE, wasm: COPIED },
  Rolldown: { build: ['rollup.mjs', 'rolldown'], page: MODULE, wasm: COPIED },
  'esbuild, a module': { build: ['esbuild.mjs', 'esm'], page: MODULE, wasm: COPIED },
  'esbuild, a script': { build: ['esbuild.mjs', 'iife'], page: SCRIPT, wasm: COPIED },
  'Parcel 2': {
    build: ['node_modules/parcel/lib/bin.js', ...PARCEL],
    page: '<script defer src="/parcel.js"></script>',
    wasm: /^\/hlsmesh\.\w+\.wasm$/,
  },
};

/** @param {7 | 8} version */
function vite(version) {
  const build = ['vite.mjs', String(version)];
  const own = /^\/node_modules\/hlsmesh\/dist\/hlsmesh\.wasm$/;
  return {
    [`Vite ${version}`]: { build: [...build, 'app'], wasm: /^\/assets\/hlsmesh-[\w-]+\.wasm$/ },
    [`Vite ${version}, its server`]: { build: [...build, 'dev'], serves: true, wasm: own },
    [`Vite ${version}, its server in a workspace`]: {
      build: [...build, 'workspace'],
      serves: true,
      wasm: /\/node_modules\/hlsmesh\/dist\/hlsmesh\.wasm$/,
    },
    // It holds the module as data.
    [`Vite ${version}, a library`]: { build: [...build, 'es'], page: MODULE, wasm: null },
    [`Vite ${version}, a library as a script`]: {
      build: [...build, 'iife'],
      page: SCRIPT,
      wasm: version === 7 ? null : COPIED,
    },
  };
}

/** @type {Project | undefined} */
let project;
/** @type {Stage | undefined} */
let stage;
/** @type {import('../packaging/relay.mjs').Relay} */
let viewers;
/** @type {import('node:child_process').ChildProcess[]} */
const servers = [];
/** @type {Map<string, Awaited<ReturnType<typeof createOrigin>>>} */
const origins = new Map();

before(async () => {
  project = await Project.create(FIXTURE);
  const observe = path.join(PAGES, 'observe.js');
  await cp(observe, project.path('workspace/site/public/observe.js'));
});
after(async () => {
  await stage?.close();
  for (const server of servers) server.kill();
  for (const origin of origins.values()) await origin.close();
  await project?.remove();
});

test('every bundler that is listed is tried', () => {
  assert.deepEqual(
    Object.keys(SITES).sort(),
    BUNDLERS.filter(({ folder }) => folder === 'bundlers')
      .map(({ name }) => name)
      .sort(),
  );
});

// All of them first: a build takes both cores from pages that play.
describe('a site that installed the tarball is built', { concurrency: false }, () => {
  for (const [name, { build, page }] of Object.entries(SITES).filter(([, site]) => !site.serves)) {
    test(name, async () => {
      const dir = await /** @type {Project} */ (project).build(name, build[0], ...build.slice(1));
      if (page) await addPage(dir, page);
      origins.set(name, await createOrigin({ routes: { '/': dir } }));
    });
  }
});

describe('a viewer of that site takes segments from another and serves the next', () => {
  before(async () => {
    stage = await Stage.open();
    viewers = await relay(stage);
  });

  for (const [name, { build, serves, wasm }] of Object.entries(SITES)) {
    test(name, () =>
      remember(name, async () => {
        if (!serves) return plays(name, `${origins.get(name)?.url}/index.html`, wasm);
        const server = /** @type {Project} */ (project).start(build[0], ...build.slice(1));
        // Not before all have played: a page that loses its server waits for the next one on that port, and loads itself again.
        servers.push(server);
        const [url] = await once(createInterface({ input: server.stdout }), 'line');
        await plays(name, url, wasm);
      }),
    );
  }
});

/** @param {string} name @param {string} page @param {RegExp | null} wasm */
async function plays(name, page, wasm) {
  const viewer = await viewers.next({ name: name.replace(/\W+/g, '-'), page });
  const names = await viewer.page.evaluate(() =>
    performance.getEntriesByType('resource').map((entry) => entry.name),
  );
  const found = names.find((url) => url.endsWith('.wasm'));
  if (wasm === null) assert.equal(found, undefined);
  else assert.match(new URL(found ?? 'none:').pathname, wasm);
  // A file of its own too.
  if (wasm !== COPIED) {
    const { text } = await viewer.page.evaluate(() => {
      const { diagnose } = /** @type {any} */ (globalThis);
      return diagnose ? diagnose(mesh) : mesh.diagnose();
    });
    assert.match(text, /^- hlsJs: /m);
  }
}
