/**
 * What a tracker reads from files: databases, keys and secrets.
 */
import { readFileSync } from 'node:fs';
import { keyFromSecret, keysFromText } from './keys.js';
import { MIN_BEARER_BYTES, MIN_SECRET_BYTES } from './secrets.js';
import { forgeableSites } from './warnings.js';

/** @typedef {Required<Pick<import('./index.js').TrackerOptions, 'tokenKeys' | 'trustedProxies'>> & import('./index.js').TrackerOptions} Settings */

/**
 * Reads the files that options name, now and whenever they change.
 * @param {Settings} settings
 * @param {import('./files.js').WatchedFiles} files
 * @param {{ admission: import('./admission.js').Admission, groups: import('./groups.js').Groups, places: import('./places.js').Places, bearer: import('./routes.js').Bearer, log: import('./log.js').Log }} users
 */
export async function readFiles(settings, files, { admission, groups, places, bearer, log }) {
  const {
    asnDb,
    cityDb,
    groups: groupsFile,
    tokenSecret,
    tokenSecretFile,
    tokenKeys,
    apiToken,
    apiTokenFile,
  } = settings;
  /** @param {string} option @param {string | undefined} path @param {(contents: Buffer, path: string) => void} use */
  const add = async (option, path, use) => {
    if (path !== undefined) {
      await files.add({ option, paths: [path], use: ([contents]) => use(contents, path) });
    }
  };
  /** @param {string} option @param {string[]} doubts */
  const warn = (option, doubts) => {
    for (const doubt of doubts) log.warn(`--${option}: the database ${doubt}`);
  };
  await add('asn-db', asnDb, (database) => warn('asn-db', places.useNetworks(database)));
  await add('city-db', cityDb, (database) => warn('city-db', places.useCities(database)));
  await add('groups', groupsFile, (contents, path) => {
    groups.use(contents.toString(), path);
    for (const trusted of settings.trustedProxies) {
      const site = groups.forgeable(trusted);
      if (site !== null) log.warn(forgeableSites(trusted, site));
    }
  });

  if (tokenSecret !== undefined) admission.useKeys('token-secret', [keyFromSecret(tokenSecret)]);
  await add('token-secret-file', tokenSecretFile, (contents) =>
    admission.useKeys('token-secret', [keyFromSecret(lineIn(contents))]),
  );
  if (tokenKeys.length > 0) {
    await files.add({
      option: 'token-keys',
      paths: tokenKeys,
      use: async (all) => {
        const keys = await Promise.all(
          all.map((contents, index) =>
            keysFromText(contents.toString()).catch((error) => {
              throw new Error(`${tokenKeys[index]}: ${error.message}`);
            }),
          ),
        );
        admission.useKeys('token-keys', keys.flat());
      },
    });
  }

  if (apiToken !== undefined) bearer.use(apiToken);
  await add('api-token-file', apiTokenFile, (contents) => {
    const token = lineIn(contents);
    if (Buffer.byteLength(token) < MIN_BEARER_BYTES) {
      throw new Error(`an API token has ${MIN_BEARER_BYTES} bytes or more`);
    }
    bearer.use(token);
  });
}

/** @param {string} path @returns {string} */
export function secretFrom(path) {
  const secret = lineIn(readFileSync(path));
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    throw new Error(`${path}: a secret has ${MIN_SECRET_BYTES} bytes or more`);
  }
  return secret;
}

/** A secret from a file, without the line feed that editors add. @param {Buffer} contents */
const lineIn = (contents) => contents.toString().replace(/\r?\n$/, '');
