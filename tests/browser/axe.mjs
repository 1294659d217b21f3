/** What axe-core finds wrong with a page, shadow trees included. */
import { createRequire } from 'node:module';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/**
 * @param {import('playwright-core').Page} page
 * @param {string} [within] a selector; default: the whole page
 * @returns {Promise<string[]>} a line for each violation, by the rules of WCAG 2 A and AA and axe's own
 */
export async function violations(page, within) {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(async (selector) => {
    const found = await /** @type {any} */ (globalThis).axe.run(selector ?? document);
    return found.violations.map(
      (/** @type {any} */ { id, help, nodes }) =>
        `${id}: ${help}: ${nodes.map((/** @type {any} */ node) => node.target.join(' ')).join(', ')}`,
    );
  }, within);
}
