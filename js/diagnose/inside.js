/** What the package's own files may see of a mesh (js/handle.js gives it, by one symbol, to files of the same version or another). */

/**
 * @typedef {object} Inside
 * @property {import('../index.js').Mesh} mesh
 * @property {any} hls the player; whatever the page gave to `attach`
 * @property {import('../options.js').Settings} settings
 * @property {string[]} trackers
 * @property {Record<string, { count: number, at: number }>} seen events of the mesh, keyed by what tells them apart
 * @property {{ ours: string, theirs: string } | undefined} words the last messages of each side that named a segment
 */

/**
 * @param {import('../index.js').Mesh} mesh
 * @returns {Inside} as of now. Throws a TypeError if it is no mesh
 */
export function inside(mesh) {
  const look = /** @type {any} */ (mesh)?.[Symbol.for('hlsmesh')];
  if (!look) throw new TypeError('HlsMesh: this is no mesh; attach() returns one');
  const [hls, settings, trackers, seen, words] = look();
  return { mesh, hls, settings, trackers, seen, words };
}

/**
 * @param {Inside} look
 * @param {string} beginning of the events' keys
 * @returns {number} how often such events came
 */
export const timesSeen = ({ seen }, beginning) =>
  matching(seen, beginning).reduce((sum, [, { count: times }]) => sum + times, 0);

/**
 * @param {Inside} look
 * @param {string} beginning
 * @returns {string} the rest of the key of the latest such event; empty if there was none
 */
export function latestSeen({ seen }, beginning) {
  const [key = ''] = matching(seen, beginning).sort(([, a], [, b]) => b.at - a.at)[0] ?? [];
  return key.slice(beginning.length).trim();
}

/** @param {number} number @param {string} what one of them @returns {string} */
export const count = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`;

/**
 * @param {Inside['seen']} seen
 * @param {string} beginning
 */
const matching = (seen, beginning) =>
  Object.entries(seen).filter(([key]) => key.startsWith(beginning));
