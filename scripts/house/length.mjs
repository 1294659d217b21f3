/** Checks that no source file is longer than a reader can keep in mind. */

import { extname } from 'node:path';

/** Lines. A file that needs more has two purposes. */
export const MOST_LINES = 450;

const SOURCE = ['.cpp', '.hpp', '.js', '.mjs', '.jsx', '.ts', '.css', '.html', '.sh', '.cmake'];

/**
 * Exceptions, with their lines. None is left: divide a file that grows too long.
 */
export const TOO_LONG = /** @type {Record<string, number>} */ ({});

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {Record<string, number>} [exceptions]
 * @returns {string[]} files that are too long, and exceptions that are none any more
 */
export function checkLength(tree, exceptions = TOO_LONG) {
  /** @type {string[]} */
  const broken = [];
  for (const [path, text] of tree) {
    if (!SOURCE.includes(extname(path))) continue;
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    const most = exceptions[path] ?? MOST_LINES;
    if (lines > most) broken.push(`${path}: ${lines} lines, ${most} are the most`);
    else if (path in exceptions && lines <= MOST_LINES) {
      broken.push(`${path}: is short enough now, take it off TOO_LONG in scripts/house/length.mjs`);
    }
  }
  for (const path of Object.keys(exceptions)) {
    if (!tree.has(path)) {
      broken.push(`${path}: is gone, take it off TOO_LONG in scripts/house/length.mjs`);
    }
  }
  return broken;
}
