/**
 * Makes docs/images/dashboard-*.png: the dashboard of a tracker with an audience that lives faster than the world.
 * `node demo/screenshot-dashboard.mjs [viewers,…] [real seconds] [times as fast]`. Needs dist, Chromium and ffmpeg. So many times as
 * fast that the machine cannot follow, 2,000 viewers are disconnected as silent.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const OUTPUT = fileURLToPath(new URL('../docs/images/', import.meta.url));
const CLOCK = new URL('../bench/load/fast-clock.mjs', import.meta.url).href;
const file = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../bench/load/${name}`, import.meta.url));

const [counts = '1,50,2000', seconds = '170', times = '10'] = process.argv.slice(2);
const SHOTS = [
  { name: '', colorScheme: 'light', width: 1280 },
  { name: '-dark', colorScheme: 'dark', width: 1280 },
  { name: '-phone', colorScheme: 'light', width: 390 },
];

await mkdir(OUTPUT, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-gpu'],
});
for (const count of counts.split(',')) {
  const options = {
    env: { ...process.env, HLSMESH_TEST_CLOCK: times },
    execArgv: ['--import', CLOCK],
  };
  const tracker = fork(file('watched-tracker.mjs'), ['true'], options);
  const [{ port }] = await once(tracker, 'message');
  const control = Number(count) > 1 ? '0.1' : '0';
  const within = String(Number(seconds) * Number(times) * 0.5);
  const audience = fork(file('audience.mjs'), [String(port), count, control, within], options);
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  for (const { name, colorScheme, width } of SHOTS) {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: /** @type {'light' | 'dark'} */ (colorScheme),
    });
    const page = await context.newPage();
    page.on('console', (message) => console.log(message.text()));
    page.on('pageerror', (error) => console.log(String(error)));
    await page.goto(`http://localhost:${port}/dashboard`);
    await page.getByText('updated').waitFor();
    await page.locator('#map').scrollIntoViewIfNeeded();
    await page.waitForTimeout(2500);
    await page.evaluate(() => globalThis.scrollTo(0, 0));
    const path = `${OUTPUT}dashboard-${count}${name}.png`;
    await page.screenshot({ path: `${path}.raw.png`, fullPage: true });
    // 64 colours: a picture that every clone carries.
    const palette = '[0]split[a][b];[a]palettegen=max_colors=64[p];[b][p]paletteuse=dither=none';
    await promisify(execFile)('ffmpeg', [
      ...['-v', 'error', '-y', '-i', `${path}.raw.png`],
      ...['-vf', palette, path],
    ]);
    await rm(`${path}.raw.png`);
    console.log(path);
    await context.close();
  }
  audience.disconnect();
  tracker.disconnect();
  await Promise.all([once(audience, 'exit'), once(tracker, 'exit')]);
}
await browser.close();
