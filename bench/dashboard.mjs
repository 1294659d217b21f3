/**
 * What the dashboard costs: the tracker with 5,000 viewers that come and report, with and without its recorder and one page that
 * looks at it, and the page itself. `node bench/dashboard.mjs [viewers] [seconds]`
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { isMain, print } from './report.mjs';

const VIEWERS = 5000;
const SECONDS = 60;
const ENTER_SECONDS = 20;
// Reports and searches of those that have just entered are over.
const CALM_MS = 35_000;

const TRACKER = fileURLToPath(new URL('./load/watched-tracker.mjs', import.meta.url));
const AUDIENCE = fileURLToPath(new URL('./load/audience.mjs', import.meta.url));

/** CPU seconds of a process. @param {number} pid */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** CPU seconds of a process and all below it. @param {number} pid @returns {number} */
function cpuOfTree(pid) {
  try {
    const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
      .split(' ')
      .filter(Boolean);
    return below.reduce((sum, child) => sum + cpuOfTree(Number(child)), cpuOf(pid));
  } catch {
    return 0;
  }
}

/** @param {number} viewers @param {boolean} dashboard @param {number} seconds */
async function measure(viewers, dashboard, seconds) {
  const tracker = fork(TRACKER, [String(dashboard)]);
  const [{ port }] = await once(tracker, 'message');
  const audience = fork(AUDIENCE, [String(port), String(viewers), '0.05', String(ENTER_SECONDS)]);
  const browser = dashboard
    ? await chromium.launchServer({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: ['--headless=new', '--no-sandbox', '--disable-gpu'],
      })
    : null;
  try {
    await once(audience, 'message');
    if (browser) {
      const client = await chromium.connect(browser.wsEndpoint());
      const page = await client.newPage({ viewport: { width: 1280, height: 2400 } });
      await page.goto(`http://localhost:${port}/dashboard`);
    }
    await new Promise((resolve) => setTimeout(resolve, CALM_MS));
    const pid = Number(browser?.process().pid ?? 0);
    const before = [cpuOf(Number(tracker.pid)), cpuOfTree(pid)];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return {
      tracker: (cpuOf(Number(tracker.pid)) - before[0]) / seconds,
      page: (cpuOfTree(pid) - before[1]) / seconds,
    };
  } finally {
    await browser?.close();
    audience.disconnect();
    tracker.disconnect();
    await Promise.all([once(audience, 'exit'), once(tracker, 'exit')]);
  }
}

/** @param {number} [viewers] @param {number} [seconds] @returns {Promise<import('./report.mjs').Figure[]>} */
export async function run(viewers = VIEWERS, seconds = SECONDS) {
  const without = await measure(viewers, false, seconds);
  const withIt = await measure(viewers, true, seconds);
  const unit = '% of a core';
  return [
    { name: `tracker with ${viewers} viewers`, unit, ours: without.tracker * 100 },
    { name: 'the same with its dashboard open', unit, ours: withIt.tracker * 100 },
    { name: 'the dashboard, in the tracker', unit, ours: (withIt.tracker - without.tracker) * 100 },
    { name: 'the dashboard, in the browser', unit, ours: withIt.page * 100 },
  ];
}

if (isMain(import.meta.url)) print(await run(...process.argv.slice(2).map(Number)));
