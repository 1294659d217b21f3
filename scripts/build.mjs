/**
 * Builds the shipped files: both engines as WebAssembly, and the SDK bundled as a module and as a script.
 *
 * dist/hlsmesh.mjs, dist/hlsmesh.js (global `HlsMesh`), dist/hlsmesh.es2017.js (the same for older engines), dist/hlsmesh.wasm,
 * dist/hlsmesh-tracker.wasm, compressed as well; dist/hlsmesh-diagnose.mjs, which a page loads on demand;
 * dist/hlsmesh-shadow.mjs, which viewers in shadow load; dist/hlsmesh-overlay.mjs and .js; the tracker's dashboard,
 * dist/hlsmesh-dashboard.json.br; dist/tracker, dist/digest and dist/load, what the package runs in Node; dist/sim, the package
 * of the simulator
 */

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { compile } from './lib/cmake.mjs';
import { bundleCommands } from './lib/commands.mjs';
import { inlineAbi } from './lib/inline-abi.mjs';
import { internalNames } from './lib/internal-names.mjs';
import { ROOT, UserError, runMain } from './lib/process.mjs';
import { sharedCharts } from './lib/shared-charts.mjs';
import { shortExports } from './lib/short-exports.mjs';
import { shrink } from './lib/shrink.mjs';
import { packSimulator } from './lib/sim-package.mjs';
import { spreadAfterOptional } from './lib/syntax.mjs';
import { setup } from './setup.mjs';

/**
 * The oldest browsers that support private class members. For older ones esbuild would emulate them, 1 KB of gzip more for every
 * viewer.
 */
const BROWSERS = ['chrome84', 'edge84', 'firefox90', 'safari15'];

/** For Chrome 58 to 83, which televisions have: they parse it, and share if they can run the engine (from Chrome 75 on). */
const OLD_SCRIPT = 'hlsmesh.es2017.js';

/**
 * Terser after esbuild: 0.2 KB of gzip less. The source map beside the file is for whoever reads a stack trace of this build: a tenth
 * of the package, so it is not packed, and no file names it.
 * @param {string} file in dist/
 * @param {2017 | 2020} [ecma]
 */
async function squeeze(file, ecma = 2020) {
  const { minify } = await import('terser');
  // Not above: before the set-up there is no acorn, which it needs.
  const { slim } = await import('./lib/source-map.mjs');
  const path = join(ROOT, 'dist', file);
  const { code, map } = await minify(readFileSync(path, 'utf8'), {
    module: file.endsWith('.mjs'),
    compress: { ecma, hoist_funs: true, passes: 3, pure_getters: true, sequences: false },
    format: { ecma, comments: /^!|webpackIgnore|@vite-ignore/ },
    sourceMap: { content: readFileSync(`${path}.map`, 'utf8'), includeSources: true },
  });
  writeFileSync(path, `${code}\n`);
  writeFileSync(`${path}.map`, await slim(String(map), file.endsWith('.mjs')));
}

