/** Every recipe of docs/RECIPES.md for a player or a framework that Vite builds: `npm run test:sites`. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createOrigin } from '../../demo/origin.mjs';
import { FRAMEWORKS, PLAYERS, remember } from '../../scripts/lib/sites.mjs';
import { Stage } from '../browser/stage.mjs';
import { Project } from '../packaging/project.mjs';
import {
  VIDEO,
  component,
  playerRecipe,
  plays,
  readmeModule,
} from '../packaging/recipe-blocks.mjs';
import { CDN_DELAY_MS, SRC, observed, watched } from './watch.mjs';

const FIXTURE = fileURLToPath(new URL('./players', import.meta.url));

/** A break for an advertisement in the sample stream, after two seconds; a stream of its own is played in it. */
const BREAK = '/break/240p.m3u8';
const ADVERTISEMENT = '/vod/360p.m3u8';

/**
 * How a page changes its source, unless it keeps the one that it has, and how it ends.
 * @type {Record<string, { change?: string, end: string }>} functions
 */
const TAILS = {
  'hls.js': {
    change: '(url) => meshes[0].hls.loadSource(url)',
    end: '() => meshes[0].hls.destroy()',
  },
  Plyr: {
    change: '(url) => hls.loadSource(url)',
    end: '() => { player.destroy(); hls.destroy(); }',
  },
  'Media Chrome': { change: '(url) => hls.loadSource(url)', end: '() => hls.destroy()' },
  'hls-video-element': {
    change: '(url) => (element.src = url)',
    end: "() => element.removeAttribute('src')",
  },
  'Video.js 10': { change: '(url) => (element.src = url)', end: '() => element.remove()' },
  'Video.js 8': {
    change: "(src) => player.src({ src, type: 'application/x-mpegURL' })",
    end: '() => player.dispose()',
  },
  Vidstack: {
    change: "(src) => (player.src = { src, type: 'application/vnd.apple.mpegurl' })",
    end: '() => player.destroy()',
  },
  Clappr: { change: '(url) => player.load(url)', end: '() => player.destroy()' },
  DPlayer: {
    change: "(url) => player.switchVideo({ url, type: 'shared' })",
    end: '() => player.destroy()',
  },
  ArtPlayer: { change: '(url) => player.switchUrl(url)', end: '() => player.destroy()' },
  xgplayer: { change: '(url) => (player.src = url)', end: '() => player.destroy()' },
  OpenPlayerJS: {
    change: "(src) => { player.src = [{ src, type: 'application/x-mpegURL' }]; player.load(); }",
    end: '() => player.destroy()',
  },
  'MediaElement.js': {
    change: "(src) => player.setSrc({ src, type: 'application/x-mpegURL' })",
    end: '() => player.remove()',
  },
  'A web component': {
    change: "(url) => document.querySelector('shared-video').setAttribute('src', url)",
    end: "() => document.querySelector('shared-video').remove()",
  },
  Interstitials: { end: '() => hls.destroy()' },
  'Two players on a page': { end: '() => players.forEach((hls) => hls.destroy())' },
};

/** Those of which Vite builds a page. */
const COMPONENTS = FRAMEWORKS.filter(({ folder }) => folder === 'players');

/** What the browser loaded by itself, as a player of HLS. @type {string[]} */
const byBrowser = [];

/** @type {Stage | undefined} */
let stage;
/** @type {Awaited<ReturnType<typeof createOrigin>> | undefined} */
let site;
/** @type {Project | undefined} */
let project;

