import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { ROOT, filesIn } from '../../scripts/lib/process.mjs';
import { json } from './project.mjs';

/** The files of the package, besides those of js/tracker, which are all in it. */
const SHIPPED = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'deploy/Dockerfile',
  'deploy/docker-compose.yml',
  'deploy/hlsmesh-tracker.service',
  'deploy/kubernetes.yaml',
  'deploy/monitoring/alerts.test.yml',
  'deploy/monitoring/alerts.yml',
  'deploy/monitoring/grafana-dashboard.json',
  'deploy/monitoring/prometheus.yml',
  'deploy/proxies/Caddyfile',
  'deploy/proxies/apache.conf',
  'deploy/proxies/compose.Caddyfile',
  'deploy/proxies/haproxy.cfg',
  'deploy/proxies/nginx.conf',
  'deploy/tokens/token-service.mjs',
  'deploy/tokens/token-service.php',
  'deploy/tokens/token_service.py',
  'dist/hlsmesh-sim-report.css',
  'dist/hlsmesh-sim-report.js',
  'dist/hlsmesh-sim.wasm.br',
  'dist/hlsmesh-tracker.wasm',
  'dist/hlsmesh.js',
  'dist/hlsmesh.js.map',
  'dist/hlsmesh.mjs',
  'dist/hlsmesh.mjs.map',
  'dist/hlsmesh.wasm',
  'docs/API.md',
  'docs/ARCHITECTURE.md',
  'docs/IDENTITY.md',
  'docs/OPERATING.md',
  'docs/PROTOCOL.md',
  'docs/RECIPES.md',
  'docs/SIMULATOR.md',
  'js/index.d.ts',
  'js/wasm-url.d.ts',
  'js/core.js',
  'package.json',
];

/** hls.js by minor version; the installed one is the newest that we know. */
const TYPED_AGAINST = ['hls.js', 'hls.js-1.6', 'hls.js-1.5', 'hls.js-1.4'];

/** @param {() => import('./project.mjs').Project} project */
export function tarballTests(project) {
  describe('the tarball', () => {
    test('holds what ships and nothing else', () => {
      const tracker = filesIn(['js/tracker'], ['.js', '.ts']);
      // What shows a report is bundled.
      const simulator = filesIn(['js/sim'], ['.js', '.json']).filter(
        (file) => !file.endsWith('report-page.js'),
      );
      assert.deepEqual(project().files, [...SHIPPED, ...simulator, ...tracker].sort());
    });

    test('F2: is small enough to be looked at before it is used', async () => {
      const { size } = await stat(project().tarball);
      // The simulator is 180 KB of it.
      assert.ok(size < 620_000, `${size} bytes`);
    });

    test('has its exports as publint and Are The Types Wrong want them, as ES modules', async () => {
      const { tarball } = project();
      await project().node('node_modules/publint/src/cli.js', 'run', tarball, '--strict');
      await project().node(
        'node_modules/@arethetypeswrong/cli/dist/index.js',
        tarball,
        ...['--profile', 'esm-only'],
      );
    });

    test('has source maps that hold their sources', async () => {
      for (const name of ['hlsmesh.mjs', 'hlsmesh.js']) {
        const file = project().path(`node_modules/hlsmesh/dist/${name}`);
        assert.match(await readFile(file, 'utf8'), new RegExp(`sourceMappingURL=${name}\\.map`));
        const map = await json(`${file}.map`);
        assert.equal(map.sources.length, map.sourcesContent.length);
        assert.ok(
          map.sources.some((/** @type {string} */ source) => source.endsWith('js/mesh.js')),
        );
      }
    });

    test('can be imported on a server, where there is neither window nor document', async () => {
      await writeFile(
        project().path('server.mjs'),
        `import HlsMesh, { isSupported, version } from 'hlsmesh';
         console.log(JSON.stringify([typeof window, typeof HlsMesh.attach, isSupported(), version]));`,
      );
      const { version } = await json(path.join(ROOT, 'package.json'));
      const told = JSON.parse(await project().node('server.mjs'));
      assert.deepEqual(told, ['undefined', 'function', false, version]);
    });

    test('brings the tracker as a command', async () => {
      const command = project().path('node_modules/.bin/hlsmesh-tracker');
      assert.ok((await stat(command)).mode & 0o100, 'it is not executable');
      const child = project().start(command, '--port', '0');
      const [line] = await once(createInterface({ input: child.stdout }), 'line');
      const { port } = new URL(/ws:\/\/\S+/.exec(line)?.[0] ?? '');
      const health = await (await fetch(`http://127.0.0.1:${port}/healthz`)).json();
      assert.equal(/** @type {any} */ (health).status, 'ok');
      child.kill('SIGTERM');
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    });

    test('brings the simulator as a command, which needs no compiler', async () => {
      const command = 'node_modules/.bin/hlsmesh-sim';
      const page = project().path('report.html');
      const short = ['--scenario', 'two-viewers', '--seconds', '20'];
      const told = await project().node(command, ...short, '--json', '--report', page);
      assert.equal(JSON.parse(told).viewers, 2);
      assert.match(await readFile(page, 'utf8'), /id="figures">/);
    });

    test('brings the tracker as a library', async () => {
      await writeFile(
        project().path('tracker.mjs'),
        `import { createTracker } from 'hlsmesh/tracker';
         const tracker = await createTracker({ port: 0 });
         console.log(JSON.stringify([tracker.port > 0, tracker.stats().peers]));
         await tracker.close();`,
      );
      assert.deepEqual(JSON.parse(await project().node('tracker.mjs')), [true, 0]);
    });
  });

  describe('the types, strict and with skipLibCheck off', () => {
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const olderTsc = 'node_modules/typescript/bin/tsc';
    const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler'];

    test('compile in a page by the rules of Node', async () => {
      await project().node(tsc, '-p', 'types/player.json', '--module', 'nodenext');
    });

    test('compile in a Node program without the DOM', async () => {
      await project().node(tsc, '-p', 'types/tracker.json');
      await project().node(olderTsc, '-p', 'types/tracker.json');
    });

    for (const name of TYPED_AGAINST) {
      test(`compile against ${name} by the rules of bundlers`, async () => {
        const config = await json(project().path('types/player.json'));
        config.compilerOptions.paths = { 'hls.js': [`../node_modules/${name}`] };
        await writeFile(project().path(`types/${name}.json`), JSON.stringify(config));
        const args = ['-p', `types/${name}.json`, ...bundler];
        const files = await project().node(tsc, ...args, '--listFiles');
        assert.match(files, new RegExp(`node_modules/${name.replaceAll('.', '\\.')}/dist/`));
        // From 1.6 on hls.js's own types need TypeScript 5.7.
        if (name === 'hls.js-1.5') await project().node(olderTsc, ...args);
      });
    }
  });
}
