/** What runs in the background of other tests yields to them, and is heard when it is done. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** @param {string} work of a module that has all of scripts/lib/process.mjs as `its` @returns {string[]} the lines that it prints */
function linesOf(work) {
  const code = `import * as its from './scripts/lib/process.mjs';\n${work}`;
  const args = ['--input-type=module', '--eval', code];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n');
}

test('work in the background has the lowest priority, and its lines come together at its end', () => {
  const lines = linesOf(`
    const echo = (line) => line;
    const behind = its.inBackground(async () => {
      its.say('behind begins');
      await its.run('sh', ['-c', 'nice; exit 3'], { echo });
      its.say('behind ends');
    });
    its.say('before');
    await its.run('nice', [], { echo });
    await behind;
    its.say('after');
  `);
  const own = lines.indexOf('behind begins');
  const [priority] = lines.splice(own, 3).slice(1, 2);
  assert.equal(priority, '19');
  assert.deepEqual(
    lines.filter((line) => !/^-?\d+$/.test(line)),
    ['before', 'after'],
  );
});

test('a command in the background ends with its time limit, and says with what code it ended', () => {
  assert.deepEqual(
    linesOf(`
      const ended = (args, timeoutMs) =>
        its.inBackground(async () => (await its.run('sh', ['-c', args], { timeoutMs })).code);
      console.log(await ended('sleep 60 & sleep 60', 100), await ended('exit 3'), await ended('kill $$'));
      console.log(await its.inBackground(async () => (await its.run('nonesuch', [])).code) !== 0);
    `),
    ['124 3 1', 'true'],
  );
});
