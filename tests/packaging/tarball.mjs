import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import { ROOT } from '../../scripts/lib/process.mjs';
import { json, npm } from './project.mjs';

/** The files of the package, besides the parts of its bundles, whose names are made of what is in them. */
const SHIPPED = [
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
  'dist/hlsmesh-tracker.wasm.br',
  'dist/hlsmesh.es2017.js',
  'dist/hlsmesh-dashboard.json.br',
  'dist/hlsmesh-diagnose.mjs',
  'dist/hlsmesh-overlay.js',
  'dist/hlsmesh-overlay.mjs',
  'dist/hlsmesh-shadow.mjs',
  'dist/hlsmesh.js',
  'dist/hlsmesh.mjs',
  'dist/hlsmesh.wasm',
  'dist/digest/cli.js',
  'dist/digest/digests.js',
  'dist/load/cli.js',
  'dist/load/viewer.js',
  'dist/tracker/cli.js',
  'dist/tracker/index.js',
  'js/index.d.ts',
  'js/wasm-url.d.ts',
  'js/diagnose/index.d.ts',
  'js/overlay/index.d.ts',
  'js/digest/digests.d.ts',
  'js/sim/command.js',
  'js/tracker/index.d.ts',
  'package.json',
];

/** hls.js by minor version; the installed one is the newest that we know. */
const TYPED_AGAINST = ['hls.js', 'hls.js-1.6', 'hls.js-1.5', 'hls.js-1.4'];

/** @param {() => import('./project.mjs').Project} project */
export function tarballTests(project) {
  describe('the tarball', () => {
    test('holds what ships and nothing else', () => {
      const files = project().files.filter(
        (file) => !/^dist\/(tracker|digest)\/part-\w+\.js$/.test(file),
      );
      assert.deepEqual(files, [...SHIPPED].sort());
    });

    test('F2: is small enough to be looked at before it is used', async () => {
      const { size } = await stat(project().tarball);
      // 313 KB: the engines 117, the SDK's scripts 82, the tracker and other commands 60, the dashboard's page 32, deploy 13.
      assert.ok(size < 350_000, `${size} bytes`);
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

    test('has no source maps; those of the build name the lines, and the module’s holds its sources', async () => {
      const dist = project().path('node_modules/hlsmesh/dist');
      const built = path.join(ROOT, 'dist');
      const maps = [];
      for (const name of ['hlsmesh.mjs', 'hlsmesh.js']) {
        const code = await readFile(path.join(dist, name), 'utf8');
        assert.doesNotMatch(code, /sourceMappingURL/);
        const map = new TraceMap(await json(path.join(built, `${name}.map`)));
        maps.push(map);
        // A text of the SDK's is found on its own line of its own file.
        const text = 'cannot tell where hlsmesh.wasm is';
        const lines = code.slice(0, code.indexOf(text)).split('\n');
        const place = { line: lines.length, column: lines.at(-1)?.length ?? 0 };
        const { source, line } = originalPositionFor(map, place);
        assert.match(String(source), /js\/module\.js$/);
        const own = (await readFile(path.join(ROOT, 'js/module.js'), 'utf8')).split('\n');
        assert.match(own[Number(line) - 1], new RegExp(text));
      }
      const [module, script] = maps;
      assert.ok(module.sourcesContent?.every((source) => source));
      const ours = script.sources.filter((source) => !source?.endsWith('script-tag.js'));
      assert.deepEqual(ours.sort(), [...module.sources].sort());
    });

    test('says in a stack trace of the tracker where it was, by its own names', async () => {
      await writeFile(
        project().path('trace.mjs'),
        `import { createTracker } from 'hlsmesh/tracker';
         await createTracker({ port: 0, tokenSecretFile: '/nowhere' }).catch(({ stack }) => console.log(stack));`,
      );
      const stack = await project().node('trace.mjs');
      assert.match(stack, /^Error: token-secret-file: ENOENT/);
      for (const name of [
        'WatchedFiles.add',
        'async readFiles',
        'async start',
        'async createTracker',
      ]) {
        const [, line] = new RegExp(`at ${name} .*/dist/tracker/.*:(\\d+):\\d+`).exec(stack) ?? [];
        assert.ok(Number(line) > 10, `${name} in ${stack}`);
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
      for (const workers of [1, 2]) {
        const child = project().start(
          command,
          '--port',
          '0',
          '--workers',
          `${workers}`,
          '--dashboard',
        );
        const [line] = await once(createInterface({ input: child.stdout }), 'line');
        const { port } = new URL(/ws:\/\/\S+/.exec(line)?.[0] ?? '');
        const ask = (/** @type {string} */ path) => fetch(`http://127.0.0.1:${port}${path}`);
        const health = /** @type {any} */ (await (await ask('/healthz')).json());
        assert.deepEqual([health.status, health.nodes], ['ok', workers]);
        for (const file of ['', '/dashboard.js', '/dashboard.css', '/charts.js']) {
          assert.equal((await ask(`/dashboard${file}`)).status, 200, file);
        }
        child.kill('SIGTERM');
        assert.deepEqual(await once(child, 'exit'), [0, null]);
      }
      assert.match(await project().node(command, '--check-config'), /can be used/);
    });

    test('brings the command that digests a stream, and what it computes as a library', async () => {
      const folder = project().path('digested');
      await mkdir(folder);
      await writeFile(path.join(folder, 'a.ts'), Buffer.alloc(376, 0x47));
      const list = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n';
      await writeFile(path.join(folder, 'a.m3u8'), list);
      await project().node('node_modules/.bin/hlsmesh-digest', folder);
      await writeFile(
        project().path('digest.mjs'),
        `import { digestLine } from 'hlsmesh/digest';
         console.log(digestLine('a.ts', new Uint8Array(376).fill(0x47)));`,
      );
      const written = await readFile(path.join(folder, 'a.m3u8.digests'), 'utf8');
      assert.ok(written.includes((await project().node('digest.mjs')).trim()), written);
    });

    test('brings the command that plays in many browsers, and the page that they open', async () => {
      const command = 'node_modules/.bin/hlsmesh-load';
      const urls = ['--tracker', 'ws://localhost', '--src', 'http://localhost/a.m3u8'];
      // It serves the page before it looks for a browser.
      await assert.rejects(
        project().node(command, ...urls, '--browser', '/nowhere'),
        /hlsmesh-load: (none of .* is installed|Chromium does not start from \/nowhere)/,
      );
    });

    test('brings the simulator as a command: a package of its own, which needs no compiler', async () => {
      const page = project().path('report.html');
      const short = ['--scenario', 'two-viewers', '--seconds', '20'];
      for (const command of [
        'node_modules/hlsmesh/js/sim/command.js',
        'node_modules/hlsmesh-sim/js/sim/cli.js',
      ]) {
        const told = await project().node(command, ...short, '--json', '--report', page);
        assert.equal(JSON.parse(told).viewers, 2);
        assert.match(await readFile(page, 'utf8'), /id="figures">/);
        await rm(page);
      }
      await stat(project().path('node_modules/.bin/hlsmesh-sim'));
    });

    test('leaves hls.js out where nobody asked for it, as at a tracker', async () => {
      const dir = project().path('tracker-only');
      await mkdir(dir);
      await writeFile(path.join(dir, 'package.json'), '{ "private": true }');
      await npm(dir, 'install', '--prefer-offline', project().tarball);
      const packages = (await readdir(path.join(dir, 'node_modules'))).filter((name) =>
        /^\w/.test(name),
      );
      assert.deepEqual(packages.sort(), ['hlsmesh', 'ipaddr.js', 'jose', 'mmdb-lib', 'ws']);
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
