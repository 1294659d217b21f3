/**
 * `npm run test:upgrade -- COMMIT`: a rolling upgrade of two trackers from that commit to this tree, and back. The older version is
 * checked out and built in build/upgrade.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './lib/cmake.mjs';
import { ROOT, UserError, lastLines, run, runMain } from './lib/process.mjs';
import { setup } from './setup.mjs';

const ABI = 'js/tracker/abi.js';
const TARGET = 'hlsmesh-tracker';
const WASM = `${TARGET}.wasm`;

/** @param {string} command @param {string[]} args */
async function must(command, args) {
  const { code, output } = await run(command, args, { log: 'upgrade.log' });
  if (code !== 0) throw new UserError(`${command} ${args.join(' ')}:\n\n${lastLines(output, 30)}`);
  return output.trim();
}

/** @param {string} commit @returns {Promise<string>} its folder, in which its tracker can be started */
async function checkedOut(commit) {
  const id = await must('git', ['-C', ROOT, 'rev-parse', '--verify', `${commit}^{commit}`]);
  const folder = join(ROOT, 'build', 'upgrade', id);
  if (existsSync(join(folder, 'dist', WASM))) return folder;
  if (!existsSync(folder)) {
    await must('git', ['-C', ROOT, 'worktree', 'add', '--force', '--detach', folder, id]);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  }
  mkdirSync(join(folder, 'dist'), { recursive: true });
  const abi = [folder, ROOT].map((root) => readFileSync(join(root, ABI), 'utf8'));
  let built = join(ROOT, 'dist', WASM);
  if (abi[0] !== abi[1]) {
    // The JavaScript of that version needs the engine of that version.
    const tree = join(folder, 'build', 'wasm');
    await must('cmake', ['-S', folder, '--preset', 'wasm']);
    await must('cmake', ['--build', tree, '--target', TARGET]);
    built = join(tree, 'wasm', WASM);
  }
  cpSync(built, join(folder, 'dist', WASM));
  return folder;
}

await runMain(import.meta, async () => {
  const [commit] = process.argv.slice(2);
  if (commit === undefined) throw new UserError('usage: npm run test:upgrade -- COMMIT');
  await setup('test');
  await compile('wasm', [TARGET]);
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'build/wasm/wasm', WASM), join(ROOT, 'dist', WASM));
  const env = { ...process.env, OLD_VERSION: await checkedOut(commit) };
  const options = { cwd: ROOT, stdio: /** @type {const} */ ('inherit'), env };
  const child = spawn(process.execPath, ['--test', 'tests/deploy/upgrade.mjs'], options);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new UserError('the two versions do not work together; see above');
});
