/**
 * Binaryen over the engine that viewers download. The npm package is years ahead of the Binaryen in Debian, and worth 1.5 KB of
 * gzip; what each pass does is in `wasm-opt --help`.
 */

import { UserError, lastLines, run } from './process.mjs';

const PASSES = [
  // What the oldest browsers of scripts/build.mjs know; the module itself names no features any more.
  ...['--mvp-features', '--enable-mutable-globals'],
  // The linker's promises: no data below the first 1024 bytes, and memory that begins as zeros.
  ...['--low-memory-unused', '--zero-filled-memory', '--post-emscripten'],
  // Untangled first, the code shows more of what it has in common.
  ...['--flatten', '--rereloop', '-Oz', '--generate-global-effects', '-Oz'],
  // Inlining what one function alone calls makes bodies that no longer look alike: 1.8 KB of gzip. Of 3 to 12, and of 10 to 400,
  // these two make the least.
  ...['--always-inline-max-function-size=5', '--one-caller-inline-max-function-size=20'],
  ...['--strip-debug', '--strip-producers', '--strip-target-features'],
];

/**
 * @param {string} from a module as the linker left it
 * @param {string} to
 */
export async function shrink(from, to) {
  const args = ['node_modules/binaryen/bin/wasm-opt', from, ...PASSES, '-o', to];
  const { code, output } = await run(process.execPath, args, { log: 'wasm-opt.log' });
  if (code !== 0) throw new UserError(`wasm-opt failed on ${from}:\n\n${lastLines(output, 20)}`);
}
