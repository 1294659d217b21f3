/** docs/SECURITY.md cites tests that exist, by names that they have. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);
const docs = await readFile(new URL('docs/SECURITY.md', ROOT), 'utf8');

/**
 * A file and the names that follow it, up to the next file: `"a name"`, or `` `the beginning of some: …` ``.
 * @type {{ file: string, names: string[] }[]}
 */
const cited = [...docs.matchAll(/`(tests\/[^`]+)`((?:(?!`tests\/)[^|\n])*)/g)].map(
  ([, file, rest]) => ({
    file,
    names: [...rest.matchAll(/"([^"]+)"|`([^`]*: )…`/g)].map(([, name, begin]) => name ?? begin),
  }),
);

test('each file is there, and has the names', async () => {
  assert.ok(cited.length > 40, `${cited.length} files are cited`);
  for (const { file, names } of cited) {
    if (file === 'tests/fuzz') continue;
    const text = await readFile(new URL(file, ROOT), 'utf8');
    for (const name of names) {
      const begins = name.replace(/…$/, '');
      // As the name of a test: it is quoted there, too.
      assert.ok(
        ['"', "'", '`'].some((quote) => text.includes(quote + begins)),
        `${file} has no test ${name}`,
      );
    }
  }
});

test('each threat has a test', () => {
  for (const section of docs.split(/^## /m).slice(3)) {
    const [title] = section.split('\n');
    assert.match(section, /`tests\//, title);
  }
});
