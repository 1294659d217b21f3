import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { createOrigin } from '../../demo/origin.mjs';
import { Stage } from '../browser/stage.mjs';
import { component, playerRecipe } from './recipe-blocks.mjs';

/** @typedef {import('playwright-core').Page} Page */

const SRC = '/vod/240p.m3u8';

/** The page's module, whose mesh the test looks at. @param {string} code */
const observed = (code) => `${code.replace("'hlsmesh'", "'./observed.js'")}
globalThis.player = player;
`;

const OBSERVED = `import { HlsMesh as sdk } from 'hlsmesh';
export const HlsMesh = {
  attach(...args) {
    const mesh = sdk.attach(...args);
    mesh.on('stats', (stats) => (globalThis.stats = stats));
    return mesh;
  },
};
`;

/** @param {() => import('./project.mjs').Project} project */
export function recipeTests(project) {
  describe('what docs/RECIPES.md has for libraries plays, and takes segments from another viewer', () => {
    /** @type {Stage | undefined} */
    let stage;
    /** @type {Awaited<ReturnType<typeof createOrigin>> | undefined} */
    let site;

    before(async () => {
      const write = (/** @type {string} */ name, /** @type {string} */ code) =>
        writeFile(project().path(`recipes/${name}`), code);
      const plyr = playerRecipe('**Plyr**');
      await write('react-component.jsx', component('### React', 'jsx'));
      await write('observed.js', OBSERVED);
      await write('plyr.js', observed(plyr.code));
      const dir = await project().build('recipes', 'recipes/esbuild.mjs');
      for (const [name, markup] of [
        ['react', ''],
        ['plyr', plyr.markup],
      ]) {
        const page = `<!doctype html>\n<title>${name}</title>\n<body>${markup}<script type="module" src="/${name}.js"></script>\n`;
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
