/**
 * `npm run test:packagers`: tests the restarts of live packagers other than ffmpeg, whose Debian packages have 67 MB. If those
 * cannot be installed, it says so and passes.
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
  if (code !== 0) throw new UserError('a viewer got segments of another broadcast; see above');
});
