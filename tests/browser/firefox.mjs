/**
 * Firefox for the stage: Debian's own build, no media or WebRTC preference changed, driven over WebDriver BiDi, behind the part of
 * Playwright's face that the stage and its viewers use. Playwright itself drives only a Firefox that it has patched.
 */
import puppeteer from 'puppeteer-core';

export const FIREFOX = process.env.FIREFOX_PATH ?? '/usr/bin/firefox-esr';

/**
 * A Firefox of its own for one page: in a window with several, Firefox slows the timers of all but the one in front.
 * @param {(firefox: import('playwright-core').Browser) => Promise<void>} play what `Stage.viewer` takes as `browser`
 */
export async function withFirefox(play) {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
  });
  try {
    const face = {
      /** @param {{ userAgent: string }} context */
      newContext: async ({ userAgent }) => newContext(browser, userAgent),
    };
    await play(/** @type {import('playwright-core').Browser} */ (/** @type {unknown} */ (face)));
  } finally {
    await browser.close();
  }
}

/**
 * @param {import('puppeteer-core').Browser} browser
 * @param {string} userAgent whose last word is the viewer's
 */
async function newContext(browser, userAgent) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  // Firefox keeps its own words, since hls.js goes by them.
  const own = await page.evaluate(() => navigator.userAgent);
  await page.setUserAgent({ userAgent: `${own} ${userAgent.split(' ').at(-1)}` });
  const face = {
    context: () => contextFace,
    on: page.on.bind(page),
    setDefaultTimeout: page.setDefaultTimeout.bind(page),
    goto: page.goto.bind(page),
    evaluate: page.evaluate.bind(page),
    /**
     * @param {(arg: any) => unknown} condition
     * @param {unknown} [arg]
     * @param {{ timeout?: number, polling?: number }} [options]
     */
    waitForFunction: (condition, arg, options) => page.waitForFunction(condition, options, arg),
  };
  const contextFace = {
    /** @param {() => void} script */
    addInitScript: (script) => page.evaluateOnNewDocument(script),
    newPage: async () => face,
    close: () => context.close(),
  };
  return contextFace;
}
