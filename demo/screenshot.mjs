import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { chromium } from 'playwright-core';

import { serve } from './serve.mjs';

/**
 * Makes the demo's pictures of docs/images: the page with one viewer, and with four and a fifth that plays by hls.js alone, light,
 * dark and on a phone. Needs `npm run build` and a Chromium, /usr/bin/chromium or what CHROMIUM names.
 */

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url));
const SIZE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

// The others join well after the first, and then play long enough to fill half the chart.
const HEAD_START_MS = 8_000;
const TOGETHER_MS = 40_000;

const demo = await serve({ host: '0.0.0.0', port: 0, browser: false, log: () => {} });
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
  await mkdir(FOLDER, { recursive: true });
  const open = async (query = '') => {
    const page = await (await browser.newContext({ viewport: SIZE })).newPage();
    // Five pages that play are much for two cores.
    page.setDefaultTimeout(180_000);
    await page.goto(`${demo.url}/?stream=live${query}`);
    await page.waitForFunction('globalThis.hls?.levels.length > 0');
    await page.evaluate('hls.nextLevel = hls.autoLevelCapping = 0');
    return page;
  };
  const first = await open();
  await first.waitForTimeout(HEAD_START_MS);
  await shoot(first, 'demo-one');
  const shown = await open();
  for (let more = 0; more < 2; more++) await open();
  await open('&plain=1');
  await shown.waitForTimeout(TOGETHER_MS);
  const stats = await shown.evaluate('({ ...mesh.stats })');
  if (!(stats.p2pBytes > stats.cdnBytes)) {
    throw new Error(`the second viewer is not fed by the first: ${JSON.stringify(stats)}`);
  }
  await shoot(shown, 'demo');
  await shown.emulateMedia({ colorScheme: 'dark' });
  await shoot(shown, 'demo-dark');
  await shown.emulateMedia({ colorScheme: 'light' });
  await shown.setViewportSize(PHONE);
  await shoot(shown, 'demo-phone');
  console.log(`${stats.p2pBytes} bytes from peers, ${stats.cdnBytes} from the CDN`);
} finally {
  await browser.close();
  await demo.close();
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function shoot(page, name) {
  // The next second draws the charts in the new size and colours.
  await page.waitForTimeout(2000);
  const file = path.join(FOLDER, `${name}.png`);
  const raw = `${file}.raw.png`;
  await page.screenshot({ path: raw, fullPage: true });
  // 128 colours: a third of the bytes, for a picture that every clone carries.
  const palette = '[0]split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=none';
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-y', '-i', raw, '-vf', palette, file]);
  await rm(raw);
  console.log(path.relative(process.cwd(), file));
}
