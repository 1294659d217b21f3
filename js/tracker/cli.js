#!/usr/bin/env node
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { checkHealth } from './check.js';
import { Primary, WORKER_NAME } from './cluster/primary.js';
import { WorkerBus } from './cluster/worker-bus.js';
import { ConfigError, limitsOf, optionsOf, printable, readCommandLine } from './config.js';
import { helpText } from './help.js';
import { Log, formatted, visible } from './log.js';
import { versionOf } from './package.js';
import { reachableHosts, withHost } from './reachable.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

// Whoever read the output may be gone, or the disk be full: viewers are still served.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/**
 * @param {number} code
 * @param {string} message
 * @returns {never}
 */
function fail(code, message) {
  // It may quote a file.
  const lines = message.split('\n').map(visible);
  process.stderr.write(`hlsmesh-tracker: ${lines.join('\n')}\n`);
  process.exit(code);
}

function readArguments() {
  try {
    return readCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    fail(EXIT_USAGE, `${error.message}\nTry hlsmesh-tracker --help.`);
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
      if (path !== undefined) return message;
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

const commandLine = readArguments();
if (commandLine.help) {
  process.stdout.write(helpText());
  process.exit(0);
}
if (commandLine.version) {
  process.stdout.write(`${versionOf()}\n`);
  process.exit(0);
}
if (commandLine.printConfig) {
  process.stdout.write(printable(commandLine));
  process.exit(0);
}

const { values } = commandLine;
if (commandLine.check) {
  try {
    process.stdout.write(
      await checkHealth(/** @type {Parameters<typeof checkHealth>[0]} */ (values)),
    );
    process.exit(0);
  } catch (error) {
    fail(EXIT_FAILED, /** @type {Error} */ (error).message);
  }
}
if (commandLine.checkConfig) {
  const { examine } = await import('./examine.js');
  try {
    const warnings = await examine(optionsOf(values), limitsOf(values));
    for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`);
    process.stdout.write('the configuration can be used\n');
    process.exit(0);
  } catch (error) {
    fail(EXIT_USAGE, /** @type {Error} */ (error).message);
  }
}
if (values.verbose) values.logLevel = 'debug';
const format = /** @type {'json' | 'pretty'} */ (values.logFormat);
/** @type {NonNullable<import('./index.js').TrackerOptions['log']>} */
const write = (_, { level, event, fields }) => {
  process.stderr.write(formatted(format, level, event, fields));
};
/** @param {string} url of the tracker by one of its addresses; all of them are printed */
const announce = (url) => {
  const urls = reachableHosts(String(values.host)).map((host) => withHost(url, host));
  process.stdout.write(`hlsmesh-tracker listening on ${urls.join(' ')}\n`);
};

if (cluster.isPrimary && values.workers !== 1) await runWorkers();
else await serve();

async function runWorkers() {
  const log = new Log((level, event, fields) => write('', { level, event, fields }));
  const primary = new Primary(log, announce, {
    beatMs: Number(values.beatSeconds) * 1000,
    leaseMs: Number(values.leaseSeconds) * 1000,
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      primary.drain();
      process.once(signal, () => primary.kill());
    });
  }
  process.on('SIGHUP', () => primary.reload());
  process.exit(await primary.run(Number(values.workers) || availableParallelism()));
}

async function serve() {
  const name = process.env[WORKER_NAME];
  const worker = cluster.isPrimary || name === undefined ? undefined : new WorkerBus(process, name);
  if (!worker) {
    for (const stranger of commandLine.strangers) {
      write('', {
        level: 'warn',
        event: 'no option has this variable',
        fields: { name: stranger },
      });
    }
  }
  /** @type {import('./index.js').Tracker} */
  let tracker;
  try {
    // Imported here, so that commands that only print something need not wait for it.
    const { createTracker } = await import('./index.js');
    tracker = await createTracker({
      ...optionsOf(values),
      limits: limitsOf(values),
      log: write,
      bus: worker,
      onFatal: (error) => fail(EXIT_FAILED, `the engine died: ${error.stack ?? error.message}`),
    });
  } catch (error) {
    fail(EXIT_FAILED, explain(error, String(values.host), Number(values.port)));
  }
  if (worker) return obeyPrimary(worker, tracker);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    // A second signal ends the process immediately, as it would by default.
    process.once(signal, () => void tracker.drain().then(() => process.exit(0)));
  }
  process.on('SIGHUP', () => void tracker.reload());
  // Last, since the reader of this line may send a signal immediately.
  announce(tracker.url);
}

/**
 * @param {WorkerBus} worker
 * @param {import('./index.js').Tracker} tracker
 */
function obeyPrimary(worker, tracker) {
  // Terminals and systemd send signals to every process of a group; only the primary acts on them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  process.on('message', (/** @type {import('./cluster/worker-bus.js').FromPrimary} */ message) => {
    if (message.kind === 'drain') void tracker.drain().then(() => process.exit(0));
    if (message.kind === 'reload') void tracker.reload();
  });
  process.on('disconnect', () => process.exit(EXIT_FAILED));
  worker.listening(tracker.url);
}
