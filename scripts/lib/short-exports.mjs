/**
 * One letter for each export of the client engine, in the module and in the bundles that ship: js/export-names.js says which.
 */

import { readFileSync } from 'node:fs';
import { exportLetters } from '../../js/export-names.js';

const LETTERS = exportLetters();

/** @param {string} name */
function letterOf(name) {
  const letter = name === 'hm_abi_version' ? name : LETTERS.get(name);
  if (!letter) throw new Error(`js/export-names.js has no letter for ${name}`);
  return letter;
}

/**
 * @param {string} text of the module
 * @returns {string} the module, also without the exports that the linker adds and nobody calls
 */
export function shortenExports(text) {
  return text
    .replace(/\(export "(hm_\w+)"/g, (_, name) => `(export "${letterOf(name)}"`)
    .replace(/^ *\(export "(?:stack\w+|__indirect_function_table)" .*\n/gm, '');
}

const LONG_NAMES = ', longNames)';

/**
 * @param {string} path
 * @param {string} code of the SDK's module there
 * @returns {string} the code, with letters if it calls exports
 */
export function withShortExports(path, code) {
  if (!/[\\/]js[\\/]engine\.js$/.test(path)) return code;
  if (!code.includes(LONG_NAMES)) throw new Error(`${path} has no ${LONG_NAMES} to leave out`);
  return code.replace(LONG_NAMES, ')').replace(/'(hm_\w+)'/g, (_, name) => `'${letterOf(name)}'`);
}

/** An esbuild plugin. @type {import('esbuild').Plugin} */
export const shortExports = {
  name: 'short-exports',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]js[\\/]engine\.js$/ }, ({ path }) => ({
      contents: withShortExports(path, readFileSync(path, 'utf8')),
    }));
  },
};
