/** What lies beside the tracker's code in the package. All modules of a bundle have one URL, so no other module may ask for its own. */
import { readFileSync } from 'node:fs';

/** The folder of what the build made. */
export const DIST = new URL('../../dist/', import.meta.url);

/** @returns {string} the version of this package */
export function versionOf() {
  return JSON.parse(readFileSync(new URL('../package.json', DIST), 'utf8')).version;
}
