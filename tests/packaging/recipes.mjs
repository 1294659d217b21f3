import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { createOrigin } from '../../demo/origin.mjs';
import { Stage } from '../browser/stage.mjs';

/** @typedef {import('playwright-core').Page} Page */

const RECIPES = new URL('../../docs/RECIPES.md', import.meta.url);
const SRC = '/vod/240p.m3u8';

/** Around what docs/RECIPES.md says of Plyr: the names that it takes for granted. */
const plyrPage = (/** @type {string} */ recipe) => `import Hls from 'hls.js';
import { HlsMesh as sdk } from 'hlsmesh';
import Plyr from 'plyr';

const query = new URLSearchParams(location.search);
const source = query.get('src');
const tracker = query.get('tracker');
const video = document.body.appendChild(document.createElement('video'));
const HlsMesh = {
  attach(...args) {
    const mesh = sdk.attach(...args);
    mesh.on('stats', (stats) => (globalThis.stats = stats));
    return mesh;
  },
};
${recipe.replace("'wss://tracker.example'", 'tracker')}
globalThis.player = player;
`;

/** @param {() => import('./project.mjs').Project} project */
export function recipeTests(project) {
  describe('what docs/RECIPES.md has for libraries plays, and takes segments from another viewer', () => {
    /** @type {Stage | undefined} */
    let stage;
    /** @type {Awaited<ReturnType<typeof createOrigin>> | undefined} */
    let site;

    before(async () => {
      const recipes = await readFile(RECIPES, 'utf8');
      const write = (/** @type {string} */ name, /** @type {string} */ code) =>
        writeFile(project().path(`recipes/${name}`), code);
      await write('react-component.jsx', codeAfter(recipes, '## React'));
      await write('plyr.js', plyrPage(codeAfter(recipes, '**Plyr**')));
      const dir = await project().build('recipes', 'recipes/esbuild.mjs');
      for (const name of ['react', 'plyr']) {
        const page = `<!doctype html>\n<title>${name}</title>\n<body><script type="module" src="/${name}.js"></script>\n`;
        await writeFile(`${dir}/${name}.html`, page);
      }
      site = await createOrigin({ routes: { '/': dir } });
      stage = await Stage.open();
      // Slower than peers connect.
      stage.origin.onRequest = ({ path }) => (path.endsWith('.ts') ? { delayMs: 200 } : undefined);
      const viewer = await stage.viewer({ name: 'first', src: SRC });
      await viewer.plays(3);
    });
    after(async () => {
      await stage?.close();
      await site?.close();
    });

    test('the React component, mounted twice by StrictMode, and unmounted', async () => {
      const page = await watched('react');
      await page.evaluate(() => /** @type {any} */ (globalThis).unmount());
      // The last of its connections is closed.
      await page.waitForFunction(() =>
        /** @type {any} */ (globalThis).connections.every(
          (/** @type {RTCPeerConnection} */ { connectionState }) => connectionState === 'closed',
        ),
      );
    });

    test('Plyr', async () => {
      const page = await watched('plyr');
      assert.equal(await page.locator('.plyr').count(), 1, 'the player is around the video');
    });

    /** @param {string} name @returns {Promise<Page>} of which segments came from the first viewer, and which plays */
    async function watched(name) {
      const { origin, tracker } = /** @type {Stage} */ (stage);
      const page = await /** @type {Stage} */ (stage).page({ name });
      const url = new URL(`/${name}.html`, site?.url);
      url.searchParams.set('src', new URL(SRC, origin.url).href);
      url.searchParams.set('tracker', tracker?.url ?? '');
      await page.goto(url.href);
      await page.locator('video').evaluate((/** @type {HTMLVideoElement} */ video) => {
        video.muted = true;
        return video.play();
      });
      await page.waitForFunction(
        () =>
          /** @type {any} */ (globalThis).stats?.p2pBytes > 0 &&
          /** @type {HTMLVideoElement} */ (document.querySelector('video')).currentTime > 1,
      );
      return page;
    }
  });
}

/**
 * The first block of code after a mark.
 * @param {string} text
 * @param {string} mark
 */
function codeAfter(text, mark) {
  const from = text.indexOf(mark);
  const block = from < 0 ? null : /```\w+\n([\s\S]*?)```/.exec(text.slice(from));
  assert.ok(block, `docs/RECIPES.md has no code after ${mark}`);
  return block[1];
}
