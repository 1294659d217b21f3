/**
 * Checks the house rules that no compiler knows, each in a module of scripts/house. docs/ARCHITECTURE.md gives the reasons.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkCircles, checkOrder } from './house/arrows.mjs';
import { checkLinks, checkNames } from './house/citations.mjs';
import { checkEngines } from './house/engines.mjs';
import { checkLength } from './house/length.mjs';
import { checkMap } from './house/map.mjs';
import { projectTree } from './house/tree.mjs';
import { ROOT, UserError, runMain } from './lib/process.mjs';

const LOCKS = [
  'package-lock.json',
  'bench/rivals/package-lock.json',
  'tests/packaging/fixture/package-lock.json',
  'tests/sites/angular/package-lock.json',
  'tests/sites/bundlers/package-lock.json',
  'tests/sites/next/package-lock.json',
  'tests/sites/players/package-lock.json',
];

/** A lock that names a registry would send every user to the one that its author happened to use. */
function checkLocks() {
  return LOCKS.filter((lock) =>
    /"resolved": "\w+:/.test(readFileSync(join(ROOT, lock), 'utf8')),
  ).map((lock) => `${lock}: names a registry; npm install writes it anew without`);
}

/**
 * @param {import('./house/tree.mjs').Tree} [tree]
 * @returns {string[]} a line for each breach of a rule
 */
export function checkHouse(tree = projectTree()) {
  return [
    ...checkOrder(tree),
    ...checkCircles(tree),
    ...checkEngines(tree),
    ...checkLength(tree),
    ...checkNames(tree),
    ...checkLinks(tree),
    ...checkMap(tree),
    ...checkLocks(),
    ...(existsSync(join(ROOT, 'LICENSE')) ? [] : ['LICENSE is missing']),
  ];
}

await runMain(import.meta, async () => {
  const broken = checkHouse();
  if (broken.length > 0) throw new UserError(broken.join('\n'));
  console.log('The house is in order.');
});
