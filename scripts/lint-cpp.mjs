/** Runs clang-tidy on the engines (see .clang-tidy). It takes a minute or more, so it is not part of `npm test`. */

import { availableParallelism } from 'node:os';
import { configure } from './lib/cmake.mjs';
import { UserError, filesIn, findCommand, run, runMain } from './lib/process.mjs';

await runMain(import.meta, async () => {
  if (!findCommand('clang-tidy')) {
    throw new UserError('clang-tidy is missing: sudo apt install clang-tidy');
  }
  await configure('native');
  const files = filesIn(['src'], ['.cpp']);
  const waiting = [...files];
  let found = 0;
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const { code, output } = await run('clang-tidy', ['-p', 'build/native', '--quiet', file]);
      if (code === 0) continue;
      found += 1;
      console.log(output);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (found > 0) throw new UserError(`clang-tidy: findings in ${found} of ${files.length} files.`);
  console.log(`clang-tidy: ${files.length} files, nothing found.`);
});
