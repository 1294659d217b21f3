/**
 * One life of one source, and the next one under the same names: another source, the same one loaded again, a live packager that
 * was started again. Whatever hls.js gets is what the origin serves at that moment.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Packager, ffmpeg } from './packager.mjs';
import { assertOnAir, restart, watch } from './restart.mjs';
import { withStage } from './stage.mjs';

describe('presentations', { concurrency: 4 }, () => {
  test('A1: another source on the instance, of the same channel and names, and the same source again, play what they are', async () => {
    const body = (/** @type {string} */ name) => createHash('sha256').update(name).digest('hex');
    let edition = 'first';
    /** @type {import('../../demo/origin.mjs').Handler} */
    const serve = async (req, res) => {
      const { pathname, searchParams } = new URL(req.url ?? '', 'http://origin');
      res.setHeader('Access-Control-Allow-Origin', '*').setHeader('Cache-Control', 'no-store');
      const video = searchParams.get('video') ?? pathname.split('/')[2];
      if (pathname.endsWith('master.m3u8')) {
        res.end(`#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000\n${video}/v.m3u8\n`);
      } else if (pathname.endsWith('.m3u8')) {
        const list = Array.from({ length: 10 }, (_, sn) => `#EXTINF:2,\nseg${sn}.ts\n`).join('');
        res.end(`#EXTM3U\n#EXT-X-TARGETDURATION:2\n${list}#EXT-X-ENDLIST\n`);
      } else {
        // The sample's own segments, with a packet of padding that tells one video and edition from another.
        const name = pathname.replace(
          /.*seg(\d+)\.ts$/,
          (_, sn) => `240p_${sn.padStart(5, '0')}.ts`,
        );
        res.end(await marked(name, `${video} ${edition}`));
      }
    };
    /** @type {Map<string, string>} what was made for whom */
    const made = new Map();
    let media = '';
    const marked = async (/** @type {string} */ name, /** @type {string} */ mark) => {
      const plain = Buffer.from(await (await fetch(`${media}/vod/${name}`)).arrayBuffer());
      const padding = Buffer.alloc(188, 0xff);
      padding.set([0x47, 0x1f, 0xff, 0x10]);
      padding.write(body(mark), 4);
      const segment = Buffer.concat([plain, padding]);
      made.set(createHash('sha256').update(segment).digest('hex'), mark);
      return segment;
    };
    await withStage(
      async (stage) => {
        media = stage.origin.url;
        const viewer = await stage.viewer({
          name: 'switcher',
          src: '/site/master.m3u8?video=a',
          options: { channel: 'one for both' },
        });
        let from = 0;
        const plays = async (/** @type {string} */ mark) => {
          await viewer.page.waitForFunction(
            (count) =>
              globalThis.seen.fragments.filter((/** @type {any} */ f) => f.sha256).length >= count,
            from + 6,
          );
          const { fragments } = await viewer.seen();
          const marks = fragments
            .slice(from)
            .filter((/** @type {any} */ f) => f.sha256)
            .map((/** @type {any} */ f) => made.get(f.sha256));
          assert.deepEqual([...new Set(marks)], [mark]);
        };
        const load = async (/** @type {string} */ search) => {
          from = await viewer.page.evaluate((query) => {
            const { hls } = /** @type {any} */ (globalThis);
            const { length } = globalThis.seen.fragments;
            hls.loadSource(query ? hls.url.replace(/\?.*/, query) : hls.url);
            return length;
          }, search);
        };
        await plays('a first');
        await load('?video=b');
        await plays('b first');
        edition = 'second';
        await load('');
        await plays('b second');
      },
      { '/site/': serve },
    );
  });

  test('A4: of two events at one address one after the other, each viewer gets its own, also from who stayed after the first', async () => {
    const packager = await Packager.open(
      ffmpeg('-hls_playlist_type', 'event', '-hls_flags', 'program_date_time'),
    );
    try {
      await withStage(
        async (stage) => {
          await packager.start();
          const first = await watch(stage, 'first', { startPosition: 0 });
          await packager.makes(9);
          await packager.end('SIGTERM');
          await first.page.waitForFunction(() => {
            const [level] = /** @type {any} */ (globalThis).hls.levels;
            return level.details?.live === false;
          });
          await packager.start();
          await packager.makes(9);
          const second = await watch(stage, 'second', { startPosition: 0 });
          await second.waitForEvent('peer', { state: 'opened' });
          await second.plays(8);
          assert.deepEqual(await assertOnAir(packager, second, 8), [2]);
        },
        { '/air/': packager.serve },
      );
    } finally {
      await packager.close();
    }
  });

  for (const [what, signal, options] of /** @type {[string, NodeJS.Signals, string[]][]} */ ([
    ['SIGKILL', 'SIGKILL', []],
    ['SIGTERM', 'SIGTERM', []],
    [
      'SIGTERM, delete_segments and omit_endlist',
      'SIGTERM',
      ['-hls_flags', 'delete_segments+omit_endlist'],
    ],
    ['SIGKILL, fMP4', 'SIGKILL', ['-hls_segment_type', 'fmp4']],
  ])) {
    test(`A3: ffmpeg ended by ${what} and started again: who comes, who stays and who loads the source again get what is on the air`, () =>
      restart(ffmpeg(...options), signal));
  }
});
