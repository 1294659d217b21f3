/** Viewers of a stream with its publisher's digests, one of whom sends what it should not (docs/DIGESTS.md). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureStream } from '../../demo/stream.mjs';
import { createTracker } from '../../js/tracker/index.js';
import { loadErrors, withStage } from './stage.mjs';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../js/digest/cli.js', import.meta.url));
const SRC = '/film/360p-high.m3u8';

let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hlsmesh-film-'));
  const stream = await ensureStream();
  await cp(stream, folder, {
    recursive: true,
    filter: (file) => file === stream || path.basename(file).startsWith('360p-high'),
  });
  await run(process.execPath, [CLI, path.join(folder, '360p-high.m3u8')]);
});
after(() => rm(folder, { recursive: true, force: true }));

/**
 * A script for a page that changes the binary messages that it sends.
 * @param {(bytes: Uint8Array, kept: Record<string, any>) => void} change runs in the page, by itself; `kept` from call to call
 */
const sendsChanged = (change) =>
  /** @type {() => void} */ (
    new Function(`
      const change = ${change};
      const kept = {};
      const { send } = RTCDataChannel.prototype;
      RTCDataChannel.prototype.send = function (data) {
        if (typeof data === 'string') return send.call(this, data);
        const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength).slice();
        change(bytes, kept);
        return send.call(this, bytes);
      };`)
  );

const flipBits = sendsChanged((bytes) => {
  if (bytes[0] === 1) bytes[bytes.length - 100] ^= 4;
});

const sendOtherDigests = sendsChanged((bytes) => {
  if (bytes[0] === 2) bytes[40] ^= 1;
});

/** It sends pieces of what it sent first in place of all others. */
const sendOldPieces = sendsChanged((bytes, kept) => {
  if (bytes[0] !== 1) return;
  kept.first ??= bytes.slice(16, 16 + 16_384);
  for (let at = 16; at < bytes.length; at += 16_384) {
    bytes.set(kept.first.subarray(0, bytes.length - at), at);
  }
});

/** Pictures and sound that decode to something else: the second half of each packet of the transport stream. */
const sendOtherMedia = sendsChanged((bytes) => {
  if (bytes[0] !== 1) return;
  let at = 16;
  while (at < bytes.length && ![0, 188, 376].every((next) => bytes[at + next] === 0x47)) at++;
  for (; at + 188 <= bytes.length; at += 188) {
    for (let i = 100; i < 188; i++) bytes[at + i] ^= 0x55;
  }
});

/** @param {import('./stage.mjs').Viewer} viewer */
async function playsTheFilm(viewer) {
  const seen = await viewer.seen();
  assert.deepEqual(seen.stalls, [], `${viewer.name} stalled`);
  assert.deepEqual(loadErrors(seen), [], viewer.name);
  assert.ok(seen.fragments.length > 3, `${viewer.name} got ${seen.fragments.length} segments`);
  for (const { url, sha256 } of seen.fragments) {
    const body = await readFile(path.join(folder, path.basename(new URL(url).pathname)));
    const digest = createHash('sha256').update(body).digest('hex');
    assert.equal(sha256, digest, `${viewer.name}: digest of ${url}`);
  }
}

describe('digests', () => {
  test('honest viewers exchange a film that has them', async () => {
    await withStage(
      async (stage) => {
        const one = await stage.viewer({ name: 'one', src: SRC });
        await one.plays(4);
        const two = await stage.viewer({ name: 'two', src: SRC });
        await two.plays(8);
        await playsTheFilm(two);
        const { p2pBytes, malformed } = await two.stats();
        assert.ok(p2pBytes > 1_000_000, `${p2pBytes} bytes came from the other`);
        assert.equal(malformed, 0);
      },
      { '/film/': folder },
    );
  });

  for (const [what, init, names] of /** @type {[string, () => void, string[]][]} */ ([
    ['flips a bit in each message', flipBits, ['one', 'two']],
    ['sends digests of other bytes', sendOtherDigests, ['one']],
    ['sends old pieces for new ones', sendOldPieces, ['one']],
  ])) {
    test(`a viewer that ${what} is found out, and the others play what the origin has`, async () => {
      await withStage(
        async (stage) => {
          const liar = await stage.viewer({ name: 'liar', src: SRC, init });
          await liar.plays(3);
          const viewers = [];
          for (const name of names) {
            viewers.push(await stage.viewer({ name, src: SRC }));
            await viewers[viewers.length - 1].plays(3);
          }
          await Promise.all(viewers.map((viewer) => viewer.plays(5)));
          for (const viewer of viewers) await playsTheFilm(viewer);
          await viewers[0].waitForEvent('peer', { state: 'closed', reason: 'misbehaved' });
        },
        { '/film/': folder },
      );
    });
  }
});

