#!/usr/bin/env node
/** `hlsmesh-digest`: writes the digests of a stream's segments beside its playlists. */

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { publicKeyOf } from './digests.js';
import { Publisher, describe } from './publisher.js';

const HELP = `hlsmesh-digest [options] PLAYLIST-OR-FOLDER
Writes a file of digests beside each media playlist of a stream:
https://github.com/hlsmesh/hlsmesh/blob/main/docs/DIGESTS.md

  --watch          go on, and keep the files as the packager keeps the playlists
  --interval MS    with --watch: milliseconds between two looks; default 200
  --key FILE       sign the files with this Ed25519 private key (PEM)
  --new-key FILE   make such a key, print the option digestsKey for it, and end
  --no-tag         do not add #EXT-X-HLSMESH-DIGESTS to playlists that do not change any more
  --quiet          print errors only
  --help
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

// Whoever read the output may be gone, or the disk be full: what the command does goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/**
 * @param {number} code
 * @param {string} text
 * @returns {never}
 */
function fail(code, text) {
  process.stderr.write(`hlsmesh-digest: ${text}\n`);
  process.exit(code);
}

function readCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        watch: { type: 'boolean' },
        interval: { type: 'string', default: '200' },
        key: { type: 'string' },
        'new-key': { type: 'string' },
        'no-tag': { type: 'boolean' },
        quiet: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    fail(EXIT_USAGE, `${messageOf(error)}\nTry hlsmesh-digest --help.`);
  }
}

/** @param {unknown} error */
const messageOf = (error) => /** @type {Error} */ (error).message;

/** @param {string} file */
function makeKey(file) {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    fail(EXIT_FAILED, messageOf(error));
  }
  process.stdout.write(`digestsKey: '${publicKeyOf(privateKey)}'\n`);
}

/** @param {string} file */
function readKey(file) {
  try {
    const key = createPrivateKey(readFileSync(file));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is ${key.asymmetricKeyType}`);
    return key;
  } catch (error) {
    fail(
      EXIT_USAGE,
      `--key ${file}: it must be an Ed25519 private key in PEM: ${messageOf(error)}`,
    );
  }
}

const { values, positionals } = readCommandLine();
if (values.help) {
  process.stdout.write(HELP);
} else if (values['new-key'] !== undefined) {
  makeKey(values['new-key']);
} else {
  const interval = Number(values.interval);
  if (positionals.length !== 1) fail(EXIT_USAGE, `name one playlist or folder\n${HELP}`);
  if (!(interval >= 10 && interval <= 60_000)) fail(EXIT_USAGE, '--interval is 10 to 60000');
  const publisher = new Publisher({
    privateKey: values.key === undefined ? undefined : readKey(values.key),
    tag: !values['no-tag'],
    warn: (text) => process.stderr.write(`hlsmesh-digest: ${text}\n`),
  });
  await run(publisher, positionals[0], values.watch ? interval : 0, Boolean(values.quiet));
}

/**
 * @param {Publisher} publisher
 * @param {string} path
 * @param {number} interval milliseconds; 0: once
 * @param {boolean} quiet
 */
async function run(publisher, path, interval, quiet) {
  let said = '';
  for (;;) {
    try {
      for (const outcome of await publisher.publish(path)) {
        if (outcome.changed && !quiet) process.stdout.write(`${describe(outcome)}\n`);
      }
      said = '';
    } catch (error) {
      if (!interval) fail(EXIT_FAILED, messageOf(error));
      // A packager that has not begun, or writes anew.
      if (said !== messageOf(error)) process.stderr.write(`hlsmesh-digest: ${messageOf(error)}\n`);
      said = messageOf(error);
    }
    if (!interval) return;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
