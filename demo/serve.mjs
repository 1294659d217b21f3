import { spawn } from 'node:child_process';

import { createTracker } from '../js/tracker/index.js';
import { reachableHosts, withHost } from '../js/tracker/reachable.js';
import { createOrigin } from './origin.mjs';
import { ensureStream } from './stream.mjs';
import { Swarm, parseReport } from './swarm.mjs';

/**
 * The whole demo in one process: sample stream, origin and tracker on loopback.
 *
 * @param {object} [options]
 * @param {string} [options.host]
 * @param {number} [options.port] of the page; the next free one is taken when it is in use
 * @param {number} [options.trackerPort] 0: any free one
 * @param {string} [options.mediaDir] a stream that is already there; without it the sample is made
 * @param {boolean} [options.browser] open one where there is one
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<{ url: string, tracker: string, close: () => Promise<void> }>}
 */
export async function serve(options = {}) {
  const { host = '127.0.0.1', port = 8080, trackerPort = 0, browser = true } = options;
  const log = options.log ?? console.log;
  const mediaDir = options.mediaDir ?? (await ensureStream({ log }));

  const tracker = await createTracker({ host, port: trackerPort });
  const hosts = reachableHosts(host);
  /** The tracker by the address that the page was reached by: others may lead nowhere from there. @type {import('./origin.mjs').Handler} */
  const sendConfig = (req, res) => {
    const here = hosts.length > 1 && /^(.+?)(:\d+)?$/.exec(req.headers.host ?? '')?.[1];
    sendJson(res, {
      tracker: here ? withHost(tracker.url, here) : tracker.url,
      addresses: hosts.map((name) => withHost(origin.url, name)),
    });
  };
  const swarm = new Swarm();
  /** @type {import('./origin.mjs').Handler} */
  const tellSwarm = (req, res) => {
    const report = parseReport(new URL(req.url ?? '/', 'http://demo').searchParams.get('me'));
    if (report) sendJson(res, swarm.hear(report));
    else res.writeHead(400).end();
  };
  /** @type {Awaited<ReturnType<typeof createOrigin>>} */
  let origin;
  try {
    origin = await listenFrom(port, (next) =>
      createOrigin({
        ...{ mediaDir, host, port: next },
        routes: { '/config.json': sendConfig, '/swarm': tellSwarm },
        onResponse: (answer) => swarm.sent(answer),
      }),
    );
  } catch (error) {
    await tracker.close();
    throw error;
  }
  if (port !== 0 && origin.port !== port) log(`Port ${port} is in use; took ${origin.port}.`);

  const opened = browser && openBrowser(origin.url);
  log('');
  log(
    `  The demo is at    ${hosts.map((name) => withHost(origin.url, name).replace(/\/$/, '')).join(' ')}`,
  );
  log(`  Live channel      ${origin.url}/?stream=live`);
  log(`  Tracker           ${tracker.url}`);
  log('');
  log(
    opened
      ? 'A browser window opens now. Press "Open another viewer" there and watch the second'
      : 'Open that address in a browser, press "Open another viewer" and watch the second',
  );
  log('viewer take its segments from the first. Ctrl-C stops everything.');
  log('');

  let closing = /** @type {Promise<void> | undefined} */ (undefined);
  const close = () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    closing ??= Promise.all([origin.close(), tracker.close()]).then(() => {});
    return closing;
  };
  const onSignal = () => {
    log('Stopping.');
    close().catch((error) => {
      process.exitCode = 1;
      log(`The demo did not stop cleanly: ${error.message}`);
    });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { url: origin.url, tracker: tracker.url, close };
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {unknown} value
 */
function sendJson(res, value) {
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.end(JSON.stringify(value));
}

// More neighbours in use than this means that something else is wrong.
const PORT_ATTEMPTS = 20;

/**
 * @template T
 * @param {number} port
 * @param {(port: number) => Promise<T>} listen
 * @returns {Promise<T>}
 */
async function listenFrom(port, listen) {
  for (let next = port; ; ++next) {
    try {
      return await listen(next);
    } catch (error) {
      const inUse = /** @type {NodeJS.ErrnoException} */ (error).code === 'EADDRINUSE';
      if (!inUse || next >= Math.min(port + PORT_ATTEMPTS, 65535)) throw error;
    }
  }
}

/**
 * @param {string} url
 * @returns {boolean} whether there is a desktop to ask; what becomes of it is not our failure
 */
function openBrowser(url) {
  const { env, platform } = process;
  if (env.CI) return false;
  const desktop = platform === 'darwin' || env.DISPLAY || env.WAYLAND_DISPLAY;
  if (!desktop) return false;
  const command = platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
  return true;
}
