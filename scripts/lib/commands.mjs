/**
 * dist/tracker, dist/digest and dist/load: what the package runs in Node, without comments and with short names for locals. Stack
 * traces stay of use: functions, classes and members keep their names, and each statement has a line of its own.
 */

import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

/** What others start or import of each; files lie as deep in dist/ as in js/, so that paths beside them stay right. */
const ENTRIES = {
  tracker: ['cli.js', 'index.js'],
  digest: ['cli.js', 'digests.js'],
  load: ['cli.js'],
};

/** Writes the three folders anew. */
export async function bundleCommands() {
  const { build } = await import('esbuild');
  for (const [name, entries] of Object.entries(ENTRIES)) {
    const folder = join(ROOT, 'dist', name);
    rmSync(folder, { recursive: true, force: true });
    await build({
      absWorkingDir: ROOT,
      entryPoints: entries.map((file) => `js/${name}/${file}`),
      outdir: `dist/${name}`,
      bundle: true,
      splitting: true,
      chunkNames: 'part-[hash]',
      format: 'esm',
      platform: 'node',
      target: 'node18.19',
      packages: 'external',
      logLevel: 'warning',
    });
    for (const file of readdirSync(folder)) await shorten(join(folder, file));
  }
  // Browsers run it: a plain script, which imports nothing.
  copyFileSync(join(ROOT, 'js/load/viewer.js'), join(ROOT, 'dist/load/viewer.js'));
}

/** @param {string} path of a module */
async function shorten(path) {
  const { minify } = await import('terser');
  const common = /** @type {import('terser').MinifyOptions} */ ({
    module: true,
    ecma: 2020,
    format: { semicolons: false },
  });
  const kept = { keep_classnames: true, keep_fnames: true };
  // esbuild leaves classes to be named by their variables, which get short names.
  const named = readFileSync(path, 'utf8').replace(/^var (\w+) = class (?!_)/gm, '$&$1 ');
  const { code: full = '' } = await minify(named, {
    ...common,
    // One function in another's place would be missing from stack traces.
    compress: { ...kept, inline: false, reduce_funcs: false, sequences: false },
    mangle: false,
  });
  const { code: short = '' } = await minify(full, { ...common, compress: false, mangle: kept });
  writeFileSync(path, `${await withPrivateNames(short, full)}\n`);
}

/**
 * Terser has no option that leaves `#names` alone. They cost 1 KB of gzip.
 * @param {string} short
 * @param {string} full the same code with its own names
 */
async function withPrivateNames(short, full) {
  const { parse } = await import('acorn');
  /** @param {string} code */
  const privateNames = (code) => {
    /** @type {import('acorn').Token[]} */
    const tokens = [];
    parse(code, { ecmaVersion: 2022, sourceType: 'module', allowHashBang: true, onToken: tokens });
    return tokens.filter(({ type }) => type.label === 'privateId');
  };
  const names = privateNames(full);
  let [text, end] = ['', 0];
  for (const [at, token] of privateNames(short).entries()) {
    text += short.slice(end, token.start) + full.slice(names[at].start, names[at].end);
    end = token.end;
  }
  return text + short.slice(end);
}
