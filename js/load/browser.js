/** Starts Chromium by the library that the user has: hlsmesh depends on none. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { UsageError } from './usage.js';

/** In the order in which they are tried. */
export const LIBRARIES = ['playwright-core', 'playwright', 'puppeteer-core', 'puppeteer'];

/** Where systems have a browser; else the library looks for its own. */
const BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Many pages play at once, and none of them is looked at; on one machine they meet without a STUN server. */
const FLAGS = [
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--mute-audio',
];

/**
 * @param {string} name of a package
 * @param {(string | URL)[]} from files or folders of those who may have installed it
 * @returns {string} its main file; empty if nobody has it
 */
export function installed(name, from) {
  for (const place of from) {
    try {
      return createRequire(place).resolve(name);
    } catch {
      // Maybe the next one has it.
    }
  }
  return '';
}

/**
 * @typedef {object} Page of Playwright and Puppeteer alike
 * @property {(url: string) => Promise<unknown>} goto
 * @property {<Result>(run: () => Result) => Promise<Result>} evaluate
 *
 * @typedef {object} Browser
 * @property {() => Promise<Page>} open a page in a profile of its own
 * @property {() => Promise<void>} close
 */

/**
 * @param {(string | URL)[]} from as for installed()
 * @param {string | undefined} executablePath
 * @param {string[]} [names] of libraries
 * @returns {Promise<Browser>} rejects with a UsageError if there is no library or no browser
 */
export async function startBrowser(from, executablePath, names = LIBRARIES) {
  const [found] = names.map((name) => installed(name, from)).filter(Boolean);
  if (!found) {
    throw new UsageError(
      `none of ${names.join(', ')} is installed, and one is needed to start Chromium.
Run this in the same folder: npm install --no-save playwright-core`,
    );
  }
  const library = await import(pathToFileURL(found).href);
  const { chromium, default: main } = library;
  const playwright = chromium ?? main?.chromium;
  const path = executablePath ?? process.env.CHROMIUM ?? BROWSERS.find((file) => existsSync(file));
  // As root, in a container above all, Chromium does not start inside its sandbox.
  const args = process.getuid?.() === 0 ? [...FLAGS, '--no-sandbox'] : FLAGS;
  let browser;
  try {
    browser = await (playwright ?? main).launch({ executablePath: path, args });
  } catch (error) {
    const [why] = /** @type {Error} */ (error).message.split('\n');
    throw new UsageError(
      `Chromium does not start${path ? ` from ${path}` : ''}: ${why}\nName one with --browser, or install Chromium`,
    );
  }
  return {
    open: async () =>
      (await (playwright ? browser.newContext() : browser.createBrowserContext())).newPage(),
    close: () => browser.close(),
  };
}
