/** Finds the files that lie beside this script. */

/**
 * The script that is being evaluated, for bundles that are no modules; null later.
 */
const scriptUrl = /** @type {any} */ (globalThis.document)?.currentScript?.src ?? '';

// Vite and webpack recognise these expressions, copy the files and insert the URLs of the copies. They must stay as they are, and
// `import.meta` must not be used anywhere else: they replace it by a path on the machine that builds.

/** @returns {string | URL} empty if the script's own URL is unknown */
export const wasmLocation = () =>
  beside('hlsmesh.wasm', () => new URL('./hlsmesh.wasm', import.meta.url));

/** @returns {string | URL} empty if the script's own URL is unknown */
export const diagnoseLocation = () =>
  beside('hlsmesh-diagnose.mjs', () => new URL('./hlsmesh-diagnose.mjs', import.meta.url));

/** @returns {string | URL} empty if the script's own URL is unknown */
export const shadowLocation = () =>
  beside('hlsmesh-shadow.mjs', () => new URL('./hlsmesh-shadow.mjs', import.meta.url));

/**
 * @param {string} name of the file
 * @param {() => URL} ofModule returns its URL; throws if this is no module, or one from a blob: or data: URL
 * @returns {string | URL}
 */
function beside(name, ofModule) {
  try {
    const url = ofModule();
    // Vite's development server pre-bundles packages into this folder, without the files beside them.
    return url.pathname.endsWith(`/node_modules/.vite/deps/${name}`)
      ? new URL(`../../hlsmesh/dist/${name}`, url)
      : url;
  } catch {
    // This is a classic script, or a module that has no files beside it.
  }
  try {
    return new URL(name, scriptUrl);
  } catch {
    return '';
  }
}
