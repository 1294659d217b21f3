/**
 * Looks at a configuration without starting a tracker, for `--check-config`.
 */
import { Admission } from './admission.js';
import { readOptions } from './config.js';
import { WatchedFiles } from './files.js';
import { Groups } from './groups.js';
import { Log } from './log.js';
import { Places } from './places.js';
import { Bearer } from './routes.js';
import { readFiles } from './sources.js';
import { openFileLimit, warningsAbout } from './warnings.js';

/**
 * @param {import('./index.js').TrackerOptions} options
 * @param {import('./index.js').TrackerLimits} limits
 * @returns {Promise<string[]>} what is odd
 * @throws {Error} if a tracker would not start
 */
export async function examine(options, limits) {
  const settings = /** @type {any} */ (readOptions({ ...options }));
  /** @type {string[]} */
  const warnings = [];
  const log = new Log((_, event) => warnings.push(event), 'warn');
  const files = new WatchedFiles(log);
  try {
    const users = {
      admission: new Admission(settings),
      groups: new Groups(),
      places: new Places(),
      bearer: new Bearer(),
    };
    await readFiles(settings, files, { ...users, log });
    if (settings.tlsCert !== undefined) {
      const { createSecureContext } = await import('node:tls');
      await files.add({
        option: 'tls-cert and tls-key',
        paths: [settings.tlsCert, settings.tlsKey],
        use: ([cert, key]) => void createSecureContext({ cert, key }),
      });
    }
  } finally {
    files.close();
  }
  return [...warnings, ...warningsAbout({ ...settings, ...limits, openFiles: openFileLimit() })];
}
