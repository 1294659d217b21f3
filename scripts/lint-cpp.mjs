/** clang-tidy over the engines (see .clang-tidy). Takes minutes, so it stands beside `npm test`, not in it. */

import { UserError, filesIn, findCommand, lastLines, run, runMain } from './lib/process.mjs';
import { configure } from './build.mjs';

await runMain(import.meta, async () => {
  if (!findCommand('clang-tidy')) {
    throw new UserError('clang-tidy is missing: sudo apt install clang-tidy');
  }
  await configure('native');
  const files = filesIn(['src'], ['.cpp']);
  const { code, output } = await run('clang-tidy', ['-p', 'build/native', '--quiet', ...files]);
  if (code !== 0) throw new UserError(lastLines(output, 200));
  console.log(`clang-tidy: ${files.length} files, nothing found.`);
});
