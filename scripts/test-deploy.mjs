/**
 * `npm run test:deploy`: runs the files of deploy/ in the programs that read them, as root, since one test listens on port 443 with the
 * rights of the unit. If Debian's packages of those programs cannot be installed, it says so and passes.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT, UserError, runMain } from './lib/process.mjs';
import { build } from './build.mjs';
import { setup } from './setup.mjs';

const TESTS = ['operating', 'proxies', 'stranger', 'tokens'].map(
  (name) => `tests/deploy/${name}.mjs`,
);

await runMain(import.meta, async () => {
  await setup('test');
  try {
    await setup('deploy');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(`SKIPPED: the programs cannot be installed here.\n\n${error.message}`);
    return;
  }
  await build();
  const options = { cwd: ROOT, stdio: /** @type {const} */ ('inherit') };
  const child = spawn(process.execPath, ['--test', ...TESTS], options);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new UserError('a file of deploy/ does not do what it says; see above');
});
