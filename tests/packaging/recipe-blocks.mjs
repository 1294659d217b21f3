import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

export const recipes = await readFile(new URL('../../docs/RECIPES.md', import.meta.url), 'utf8');
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

/** What README.md has as a module. */
export const readmeModule = block(readme.slice(readme.indexOf('As a module')), 'js');

/** What all recipes for players begin with. */
const prelude = block(recipes, 'js');

/**
 * A page by a recipe for a player: its markup, and its module, which plays what the page's address names.
 * @param {string} mark the text before the recipe
 */
export function playerRecipe(mark) {
  const text = section(mark);
  return {
    markup: /```html\n/.test(text) ? block(text, 'html') : VIDEO,
    code: plays(`${prelude}\n${block(text, 'js')}`),
  };
}

export const VIDEO = '<video controls playsinline></video>\n';

/**
 * A component for a framework.
 * @param {string} mark
 * @param {string} language
 */
export const component = (mark, language) => block(section(mark), language);

/** @param {string} code of docs/ @returns {string} the same for ?src=<playlist>&tracker=<url> */
export function plays(code) {
  const query = (/** @type {string} */ name) =>
    `new URLSearchParams(location.search).get('${name}')`;
  return code
    .replace("'https://cdn.example/live/master.m3u8'", query('src'))
    .replace("'wss://tracker.example'", query('tracker'));
}

/** @param {string} mark @returns {string} from there to the next recipe */
function section(mark) {
  const from = recipes.indexOf(mark);
  assert.ok(from >= 0, `docs/RECIPES.md has no ${mark}`);
  return recipes.slice(from).split(/^(?=\*\*|#)/m)[0];
}

/** @param {string} text @param {string} language @returns {string} its first block of code */
function block(text, language) {
  const found = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text);
  assert.ok(found, `no ${language} in ${text.slice(0, 40)}`);
  return found[1];
}
