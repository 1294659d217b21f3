/** What the runner of the tests reads out of a report. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/process.mjs';
import { failures } from '../../scripts/lib/steps.mjs';

const FILES = ['tests/browser/one.test.mjs', 'tests/browser/two.test.mjs'];

/** @param {string} indent @param {string} name @param {string[]} detail */
const failure = (indent, name, detail) =>
  [`not ok 1 - ${name}`, '  ---', ...detail.map((line) => `  ${line}`), '  ...', '']
    .map((line) => `${indent}${line}`)
    .join('\n');

test('the files and tests that failed are named once, and no suite for its tests', () => {
  const location = `location: '${join(ROOT, FILES[1])}:2:20'`;
  const report = [
    'TAP version 13',
    'ok 1 - fine\n  ---\n  duration_ms: 1\n  ...',
    failure('    ', 'bad', ['duration_ms: 2', location, "error: 'no'"]),
    failure('', 'group', ["type: 'suite'", location]),
  ].join('\n');
  assert.deepEqual(failures(report, FILES), { again: [FILES[1]], names: ['bad'] });
});

test('a report that ended early names no file: all are run again', () => {
  assert.deepEqual(failures('TAP version 13\n', FILES), { again: FILES, names: [] });
});
