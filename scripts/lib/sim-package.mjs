/** dist/sim: the simulator as a package of its own, which neither a page nor a tracker needs. Laid out as the repository is. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { ROOT } from './process.mjs';

const DIR = join(ROOT, 'dist', 'sim');

const BUILT = ['hlsmesh-sim.wasm.br', 'hlsmesh-sim-report.css', 'hlsmesh-sim-report.js'];

/** What the build reads, and what is in the package hlsmesh. */
const SOURCES = ['command.js', 'report-page.js', 'report.css'];

/** Links of docs/SIMULATOR.md lead to other pages of docs/. */
const DOCS = 'https://github.com/hlsmesh/hlsmesh/blob/main/docs/';

/** Builds what the simulator needs in dist/, besides its WebAssembly, and the package from it. */
export async function packSimulator() {
  const wasm = join(ROOT, 'dist', 'hlsmesh-sim.wasm');
  // The largest file of the package: 155 KB instead of 190 as gzip.
  writeFileSync(`${wasm}.br`, brotliCompressSync(readFileSync(wasm)));
  await bundleReport();
  rmSync(DIR, { recursive: true, force: true });
  cpSync(join(ROOT, 'js/sim'), join(DIR, 'js/sim'), {
    recursive: true,
    filter: (file) => !SOURCES.some((name) => file.endsWith(`/${name}`)),
  });
  mkdirSync(join(DIR, 'dist'));
  for (const name of BUILT) cpSync(join(ROOT, 'dist', name), join(DIR, 'dist', name));
  cpSync(join(ROOT, 'LICENSE'), join(DIR, 'LICENSE'));
  const page = readFileSync(join(ROOT, 'docs/SIMULATOR.md'), 'utf8');
  writeFileSync(join(DIR, 'README.md'), page.replace(/\]\((?=[A-Z]+\.md)/g, `](${DOCS}`));
  writeFileSync(join(DIR, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

function manifest() {
  const { version, license, type, engines, repository, homepage, bugs } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  return {
    name: 'hlsmesh-sim',
    version,
    description: 'What hlsmesh would save for an audience, by its real engines on simulated lines.',
    keywords: ['hlsmesh', 'simulator', 'p2p', 'hls'],
    ...{ homepage, bugs, repository, license, type, engines },
    main: './js/sim/cli.js',
    bin: { 'hlsmesh-sim': 'js/sim/cli.js' },
    files: ['dist', 'js'],
  };
}

/** The page that `hlsmesh-sim --report` writes. */
async function bundleReport() {
  const { build } = await import('esbuild');
  const common = /** @type {const} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    outdir: 'dist',
    logLevel: 'warning',
  });
  await build({
    ...common,
    target: 'es2022',
    format: 'iife',
    entryPoints: { 'hlsmesh-sim-report': 'js/sim/report-page.js' },
    legalComments: 'inline',
  });
  await build({ ...common, entryPoints: { 'hlsmesh-sim-report': 'js/sim/report.css' } });
}
