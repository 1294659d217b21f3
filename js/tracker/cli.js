#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createTracker } from './index.js';

const HELP = `Usage: hlsmesh-tracker [options]

Introduces the viewers of a stream to each other and relays their signalling.
Once it listens it prints the URL that players are given as their tracker.

Options:
  --host <address>  address to listen on (default 127.0.0.1; 0.0.0.0 for all)
  --port <number>   port to listen on, 0 for any free one (default 8000)
  --max-connections-per-address <number>
                    connections that one address may hold (default 512); raise
                    it behind a proxy, where all viewers share one
  --enters-per-address <number>
                    times a minute that one address may enter a channel
                    (default 600); raise it behind a proxy
  --verbose         say on stderr why sockets are closed
  --help            print this
  --version         print the version

GET /healthz answers with its state as JSON.
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * @param {number} code
 * @param {string} message
 * @returns {never}
 */
function fail(code, message) {
  process.stderr.write(`hlsmesh-tracker: ${message}\n`);
  process.exit(code);
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} highest
 * @returns {number | undefined}
 */
function wholeNumber(name, text, highest) {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text) || Number(text) > highest) {
    fail(EXIT_USAGE, `--${name} must be a whole number from 0 to ${highest}, not '${text}'`);
  }
  return Number(text);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8000' },
        'max-connections-per-address': { type: 'string' },
        'enters-per-address': { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    fail(
      EXIT_USAGE,
      `${error instanceof Error ? error.message : error}\nTry hlsmesh-tracker --help.`,
    );
  }
}

/**
 * @param {unknown} error
 * @param {string} host
 * @param {number} port
 * @returns {string}
 */
function explain(error, host, port) {
  const { code, path, message } = /** @type {NodeJS.ErrnoException} */ (error);
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use; choose another with --port, or 0 for any free one`;
    case 'EACCES':
      return `not allowed to listen on port ${port}; ports from 1024 on need no rights`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine; 0.0.0.0 listens on all of them`;
    case 'ENOENT':
      return `${path} is missing; build it with: npm run build`;
    default:
      return message;
  }
}

const args = readArguments();
if (args.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (args.version) {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  process.stdout.write(`${JSON.parse(manifest).version}\n`);
  process.exit(0);
}

const host = args.host;
const port = /** @type {number} */ (wholeNumber('port', args.port, 65535));
/** @type {import('./engine.js').TrackerLimits} */
const limits = {};
const MOST = 2 ** 31 - 1;
const connections = wholeNumber(
  'max-connections-per-address',
  args['max-connections-per-address'],
  MOST,
);
const enters = wholeNumber('enters-per-address', args['enters-per-address'], MOST);
if (connections !== undefined) limits.maxConnectionsPerAddress = connections;
if (enters !== undefined) limits.entersPerAddressPerMinute = enters;

/** @type {import('./index.js').Tracker} */
let tracker;
try {
  tracker = await createTracker({
    host,
    port,
    limits,
    log: args.verbose ? (line) => process.stderr.write(`hlsmesh-tracker: ${line}\n`) : undefined,
    onFatal: (error) => fail(EXIT_FAILED, `the engine died: ${error.stack ?? error.message}`),
  });
} catch (error) {
  fail(EXIT_FAILED, explain(error, host, port));
}
process.stdout.write(`hlsmesh-tracker listening on ${tracker.url}\n`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  // A second signal ends the process at once, as it would by default.
  process.once(signal, () => void tracker.close().then(() => process.exit(0)));
}
