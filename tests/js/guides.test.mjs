/** The short pages of docs/: their code parses, and the options, codes and figures that they name exist. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'acorn';
import { HELP } from '../../js/load/usage.js';
import { helpText } from '../../js/tracker/help.js';
import { DECLARED } from '../../js/tracker/option-list.js';
import { LIMITS } from '../../js/tracker/option-limits.js';

const GUIDES = ['COMPATIBILITY', 'FAQ', 'MIGRATION', 'STREAMS', 'TROUBLESHOOTING', 'TUNING'];
const read = (/** @type {string} */ file) =>
  readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
const types = await read('js/index.d.ts');
const pages = new Map(
  await Promise.all(
    GUIDES.map(async (name) => /** @type {const} */ ([name, await read(`docs/${name}.md`)])),
  ),
);
const flags = new Set([...DECLARED, ...LIMITS].map(({ name }) => `--${name}`));

/** @param {string} head of a declaration @returns {Set<string>} its members */
function members(head) {
  const from = types.indexOf(head);
  assert.ok(from >= 0, head);
  const body = types.slice(from, types.indexOf('\n}', from));
  return new Set([...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:<(]/gm)].map(([, name]) => name));
}

const options = new Set([
  ...members('interface MeshUpdate'),
  ...members('interface HlsMeshOptions'),
]);

/** @param {string} page @param {string} heading @returns {string[][]} the cells of its tables */
const rows = (page, heading) =>
  (pages.get(page)?.split(/^## /m) ?? [])
    .filter((part) => part.startsWith(heading))
    .flatMap((part) => [...part.matchAll(/^\| (.*) \|$/gm)].slice(1))
    .map(([, row]) => row.split(' | '));

test('every block of JavaScript parses', () => {
  let blocks = 0;
  for (const [name, text] of pages) {
    for (const [, code] of text.matchAll(/```js\n([^]*?)```/g)) {
      blocks++;
      assert.ok(parse(code, { ecmaVersion: 2022, sourceType: 'module' }), name);
    }
  }
  assert.ok(blocks > 3);
});

test('every flag of the tracker exists', () => {
  let named = 0;
  for (const [name, text] of pages) {
    for (const [flag] of text.matchAll(/(?<=`)--[a-z-]+/g)) {
      named++;
      assert.ok(flags.has(flag), `${name}: ${flag}`);
    }
  }
  assert.ok(named > 10);
});

test('every option of the SDK has its advice, and there is no other', () => {
  const advised = rows('TUNING', 'Of the SDK').map(([cell]) => cell.replaceAll('`', ''));
  assert.deepEqual(advised.sort(), [...options].sort());
});

test('what other libraries call by their names has a name of hlsmesh', () => {
  const known = new Set([...options, ...members('interface Mesh {')]);
  for (const library of ['From p2p', 'From CDNBye']) {
    const mapped = rows('MIGRATION', library);
    assert.ok(mapped.length > 8);
    for (const [, ours] of mapped) {
      for (const [, name] of ours.matchAll(/`(?:mesh\.)?([a-z]\w+)[^`]*`/gi)) {
        const foreign = ['xhrSetup', 'fetchSetup'].includes(name);
        assert.ok(foreign || known.has(name), `${name} in ${ours}`);
      }
    }
  }
});

test('codes and figures in the list of symptoms exist', () => {
  const codes = new Set([...types.matchAll(/^ {2}\| '([\w-]+)'/gm)].map(([, code]) => code));
  const figures = members('interface MeshStats');
  for (const [symptom] of rows('TROUBLESHOOTING', 'By symptom')) {
    for (const [, word] of symptom.matchAll(/`([a-z][\w-]*)`/gi)) {
      assert.ok(codes.has(word) || figures.has(word) || word === 'timeout', word);
    }
  }
});

test('the size that the questions name is the accepted one', async () => {
  const { bytes } = JSON.parse(await read('budget.json'));
  const [, told] = /A page loads (\d+) KB of gzip/.exec(pages.get('FAQ') ?? '') ?? [];
  assert.ok(Math.abs(Number(told) - bytes.module.gzip / 1000) <= 1, `${told} KB`);
});

test('every flag that the operating page names is one of a command of hlsmesh', async () => {
  const known = new Set(`${helpText()}${HELP}`.match(/--[a-z-]+/g));
  const named = (await read('docs/OPERATING.md')).match(/(?<=`)--[a-z-]+/g) ?? [];
  assert.ok(named.length > 100);
  assert.deepEqual([...new Set(named.filter((flag) => !known.has(flag)))], []);
});
