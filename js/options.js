/** The options of `attach`, checked; and what the browser says about itself. */

/** @typedef {import('./index.js').HlsMeshOptions} HlsMeshOptions */

const MIB = 1024 * 1024;
/** One segment of a high rendition must fit; the largest is what the module's maximum memory holds (wasm/CMakeLists.txt). */
const MIN_CACHE_BYTES = MIB;
const MAX_CACHE_BYTES = 256 * MIB;
const DEFAULT_CACHE_BYTES = 128 * MIB;
/** Phones kill a page that holds much more. */
const DEFAULT_MOBILE_CACHE_BYTES = 48 * MIB;

/** Public, free of charge, and what WebRTC pages use most. */
const DEFAULT_ICE_SERVERS = [{ urls: 'stun:stun.l.google.com:19302' }];

/**
 * @typedef {object} Settings
 * @property {string} tracker
 * @property {(playlistUrl: string) => string} channelOf
 * @property {boolean} p2p
 * @property {boolean} upload
 * @property {number} cacheBytes
 * @property {RTCConfiguration} rtc
 * @property {import('./index.js').WasmSource | undefined} wasm
 * @property {Pick<Console, 'warn' | 'error'> | null} logger
 * @property {Platform} platform
 */

/**
 * @param {HlsMeshOptions} options
 * @returns {Settings} throws a TypeError that names the option, what it was and what it may be
 */
export function readOptions(options) {
  if (!options || typeof options !== 'object') {
    refuse('options', options, 'an object with at least { tracker }');
  }
  const { tracker, channel, p2p = true, upload = true, iceServers, rtcConfig = {} } = options;
  const { wasm, logger = console } = options;
  const platform = readPlatform();
  const { cacheBytes = platform.mobile ? DEFAULT_MOBILE_CACHE_BYTES : DEFAULT_CACHE_BYTES } =
    options;

  if (channel !== undefined && typeof channel !== 'function') {
    if (typeof channel !== 'string' || !channel) {
      refuse('channel', channel, 'a non-empty string or a function of the playlist URL');
    }
  }
  if (typeof p2p !== 'boolean') refuse('p2p', p2p, 'true or false');
  if (typeof upload !== 'boolean') refuse('upload', upload, 'true or false');
  if (
    !Number.isInteger(cacheBytes) ||
    !(cacheBytes >= MIN_CACHE_BYTES && cacheBytes <= MAX_CACHE_BYTES)
  ) {
    refuse(
      'cacheBytes',
      cacheBytes,
      `a whole number from ${MIN_CACHE_BYTES} to ${MAX_CACHE_BYTES}`,
    );
  }
  if (iceServers !== undefined && !Array.isArray(iceServers)) {
    refuse('iceServers', iceServers, 'an array of { urls, username?, credential? }');
  }
  if (!rtcConfig || typeof rtcConfig !== 'object') {
    refuse('rtcConfig', rtcConfig, 'an RTCConfiguration object');
  }
  if (wasm !== undefined && !isWasmSource(wasm)) {
    refuse('wasm', wasm, 'a URL, the bytes of hlsmesh.wasm or a WebAssembly.Module');
  }
  if (
    logger !== null &&
    !(typeof logger?.warn === 'function' && typeof logger.error === 'function')
  ) {
    refuse('logger', logger, 'null or an object with warn() and error()');
  }
  return {
    tracker: readTracker(tracker),
    channelOf: typeof channel === 'function' ? channel : channel ? () => channel : playlistChannel,
    p2p,
    upload,
    cacheBytes,
    rtc: { ...rtcConfig, iceServers: iceServers ?? rtcConfig.iceServers ?? DEFAULT_ICE_SERVERS },
    wasm,
    logger,
    platform,
  };
}

/**
 * The tracker's `channel`: the multivariant playlist's URL up to `?` (protocol section 2).
 * @param {string} url
 */
export function playlistChannel(url) {
  return url.replace(/[?#].*$/s, '');
}

/** @param {unknown} tracker */
function readTracker(tracker) {
  const wanted = "the tracker's WebSocket URL, ws://… or wss://…";
  if (typeof tracker !== 'string' && !(tracker instanceof URL)) refuse('tracker', tracker, wanted);
  let url;
  try {
    url = new URL(String(tracker));
  } catch {
    refuse('tracker', tracker, wanted);
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') refuse('tracker', tracker, wanted);
  // A WebSocket refuses a URL with a fragment.
  url.hash = '';
  return url.href;
}

/** @param {unknown} wasm */
function isWasmSource(wasm) {
  return (
    (typeof wasm === 'string' && wasm !== '') ||
    wasm instanceof URL ||
    wasm instanceof ArrayBuffer ||
    ArrayBuffer.isView(wasm) ||
    wasm instanceof WebAssembly.Module
  );
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {string} wanted
 * @returns {never}
 */
function refuse(name, value, wanted) {
  const given = typeof value === 'string' ? JSON.stringify(value) : String(value);
  const option = name === 'options' ? 'options' : `option ${name}`;
  throw new TypeError(`HlsMesh.attach: ${option} is ${given}; it must be ${wanted}`);
}

/**
 * @typedef {object} Platform
 * @property {string} browser
 * @property {string} os
 * @property {boolean} mobile
 */

/** @type {[RegExp, string][]} more telling names first: most browsers also claim to be those below */
const BROWSERS = [
  [/\bEdg/, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrom(e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

/** @type {[RegExp, string][]} */
const SYSTEMS = [
  [/Android/, 'Android'],
  [/iPhone|iPad|iPod/, 'iOS'],
  [/Windows/, 'Windows'],
  [/CrOS/, 'ChromeOS'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** @returns {Platform} for the tracker's `enter`; empty where unknown */
export function readPlatform() {
  if (typeof navigator !== 'object') return { browser: '', os: '', mobile: false };
  const agent = navigator.userAgent ?? '';
  const data = /** @type {any} */ (navigator).userAgentData;
  const named = (/** @type {[RegExp, string][]} */ table) =>
    table.find(([pattern]) => pattern.test(agent))?.[1] ?? '';
  // An iPad asks for desktop sites as a Mac, but no Mac has a touch screen.
  const ipad = /Macintosh/.test(agent) && navigator.maxTouchPoints > 1;
  return {
    browser: named(BROWSERS),
    os: ipad ? 'iOS' : data?.platform || named(SYSTEMS),
    mobile: ipad || (data?.mobile ?? /Mobi|Android|iPhone|iPad|iPod/.test(agent)),
  };
}
