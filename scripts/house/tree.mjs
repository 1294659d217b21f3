/** The project's text files, as the house rules see them: a tree is a map from paths to texts, so that tests can make one up. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, filesIn } from '../lib/process.mjs';

/**
 * @typedef {Map<string, string>} Tree texts by their path from the project's root, with slashes
 */

/** Folders that hold sources. */
const FOLDERS = [
  'bench',
  'demo',
  'deploy',
  'docs',
  'findings',
  'js',
  'scripts',
  'src',
  'tests',
  'wasm',
];

/** Text that is written by hand. A `.ts` below demo/media is a segment of video, not a script. */
const TEXT = [
  '.cpp',
  '.hpp',
  '.js',
  '.mjs',
  '.jsx',
  '.ts',
  '.css',
  '.html',
  '.sh',
  '.md',
  '.cmake',
];
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

/** Other files that a text may name: their contents are of no interest. */
const NAMED = ['.txt', '.json', '.trace', '.service', '.png', ''];

/** @returns {Tree} what lies in the project's folders; files that no rule reads are empty */
export function projectTree() {
  /** @type {Tree} */
  const tree = new Map();
  for (const path of filesIn(FOLDERS, NAMED)) tree.set(path, '');
  for (const path of [...filesIn(FOLDERS, TEXT), ...PAGES]) {
    if (!path.startsWith('demo/media/')) tree.set(path, readFileSync(join(ROOT, path), 'utf8'));
  }
  return tree;
}

/**
 * @param {string} text of a C++ or JavaScript file
 * @returns {string} the same without comments, in as many lines
 */
export const withoutComments = (text) =>
  text
    .replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/[^\n]*/g, '$1');

/** @param {string} path */
export const isCpp = (path) => /\.[ch]pp$/.test(path);

/** @param {string} path */
export const isJs = (path) => /\.m?js$/.test(path);
