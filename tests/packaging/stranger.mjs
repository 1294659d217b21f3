import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { ROOT } from '../../scripts/lib/process.mjs';
import { Stage } from '../browser/stage.mjs';
import { finished, npm } from './project.mjs';

/** Within which the second viewer has a segment of the first one. */
const LIMIT_MS = 5 * 60_000;

/** @param {() => import('./project.mjs').Project} project */
export function strangerTests(project) {
  describe('a stranger', () => {
    test('has the simulator compute an audience by what docs/SIMULATOR.md says', async () => {
      const page = await readFile(path.join(ROOT, 'docs/SIMULATOR.md'), 'utf8');
      const [block] = /(?<=```sh\n)[^]*?(?=```)/.exec(page) ?? [''];
      const dir = project().path('stranger-sim');
      await mkdir(dir);
      await writeFile(path.join(dir, 'package.json'), '{ "private": true }');
      // npx would get the first by its name, and that the second.
      const { tarball, simulator } = project();
      await npm(dir, 'install', '--prefer-offline', tarball, simulator);
      const [list, report, figures] = await Promise.all(
        block
          .trim()
          .split('\n')
          .map((line) => finished(spawn('sh', ['-c', line], { cwd: dir }), line)),
      );
      assert.match(list, /^steady +A live stream/m);
      assert.match(report, /offload: media bytes that came from peers +[\d.]+ % ±/);
      assert.match(await readFile(path.join(dir, 'report.html'), 'utf8'), /id="figures">\{/);
      const { viewers, offload, violations } = JSON.parse(figures);
      assert.deepEqual([viewers, violations], [50, []]);
      assert.ok(offload > 0.5 && offload < 1, String(offload));
    });

    test('gets the first byte from a peer by what README.md says', async (t) => {
      const began = Date.now();
      const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
      const [snippet] = /(?<=```html\n)[^]*?(?=```)/.exec(readme) ?? [''];
      const [command, ...args] = (/npx -p hlsmesh (.*)/.exec(readme)?.[1] ?? '').split(' ');
      const dir = project().path('stranger');
      const site = path.join(dir, 'site');
      await mkdir(site, { recursive: true });
      await writeFile(path.join(dir, 'package.json'), '{ "private": true }');
      await npm(dir, 'install', '--prefer-offline', project().tarball, 'hls.js@1.7.4');
      for (const file of [
        'hls.js/dist/hls.js',
        'hlsmesh/dist/hlsmesh.js',
        'hlsmesh/dist/hlsmesh.wasm',
      ]) {
        await cp(path.join(dir, 'node_modules', file), path.join(site, path.basename(file)));
      }
      const port = args.indexOf('--port') + 1;
      const tracker = project().start(
        path.join(dir, 'node_modules/.bin', command),
        ...args.map((arg, at) => (at === port ? '0' : arg)),
      );
      const stage = await Stage.open({ '/stranger/': site });
      try {
        const [line] = await once(createInterface({ input: tracker.stdout }), 'line');
        const page = snippet
          .replaceAll('https://cdn.example/live/master.m3u8', `${stage.origin.url}/vod/240p.m3u8`)
          .replaceAll('https://cdn.example/', '')
          .replace('wss://tracker.example', /ws:\/\/\S+/.exec(line)?.[0] ?? '')
          .replace('HlsMesh.attach', 'globalThis.mesh = HlsMesh.attach');
        await writeFile(path.join(site, 'index.html'), page);
        // Slower than two pages are connected.
        stage.origin.onRequest = (request) =>
          request.path.endsWith('.ts') ? { delayMs: 300 } : undefined;
        for (const name of ['one', 'two']) {
          const viewer = await stage.page({ name });
          await viewer.goto(`${stage.origin.url}/stranger/index.html`);
          await viewer.locator('video').evaluate((/** @type {HTMLVideoElement} */ video) => {
            video.muted = true;
            return video.play();
          });
          await viewer.waitForFunction(
            (first) => mesh.stats[first ? 'cdnSegments' : 'p2pSegments'] > (first ? 4 : 0),
            name === 'one',
            { timeout: LIMIT_MS, polling: 200 },
          );
        }
      } finally {
        tracker.kill();
        await stage.close();
      }
      // Not asserted: a busy machine takes longer to install.
      t.diagnostic(`${Math.round((Date.now() - began) / 1000)} s`);
    });
  });
}