/**
 * A tracker to which viewers come from addresses of different networks, by the name that a viewer's browser gives itself.
 * @param {Record<string, string>} addresses
 */
async function trackerFor(addresses) {
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', ({ headers }) => {
    const name = / viewer\/(\S+)$/.exec(headers['user-agent'] ?? '')?.[1] ?? '';
    headers['x-forwarded-for'] = addresses[name];
  });
  await once(server, 'listening');
  const tracker = await createTracker({ server, path: '/', trustedProxies: ['loopback'] });
  return { tracker, stop: () => Promise.all([tracker.close(), server.close()]) };
}

test('a viewer that three others report is kept out, and they go on with one another', async () => {
  const addresses = {
    liar: '192.0.2.1',
    one: '198.51.100.1',
    two: '203.0.113.1',
    three: '2001:db8::1',
  };
  const { tracker, stop } = await trackerFor(addresses);
  try {
    await withStage(
      async (stage) => {
        const play = (/** @type {string} */ name, init = () => {}) =>
          stage.viewer({ name, src: SRC, init, tracker: tracker.url });
        const liar = await play('liar', flipBits);
        await liar.plays(3);
        const viewers = [];
        for (const name of ['one', 'two', 'three']) {
          const viewer = await play(name);
          viewers.push(viewer);
          await viewer.waitForEvent('peer', { state: 'closed', reason: 'misbehaved' });
        }
        await viewers[2].plays(8);
        const { reports, bans, banned, links } = tracker.stats();
        assert.deepEqual({ reports, bans, banned }, { reports: 3, bans: 1, banned: 1 });
        assert.ok(links >= 2, `${links} connections among the others`);
        for (const viewer of viewers) await playsTheFilm(viewer);
        const { parents, children } = await liar.stats();
        assert.deepEqual({ parents, children }, { parents: 0, children: 0 });
      },
      { '/film/': folder },
    );
  } finally {
    await stop();
  }
});

describe('spot checks, where there are no digests', () => {
  const options = { digests: false, checks: 1 };

  test('honest viewers are compared with the CDN, and go on exchanging', async () => {
    await withStage(
      async (stage) => {
        const one = await stage.viewer({ name: 'one', src: SRC, options });
        await one.plays(4);
        const two = await stage.viewer({ name: 'two', src: SRC, options });
        await two.plays(8);
        await playsTheFilm(two);
        const { p2pBytes, malformed, checks } = await two.stats();
        assert.ok(p2pBytes > 1_000_000, `${p2pBytes} bytes came from the other`);
        assert.ok(checks > 1, `${checks} places were compared`);
        assert.equal(malformed, 0);
      },
      { '/film/': folder },
    );
  });

  test('a viewer that sends other media is found out, and the player gets what the origin has', async () => {
    await withStage(
      async (stage) => {
        const liar = await stage.viewer({ name: 'liar', src: SRC, options, init: sendOtherMedia });
        await liar.plays(3);
        const one = await stage.viewer({ name: 'one', src: SRC, options });
        await one.waitForEvent('peer', { state: 'closed', reason: 'misbehaved' });
        await one.plays(8);
        await playsTheFilm(one);
      },
      { '/film/': folder },
    );
  });
});
