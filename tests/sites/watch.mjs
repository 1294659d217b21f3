/** Pages of other people's players: whether they play through hls.js, and what of it came from another viewer. */
import assert from 'node:assert/strict';

/** @typedef {import('../browser/stage.mjs').Stage} Stage */
/** @typedef {import('playwright-core').Page} Page */

export const SRC = '/vod/240p.m3u8';
const NEXT = '/vod/360p.m3u8';

/** Before each segment of the origin: slower than two pages are connected. */
export const CDN_DELAY_MS = 200;

/**
 * A module in hlsmesh's place that keeps what is attached: the page's `meshes`.
 * @param {string} sdk the module
 */
export const observed = (sdk) => `import { HlsMesh as sdk } from '${sdk}';
export * from '${sdk}';
globalThis.meshes = [];
export const HlsMesh = {
  ...sdk,
  attach(hls, options) {
    const mesh = sdk.attach(hls, options);
    globalThis.meshes.push({ hls, mesh });
    return mesh;
  },
};
`;

/**
 * Plays a page to its end: segments from the first viewer, another source by its \`change(url)\`, and its \`end()\`.
 * @param {Stage} stage
 * @param {{ name: string, page: string, src?: string, shared?: string }} what `shared`: what the first viewer has of it
 */
export async function watched(stage, { name, page: address, src = SRC, shared = src }) {
  const page = await stage.page({ name: name.replace(/\W+/g, '-') });
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (message) => {
    if (message.text().includes('hlsmesh') && message.type() !== 'info')
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  // Icons and the like from public CDNs; hls.js from there is missing.
  await page.route(
    ({ hostname }) => hostname !== '127.0.0.1',
    (route) => route.fulfill({ body: '' }),
  );
  const url = new URL(address);
  url.searchParams.set('src', new URL(src, stage.origin.url).href);
  url.searchParams.set('tracker', stage.tracker?.url ?? '');
  await page.goto(url.href);
  await waitFor(page, name, 'peer', new URL(shared, stage.origin.url).href);
  if (await page.evaluate(() => 'change' in globalThis)) {
    const next = new URL(NEXT, stage.origin.url).href;
    await page.evaluate((to) => /** @type {any} */ (globalThis).change(to), next);
    await waitFor(page, name, 'any', next);
  }
  await page.evaluate(() => /** @type {any} */ (globalThis).end());
  await page
    .waitForFunction(() =>
      globalThis.connections.every(({ connectionState }) => connectionState === 'closed'),
    )
    .catch(() => assert.fail(`${name}: connections outlive the player`));
  assert.deepEqual(complaints, []);
  await page.context().close();
}

/**
 * @param {Page} page
 * @param {string} name
 * @param {'peer' | 'any'} from
 * @param {string} src that is played
 */
async function waitFor(page, name, from, src) {
  try {
    await page.waitForFunction(played, { from, src }, { timeout: 45_000, polling: 200 });
  } catch {
    assert.fail(`${name} does not play ${src}: ${JSON.stringify(await page.evaluate(state))}`);
  }
}

/**
 * In the page: presses play where nothing plays.
 * @param {{ from: 'peer' | 'any', src: string }} wanted
 */
function played({ from, src }) {
  const { meshes = [] } = /** @type {any} */ (globalThis);
  const found = meshes.find(
    (/** @type {any} */ { hls, mesh }) =>
      hls.url?.split('?')[0] === src &&
      (from === 'any' ? mesh.stats.cdnBytes : mesh.stats.p2pBytes) > 0,
  );
  /** @type {HTMLVideoElement[]} */
  const videos = [];
  const gather = (/** @type {Document | ShadowRoot} */ root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element instanceof HTMLVideoElement) videos.push(element);
      if (element.shadowRoot) gather(element.shadowRoot);
    }
  };
  gather(document);
  // MediaElement.js keeps the element that it replaces, hidden.
  const shown = videos.filter((video) => video.checkVisibility());
  for (const video of shown) {
    video.muted = true;
    if (video.paused) video.play().catch(() => {});
  }
  return (
    found &&
    (found.hls.media ?? shown[0]).currentTime > 1 &&
    shown.every(({ currentSrc }) => currentSrc.startsWith('blob:'))
  );
}

/** In the page. */
function state() {
  const { meshes = [] } = /** @type {any} */ (globalThis);
  return {
    videos: [...document.querySelectorAll('video')].map(({ currentSrc, currentTime, error }) => ({
      currentSrc,
      currentTime,
      error: error?.message,
    })),
    meshes: meshes.map((/** @type {any} */ { hls, mesh }) => ({
      url: hls.url,
      cdn: mesh.stats.cdnBytes,
      p2p: mesh.stats.p2pBytes,
      peers: mesh.stats.peers,
      media: hls.media?.currentTime,
    })),
  };
}
