/** What `mesh.diagnose()` finds in real browsers, for each thing that keeps viewers apart. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { withStage } from './stage.mjs';

/** @typedef {import('../../js/index.js').DiagnosisReport} Report */

test('a diagnosis names what keeps viewers apart, and what to do about it', async () => {
  const closers = [];
  /** Its URLs by where the stream lies there. */
  const cdn = await brokenCdn();
  const other = await otherServer();
  const stun = await Promise.all([stunServer(0), stunServer(1), silentServer()]);
  closers.push(cdn, other, ...stun);
  try {
    await withStage(
      async (stage) => {
        cdn.origin = stage.origin.url;
        const find = async (/** @type {any} */ what, /** @type {string[]} */ ...codes) => {
          const viewer = await stage.viewer({ name: codes[0], ...what });
          await viewer.page.waitForFunction(() => globalThis.mesh);
          await what.before?.(viewer);
          await finds(viewer, ...codes);
          await viewer.close();
        };

        // The first viewer stays, alone at first.
        const one = await stage.viewer({ name: 'one' });
        await one.waitForEvent('tracker', { state: 'connected' });
        await one.plays(1);
        const alone = await finds(one, 'alone', 'tracker', 'range', 'no-stun', 'permission-prompt');
        assert.match(alone.text, /hlsJs: 1\.\d.*\n(.*\n)*- channel: http.*master\.m3u8/);
        assert.match(
          alone.text,
          /- rendition: .*\n- segment: \d+ \S+\.ts\n- fingerprint: [\da-f]{8}/,
        );

        const channel = await one.page.evaluate(() => globalThis.mesh.channel);
        const connected = (/** @type {any} */ viewer) =>
          viewer.waitForEvent('tracker', { state: 'connected' });
        await find({ options: { channel: 'another' }, before: connected }, 'wrong-channel');
        await find(
          {
            query: { 'hlsmesh-log': 'info' },
            before: async (/** @type {any} */ viewer) => {
              await viewer.page.waitForEvent('console', {
                predicate: (/** @type {any} */ m) => /connected with 1 other viewer/.test(m.text()),
              });
              await viewer.waitForEvent('segment', { source: 'peer' });
            },
          },
          'streams-match',
          'peers',
        );
        await find(
          {
            src: '/other/master.m3u8',
            options: { channel },
            before: async (/** @type {any} */ viewer) => {
              await viewer.waitForEvent('peer', { state: 'opened' });
              await viewer.waitForEvent('fallback', { reason: 'lack' });
            },
          },
          'streams-differ',
        );

        await one.close();

        // Nothing of the following needs a picture.
        const idle = (/** @type {any} */ what, /** @type {string[]} */ ...codes) =>
          find({ config: { autoStartLoad: false }, ...what }, ...codes);
        const [a, b, silent] = stun.map(({ url }) => url);
        await Promise.all([
          idle({ options: { iceServers: [{ urls: silent }] } }, 'no-udp'),
          idle({ options: { iceServers: [{ urls: [a, b] }] } }, 'udp', 'nat-symmetric'),
          idle({ tracker: 'ws://127.0.0.1:9' }, 'tracker-unreachable'),
          idle({ tracker: stage.origin.url.replace('http', 'ws') }, 'tracker-foreign'),
          idle({ tracker: other.url }, 'tracker-foreign'),
        ]);
        await Promise.all([
          idle({ page: '/strict/page.html' }, 'tracker-unreachable'),
          find({ src: `${cdn.url}/secret/master.m3u8`, before: loads }, 'cors'),
          find({ src: `${cdn.url}/whole/master.m3u8`, before: loads }, 'no-range'),
          idle({ options: { upload: false, prefetchSeconds: 0 } }, 'no-upload', 'no-prefetch'),
          idle({ page: '/old/page.html' }, 'hls-version'),
          idle({ before: savesData }, 'metered'),
        ]);
      },
      {
        '/other/': otherLadder,
        '/strict/': pageWith('/vendor/hls.min.js', "connect-src 'self'"),
        '/old/page': pageWith('/old/hls.js'),
        '/old/hls.js': oldHls,
      },
    );
  } finally {
    for (const { close } of closers) close();
  }
});

/**
 * @param {import('./stage.mjs').Viewer} viewer
 * @param {string[]} codes that its diagnosis must have
 * @returns {Promise<Report>}
 */
