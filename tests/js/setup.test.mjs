import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { countCtest } from '../../scripts/lib/steps.mjs';
import { readSystem, refusal } from '../../scripts/setup.mjs';

const SETUP = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));
const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n';
const FEDORA = 'PRETTY_NAME="Fedora Linux 40"\nID=fedora\n';

const folder = mkdtempSync(join(tmpdir(), 'hlsmesh-setup-'));
after(() => rmSync(folder, { recursive: true }));

/**
 * Runs the set-up on a machine whose PATH holds nothing but npm, and apt-get where there is one.
 * @param {string} osRelease
 * @param {string[]} commands
 */
function setUpBareMachine(osRelease, commands) {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const name of commands) symlinkSync('/bin/false', join(bin, name));
  const releaseFile = join(bin, 'os-release');
  writeFileSync(releaseFile, osRelease);
  return spawnSync(process.execPath, [SETUP, 'demo'], {
    encoding: 'utf8',
    env: { PATH: bin, HLSMESH_OS_RELEASE: releaseFile },
  });
}

test('set-up names what is missing on a machine that is not Debian, and installs nothing', () => {
  const { status, stdout, stderr } = setUpBareMachine(FEDORA, ['npm']);
  assert.equal(status, 1);
  assert.match(stdout, /^ {2}cmake +configures the C\+\+ build$/m);
  assert.match(stdout, /^ {2}emscripten +compiles the engines to WebAssembly$/m);
  assert.doesNotMatch(stdout, /^ {2}(npm|g\+\+|chromium) /m);
  assert.match(stderr, /Fedora Linux 40, not Debian, so nothing was installed/);
  assert.doesNotMatch(stdout, /apt-get|npm ci/);
});

test('set-up takes a Debian without apt-get for what it is', () => {
  const { status, stderr } = setUpBareMachine(DEBIAN, ['npm']);
  assert.equal(status, 1);
  assert.match(stderr, /has no apt-get, so nothing was installed/);
});

test('set-up of a user without root or sudo gives the one command an administrator must run', () => {
  const missing = [
    { name: 'cmake', why: 'configures the C++ build' },
    { name: 'ninja-build', why: 'runs the C++ build' },
  ];
  const machine = { system: readSystem(DEBIAN), apt: true };
  const message = refusal(missing, { ...machine, prefix: null });
  assert.match(message ?? '', /apt-get install --no-install-recommends cmake ninja-build/);
  assert.equal(refusal(missing, { ...machine, prefix: [] }), null);
  assert.equal(refusal(missing, { ...machine, prefix: ['sudo', '-n'] }), null);
});

test('ctest output is counted by Catch2 case, and by program where there is none', () => {
  const passing = [
    '1: All tests passed (1,204 assertions in 7 test cases)',
    '1/2 Test #1: tests_cache ......................   Passed    0.02 sec',
    '2/2 Test #2: fuzz_corpus ......................   Passed    0.02 sec',
  ].join('\n');
  assert.deepEqual(countCtest(passing), { passed: 8, failed: 0 });
  const failing = [
    '1: test cases: 7 | 5 passed | 2 failed',
    '1/3 Test #1: tests_cache ......................***Failed    0.02 sec',
    '2/3 Test #2: fuzz_corpus ......................Subprocess aborted***Exception:   0.02 sec',
    '3/3 Test #3: tests_sim ........................***Timeout   300.02 sec',
  ].join('\n');
  assert.deepEqual(countCtest(failing), { passed: 5, failed: 4 });
});

test('a program that fails after its last case has passed counts as a failure', () => {
  const output = [
    '1: All tests passed (2 assertions in 1 test case)',
    '1/1 Test #1: tests_cache ......................***Failed    0.02 sec',
  ].join('\n');
  assert.deepEqual(countCtest(output), { passed: 1, failed: 1 });
});

test('the lock pins every package by its digest and names no registry', () => {
  const lock = JSON.parse(
    readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
  );
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  assert.ok(packages.length > 5);
  for (const [path, entry] of packages) {
    assert.match(entry.integrity ?? '', /^sha512-/, path);
    assert.equal(entry.resolved, undefined, path);
  }
});
