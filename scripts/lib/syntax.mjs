/**
 * @typedef {object} Node of a syntax tree (ESTree), with the properties that are used here
 * @property {string} type
 * @property {number} start
 * @property {number} end
 */

/**
 * The first call in a chain with `?.` that spreads its arguments.
 * @param {any} node
 * @param {boolean} [inChain]
 * @returns {Node | null}
 */
export function spreadAfterOptional(node, inChain = false) {
  if (node === null || typeof node !== 'object') return null;
  const { type } = node;
  if (inChain && type === 'CallExpression' && node.arguments.some(isSpread)) return node;
  // The callee and the object continue the chain; arguments are expressions of their own.
  for (const [key, child] of Object.entries(node)) {
    const chained =
      type === 'ChainExpression' || (inChain && (key === 'callee' || key === 'object'));
    const found = spreadAfterOptional(child, chained);
    if (found) return found;
  }
  return null;
}

/** @param {Node} argument */
const isSpread = ({ type }) => type === 'SpreadElement';
