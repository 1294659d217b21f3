/**
 * What lies beside the tracker's code in the package. All modules of a bundle have one URL, so no other module may ask for its own.
 *
 * Bundlers of servers recognise these expressions and copy the files; they must stay as they are. A bundle in CommonJS has no
 * `import.meta`, so they are read when a file is needed.
 */
import { readFileSync } from 'node:fs';

const engine = () => new URL('../../dist/hlsmesh-tracker.wasm.br', import.meta.url);
const dashboard = () => new URL('../../dist/hlsmesh-dashboard.json.br', import.meta.url);
const manifest = () => new URL('../../package.json', import.meta.url);

/** @returns {Buffer} the engine's module, compressed @throws {Error} with the code ENOENT and the path if it is not there */
export const packedEngine = () => contentsOf(engine);

/** @returns {Buffer} the files of the dashboard's page, compressed @throws {Error} as packedEngine */
export const packedDashboard = () => contentsOf(dashboard);

/** @returns {string} the version of this package @throws {Error} as packedEngine */
export const versionOf = () => JSON.parse(String(contentsOf(manifest))).version;

/** @param {() => URL} location */
function contentsOf(location) {
  try {
    return readFileSync(location());
  } catch (error) {
    const { code, path, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const text =
      'a file of the package hlsmesh is not beside its code: if a bundler has moved that, leave hlsmesh out of the bundle';
    throw Object.assign(new Error(`${text} (${message})`, { cause: error }), { code, path });
  }
}
