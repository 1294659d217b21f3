/** Refuses I/O, clocks and chance in the engines, and foreign libraries. docs/ARCHITECTURE.md gives the reasons. */

import { isCpp, isJs, withoutComments } from './tree.mjs';

/** Library headers that bring I/O, threads, chance or a locale into the engines. <chrono> is for durations; its clocks are below. */
const FORBIDDEN_HEADERS = [
  'condition_variable',
  'cstdio',
  'ctime',
  'filesystem',
  'fstream',
  'future',
  'iostream',
  'istream',
  'locale',
  'mutex',
  'ostream',
  'random',
  'sstream',
  'stdio.h',
  'thread',
  'time.h',
];

/** Calls that do the same without one of these headers. */
const FORBIDDEN_CALLS = /::now\(|\brandom_device\b|\bs?rand\(|\bgetenv\(|\bstd::hash\b/;

/**
 * @param {string} path of a file in src/
 * @param {string} text
 * @returns {string[]} the rules that it breaks
 */
export function checkCpp(path, text) {
  /** @type {string[]} */
  const broken = [];
  withoutComments(text)
    .split('\n')
    .forEach((line, index) => {
      const place = `${path}:${index + 1}`;
      const include = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(line)?.[1];
      if (include === undefined) {
        const call = FORBIDDEN_CALLS.exec(line);
        if (call) broken.push(`${place}: the engines may not use ${call[0]}`);
      } else if (FORBIDDEN_HEADERS.includes(include)) {
        broken.push(`${place}: the engines may not include <${include}>`);
      } else if (include.startsWith('nlohmann/') && !path.startsWith('src/study/')) {
        broken.push(
          `${place}: nlohmann/json is for the simulator and the tests; it would be 5 KB of every download`,
        );
      }
    });
  return broken;
}

/** The files that marshal the seams; nobody else in js/ names an export of an engine. */
const SEAMS = ['js/engine.js', 'js/export-names.js', 'js/tracker/engine.js'];

/**
 * @param {string} path of a file in js/
 * @param {string} text
 * @returns {string[]} the rules that it breaks
 */
export function checkJs(path, text) {
  const code = withoutComments(text);
  /** @type {string[]} */
  const broken = [];
  const [call] = /\bh[mt]_[a-z_]+/.exec(code) ?? [];
  if (call && !SEAMS.includes(path)) {
    broken.push(`${path}: only ${SEAMS.join(', ')} may name ${call}, an export of an engine`);
  }
  if (/^js\/(digest|load|tracker|sim|dashboard)\//.test(path)) return broken;
  for (const [, library] of code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^.'"][^'"]*)['"]/g)) {
    broken.push(`${path}: the SDK ships without dependencies, but imports ${library}`);
  }
  return broken;
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @returns {string[]} the rules that its engines and its SDK break
 */
export function checkEngines(tree) {
  return [...tree].flatMap(([path, text]) => {
    if (path.startsWith('src/') && isCpp(path)) return checkCpp(path, text);
    return path.startsWith('js/') && isJs(path) ? checkJs(path, text) : [];
  });
}
