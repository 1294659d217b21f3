/**
 * Builds the shipped files: both engines as WebAssembly, and the SDK bundled as a module and as a script.
 *
 * dist/hlsmesh.mjs, dist/hlsmesh.js (global `HlsMesh`), dist/hlsmesh.wasm, dist/hlsmesh-tracker.wasm; dist/hlsmesh-diagnose.mjs,
 * which a page loads on demand, and dist/hlsmesh-overlay.mjs and .js; of the simulator
 * dist/hlsmesh-sim.wasm, compressed as well, and what its report shows itself with
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { compile } from './lib/cmake.mjs';
import { inlineAbi } from './lib/inline-abi.mjs';
import { internalNames } from './lib/internal-names.mjs';
import { ROOT, UserError, runMain } from './lib/process.mjs';
import { shortExports } from './lib/short-exports.mjs';
import { shrink } from './lib/shrink.mjs';
import { spreadAfterOptional } from './lib/syntax.mjs';
import { setup } from './setup.mjs';

/**
 * The oldest browsers that support private class members. For older ones esbuild would emulate them, 1 KB of gzip more for every
 * viewer.
 */
const BROWSERS = ['chrome84', 'edge84', 'firefox90', 'safari15'];

/**
 * Terser after esbuild: 0.2 KB of gzip less.
 * @param {string} file in dist/, with its source map beside it
 * @param {boolean} module
 */
async function squeeze(file, module) {
  const { minify } = await import('terser');
  const path = join(ROOT, 'dist', file);
  const { code, map } = await minify(readFileSync(path, 'utf8'), {
    module,
    compress: { ecma: 2020, hoist_funs: true, passes: 3, pure_getters: true, sequences: false },
    format: { ecma: 2020, comments: /^!|webpackIgnore|@vite-ignore/ },
    sourceMap: {
      content: readFileSync(`${path}.map`, 'utf8'),
      includeSources: true,
      url: `${file}.map`,
    },
  });
  writeFileSync(path, `${code}\n`);
  const { sourcesContent, ...rest } = JSON.parse(String(map));
  // Comments would be a tenth of the installed package.
  const sources = await Promise.all(sourcesContent.map(uncommented));
  writeFileSync(`${path}.map`, JSON.stringify({ ...rest, sourcesContent: sources }));
}

/**
 * @param {string} source
 * @returns {Promise<string>} every token at its line and column
 */
async function uncommented(source) {
  const { tokenizer } = await import('acorn');
  /** @type {import('acorn').Comment[]} */
  const comments = [];
  // No parser here: the inlined ABI is TypeScript.
  Array.from(tokenizer(source, { ecmaVersion: 2022, sourceType: 'module', onComment: comments }));
  return comments
    .reduce(
      (text, { start, end }) =>
        `${text.slice(0, start)}${text.slice(start, end).replace(/[^\n]/g, ' ')}${text.slice(end)}`,
      source,
    )
    .replace(/ +$/gm, '');
}

/** The page that `hlsmesh-sim --report` writes. */
async function bundleReport() {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    target: BROWSERS,
    format: 'iife',
    entryPoints: { 'hlsmesh-sim-report': 'js/sim/report-page.js' },
    outdir: 'dist',
    legalComments: 'inline',
    logLevel: 'warning',
  });
  await build({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    entryPoints: { 'hlsmesh-sim-report': 'js/sim/report.css' },
    outdir: 'dist',
    logLevel: 'warning',
  });
}

/** What a page loads beside the SDK, if it wants it. It shares no names with the bundles of the SDK, so it keeps its own. */
async function bundleCompanions() {
  const { build } = await import('esbuild');
  const common = /** @type {import('esbuild').BuildOptions} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    sourcemap: true,
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

async function bundle() {
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
  await build({
    ...common,
    entryPoints: ['js/index.js'],
    format: 'esm',
    outfile: 'dist/hlsmesh.mjs',
  });
  await build({
    ...common,
    stdin: {
      contents: "import HlsMesh from './js/index.js'; globalThis.HlsMesh = HlsMesh;",
      resolveDir: ROOT,
      sourcefile: 'script-tag.js',
    },
    format: 'iife',
    outfile: 'dist/hlsmesh.js',
    // A classic script has no import.meta; js/beside.js then reads the script's URL from the document.
    define: { 'import.meta.url': 'undefined' },
  });
  for (const file of ['hlsmesh.mjs', 'hlsmesh.js']) {
    await squeeze(file, file.endsWith('.mjs'));
    await checkSyntax(file);
  }
}

/** @param {string} file in dist/ */
async function checkSyntax(file) {
  const { parse } = await import('acorn');
  const code = readFileSync(join(ROOT, 'dist', file), 'utf8');
  const call = spreadAfterOptional(parse(code, { ecmaVersion: 2022, sourceType: 'module' }));
  if (!call) return;
  const found = code.slice(call.start, call.end);
  throw new UserError(`${file}: Chrome below 91 cannot spread arguments after ?. as in ${found}`);
}

/** Writes all shipped files to dist/. The set-up for `build` must have run. */
export async function build() {
  await compile('wasm', ['hlsmesh', 'hlsmesh-tracker', 'hlsmesh-sim']);
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  await shrink(join('build', 'wasm', 'wasm', 'hlsmesh.wasm'), join('dist', 'hlsmesh.wasm'));
  for (const file of ['hlsmesh-tracker.wasm', 'hlsmesh-sim.wasm']) {
    copyFileSync(join(ROOT, 'build', 'wasm', 'wasm', file), join(ROOT, 'dist', file));
  }
  // Only Node reads it from the package, where it is the largest file: 128 KB instead of 156 as gzip.
  const simulator = join(ROOT, 'dist', 'hlsmesh-sim.wasm');
  writeFileSync(`${simulator}.br`, brotliCompressSync(readFileSync(simulator)));
  await bundle();
  await bundleCompanions();
  await bundleReport();
}

await runMain(import.meta, async () => {
  await setup('build');
  await build();
  const { printSizes } = await import('./size.mjs');
  printSizes();
});
