/**
 * Builds the shipped files: both engines as WebAssembly, and the SDK bundled as a module and as a script.
 *
 * dist/hlsmesh.mjs, dist/hlsmesh.js (global `HlsMesh`), dist/hlsmesh.wasm, dist/hlsmesh-tracker.wasm
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
    format: { ecma: 2020, comments: /^!/ },
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

async function bundle() {
  // Not a static import: this module must load before the npm packages are installed.
  const { build } = await import('esbuild');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const common = /** @type {import('esbuild').BuildOptions} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    sourcemap: true,
    target: BROWSERS,
    // Chrome 84 supports all of it except one construct, which checkSyntax refuses: 0.3 KB of gzip less.
    supported: { 'optional-chain': true },
    mangleProps: internalNames(),
    plugins: [inlineAbi, shortExports],
    legalComments: 'inline',
    banner: { js: `/*! hlsmesh ${version}, MIT licence */` },
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
    // A classic script has no import.meta; js/module.js then reads the script's URL from the document.
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
  await compile('wasm', ['hlsmesh', 'hlsmesh-tracker']);
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  await shrink(join('build', 'wasm', 'wasm', 'hlsmesh.wasm'), join('dist', 'hlsmesh.wasm'));
  const tracker = 'hlsmesh-tracker.wasm';
  copyFileSync(join(ROOT, 'build', 'wasm', 'wasm', tracker), join(ROOT, 'dist', tracker));
  await bundle();
}

await runMain(import.meta, async () => {
  await setup('build');
  await build();
  const { printSizes } = await import('./size.mjs');
  printSizes();
});
