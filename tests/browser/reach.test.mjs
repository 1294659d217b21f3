/**
 * What lets viewers reach each other, and what does not, in real Chromium: policies of the page, the permission for the local
 * network, and relays.
 */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { describe, test } from 'node:test';
import { CHROMIUM, CHROMIUM_FLAGS, loadErrors, withStage } from './stage.mjs';

/** The page of all tests, with a policy that lets it reach everything that it needs, except by WebRTC. */
const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>Reach</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline></video>
<script src="/vendor/hls.min.js"></script>
<script src="/dist/hlsmesh.js"></script>
<script src="/pages/observe.js"></script>
<script>watch(Hls, HlsMesh);</script>
`;

/** hls.js would have the whole sample before two pages are connected. @param {import('./stage.mjs').Stage} stage */
const slowly = (stage) =>
  (stage.origin.onRequest = ({ path }) => (path.endsWith('.ts') ? { delayMs: 200 } : undefined));

/**
 * @param {import('./stage.mjs').Viewer} viewer
 * @param {string} failure
 */
async function fails(viewer, failure) {
  const { page } = viewer;
  try {
    await page.waitForFunction((name) => globalThis.mesh?.stats.failures[name] > 0, failure, {
      polling: 100,
      timeout: 30_000,
    });
  } catch {
    const seen = await page.evaluate(() => [
      globalThis.mesh?.stats.failures,
      globalThis.seen?.events.filter((/** @type {any} */ e) => e.name !== 'segment'),
    ]);
    assert.fail(`no ${failure}: ${JSON.stringify(seen)}`);
  }
}

/** @param {import('./stage.mjs').Viewer} viewer */
async function playedOn(viewer) {
  await viewer.plays(2);
  const seen = await viewer.seen();
  assert.deepEqual({ stalls: seen.stalls, errors: loadErrors(seen) }, { stalls: [], errors: [] });
  return seen;
}

describe('reach', { concurrency: 2 }, () => {
  test('a page whose Connection-Allowlist forbids WebRTC plays on, and says why at once', async () => {
    let tracker = '';
    await withStage(
      async (stage) => {
        slowly(stage);
        // A WebSocket is matched as what it begins as.
        tracker = `http://127.0.0.1:${stage.tracker?.port}`;
        const one = await stage.viewer({ name: 'one' });
        await one.plays(2);
        const walled = await stage.viewer({ name: 'walled', page: '/walled/' });
        await fails(walled, 'no-webrtc');
        const seen = await playedOn(walled);
        const said = seen.events.find((/** @type {any} */ e) => e.code === 'rtc-unavailable');
        assert.match(said.message, /Connection-Allowlist/);
        const closed = seen.events.find((/** @type {any} */ e) => e.state === 'closed');
        assert.equal(closed.reason, 'no-webrtc');
        assert.equal((await walled.stats()).p2pSegments, 0);
      },
      {
        '/walled/': (_, res) => {
          res.setHeader('Content-Type', 'text/html');
          res.setHeader('Connection-Allowlist', `(response-origin "${tracker}")`);
          res.end(PAGE);
        },
      },
    );
  });

  test('a constructor that throws is a reason, too, and playback goes on', async () => {
    await withStage(async (stage) => {
      slowly(stage);
      const one = await stage.viewer({ name: 'one' });
      await one.plays(2);
      const init = () => {
        globalThis.RTCPeerConnection = /** @type {any} */ (
          class {
            constructor() {
              throw new DOMException('blocked by a test', 'NotAllowedError');
            }
          }
        );
      };
      const blocked = await stage.viewer({ name: 'blocked', init });
      await fails(blocked, 'no-webrtc');
      const seen = await playedOn(blocked);
      const said = seen.events.find((/** @type {any} */ e) => e.code === 'rtc-unavailable');
      assert.match(said.message, /blocked by a test/);
      const page = await fetch(`http://127.0.0.1:${stage.tracker?.port}/metrics`);
      assert.match(
        await page.text(),
        /introductions_failed_by_reason_total\{reason="policy"\} [1-9]/,
      );
    });
  });

  describe('where Chromium gates the local network', { concurrency: 1 }, () => {
    /** @param {(stage: import('./stage.mjs').Stage, browser: import('playwright-core').Browser) => Promise<void>} play */
    const gated = (play) =>
      withStage(async (stage) => {
        slowly(stage);
        // Page and tracker count as public, so that only what viewers connect to is local.
        const servers = [new URL(stage.origin.url).host, `127.0.0.1:${stage.tracker?.port}`];
        const browser = await chromium.launch({
          executablePath: CHROMIUM,
          args: [
            ...CHROMIUM_FLAGS,
            '--enable-features=LocalNetworkAccessChecksWebRTC',
            `--ip-address-space-overrides=${servers.map((host) => `${host}=public`).join(',')}`,
          ],
        });
        try {
          await play(stage, browser);
        } finally {
          await browser.close();
        }
      });
    const two = async (
      /** @type {import('./stage.mjs').Stage} */ stage,
      /** @type {import('playwright-core').Browser} */ browser,
      /** @type {object} */ options,
    ) => {
      const what = { browser, options, init: localOnly };
      const one = await stage.viewer({ name: 'one', ...what });
      await one.plays(2);
      return [one, await stage.viewer({ name: 'two', ...what })];
    };

    test('without the permission all comes from the CDN, and the reason is the permission', async () => {
      await gated(async (stage, browser) => {
        const [, viewer] = await two(stage, browser, {});
        await fails(viewer, 'no-permission');
        await playedOn(viewer);
        assert.equal((await viewer.stats()).p2pSegments, 0);
      });
    });

    test('with the permission, `lan: if-granted` connects; without it no local address is used', async () => {
      await gated(async (stage, browser) => {
        const [one, viewer] = await two(stage, browser, { lan: 'if-granted' });
        await fails(viewer, 'no-permission');
        const usedBy = (/** @type {import('./stage.mjs').Viewer} */ { page }) =>
          page.evaluate(() => /** @type {any} */ (globalThis).usedAddresses);
        assert.deepEqual([await usedBy(one), await usedBy(viewer)], [[], []]);
        await playedOn(viewer);

        for (const { page } of [one, viewer]) {
          await page.context().grantPermissions(['local-network-access']);
        }
        await viewer.waitForEvent('peer', { state: 'opened' });
        assert.notDeepEqual(await usedBy(viewer), []);
      });
    });
  });
});

/**
 * Leaves a page the addresses that belong to this machine's network alone, whatever its network is: an address of documentation
 * (RFC 5737), as containers may have, counts as public.
 */
function localOnly() {
  const local = /^a=candidate:(\S+ ){4}(10\.|172\.|192\.168\.|f[cd]|\S+\.local)/;
  const prototype = /** @type {any} */ (RTCPeerConnection.prototype);
  const { setRemoteDescription, addIceCandidate } = prototype;
  /** @type {string[]} */
  const used = [];
  Object.assign(globalThis, { usedAddresses: used });
  prototype.setRemoteDescription = function (/** @type {any} */ { type, sdp }) {
    const lines = sdp
      .split('\r\n')
      .filter((/** @type {string} */ line) => !line.startsWith('a=candidate') || local.test(line));
    used.push(...lines.filter((/** @type {string} */ line) => local.test(line)));
    return setRemoteDescription.call(this, { type, sdp: lines.join('\r\n') });
  };
  prototype.addIceCandidate = function (/** @type {any} */ init) {
    if (!local.test(`a=${init.candidate}`)) return Promise.resolve();
    used.push(init.candidate);
    return addIceCandidate.call(this, init);
  };
}
