/**
 * The stage of every browser test: a real HTTP origin, a real tracker process, and real Chromium pages that play, each in a
 * context of its own. Loopback only.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { createOrigin } from '../../demo/origin.mjs';
import { ensureStream } from '../../demo/stream.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The folder behind `/pages/` at the origin. */
export const PAGES = fileURLToPath(new URL('./pages/', import.meta.url));

/** The folder of another hls.js than the one in node_modules, with hls.min.js in it, for all pages. */
const { HLS_JS } = process.env;

export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** How long a test waits for something in vain: on a busy machine a page may take most of it to begin. */
export const PATIENCE_MS = 60_000;

export const CHROMIUM_FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // Of the popups of the address bar, which nobody sees, each window would load the pages: two fifths of what a new page costs.
  '--disable-features=WebRtcHideLocalIpsWithMdns,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup',
];

/** The configuration by which hls.js begins with the lowest rendition. */
export const LOWEST = { startLevel: 0 };

/**
 * @param {(stage: Stage) => Promise<void>} play
 * @param {import('../../demo/origin.mjs').OriginOptions['routes']} [routes] of the origin, besides the usual ones
 */
export async function withStage(play, routes) {
  const stage = await Stage.open(routes);
  try {
    await play(stage);
  } finally {
    await stage.close();
  }
}

/**
 * @typedef {object} Fetch
 * @property {string} viewer
 * @property {string} path
 * @property {string | undefined} range
 * @property {number} bytes of the body, handed to the socket
 * @property {number} at when the answer ended; milliseconds
 */

export class Stage {
  /** @type {import('playwright-core').Browser[]} */
  #browsers = [];
  /** @type {Tracker | null} */
  tracker = null;

  /** What the origin was asked of media, in the order in which its answers ended. @type {Fetch[]} */
  fetches = [];

  /** @param {Awaited<ReturnType<typeof createOrigin>>} origin */
  constructor(origin) {
    this.origin = origin;
    origin.onResponse = ({ path, headers, bytes }) => {
      if (!path.endsWith('.ts')) return;
      const viewer = / viewer\/(\S+)$/.exec(headers['user-agent'] ?? '')?.[1] ?? '';
      this.fetches.push({ viewer, path, range: headers.range, bytes, at: Date.now() });
    };
  }

  /** @param {import('../../demo/origin.mjs').OriginOptions['routes']} [routes] */
  static async open(routes = {}) {
    const mediaDir = await ensureStream();
    const origin = await createOrigin({
      host: '127.0.0.1',
      port: 0,
      mediaDir,
      routes: { '/pages/': PAGES, ...(HLS_JS && { '/vendor/': HLS_JS }), ...routes },
    });
    const stage = new Stage(origin);
    stage.tracker = await Tracker.start();
    return stage;
  }

  /** A browser process of its own, for tests that kill one. */
  async browser() {
    const server = await chromium.launchServer({
      executablePath: CHROMIUM,
      args: CHROMIUM_FLAGS,
      ignoreDefaultArgs: ['--headless', '--mute-audio'],
    });
    const browser = await chromium.connect(server.wsEndpoint());
    this.#browsers.push(browser);
    return Object.assign(browser, { kill: () => server.kill(), server });
  }

  /**
   * A page that plays: `script` or `module` of tests/browser/pages, a path at the origin, or a URL.
   * @param {{
   *   name: string,
   *   src?: string,
   *   page?: string,
   *   tracker?: string,
   *   query?: Record<string, string>,
   *   options?: object,
   *   config?: object,
   *   init?: () => void,
   *   browser?: import('playwright-core').Browser,
   * }} what
   */
  async viewer({
    name,
    src = '/vod/master.m3u8',
    page = 'script',
    tracker,
    query = {},
    options,
    config,
    init,
    browser,
  }) {
    const target = await this.page({ name, init, browser });
    const path = page.includes('/') ? page : `/pages/${page}.html`;
    const address = new URL(path, this.origin.url);
    address.searchParams.set('src', new URL(src, this.origin.url).href);
    address.searchParams.set('tracker', tracker ?? this.tracker?.url ?? '');
    address.searchParams.set('config', JSON.stringify({ ...LOWEST, ...config }));
    if (options) address.searchParams.set('options', JSON.stringify(options));
    for (const [key, value] of Object.entries(query)) address.searchParams.set(key, value);
    await target.goto(address.href);
    return new Viewer(name, target, this);
  }

  /**
   * A version-1 peer that misbehaves as told (tests/browser/pages/rogue.js).
   * @param {{ mode: string, level?: number, src?: string, browser?: import('playwright-core').Browser }} what
   */
  async rogue({ mode, level, src = '/vod/master.m3u8', browser }) {
    const target = await this.page({ name: 'rogue', browser });
    await target.goto(new URL('/pages/rogue.html', this.origin.url).href);
    const channel = new URL(src, this.origin.url).href;
    await target.evaluate((setup) => globalThis.playRogue(setup), {
      tracker: this.tracker?.url ?? '',
      channel,
      base: channel,
      mode,
      level,
    });
    await target.waitForFunction(() => globalThis.rogue.entered);
    return target;
  }

