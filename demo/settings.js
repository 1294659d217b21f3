import { PLAYER_NAMES } from './players.js';

/**
 * The panel of settings: stream, tracker, player and options. What can change while playing does so at once, the rest by loading
 * the page again with another address.
 */

/** @typedef {import('../js/index.js').HlsMeshOptions} MeshOptions */

/** Numbers among the options, by the fields' names, and what one of their unit is. @type {[field: string, option: 'maxParents' | 'prefetchSeconds' | 'uploadBytesPerSecond', unit: number][]} */
const NUMBERS = [
  ['maxParents', 'maxParents', 1],
  ['prefetchSeconds', 'prefetchSeconds', 1],
  ['uploadKBps', 'uploadBytesPerSecond', 1000],
];

/**
 * @param {URLSearchParams} query
 * @returns {Partial<MeshOptions>} the options that the page's address names
 */
export function optionsOf(query) {
  /** @type {Partial<MeshOptions>} */
  const options = {};
  if (query.get('upload') === 'off') options.upload = false;
  for (const [field, option, unit] of NUMBERS) {
    const given = query.get(field);
    if (given && Number.isFinite(Number(given))) options[option] = Number(given) * unit;
  }
  return options;
}

/**
 * Fills the panel with what the address says.
 * @param {URLSearchParams} query
 */
export function showSettings(query) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById('settings'));
  const player = /** @type {HTMLSelectElement} */ (form.elements.namedItem('player'));
  player.append(...PLAYER_NAMES.map((name) => new Option(name, name)));
  for (const field of form.elements) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) continue;
    const given = query.get(field.name);
    if (given !== null) field.value = given;
  }
  // An empty field has its default, and needs no place in the address.
  form.addEventListener('formdata', ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === '') formData.delete(name);
  });
}

/**
 * The switches that change a running mesh.
 * @param {import('../js/index.js').Mesh} mesh
 */
export function bindSwitches(mesh) {
  for (const name of /** @type {const} */ (['enabled', 'upload'])) {
    const box = /** @type {HTMLInputElement} */ (document.getElementById(`switch-${name}`));
    box.disabled = false;
    box.checked = mesh[name];
    box.addEventListener('change', () => (mesh[name] = box.checked));
  }
}
