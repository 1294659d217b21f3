/**
 * The house rules that no compiler knows: which room may use which, who may know the JSON library, and what would end the
 * engines' freedom from I/O, clocks and chance. docs/ARCHITECTURE.md says why.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ROOT, UserError, filesIn, runMain } from './lib/process.mjs';

/** What each C++ room may include of the others. */
const ROOMS = /** @type {Record<string, string[]>} */ ({
  common: [],
  protocol: ['common'],
  media: ['common'],
  cache: ['common', 'media'],
  client: ['common', 'protocol', 'media', 'cache'],
  tracker: ['common', 'protocol'],
  sim: ['common', 'protocol', 'media', 'cache', 'client', 'tracker'],
});

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

/** Calls that do the same without a telling header. */
const FORBIDDEN_CALLS = /::now\(|\brandom_device\b|\bs?rand\(|\bgetenv\(|\bstd::hash\b/;

/** @param {string} path */
const read = (path) => readFileSync(join(ROOT, path), 'utf8');

/**
 * @param {string} text
 * @returns {string} without comments, lines kept
 */
const withoutComments = (text) =>
  text
    .replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/[^\n]*/g, '$1');

/**
 * @param {string} path of a file in src/
 * @param {string} text
 * @returns {string[]} what breaks a rule
 */
export function checkCpp(path, text) {
  const room = path.split('/')[1];
  /** @type {string[]} */
  const broken = [];
  const lines = withoutComments(text).split('\n');
  lines.forEach((line, index) => {
    const place = `${path}:${index + 1}`;
    const include = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(line)?.[1];
    const target = include?.split('/')[0] ?? '';
    if (include === undefined) {
      const call = FORBIDDEN_CALLS.exec(line);
      if (call) broken.push(`${place}: the engines may not use ${call[0]}`);
    } else if (FORBIDDEN_HEADERS.includes(include)) {
      broken.push(`${place}: the engines may not include <${include}>`);
    } else if (target === 'nlohmann') {
      broken.push(`${place}: nlohmann/json is for the tests; it would be 5 KB of every download`);
    } else if (target in ROOMS && include.includes('/') && target !== room) {
      if (!(ROOMS[room] ?? []).includes(target)) {
        broken.push(`${place}: src/${room} may not include src/${target}`);
      }
    }
  });
  return broken;
}

/** @param {string} path of a file in js/ */
const jsRoom = (path) => (path.startsWith('js/tracker/') ? 'tracker' : 'client');

/** What the client's and the tracker's JavaScript share: loading an engine. */
const SHARED_JS = 'js/wasm.js';

/**
 * @param {string} path of a file in js/
 * @param {string} text
 * @returns {string[]} what breaks a rule
 */
export function checkJs(path, text) {
  /** @type {string[]} */
  const broken = [];
  for (const [, specifier] of withoutComments(text).matchAll(
    /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g,
  )) {
    if (!specifier.startsWith('.')) {
      if (jsRoom(path) === 'client') {
        broken.push(`${path}: the SDK ships without dependencies, but imports ${specifier}`);
      }
      continue;
    }
    const target = normalize(join(dirname(path), specifier));
    if (!target.startsWith('js/')) broken.push(`${path}: may not import ${target}`);
    else if (target !== SHARED_JS && jsRoom(target) !== jsRoom(path)) {
      broken.push(`${path}: client and tracker may share ${SHARED_JS} only, not ${target}`);
    }
  }
  return broken;
}

const LOCKS = [
  'package-lock.json',
  'bench/rivals/package-lock.json',
  'tests/packaging/fixture/package-lock.json',
];

/** @returns {string[]} what breaks a rule in the whole project */
export function checkHouse() {
  const broken = [
    ...filesIn(['src'], ['.cpp', '.hpp']).flatMap((path) => checkCpp(path, read(path))),
    ...filesIn(['js'], ['.js']).flatMap((path) => checkJs(path, read(path))),
  ];
  // A lock with hosts in it would send every user to the registry that its author happened to use.
  for (const lock of LOCKS) {
    if (/"resolved":/.test(read(lock))) {
      broken.push(`${lock}: names a registry; npm install writes it anew without`);
    }
  }
  if (!existsSync(join(ROOT, 'LICENSE'))) broken.push('LICENSE is missing');
  return broken;
}

await runMain(import.meta, async () => {
  const broken = checkHouse();
  if (broken.length > 0) throw new UserError(broken.join('\n'));
  console.log('The house is in order.');
});
