import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'acorn';
import { spreadAfterOptional } from '../../scripts/lib/syntax.mjs';

/** @param {string} code */
const found = (code) => spreadAfterOptional(parse(code, { ecmaVersion: 2022 })) !== null;

test('spread arguments are found wherever a chain with ?. has them, and nowhere else', () => {
  for (const code of [
    'a?.b(...c)',
    'a?.(...c)',
    'a?.b(f(x), ...c)',
    'a?.b["k"](...c)',
    'a?.b().c(...d)',
    'a?.b(x)(...d)',
    '[() => ({ k: a?.b(...c) })]',
  ]) {
    assert.ok(found(code), code);
  }
  for (const code of [
    'a.b(...c)',
    'a?.b(c)',
    'a?.b(f(...c))',
    'a?.[f(...c)]',
    '(a?.b).c(...d)',
    '[...a?.b]',
  ]) {
    assert.ok(!found(code), code);
  }
});