  /**
   * @param {{ name: string, init?: () => void, remember?: boolean, browser?: import('playwright-core').Browser }} what
   *   `remember`: the page's connections, for dataChannelBytes()
   */
  async page({ name, init, remember = true, browser }) {
    browser ??= this.#browsers[0] ?? (await this.browser());
    // The origin tells viewers apart by their user agent.
    const context = await browser.newContext({ userAgent: `${USER_AGENT} viewer/${name}` });
    if (remember) await context.addInitScript(rememberConnections);
    if (init) await context.addInitScript(init);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => console.error(`[${name}] uncaught: ${error.message}`));
    return page;
  }

  /**
   * Media bytes that the origin sent to one viewer.
   * @param {string} name
   */
  mediaBytes(name) {
    const own = this.fetches.filter(({ viewer }) => viewer === name);
    return own.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async close() {
    for (const browser of this.#browsers) await browser.close().catch(() => {});
    for (const browser of this.#browsers) await /** @type {any} */ (browser).kill().catch(() => {});
    await this.tracker?.stop();
    await this.origin.close();
  }
}

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';

function rememberConnections() {
  const { RTCPeerConnection } = globalThis;
  if (!RTCPeerConnection) return;
  /** @type {any} */ (globalThis).connections = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    /** @param {any[]} args */
    constructor(...args) {
      super(...args);
      /** @type {any} */ (globalThis).connections.push(this);
    }
  };
}

/**
 * Errors that a load of ours may have caused. What hls.js thinks of the media itself (a gap at a splice) is the stream's, and
 * what it aborted is its own doing.
 * @param {any} seen
 */
export function loadErrors({ errors }) {
  return errors.filter(
    (/** @type {any} */ e) => e.fatal || (e.type === 'networkError' && e.details !== 'aborted'),
  );
}

/** One playing page, and what its observer (tests/browser/pages/observe.js) saw. */
export class Viewer {
  /**
   * @param {string} name
   * @param {import('playwright-core').Page} page
   * @param {Stage} stage
   */
  constructor(name, page, stage) {
    this.name = name;
    this.page = page;
    this.stage = stage;
  }

  /** @returns {Promise<any>} */
  seen() {
    return this.page.evaluate(() => JSON.parse(JSON.stringify(globalThis.seen)));
  }

  /** @returns {Promise<any>} */
  stats() {
    return this.page.evaluate(() => ({ ...globalThis.mesh.stats }));
  }

  /** @returns {Promise<import('../../js/index.js').PeerSnapshot[]>} */
  peers() {
    return this.page.evaluate(() => globalThis.mesh.peers);
  }

  /** @returns {Promise<{ currentTime: number, videoWidth: number, ended: boolean }>} */
  video() {
    return this.page.evaluate(() => {
      const { currentTime, videoWidth, ended } = /** @type {HTMLVideoElement} */ (
        document.getElementById('video')
      );
      return { currentTime, videoWidth, ended };
    });
  }

  /** @param {number} seconds of media that must have played since now */
  async plays(seconds) {
    const from = (await this.video()).currentTime;
    await this.page.waitForFunction(
      (until) =>
        /** @type {HTMLVideoElement} */ (document.getElementById('video')).currentTime >= until,
      from + seconds,
      { timeout: seconds * 1000 + PATIENCE_MS, polling: 250 },
    );
  }

  /**
   * @param {string} name of the event
   * @param {object} [fields] that it must have
   * @param {number} [timeout]
   */
  async waitForEvent(name, fields = {}, timeout = PATIENCE_MS) {
    await this.page.waitForFunction(
      ([wanted, has]) =>
        // A page that makes its playlist first has nothing to show yet.
        globalThis.seen?.events.some(
          (/** @type {any} */ e) =>
            e.name === wanted && Object.entries(has).every(([key, value]) => e[key] === value),
        ),
      /** @type {[string, object]} */ ([name, fields]),
      { timeout, polling: 100 },
    );
  }

  /** Bytes over data channels as the browser itself counted them. */
  async dataChannelBytes() {
    return this.page.evaluate(async () => {
      const sum = { received: 0, sent: 0, open: 0 };
      for (const connection of globalThis.connections ?? []) {
        for (const report of (await connection.getStats()).values()) {
          if (report.type !== 'data-channel') continue;
          sum.received += report.bytesReceived;
          sum.sent += report.bytesSent;
          if (report.state === 'open') sum.open++;
        }
      }
      return sum;
    });
  }

  async close() {
    await this.page.context().close();
  }
}

/** The tracker as an operator starts it: a process of its own. */
export class Tracker {
  /**
   * @param {import('node:child_process').ChildProcess} process
   * @param {string} url
   * @param {number} port
   */
  constructor(process, url, port) {
    this.process = process;
    this.url = url;
    this.port = port;
  }

  static async start(port = 0) {
    const child = spawn(
      process.execPath,
      ['js/tracker/cli.js', '--host', '127.0.0.1', '--port', String(port)],
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /ws:\/\/\S+/.exec(line)?.[0];
      if (url) return new Tracker(child, url, Number(new URL(url).port));
    }
    throw new Error('the tracker ended before it listened');
  }

  /** Ends it without a word, as a crash would. */
  async kill() {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await ended;
  }
}
