#!/usr/bin/env node
/**
 * `hlsmesh-sim` for those who have the package hlsmesh: runs the package hlsmesh-sim of the same version, the one beside it or
 * else npm's. The simulator is as large as everything else, and neither a page nor a tracker needs it.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const PACKAGE = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8'));
const args = process.argv.slice(2);

/** @returns {string} the simulator's script; empty if it is not installed */
function installed() {
  try {
    return createRequire(import.meta.url).resolve('hlsmesh-sim');
  } catch {
    return '';
  }
}

const script = installed();
const [command, ...words] = script
  ? [process.execPath, script]
  : ['npm', 'exec', '--yes', `--package=hlsmesh-sim@${version}`, '--', 'hlsmesh-sim'];
const { status, error } = spawnSync(command, [...words, ...args], { stdio: 'inherit' });
if (error || (status !== 0 && !script)) {
  const cause = error ? `: ${error.message}` : '';
  process.stderr.write(
    `hlsmesh-sim: ran from the package hlsmesh-sim@${version}${cause}\nIf npm cannot get it, install it beside hlsmesh.\n`,
  );
}
process.exitCode = status ?? 1;
