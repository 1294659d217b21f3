import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { chromium } from 'playwright-core';

import { serve } from './serve.mjs';

/**
 * Makes docs/images/demo.png: the page of a second viewer while its segments come from the first.
 * Needs `npm run build` and a Chromium, /usr/bin/chromium or what CHROMIUM names.
 */

const OUTPUT = fileURLToPath(new URL('../docs/images/demo.png', import.meta.url));
const SIZE = { width: 1280, height: 800 };

// The second viewer joins well after the first and then plays long enough to fill half the chart.
const HEAD_START_MS = 10_000;
const SECOND_PLAYS_MS = 60_000;

const demo = await serve({ port: 0, browser: false, log: () => {} });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--autoplay-policy=no-user-gesture-required',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    // Without mDNS names, which need a responder that a container seldom has.
    '--disable-features=WebRtcHideLocalIpsWithMdns',
  ],
});

try {
  const open = async () => {
    const page = await (await browser.newContext({ viewport: SIZE })).newPage();
    await page.goto(demo.url);
    return page;
  };
  const first = await open();
  await first.waitForTimeout(HEAD_START_MS);
  const second = await open();
  await second.waitForTimeout(SECOND_PLAYS_MS);
  const stats = await second.evaluate('({ ...mesh.stats })');
  if (!(stats.p2pBytes > stats.cdnBytes)) {
    throw new Error(`the second viewer is not fed by the first: ${JSON.stringify(stats)}`);
  }
  await mkdir(path.dirname(OUTPUT), { recursive: true });
  const raw = `${OUTPUT}.raw.png`;
  await second.screenshot({ path: raw });
  // 256 colours: half the bytes, for a picture that every clone carries.
  const palette = '[0]split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none';
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-y', '-i', raw, '-vf', palette, OUTPUT]);
  await rm(raw);
  console.log(`${path.relative(process.cwd(), OUTPUT)}: ${stats.p2pBytes} bytes from peers`);
} finally {
  await browser.close();
  await demo.close();
}
