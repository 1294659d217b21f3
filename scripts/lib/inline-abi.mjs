/**
 * An esbuild plugin that puts the numbers of js/abi.js where they are used. esbuild keeps frozen objects and their property
 * names whole, but knows TypeScript's enums, so it is handed those: 0.5 KB of gzip less.
 */

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Groups whose names the SDK lists at run time; an enum would list its numbers too. */
const LISTED = ['HmStats'];

const GROUP = /export const (\w+) = Object\.freeze\(\{([^}]*)\}\);/g;

/**
 * @param {string} folder of the SDK's modules
 * @param {string[]} names of inlined groups
 */
function checkUses(folder, names) {
  const other = new RegExp(`\\b(${names.join('|')})\\b(?!\\)?\\.\\w)`);
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.js') || file === 'abi.js') continue;
    const code = readFileSync(join(folder, file), 'utf8')
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      .replace(/^import [^;]*;/gm, '');
    const use = other.exec(code);
    if (use) throw new Error(`${file} uses ${use[1]} otherwise than by one of its names`);
  }
}

/** @type {import('esbuild').Plugin} */
export const inlineAbi = {
  name: 'inline-abi',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]js[\\/]abi\.js$/ }, ({ path }) => {
      /** @type {string[]} */
      const inlined = [];
      const contents = readFileSync(path, 'utf8').replace(GROUP, (whole, name, members) => {
        if (LISTED.includes(name)) return whole;
        inlined.push(name);
        return `export enum ${name} {${members.replaceAll(': ', ' = ')}}`;
      });
      checkUses(dirname(path), inlined);
      // Within a bundle there is nobody to freeze the rest for.
      return { contents: contents.replace(/Object\.freeze\((.*?)\);/gs, '$1;'), loader: 'ts' };
    });
  },
};
