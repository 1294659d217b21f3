import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createOrigin } from '../../demo/origin.mjs';
import { loadErrors, withStage } from './stage.mjs';

/** The policy of a strict site. hls.js needs the blob: URLs for its MediaSource and its worker. */
const policy = (/** @type {string} */ scripts) =>
  [
    "default-src 'none'",
    `script-src ${scripts} 'wasm-unsafe-eval'`,
    'connect-src *',
    'media-src blob:',
    'worker-src blob:',
    'img-src data:',
  ].join('; ');

/** @param {string} scripts */
const pageWith = (scripts) => `<!doctype html>
<meta charset="utf-8" />
<title>Content Security Policy</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline></video>
<script src="/pages/observe.js"></script>
${scripts}
`;

/**
 * A page and its start script.
 * @param {string} scripts
 * @param {string} start
 * @param {string} allowed
 * @returns {import('../../demo/origin.mjs').Handler}
 */
const site = (scripts, start, allowed) => (req, res) => {
  const script = req.url?.startsWith('/strict/start.js');
  res.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
  if (!script) res.setHeader('Content-Security-Policy', policy(allowed));
  res.end(script ? start : pageWith(scripts));
};

/**
 * @param {(cdn: string) => { scripts: string, start: string, allowed: string }} page
 * @param {(stage: import('./stage.mjs').Stage, cdn: string) => string} wasmUrl
 */
async function playsUnderPolicy(page, wasmUrl) {
  const cdn = await createOrigin();
  const { scripts, start, allowed } = page(cdn.url);
  try {
    await withStage(
      async (stage) => {
        // hls.js would have the whole sample before two pages are connected.
        stage.origin.onRequest = ({ path }) =>
          path.endsWith('.ts') ? { delayMs: 200 } : undefined;
        const one = await stage.viewer({ name: 'one' });
        await one.plays(2);
        const two = await stage.viewer({ name: 'two', page: '/strict/', init: recordViolations });
        await two.waitForEvent('segment', { source: 'peer' });
        await two.plays(2);
        const { violations, loaded } = await two.page.evaluate(() => ({
          violations: /** @type {any} */ (globalThis).violations,
          loaded: performance.getEntriesByType('resource').map((entry) => entry.name),
        }));
        assert.deepEqual(violations, []);
        assert.ok(loaded.includes(wasmUrl(stage, cdn.url)), `loaded ${loaded.join(' ')}`);
        assert.deepEqual(loadErrors(await two.seen()), []);
      },
      { '/strict/': site(scripts, start, allowed) },
    );
  } finally {
    await cdn.close();
  }
}

function recordViolations() {
  /** @type {string[]} */
  const violations = [];
  Object.assign(globalThis, { violations });
  document.addEventListener('securitypolicyviolation', (event) => {
    violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
  });
}

describe('under a Content Security Policy without unsafe-eval and unsafe-inline', () => {
  test('script tags of the site itself share', async () => {
    await playsUnderPolicy(
      () => ({
        scripts: `<script src="/vendor/hls.min.js"></script>
<script src="/dist/hlsmesh.js"></script>
<script defer src="/strict/start.js"></script>`,
        start: 'watch(Hls, HlsMesh);',
        allowed: "'self'",
      }),
      (stage) => `${stage.origin.url}/dist/hlsmesh.wasm`,
    );
  });

  test('script tags from another origin share, with the module from there', async () => {
    await playsUnderPolicy(
      (cdn) => ({
        scripts: `<script src="${cdn}/vendor/hls.min.js"></script>
<script async src="${cdn}/dist/hlsmesh.js"></script>
<script defer src="/strict/start.js"></script>`,
        start: "addEventListener('load', () => watch(Hls, HlsMesh));",
        allowed: `'self' ${cdn}`,
      }),
      (_, cdn) => `${cdn}/dist/hlsmesh.wasm`,
    );
  });

  test('a module from another origin shares, with the wasm from there', async () => {
    await playsUnderPolicy(
      (cdn) => ({
        scripts: '<script type="module" src="/strict/start.js"></script>',
        start: `import Hls from '${cdn}/vendor/hls.mjs';
import { HlsMesh } from '${cdn}/dist/hlsmesh.mjs';
watch(Hls, HlsMesh);`,
        allowed: `'self' ${cdn}`,
      }),
      (_, cdn) => `${cdn}/dist/hlsmesh.wasm`,
    );
  });
});
