/** docs/API.md documents what js/index.d.ts declares, all of it and nothing else. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { DefaultConfig, Events, HlsMesh } from '../../js/index.js';

const [types, docs] = await Promise.all(
  ['../../js/index.d.ts', '../../docs/API.md'].map(async (path) =>
    readFile(new URL(path, import.meta.url), 'utf8'),
  ),
);
const code = types.replace(/\/\*[^]*?\*\//g, '');

/**
 * Names of a declaration's members. Prettier indents those by two, what is inside them by more, and ends the block with a brace
 * in the first column.
 * @param {string} head what the block begins with
 */
function members(head) {
  const start = code.indexOf(head);
  assert.ok(start >= 0, `index.d.ts has no ${head}`);
  const body = code.slice(code.indexOf('{\n', start), code.indexOf('\n}', start));
  const names = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:<(]/gm)].map(([, name]) => name);
  assert.ok(names.length > 0, `no members of ${head}`);
  return [...new Set(names)];
}

/** @param {string} name of a union of string literals */
function words(name) {
  const start = code.indexOf(`export type ${name} =`);
  assert.ok(start >= 0, `index.d.ts has no ${name}`);
  return [...code.slice(start, code.indexOf(';', start)).matchAll(/'([^']+)'/g)].map(
    ([, word]) => word,
  );
}

/**
 * The rows of the table under a heading, cells without their marks.
 * @param {string} heading
 */
function rows(heading) {
  const section = docs.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section, `API.md has no section "${heading}"`);
  return [...section.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(([, name, rest]) => ({
    name,
    cells: rest.split(' | ').map((cell) => cell.trim()),
  }));
}

const documented = (/** @type {string} */ heading) =>
  rows(heading)
    .map(({ name }) => name)
    .sort();

for (const [heading, declared] of /** @type {[string, string[]][]} */ ([
  ['HlsMesh', members('export const HlsMesh:')],
  ['Options', [...members('interface MeshUpdate'), ...members('interface HlsMeshOptions')]],
  ['Mesh', members('interface Mesh {')],
  ['Statistics', members('interface MeshStats')],
  ['Peers', members('interface PeerSnapshot')],
  ['Events', members('interface MeshEvents')],
  ['Codes', words('HlsMeshErrorCode')],
  ['What a diagnosis finds', words('FindingCode')],
  ['Why a peer was closed', words('PeerCloseReason')],
  ['Why the CDN was asked instead', words('FallbackReason')],
])) {
  test(`"${heading}" in API.md lists what is declared`, () => {
    assert.deepEqual(documented(heading), [...declared].sort());
  });
}

test('the options that update takes are marked so', () => {
  const live = rows('Options').filter(({ cells }) => cells[1] === 'yes');
  assert.deepEqual(live.map(({ name }) => name).sort(), members('interface MeshUpdate').sort());
});

test('the defaults are those of DefaultConfig', () => {
  const options = new Map(rows('Options').map(({ name, cells }) => [name, cells[0]]));
  for (const [name, value] of Object.entries(DefaultConfig)) {
    const wanted = typeof value === 'string' ? `'${value}'` : String(value);
    const text = typeof value === 'object' ? JSON.stringify(value) : wanted;
    assert.equal(options.get(name), `\`${text}\``, name);
  }
});

test('the declared values are the real ones', () => {
  assert.deepEqual(Object.keys(HlsMesh).sort(), members('export const HlsMesh:').sort());
  assert.deepEqual(Object.values(Events).sort(), members('interface MeshEvents').sort());
  assert.deepEqual(Object.keys(Events).sort(), members('export const Events:').sort());
  const fixed = members('interface MeshUpdate').filter(
    (name) => name !== 'logger' && name !== 'iceServers',
  );
  assert.deepEqual(Object.keys(DefaultConfig).sort(), fixed.sort());
});

test('links within API.md lead to its headings', () => {
  const anchors = [...docs.matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
    text.toLowerCase().replaceAll(' ', '-'),
  );
  for (const [, anchor] of docs.matchAll(/\]\(#([^)]+)\)/g))
    assert.ok(anchors.includes(anchor), anchor);
});