async function finds({ name, page }, ...codes) {
  const report = await page.evaluate(() => globalThis.mesh.diagnose());
  for (const code of codes) {
    const found = report.findings.find((/** @type {any} */ finding) => finding.code === code);
    assert.ok(found, `${name}: no ${code} in\n${report.text}`);
    assert.ok(found.advice || found.severity === 'good', `${code}: says nothing to do`);
    assert.ok(report.text.includes(`${code}: ${found.message}`), report.text);
  }
  return report;
}

/** @param {import('./stage.mjs').Viewer} viewer */
const savesData = async ({ page }) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setDataSaverOverride', { dataSaverEnabled: true });
};

/** @param {import('./stage.mjs').Viewer} viewer */
const loads = ({ page }) =>
  page.waitForFunction(() => globalThis.hls.levels[0]?.details?.fragments.length > 0);

/**
 * @param {string} hls
 * @param {string} [policy]
 * @returns {import('../../demo/origin.mjs').Handler}
 */
const pageWith = (hls, policy) => async (_, res) => {
  const html = await readFile(new URL('./pages/script.html', import.meta.url), 'utf8');
  res.setHeader('Content-Type', 'text/html');
  if (policy) res.setHeader('Content-Security-Policy', policy);
  res.end(html.replace('/vendor/hls.min.js', hls));
};

/** hls.js as a page with an older one has it. @type {import('../../demo/origin.mjs').Handler} */
const oldHls = async (_, res) => {
  const file = createRequire(import.meta.url)
    .resolve('hls.js')
    .replace(/hls\.js$/, 'hls.min.js');
  const code = await readFile(file, 'utf8');
  const { version } = createRequire(import.meta.url)('hls.js/package.json');
  res.setHeader('Content-Type', 'text/javascript');
  res.end(code.replaceAll(`"${version}"`, '"1.3.5"'));
};

/** The sample with its renditions called otherwise. @type {import('../../demo/origin.mjs').Handler} */
const otherLadder = async (req, res) => {
  const name = (req.url ?? '').split('/').at(-1) ?? '';
  const own = `http://${req.headers.host}/vod/${name.replace('other-', '')}`;
  if (name.endsWith('.ts')) return void res.writeHead(302, { Location: own }).end();
  const text = await (await fetch(own)).text();
  res.setHeader('Access-Control-Allow-Origin', '*');
  res.end(name === 'master.m3u8' ? text.replace(/^([\w-]+\.m3u8)$/gm, 'other-$1') : text);
};

/** A CDN in front of the stage's origin, which forgets CORS for segments under /secret/, and Range under /whole/. */
async function brokenCdn() {
  const server = http.createServer(async (req, res) => {
    const [, fault, name] = (req.url ?? '').split('/');
    const answer = await fetch(`${cdn.origin}/vod/${name}`);
    const media = name.endsWith('.ts');
    if (!media || fault === 'whole') res.setHeader('Access-Control-Allow-Origin', '*');
    res.writeHead(answer.status).end(new Uint8Array(await answer.arrayBuffer()));
  });
  const cdn = { origin: '', url: await listening(server), close: () => server.close() };
  return cdn;
}

/** A WebSocket server that is no tracker. */
async function otherServer() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    socket.on('message', () => socket.send('Welcome to the chat'));
  });
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `ws://127.0.0.1:${port}`, close: () => server.close() };
}

const COOKIE = 0x2112a442;

/**
 * Answers binding requests (RFC 8489) as a server does that a NAT shows another port than it shows others.
 * @param {number} shift of the port
 */
async function stunServer(shift) {
  const socket = createSocket('udp4');
  socket.on('message', (request, { address, port }) => {
    const answer = Buffer.alloc(32);
    answer.writeUInt16BE(0x0101, 0);
    answer.writeUInt16BE(12, 2);
    request.copy(answer, 4, 4, 20);
    // XOR-MAPPED-ADDRESS, of IPv4
    answer.writeUInt16BE(0x0020, 20);
    answer.writeUInt16BE(8, 22);
    answer.writeUInt16BE(0x0001, 24);
    answer.writeUInt16BE(((port + shift) ^ (COOKIE >>> 16)) & 0xffff, 26);
    answer.writeUInt32BE((0xcb007107 ^ COOKIE) >>> 0, 28);
    socket.send(answer, port, address);
  });
  return bound(socket);
}

const silentServer = () => bound(createSocket('udp4'));

/** @param {import('node:dgram').Socket} socket */
async function bound(socket) {
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { url: `stun:127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

/** @param {http.Server} server */
async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
}
