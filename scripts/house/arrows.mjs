/**
 * Finds the files that each file uses, from includes and imports, and checks them: no arrow against the order of order.mjs, and
 * no circle.
 */

import { dirname, join, normalize } from 'node:path';
import { MODULES, STILL_UPWARD } from './order.mjs';
import { isCpp, isJs, withoutComments } from './tree.mjs';

/** @typedef {import('./tree.mjs').Tree} Tree */

/** The folders in which the compilers search for `#include "…"`, after that of the file itself. */
const INCLUDE_FOLDERS = ['src', 'tests', 'wasm', '.'];

/**
 * @param {Tree} tree
 * @param {string} path
 * @param {string} text
 * @returns {string[]} files of the tree that this one includes
 */
function included(tree, path, text) {
  return [...text.matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)].flatMap(([, name]) => {
    const places = [dirname(path), ...INCLUDE_FOLDERS].map((folder) =>
      normalize(join(folder, name)),
    );
    return places.find((place) => tree.has(place)) ?? [];
  });
}

/**
 * @param {Tree} tree
 * @param {string} path
 * @param {string} text
 * @returns {string[]} files of the tree that this one imports; types that a comment imports do not count, they are gone at run time
 */
function imported(tree, path, text) {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g)]
    .map(([, specifier]) => normalize(join(dirname(path), specifier)))
    .filter((target) => tree.has(target));
}

/**
 * @param {Tree} tree
 * @returns {Map<string, string[]>} by each source file the files that it uses
 */
export function arrows(tree) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const [path, text] of tree) {
    const code = isCpp(path) || isJs(path) ? withoutComments(text) : '';
    if (isCpp(path)) found.set(path, included(tree, path, code));
    else if (isJs(path)) found.set(path, imported(tree, path, code));
  }
  return found;
}

/**
 * @param {Tree} tree
 * @param {import('./order.mjs').Module[]} [modules] from the top down
 * @param {string[]} [exceptions]
 * @returns {string[]} arrows that the order does not allow, and files that have no place in it
 */
export function checkOrder(tree, modules = MODULES, exceptions = STILL_UPWARD) {
  /** @type {string[]} */
  const broken = [];
  const rank = new Map(modules.map(({ name }, index) => [name, index]));
  modules.forEach(({ name, uses }, index) => {
    for (const used of uses ?? []) {
      if ((rank.get(used) ?? -1) <= index)
        broken.push(`${name} may use ${used}, which is not below it`);
    }
  });
  const moduleOf = (/** @type {string} */ path) =>
    modules.findIndex(({ holds }) => holds.test(path));
  /** @type {Set<string>} */
  const upward = new Set();
  for (const [path, targets] of arrows(tree)) {
    const from = moduleOf(path);
    if (from < 0) {
      broken.push(`${path}: has no place in the order of scripts/house/order.mjs`);
      continue;
    }
    for (const target of targets) {
      const to = moduleOf(target);
      const { name, uses } = modules[from];
      if (to < 0 || to === from) continue;
      if (uses === null ? to > from : uses.includes(modules[to].name)) continue;
      upward.add(`${path} → ${target}`);
      if (exceptions.includes(`${path} → ${target}`)) continue;
      broken.push(`${path}: ${name} may not use ${target} of ${modules[to].name}`);
    }
  }
  for (const arrow of exceptions) {
    if (!upward.has(arrow)) broken.push(`${arrow}: is gone, take it off STILL_UPWARD`);
  }
  return broken;
}

/**
 * A header, its source file and its private half (`engine.hpp`, `engine.cpp`, `engine_impl.hpp`) are one: what either uses, all use.
 * @param {string} path
 */
const unit = (path) => (isCpp(path) ? path.replace(/(?:_impl)?\.[ch]pp$/, '') : path);

/**
 * @param {Tree} tree
 * @param {string[]} [exceptions] arrows that are not followed
 * @returns {string[]} circles of files that use each other
 */
export function checkCircles(tree, exceptions = STILL_UPWARD) {
  /** @type {Map<string, Set<string>>} */
  const graph = new Map();
  for (const [path, targets] of arrows(tree)) {
    const used = graph.get(unit(path)) ?? new Set();
    for (const target of targets) {
      if (unit(target) === unit(path) || exceptions.includes(`${path} → ${target}`)) continue;
      used.add(unit(target));
    }
    graph.set(unit(path), used);
  }
  /** @type {string[]} */
  const broken = [];
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {string[]} */
  const way = [];
  /** @param {string} file */
  const walk = (file) => {
    if (done.has(file)) return;
    if (way.includes(file)) {
      broken.push(`a circle: ${[...way.slice(way.indexOf(file)), file].join(' → ')}`);
      return;
    }
    way.push(file);
    for (const used of graph.get(file) ?? []) walk(used);
    way.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file);
  return broken;
}
