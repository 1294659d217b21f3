/** Checks that docs/ARCHITECTURE.md is a complete map: each module has a row, and each row is about something that exists. */

import { dirname } from 'node:path';
import { isCpp } from './tree.mjs';

/** @typedef {import('./tree.mjs').Tree} Tree */

const MAP = 'docs/ARCHITECTURE.md';

/** Folders of sources whose files have rows of their own; any other folder needs only one row for all of it. */
const MAPPED =
  /^(?:js|js\/tracker|js\/tracker\/cluster|src\/client(?:\/\w+)?|src\/tracker|src\/sim|wasm)$/;

/** A header and its source file have one row, without the ending. @param {string} path */
const nameOf = (path) => (isCpp(path) ? path.replace(/\.[ch]pp$/, '') : path);

/**
 * The paths in the first cells of all tables: after the first path of a cell, bare names are in the same folder.
 * @param {string} page
 */
function rows(page) {
  /** @type {string[]} */
  const found = [];
  for (const [, cell] of page.matchAll(/^\| ([^|]*`[^|]*) \|/gm)) {
    let folder = '';
    for (const [, name] of cell.matchAll(/`([\w./-]+)`/g)) {
      if (name.includes('/'))
        folder = /\.\w+$/.test(name) || folder === '' ? dirname(name) : folder;
      found.push(name.includes('/') || folder === '' ? name : `${folder}/${name}`);
    }
  }
  return found;
}

/**
 * @param {Tree} tree
 * @returns {string[]} modules without a row, and rows without a module
 */
export function checkMap(tree) {
  const named = new Set(rows(tree.get(MAP) ?? '').map(nameOf));
  const sources = [...tree.keys()].filter((path) =>
    /^(?:js|src|wasm)\/.*\.(?:[ch]pp|js)$/.test(path),
  );
  const known = new Set([...tree.keys()].flatMap((path) => [nameOf(path), ...folders(path)]));
  const missing = sources
    .map((path) => (MAPPED.test(dirname(path)) ? nameOf(path) : dirname(path)))
    .concat(sources.map(dirname))
    .filter((name) => !named.has(name));
  const gone = [...named].filter(
    (name) =>
      /^(?:js|src\/\w+|wasm|tests|scripts|demo|bench|deploy)\//.test(name) && !known.has(name),
  );
  return [
    ...[...new Set(missing)].sort().map((name) => `${MAP}: has no row for ${name}`),
    ...gone.map((name) => `${MAP}: has a row for ${name}, which does not exist`),
  ];
}

/** @param {string} path @returns {string[]} the folders that hold it */
const folders = (path) => {
  const folder = dirname(path);
  return folder === '.' ? [] : [folder, ...folders(folder)];
};
