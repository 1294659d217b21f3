#!/usr/bin/env node
/** `hlsmesh-load`: real viewers of one's own stream and tracker, before an audience comes. */

import { join } from 'node:path';
import { installed, startBrowser } from './browser.js';
import { servePage } from './page.js';
import { lost, reportOf, textOf } from './report.js';
import { HELP, UsageError, readArguments } from './usage.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

// Whoever read the output may be gone, or the disk be full: what the command does goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {import('./usage.js').Request} request
 * @returns {Promise<import('./report.js').Seen[]>} of each viewer
 */
async function play({ tracker, src, viewers, seconds, within, options, config, port, browser }) {
  // Who has installed the packages: the folder in which the command runs, or whoever has hlsmesh.
  const from = [join(process.cwd(), 'package.json'), import.meta.url];
  const hlsJs = installed('hls.js', from);
  if (!hlsJs) {
    throw new UsageError(
      'hls.js is not installed.\nRun this in the same folder: npm install --no-save hls.js',
    );
  }
  const page = await servePage(hlsJs, port).catch((error) => {
    throw new UsageError(`--port ${port}: ${error.message}`);
  });
  try {
    const chromium = await startBrowser(from, browser);
    try {
      const address = new URL(page.url);
      address.search = String(
        new URLSearchParams({
          ...{ tracker, src },
          ...{ options: JSON.stringify(options), config: JSON.stringify(config) },
        }),
      );
      const pages = [];
      const began = performance.now();
      for (let index = 0; index < viewers; ++index) {
        await wait(began + (within * 1000 * index) / viewers - performance.now());
        pages.push(await visit(chromium, address.href));
        say(`${pages.length} of ${viewers} viewers`);
      }
      for (let left = seconds; left > 0; --left) {
        say(`${viewers} viewers, ${left} s left`);
        await wait(1000);
      }
      say('');
      return await Promise.all(pages.map((look) => look()));
    } finally {
      await chromium.close();
    }
  } finally {
    page.close();
  }
}

/**
 * @param {import('./browser.js').Browser} chromium
 * @param {string} address
 * @returns {Promise<() => Promise<import('./report.js').Seen>>} asks the viewer, who may be gone
 */
async function visit(chromium, address) {
  try {
    const page = await chromium.open();
    await page.goto(address);
    return () => page.evaluate(() => /** @type {any} */ (globalThis).seen()).catch(lost);
  } catch (error) {
    return async () => lost(error);
  }
}

/** How far it is, for who looks at a terminal. @param {string} text */
function say(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(40)}${text ? '' : '\r'}`);
}

try {
  const request = readArguments(process.argv.slice(2));
  if (request) {
    const report = reportOf(await play(request));
    process.stdout.write(request.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    process.exitCode = report.playing === report.viewers ? 0 : EXIT_FAILED;
  } else {
    process.stdout.write(HELP);
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`hlsmesh-load: ${error.message}\n`);
  process.exitCode = EXIT_USAGE;
}
