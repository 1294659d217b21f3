/** Checks the formatting of all C++ and JavaScript; with --write it formats them. */

import { UserError, filesIn, lastLines, run, runMain } from './lib/process.mjs';

/** @param {boolean} write */
export function formatCpp(write) {
  const files = filesIn(['src', 'wasm', 'tests', 'bench'], ['.cpp', '.hpp']);
  return run('clang-format', [...(write ? ['-i'] : ['--dry-run', '-Werror']), ...files]);
}

/** @param {boolean} write */
export function formatJs(write) {
  return run('node_modules/.bin/prettier', [
    write ? '--write' : '--check',
    '--log-level=warn',
    '.',
  ]);
}

await runMain(import.meta, async () => {
  const write = process.argv.includes('--write');
  for (const { code, output } of [await formatCpp(write), await formatJs(write)]) {
    if (code !== 0) throw new UserError(`${lastLines(output, 40)}\nFormat with: npm run format`);
  }
});