/** The files of the tracker's dashboard, with uPlot as it is published: one file for all, which only Node reads. */
export async function bundleDashboard() {
  const { build } = await import('esbuild');
  const common = /** @type {const} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    write: false,
    logLevel: 'warning',
  });
  const script = await build({
    ...common,
    target: BROWSERS,
    format: 'iife',
    entryPoints: ['js/dashboard/main.js'],
    plugins: [sharedCharts],
    legalComments: 'inline',
  });
  const style = await build({ ...common, entryPoints: ['js/dashboard/style.css'] });
  const charts = join(ROOT, 'node_modules', 'uplot', 'dist', 'uPlot.iife.min.js');
  const files = {
    html: readFileSync(join(ROOT, 'js', 'dashboard', 'index.html'), 'utf8'),
    css: style.outputFiles[0].text,
    script: script.outputFiles[0].text,
    charts: readFileSync(charts, 'utf8'),
  };
  // 32 KB instead of 36 as gzip.
  const packed = brotliCompressSync(JSON.stringify(files));
  writeFileSync(join(ROOT, 'dist', 'hlsmesh-dashboard.json.br'), packed);
}

/** What a page loads beside the SDK, if it wants it. It shares no names with the bundles of the SDK, so it keeps its own. */
export async function bundleCompanions() {
  const { build } = await import('esbuild');
  const common = /** @type {import('esbuild').BuildOptions} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    target: BROWSERS,
    banner: { js: banner() },
    logLevel: 'warning',
  });
  await build({
    ...common,
    entryPoints: {
      'hlsmesh-diagnose': 'js/diagnose/index.js',
      'hlsmesh-overlay': 'js/overlay/index.js',
    },
    format: 'esm',
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
  });
  await build({
    ...common,
    stdin: {
      contents: `import { overlay } from './js/overlay/index.js';
globalThis.HlsMesh = Object.freeze({ ...globalThis.HlsMesh, overlay });`,
      resolveDir: ROOT,
      sourcefile: 'script-tag.js',
    },
    format: 'iife',
    outfile: 'dist/hlsmesh-overlay.js',
  });
}

function banner() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return `/*! hlsmesh ${version}, MIT licence */`;
}

/** Writes the bundles of the SDK to dist/. */
export async function bundle() {
  // Not a static import: this module must load before the npm packages are installed.
  const { build } = await import('esbuild');
  const common = /** @type {import('esbuild').BuildOptions} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    minifyIdentifiers: true,
    minifySyntax: true,
    // Terser removes the spaces: esbuild would remove the comments that tell bundlers what to leave alone, too.
    minifyWhitespace: false,
    sourcemap: true,
    target: BROWSERS,
    // Chrome 84 supports all of it except one construct, which checkSyntax refuses: 0.3 KB of gzip less.
    supported: { 'optional-chain': true },
    mangleProps: internalNames(),
    plugins: [inlineAbi, shortExports],
    legalComments: 'inline',
    banner: { js: banner() },
    logLevel: 'warning',
  });
  // All bundles have the same short names, as what viewers in shadow load beside any of them must.
  const { mangleCache } = await build({
    ...common,
    mangleCache: {},
    entryPoints: ['js/index.js'],
    format: 'esm',
    outfile: 'dist/hlsmesh.mjs',
  });
  common.mangleCache = mangleCache;
  // Neither minified nor mapped: Vite would put a file below 4 KB into the bundle, as a data: URL that site policies refuse.
  await build({
    ...common,
    minifyIdentifiers: false,
    minifySyntax: false,
    sourcemap: false,
    plugins: [inlineAbi],
    entryPoints: ['js/shadow/index.js'],
    format: 'esm',
    outfile: 'dist/hlsmesh-shadow.mjs',
  });
  const entry = {
    contents: "import HlsMesh from './js/index.js'; globalThis.HlsMesh = HlsMesh;",
    resolveDir: ROOT,
    sourcefile: 'script-tag.js',
  };
  const { forEs2017 } = await import('./lib/es2017.mjs');
  const script = /** @type {import('esbuild').BuildOptions} */ ({
    ...common,
    stdin: entry,
    format: 'iife',
    outfile: 'dist/hlsmesh.js',
    // A classic script has no import.meta; js/beside.js then reads the script's URL from the document.
    define: { 'import.meta.url': 'undefined' },
  });
  await build(script);
  await build({
    ...script,
    stdin: { ...entry, contents: `import './js/old-engines.js'; ${entry.contents}` },
    outfile: `dist/${OLD_SCRIPT}`,
    target: 'es2017',
    // package.json says of the module that it has no side effects.
    ignoreAnnotations: true,
    supported: {},
    plugins: [inlineAbi, forEs2017],
    define: { ...script.define, globalThis: 'self' },
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  });
  for (const file of ['hlsmesh.mjs', 'hlsmesh.js']) {
    await squeeze(file);
    await checkSyntax(file);
  }
  await squeeze(OLD_SCRIPT, 2017);
  await checkSyntax(OLD_SCRIPT, 2017);
}

/**
 * @param {string} file in dist/
 * @param {2017} [ecmaVersion] all that it may need
 */
async function checkSyntax(file, ecmaVersion) {
  const { parse } = await import('acorn');
  const code = readFileSync(join(ROOT, 'dist', file), 'utf8');
  if (ecmaVersion) return void parse(code, { ecmaVersion });
  const call = spreadAfterOptional(parse(code, { ecmaVersion: 2022, sourceType: 'module' }));
  if (!call) return;
  const found = code.slice(call.start, call.end);
  throw new UserError(`${file}: Chrome below 91 cannot spread arguments after ?. as in ${found}`);
}

/** Writes all shipped files to dist/. The set-up for `build` must have run. */
export async function build() {
  await compile('wasm', ['hlsmesh', 'hlsmesh-tracker', 'hlsmesh-sim']);
  // The package has all that is there: nothing of a former build may stay.
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  mkdirSync(join(ROOT, 'dist'));
  await shrink(join('build', 'wasm', 'wasm', 'hlsmesh.wasm'), join('dist', 'hlsmesh.wasm'));
  for (const file of ['hlsmesh-tracker.wasm', 'hlsmesh-sim.wasm']) {
    copyFileSync(join(ROOT, 'build', 'wasm', 'wasm', file), join(ROOT, 'dist', file));
  }
  // Only Node reads it from the package: 50 KB instead of 63 as gzip.
  compress('hlsmesh-tracker.wasm', 'hlsmesh-tracker.wasm.br');
  await bundle();
  await bundleCompanions();
  await bundleDashboard();
  await bundleCommands();
  await packSimulator();
}

/** @param {string} from @param {string} to in dist/ */
function compress(from, to) {
  writeFileSync(join(ROOT, 'dist', to), brotliCompressSync(readFileSync(join(ROOT, 'dist', from))));
}

await runMain(import.meta, async () => {
  await setup('build');
  await build();
  const { printSizes } = await import('./size.mjs');
  printSizes();
});
