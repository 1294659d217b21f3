/** A strict consumer compiles against the published types, and what it must not do is refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

for (const [module, resolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
]) {
  test(`tests/types/sdk.ts compiles, library files checked, with moduleResolution ${resolution}`, () => {
    const args = ['-p', 'tests/types', '--module', module, '--moduleResolution', resolution];
    const { status, stdout, stderr } = spawnSync('node_modules/.bin/tsc', args, {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });
}