before(async () => {
  project = await Project.create(FIXTURE);
  stage = await Stage.open({ '/break/': withBreak });
  stage.origin.onRequest = ({ path, headers }) => {
    if (headers['sec-fetch-dest'] === 'video') byBrowser.push(path);
    return path.endsWith('.ts') ? { delayMs: CDN_DELAY_MS } : undefined;
  };
  const dir = await built(project, new URL(SRC, stage.origin.url).href);
  site = await createOrigin({ routes: { '/': dir } });
  for (const src of [SRC, ADVERTISEMENT]) {
    const viewer = await stage.viewer({ name: `first${src}`, src });
    await viewer.plays(3);
    // It serves whoever comes, for as long as that takes.
    await viewer.page.evaluate(() => document.querySelector('video')?.setAttribute('loop', ''));
  }
});
after(async () => {
  await stage?.close();
  await site?.close();
  await project?.remove();
});

describe('what docs/RECIPES.md has plays through hls.js, shares, changes its source, and ends', () => {
  for (const { name } of [...PLAYERS, ...COMPONENTS]) {
    test(name, () =>
      remember(name, async () => {
        const page = `${site?.url}/${slug(name)}/index.html`;
        const streams = name === 'Interstitials' ? { src: BREAK, shared: ADVERTISEMENT } : {};
        await watched(/** @type {Stage} */ (stage), { name, page, ...streams });
        assert.deepEqual(byBrowser.splice(0), []);
      }),
    );
  }
});

/** @param {Project} project @param {string} source @returns {Promise<string>} the folder of the built pages */
async function built(project, source) {
  const write = async (/** @type {string} */ file, /** @type {string} */ text) => {
    const target = project.path(file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text);
  };
  await write('observed.js', observed('hlsmesh/dist/hlsmesh.mjs'));
  await write('components/Player.jsx', component('### React', 'jsx'));
  await write('components/Player.vue', component('### Vue', 'vue'));
  await write('components/Player.svelte', component('### Svelte', 'svelte'));
  for (const { name } of PLAYERS) {
    const { markup, code } =
      name === 'hls.js'
        ? { markup: VIDEO, code: plays(readmeModule) }
        : playerRecipe(`**${name}**`);
    const own = markup.replace('https://cdn.example/live/master.m3u8', source);
    await page(name, own, module(code, TAILS[name]));
  }
  for (const { name } of COMPONENTS) {
    await page(name, '<div id="app"></div>\n', `import '../mount-${slug(name)}.js';\n`);
  }
  return project.build('pages', 'build.mjs');

  async function page(
    /** @type {string} */ name,
    /** @type {string} */ markup,
    /** @type {string} */ code,
  ) {
    await write(`${slug(name)}/main.js`, code);
    await write(
      `${slug(name)}/index.html`,
      `<!doctype html>
<meta charset="utf-8" />
<title>${name}</title>
<link rel="icon" href="data:," />
<body>
${markup}<script type="module" src="main.js"></script>
`,
    );
  }
}

/** @param {string} code @param {{ change?: string, end: string }} tail */
const module = (code, { change, end }) =>
  `${code}
Object.assign(globalThis, { ${change ? `change: ${change}, ` : ''}end: ${end} });
`;

/**
 * The sample stream with a break.
 * @param {import('node:http').IncomingMessage} _
 * @param {import('node:http').ServerResponse} res
 */
async function withBreak(_, res) {
  const vod = new URL(SRC, stage?.origin.url).href;
  const advertisement = new URL(ADVERTISEMENT, vod).href;
  const start = Date.UTC(2026, 0, 1);
  const date = (/** @type {number} */ seconds) => new Date(start + seconds * 1000).toISOString();
  const playlist = (await (await fetch(vod)).text())
    .replace(/^[^#\n].*/gm, (name) => new URL(name, vod).href)
    .replace(
      '#EXTINF',
      `#EXT-X-PROGRAM-DATE-TIME:${date(0)}
#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",START-DATE="${date(2)}",DURATION=6,X-PLAYOUT-LIMIT=6,X-ASSET-URI="${advertisement}"
#EXTINF`,
    );
  res.setHeader('Content-Type', 'application/vnd.apple.mpegurl');
  res.end(playlist);
}

/** @param {string} name */
const slug = (name) => name.toLowerCase().replace(/\W+/g, '-');
