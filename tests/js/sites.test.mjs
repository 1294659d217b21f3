/** What docs/COMPATIBILITY.md says of players, frameworks and bundlers is what is tried, and each has its recipe. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'acorn';
import { FRAMEWORKS, PLAYERS, SITES, versions } from '../../scripts/lib/sites.mjs';
import { playerRecipe, plays, readmeModule, recipes } from '../packaging/recipe-blocks.mjs';

const page = await readFile(new URL('../../docs/COMPATIBILITY.md', import.meta.url), 'utf8');

for (const [title, sites] of SITES) {
  test(`each ${title} was tried with the versions that are pinned`, () => {
    const [, table] =
      new RegExp(`\\| ${title} \\|.*\\n\\|[-|]+\\|\\n((?:\\|.*\\n)*)`).exec(page) ?? [];
    const rows = table.trim().split('\n');
    const told = rows.map((row) =>
      row
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim()),
    );
    assert.deepEqual(
      told,
      sites.map((site) => [site.name, versions(site)]),
    );
    for (const row of rows) assert.match(row, /\| (yes|\*\*no\*\*) \| 20\d\d-\d\d-\d\d \|$/);
  });
}

test('each player has a recipe that parses, and no recipe is left untried', () => {
  const tried = PLAYERS.map(({ name }) => name);
  for (const name of tried) {
    const code = name === 'hls.js' ? plays(readmeModule) : playerRecipe(`**${name}**`).code;
    assert.ok(parse(code, { ecmaVersion: 2022, sourceType: 'module' }), name);
  }
  const part = /^## Players that[^]*?^## /m.exec(recipes)?.[0] ?? '';
  const written = [...part.matchAll(/^\*\*(.*?)\*\*/gm)].map(([, name]) => name);
  assert.deepEqual(written.sort(), tried.filter((name) => name !== 'hls.js').sort());
});

test('each framework has a component', () => {
  for (const { name } of FRAMEWORKS) {
    const found = new RegExp(`^(### ${name}$|\\*\\*${name}\\*\\*)`, 'm').test(recipes);
    assert.ok(found, name);
  }
});
