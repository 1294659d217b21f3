/**
 * `npm run test:sites`, or `npm run test:sites -- players` for a part: tries hlsmesh, as packed, with the players, frameworks and
 * bundlers of tests/sites, whose packages are too many for each run of `npm test`. Meant for once a week. It writes what came of
 * it, with versions and date, into docs/COMPATIBILITY.md.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, UserError, runMain } from './lib/process.mjs';
import { record, results } from './lib/sites.mjs';
import { build } from './build.mjs';
import { setup } from './setup.mjs';

const PARTS = ['players', 'frameworks', 'bundlers'];

await runMain(import.meta, async () => {
  const wanted = process.argv.slice(2);
  if (!wanted.every((part) => PARTS.includes(part)))
    throw new UserError(`usage: npm run test:sites -- [${PARTS.join('|')}]`);
  await setup('test');
  await build();
  rmSync(join(ROOT, 'build/sites'), { recursive: true, force: true });
  /** @type {string[]} */
  const failed = [];
  for (const part of wanted.length > 0 ? wanted : PARTS) {
    const options = { cwd: ROOT, stdio: /** @type {const} */ ('inherit') };
    const child = spawn(process.execPath, ['--test', `tests/sites/${part}.mjs`], options);
    const [code] = await once(child, 'exit');
    if (code !== 0) failed.push(part);
  }
  record(results());
  if (failed.length > 0) throw new UserError(`not all works of: ${failed.join(', ')}; see above`);
});
