/** Viewers of two offices, and of a VPN, as the tracker's `--groups` puts them: by addresses that a proxy names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTracker } from '../../js/tracker/index.js';
import { loadErrors, withStage } from './stage.mjs';

const GROUPS = `
10.1.0.0/16 berlin
10.2.0.0/16 munich
10.9.0.0/16 -
`;

test('viewers of one office feed each other, those of two do not meet, and one in a VPN plays from the CDN', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'browser-groups-'));
  const groups = path.join(folder, 'groups.txt');
  writeFileSync(groups, GROUPS);
  const tracker = await createTracker({ port: 0, groups, trustedProxies: ['loopback'] });
  /** @type {Awaited<ReturnType<typeof proxyFor>>[]} */
  const proxies = [];
  try {
    await withStage(async (stage) => {
      const enter = async (/** @type {string} */ name, /** @type {string} */ address) => {
        const proxy = await proxyFor(tracker.port, address);
        proxies.push(proxy);
        const viewer = await stage.viewer({ name, tracker: proxy.url });
        await viewer.waitForEvent('tracker', { state: 'connected' });
        return viewer;
      };
      const first = await enter('berlin-1', '10.1.0.1');
      await first.plays(4);
      const others = await Promise.all([
        enter('berlin-2', '::ffff:10.1.200.2'),
        enter('munich', '10.2.0.1'),
        enter('vpn', '10.9.0.1'),
      ]);
      const [second, munich, vpn] = others;
      await second.waitForEvent('segment', { source: 'peer' });
      await Promise.all(others.map((viewer) => viewer.plays(8)));

      assert.deepEqual((await second.peers()).map(({ role }) => role), ['parent']); // prettier-ignore
      for (const alone of [munich, vpn]) {
        assert.equal(await alone.page.evaluate(() => globalThis.connections.length), 0);
        const { p2pBytes, uploadBytes, cdnBytes } = await alone.stats();
        assert.deepEqual([p2pBytes, uploadBytes], [0, 0], alone.name);
        assert.ok(cdnBytes > 0);
      }
      for (const viewer of [first, ...others]) {
        assert.deepEqual(loadErrors(await viewer.seen()), [], viewer.name);
      }
      const found = async (/** @type {import('./stage.mjs').Viewer} */ { page }) =>
        (await page.evaluate(() => globalThis.mesh.diagnose())).findings.map(
          (/** @type {any} */ f) => f.code,
        );
      const [inVpn, inMunich] = await Promise.all([found(vpn), found(munich)]);
      assert.ok(inVpn.includes('excluded') && !inVpn.includes('alone'), inVpn.join());
      assert.ok(!inMunich.includes('excluded') && inMunich.includes('alone'), inMunich.join());
      // A diagnosis asks the tracker on a socket of its own, which may be there for a moment longer.
      for (let i = 0; i < 50 && tracker.stats().excluded > 1; ++i) await sleep(100);
      assert.equal(tracker.stats().excluded, 1);
    });
  } finally {
    for (const proxy of proxies) proxy.close();
    await tracker.close();
    rmSync(folder, { recursive: true });
  }
});

/**
 * A proxy that tells the tracker one address for all of its viewers.
 * @param {number} port of the tracker
 * @param {string} address
 */
async function proxyFor(port, address) {
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  const server = net.createServer((viewer) => {
    const tracker = net.connect(port, '127.0.0.1');
    for (const socket of [viewer, tracker]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => [viewer, tracker].map((end) => end.destroy()));
    }
    // The request line comes in one packet with its end.
    viewer.once('data', (head) => {
      const end = head.indexOf('\r\n') + 2;
      tracker.write(head.subarray(0, end));
      tracker.write(`X-Forwarded-For: ${address}\r\n`);
      tracker.write(head.subarray(end));
      viewer.pipe(tracker);
      tracker.pipe(viewer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = /** @type {net.AddressInfo} */ (server.address());
  return {
    url: `ws://127.0.0.1:${own}/`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
