/**
 * Binaryen over the engine that viewers download. The npm package is years ahead of the Binaryen in Debian, and worth 1.5 KB of
 * gzip; what each pass does is in `wasm-opt --help`.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { orderFunctions } from './order-functions.mjs';
import { ROOT, UserError, lastLines, run } from './process.mjs';
import { shortenExports } from './short-exports.mjs';

/** What the oldest browsers of scripts/build.mjs know; the module itself names no features any more. */
const FEATURES = [
  ...['--mvp-features', '--enable-mutable-globals', '--enable-sign-ext'],
  ...['--enable-bulk-memory', '--enable-nontrapping-float-to-int'],
];

const PASSES = [
  // The linker's promises: no data below the first 1024 bytes, and memory that begins as zeros.
  ...['--low-memory-unused', '--zero-filled-memory', '--post-emscripten'],
  // Untangled first, the code shows more of what it has in common.
  ...['--flatten', '--rereloop', '-Oz', '--generate-global-effects', '-Oz'],
  // Inlining what one function alone calls makes bodies that no longer look alike: 1.8 KB of gzip. Of 3 to 12, and of 10 to 400,
  // these two make the least.
  ...['--always-inline-max-function-size=5', '--one-caller-inline-max-function-size=20'],
  ...['--strip-debug', '--strip-producers', '--strip-target-features'],
];

/** Away with what only dropped exports used; then what Binaryen does to the stack machine's instructions whenever it writes after -Oz. */
const WRITING = [
  '--remove-unused-module-elements',
  '-ol=2',
  '-s=2',
  '--generate-stack-ir',
  '--optimize-stack-ir',
];

/** @param {string[]} args of wasm-opt */
async function optimize(args) {
  const command = ['node_modules/binaryen/bin/wasm-opt', ...FEATURES, ...args];
  const { code, output } = await run(process.execPath, command, { log: 'wasm-opt.log' });
  if (code !== 0) throw new UserError(`wasm-opt failed on ${args[0]}:\n\n${lastLines(output, 20)}`);
}

/**
 * @param {string} from a module as the linker left it
 * @param {string} to
 */
export async function shrink(from, to) {
  const text = join(ROOT, 'build', 'shrunk.wat');
  await optimize([from, ...PASSES, '-S', '-o', text]);
  writeFileSync(text, shortenExports(orderFunctions(readFileSync(text, 'utf8'))));
  await optimize([text, ...WRITING, '-o', to]);
}
