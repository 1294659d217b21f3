/** The components of docs/RECIPES.md in frameworks with a builder of their own: `npm run test:sites`. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createOrigin } from '../../demo/origin.mjs';
import { remember } from '../../scripts/lib/sites.mjs';
import { Stage } from '../browser/stage.mjs';
import { Project } from '../packaging/project.mjs';
import { component } from '../packaging/recipe-blocks.mjs';
import { CDN_DELAY_MS, SRC, observed, watched } from './watch.mjs';

/**
 * `files`: what the site has of the docs, and of the test; `observed` is the module in hlsmesh's place. `built`: the folder.
 * @type {Record<string, { folder: string, files: Record<string, string>, build: string[], built: string }>}
 */
const SITES = {
  'Next.js': {
    folder: 'next',
    files: {
      'components/Player.jsx': `'use client';\n${observing('### React', 'jsx')}`,
      'components/observed.js': observed('hlsmesh'),
    },
    build: ['node_modules/next/dist/bin/next', 'build'],
    built: 'dist',
  },
  Nuxt: {
    folder: 'nuxt',
    files: {
      'components/Player.vue': observing('### Vue', 'vue'),
      'components/observed.js': observed('hlsmesh'),
    },
    build: ['node_modules/nuxt/bin/nuxt.mjs', 'generate'],
    built: '.output/public',
  },
  Angular: {
    folder: 'angular',
    files: {
      'src/player.ts': observing('### Angular', 'ts'),
      'src/observed.ts': `// @ts-nocheck\n${observed('hlsmesh')}`,
    },
    build: ['node_modules/@angular/cli/bin/ng.js', 'build'],
    built: 'dist',
  },
};

/** @type {Stage | undefined} */
let stage;

before(async () => {
  stage = await Stage.open();
  stage.origin.onRequest = ({ path: file }) =>
    file.endsWith('.ts') ? { delayMs: CDN_DELAY_MS } : undefined;
  const viewer = await stage.viewer({ name: 'first', src: SRC });
  await viewer.plays(3);
  // It serves whoever comes, for as long as that takes.
  await viewer.page.evaluate(() => document.querySelector('video')?.setAttribute('loop', ''));
});
after(() => stage?.close());

describe('a component of docs/RECIPES.md is built, plays through hls.js, shares and ends', () => {
  for (const [name, { folder, files, build, built }] of Object.entries(SITES)) {
    test(name, () =>
      remember(name, async () => {
        const project = await Project.create(
          fileURLToPath(new URL(`./${folder}`, import.meta.url)),
        );
        /** @type {Awaited<ReturnType<typeof createOrigin>> | undefined} */
        let site;
        try {
          for (const [file, text] of Object.entries(files)) {
            await mkdir(path.dirname(project.path(file)), { recursive: true });
            await writeFile(project.path(file), text);
          }
          await project.node(build[0], ...build.slice(1));
          site = await createOrigin({ routes: { '/': project.path(built) } });
          await watched(/** @type {Stage} */ (stage), { name, page: `${site.url}/index.html` });
        } finally {
          await site?.close();
          await project.remove();
        }
      }),
    );
  }
});

/** @param {string} mark @param {string} language */
function observing(mark, language) {
  return component(mark, language).replace("'hlsmesh'", "'./observed'");
}
