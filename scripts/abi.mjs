/**
 * Generates js/abi.js and js/tracker/abi.js from the C++ definitions. With --check it only compares them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './lib/cmake.mjs';
import { ROOT, UserError, lastLines, run, runMain } from './lib/process.mjs';
import { setup } from './setup.mjs';

const FILES = { client: 'js/abi.js', tracker: 'js/tracker/abi.js' };

/**
 * @param {boolean} write
 * @returns {Promise<string[]>} the files that differed
 */
export async function refreshAbi(write) {
  await compile('wasm', ['abi_dump']);
  /** @type {string[]} */
  const stale = [];
  for (const [engine, file] of Object.entries(FILES)) {
    const dump = await run(process.execPath, ['build/wasm/wasm/abi_dump.cjs', engine]);
    if (dump.code !== 0) throw new UserError(`abi_dump failed:\n${lastLines(dump.output, 20)}`);
    const path = join(ROOT, file);
    if (readFileSync(path, 'utf8') === dump.output) continue;
    stale.push(file);
    if (write) writeFileSync(path, dump.output);
  }
  return stale;
}

await runMain(import.meta, async () => {
  await setup('build');
  const check = process.argv.includes('--check');
  const stale = await refreshAbi(!check);
  if (check && stale.length > 0) {
    throw new UserError(
      `These differ from the C++: ${stale.join(', ')}. Generate them: npm run abi`,
    );
  }
  console.log(stale.length > 0 ? `Written: ${stale.join(', ')}` : 'The ABI files are fresh.');
});
