/**
 * Runs Binaryen on the engine that viewers download. The npm package is years newer than Debian's Binaryen, which saves 1.5 KB of
 * gzip; `wasm-opt --help` explains each pass.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberLocals } from './number-locals.mjs';
import { orderFunctions } from './order-functions.mjs';
import { ROOT, UserError, lastLines, run } from './process.mjs';
import { shortenExports } from './short-exports.mjs';

/** The features that the oldest browsers of scripts/build.mjs support; the module itself no longer names its features. */
const FEATURES = [
  ...['--mvp-features', '--enable-mutable-globals', '--enable-sign-ext'],
  ...['--enable-bulk-memory', '--enable-nontrapping-float-to-int'],
];

const PASSES = [
  // The linker guarantees both: no data in the first 1024 bytes, and memory that is zero at the start.
  ...['--low-memory-unused', '--zero-filled-memory', '--post-emscripten'],
  // The flattened code has more repetitions.
  ...['--flatten', '--rereloop', '-Oz', '--generate-global-effects', '-Oz'],
  // Inlining a function that has a single caller makes bodies that are no longer alike: 1.8 KB of gzip. Of 3 to 12, and of 10 to
  // 400, these two values make the fewest bytes.
  ...['--always-inline-max-function-size=5', '--one-caller-inline-max-function-size=20'],
  ...['--strip-debug', '--strip-producers', '--strip-target-features'],
];

/**
 * Removes what only dropped exports used; then runs the passes on stack instructions that Binaryen runs after -Oz when it writes.
 */
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
  writeFileSync(to, numberLocals(readFileSync(to)));
}
