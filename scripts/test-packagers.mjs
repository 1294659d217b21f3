/**
 * `npm run test:packagers`: the restarts of live packagers besides ffmpeg, whose Debian packages take 67 MB. Where those cannot be
 * installed it says so and passes; every other failure is one.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT, UserError, runMain } from './lib/process.mjs';
import { build } from './build.mjs';
import { setup } from './setup.mjs';

await runMain(import.meta, async () => {
  await setup('test');
  try {
    await setup('packagers');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(`SKIPPED: the packagers cannot be installed here.\n\n${error.message}`);
    return;
  }
  await build();
  const options = { cwd: ROOT, stdio: /** @type {const} */ ('inherit') };
  const child = spawn(process.execPath, ['--test', 'tests/browser/packagers.mjs'], options);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new UserError('a viewer got what was not on the air; see above');
});
