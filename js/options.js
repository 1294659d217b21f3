/** The options of `attach` and `update`, checked; and what the browser says about itself. */

import { Option } from './abi.js';
import { messageOf } from './errors.js';

/** @typedef {import('./index.js').HlsMeshOptions} HlsMeshOptions */
/** @typedef {import('./index.js').LogLevel} LogLevel */

const MIB = 1024 * 1024;
/** One segment of a high rendition must fit; the largest is what the module's maximum memory holds (wasm/CMakeLists.txt). */
const MIN_CACHE_BYTES = MIB;
const MAX_CACHE_BYTES = 256 * MIB;
const DEFAULT_CACHE_BYTES = 128 * MIB;
/** Phones kill a page that holds much more. */
const DEFAULT_MOBILE_CACHE_BYTES = 48 * MIB;

/** Chromium makes no more than 500 connections for all players of all its pages. */
const MAX_PEERS = 100;
/** Each tracker of a list costs a try while the ones before it are away. */
const MAX_TRACKERS = 8;

/**
 * Defaults that are the same everywhere.
 * @type {typeof import('./index.js').DefaultConfig}
 */
export const DefaultConfig = Object.freeze({
  enabled: true,
  upload: true,
  uploadOnMetered: false,
  uploadBytesPerSecond: Infinity,
  uploadBytesPerSession: Infinity,
  maxParents: 4,
  maxChildren: 8,
  prefetchSeconds: null,
  // Public, free of charge, and what WebRTC pages use most.
  iceServers: [{ urls: 'stun:stun.l.google.com:19302' }],
  rtcConfig: {},
  logLevel: 'warn',
});

/** @type {LogLevel[]} each with those before it */
const LEVELS = ['none', 'error', 'warn', 'info', 'debug'];

/** @typedef {[check: (value: any) => unknown, wanted: string]} Rule */

/**
 * Told of an invalid option, or of another mistake of the page. Where it returns, reading goes on without that option.
 * @typedef {(text: string, code?: import('./index.js').HlsMeshErrorCode) => void} Complain
 */

/** @type {(type: string, wanted: string) => Rule} */
const ofType = (type, wanted) => [(value) => typeof value === type, wanted];
const FLAG = ofType('boolean', 'true or false');
/** @type {(low: number, high: number, what?: string) => Rule} */
const whole = (low, high) => [
  (value) => Number.isInteger(value) && value >= low && value <= high,
  `a whole number from ${low} to ${high}`,
];
/** @type {Rule} */
const LIMIT = [(value) => value >= 0 && typeof value === 'number', 'a number of 0 or more'];

/** @type {Record<keyof HlsMeshOptions, Rule>} */
const RULES = {
  // What is wrong with it is said entry by entry, by readTrackers().
  tracker: [
    () => true,
    `the tracker's WebSocket URL, ws://… or wss://…, or an array of 1 to ${MAX_TRACKERS} of them; without one everything comes from the CDN`,
  ],
  channel: [
    (value) => typeof value === 'function' || (typeof value === 'string' && value),
    'a non-empty string or a function of the playlist URL',
  ],
  token: [
    (value) => typeof value === 'function' || (typeof value === 'string' && value),
    'a non-empty string, or a function that gives one or a promise of one',
  ],
  strict: FLAG,
  segmentId: ofType('function', 'a function of { url, sn, level, type }'),
  enabled: FLAG,
  upload: FLAG,
  uploadOnMetered: FLAG,
  uploadBytesPerSecond: LIMIT,
  uploadBytesPerSession: LIMIT,
  maxParents: whole(1, MAX_PEERS),
  maxChildren: whole(0, MAX_PEERS),
  prefetchSeconds: [
    (value) => value === null || LIMIT[0](value),
    'null, to follow the player, or a number of 0 or more',
  ],
  cacheBytes: whole(MIN_CACHE_BYTES, MAX_CACHE_BYTES),
  iceServers: [Array.isArray, 'an array of { urls, username?, credential? }'],
  rtcConfig: [isObject, 'an RTCConfiguration object'],
  wasm: [
    (value) =>
      (typeof value === 'string' && value) ||
      value instanceof URL ||
      value instanceof ArrayBuffer ||
      ArrayBuffer.isView(value) ||
      value instanceof WebAssembly.Module,
    'a URL, the bytes of hlsmesh.wasm or a WebAssembly.Module',
  ],
  logger: [
    (value) =>
      value === null || (typeof value?.warn === 'function' && typeof value.error === 'function'),
    'null or an object with warn() and error()',
  ],
  logLevel: [(value) => LEVELS.includes(value), LEVELS.join(', ')],
};

/** Which options the engine takes as numbers, and while it runs; the upload of a session is the mesh's to count. */
const NUMBERS = /** @type {Record<string, number | undefined>} */ ({
  enabled: Option.p2p,
  upload: Option.upload,
  uploadOnMetered: Option.uploadOnMetered,
  maxParents: Option.maxParents,
  maxChildren: Option.maxChildren,
  prefetchSeconds: Option.prefetchSeconds,
  uploadBytesPerSecond: Option.uploadBytesPerSecond,
  uploadBytesPerSession: Option.uploadBytes,
});

/** kFollowPlayer of client/engine.hpp: what the engine takes for a number that is the player's to give. */
const FOLLOW_PLAYER = -1;

/** What may change without another engine. */
const CHANGEABLE = [...Object.keys(NUMBERS), 'iceServers', 'rtcConfig', 'logger', 'logLevel'];

/**
 * `rtcConfig` holds the `iceServers` too, and stays the same object.
 * @typedef {typeof DefaultConfig & Omit<HlsMeshOptions, 'tracker' | keyof typeof DefaultConfig> &
 *   { trackers: string[], platform: Platform, cacheBytes: number }} Settings
 */

/**
 * @param {unknown} options
 * @param {Complain} [complain] throws when absent
 * @returns {Settings} without a tracker when none can be used
 */
export function readOptions(options, complain = refuse) {
  const platform = readPlatform();
  const given = checked(options, complain);
  const { rtcConfig } = given;
  const settings = {
    ...DefaultConfig,
    logger: console,
    cacheBytes: platform.mobile ? DEFAULT_MOBILE_CACHE_BYTES : DEFAULT_CACHE_BYTES,
    ...given,
    rtcConfig: {},
    platform,
    trackers: isObject(options) ? readTrackers(given.tracker, complain) : [],
  };
  setRtc(settings.rtcConfig, { iceServers: DefaultConfig.iceServers, ...rtcConfig }, given);
  return settings;
}

/**
 * Changes settings in place: all that were given, save those that `complain` was told of; none if that throws.
 * @param {Settings} settings
 * @param {Partial<HlsMeshOptions>} options
 * @param {Complain} [complain] throws when absent
 * @returns {string[]} the names of what changed
 */
export function changeOptions(settings, options, complain = refuse) {
  const changes = checked(options, complain);
  for (const name of /** @type {(keyof HlsMeshOptions)[]} */ (Object.keys(changes))) {
    if (CHANGEABLE.includes(name)) continue;
    complain(`option ${name} cannot change while running; detach() and attach again`);
    delete changes[name];
  }
  const { rtcConfig } = settings;
  setRtc(rtcConfig, changes.rtcConfig ?? {}, changes);
  Object.assign(settings, changes, { rtcConfig });
  return Object.keys(changes);
}

/**
 * The object stays the same one: connections are made from it.
 * @param {RTCConfiguration} config
 * @param {RTCConfiguration} more
 * @param {Partial<HlsMeshOptions>} options
 */
function setRtc(config, more, { iceServers }) {
  Object.assign(config, more, iceServers && { iceServers });
}

/**
 * What `options` says for the engine.
 * @param {Settings} settings
 * @param {string[]} [names] of options; all when absent
 * @returns {[option: number, value: number][]}
 */
export function engineNumbers(settings, names = Object.keys(NUMBERS)) {
  /** @type {[number, number][]} */
  const numbers = [];
  for (const name of names) {
    const option = NUMBERS[name];
    const value = /** @type {any} */ (settings)[name];
    if (option && value !== undefined) numbers.push([option, Number(value ?? FOLLOW_PLAYER)]);
  }
  return numbers;
}

/**
 * @param {LogLevel} level
 * @param {Settings} settings
 * @param {...unknown} words
 */
export function log(level, { logger, logLevel }, ...words) {
  if (LEVELS.indexOf(level) > LEVELS.indexOf(logLevel)) return;
  try {
    // No `?.()` here: with spread arguments Chrome knows it from 91 on only.
    const speaker = /** @type {any} */ (logger);
    if (speaker?.[level]) speaker[level]('[hlsmesh]', ...words);
  } catch {
    // A logger that throws has nobody to be told to.
  }
}

/**
 * @param {any} options
 * @param {Complain} complain
 * @returns {Partial<HlsMeshOptions>} a copy without what is undefined or invalid
 */
function checked(options, complain) {
  /** @type {Record<string, unknown>} */
  const good = {};
  if (!isObject(options)) {
    complain(`options is ${show(options)}; it must be an object`);
    return good;
  }
  const known = Object.keys(RULES);
  for (const name of Object.keys(options)) {
    let value;
    try {
      value = options[name];
    } catch (error) {
      complain(`option ${name} cannot be read: ${messageOf(error)}`);
    }
    if (!known.includes(name)) {
      refuseName('option', name, known, complain);
      continue;
    }
    const [check, wanted] = RULES[/** @type {keyof HlsMeshOptions} */ (name)];
    if (value === undefined) continue;
    if (check(value)) good[name] = value;
    else complain(`option ${name} is ${show(value)}; it must be ${wanted}`);
  }
  return good;
}

/**
 * @param {string} what
 * @param {string} name
 * @param {readonly string[]} known
 * @param {Complain} complain
 */
export function refuseName(what, name, known, complain) {
  const [near, far] = known
    .map((word) => /** @type {const} */ ([word, distance(word, String(name))]))
    .sort((a, b) => a[1] - b[1])[0];
  // A third of it wrong, or two letters: still more like it than unlike.
  const hint =
    far <= Math.max(2, near.length / 3) ? `did you mean ${near}?` : `known: ${known.join(', ')}`;
  complain(`there is no ${what} ${String(name)}; ${hint}`);
}

/**
 * Letters to add, drop or change to make one word of the other, whatever their case.
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const same = a[i].toLowerCase() === b[j].toLowerCase();
      next.push(Math.min(row[j] + Number(!same), row[j + 1] + 1, next[j] + 1));
    }
    row = next;
  }
  return row[b.length];
}

/**
 * @param {string} text
 * @returns {never}
 */
function refuse(text) {
  throw new TypeError(`HlsMesh: ${text}`);
}

/** @param {unknown} value */
export function show(value) {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  if (isObject(value)) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** @param {unknown} value */
function isObject(value) {
  return Boolean(value) && typeof value === 'object' && !Array.isArray(value);
}

/**
 * @param {unknown} tracker
 * @param {Complain} complain
 * @returns {string[]} of those that can be
 */
function readTrackers(tracker, complain) {
  const [, wanted] = RULES.tracker;
  const list = Array.isArray(tracker) ? tracker : [tracker];
  if (list.length === 0 || list.length > MAX_TRACKERS) {
    complain(`option tracker has ${list.length} entries; it must be ${wanted}`);
  }
  return list.slice(0, MAX_TRACKERS).flatMap((entry, index) => {
    try {
      const url = new URL(String(entry));
      // A WebSocket refuses a URL with a fragment.
      url.hash = '';
      if (/^wss?:/.test(url.href)) return [url.href];
    } catch {
      // Said below.
    }
    const place = list === tracker ? `[${index}]` : '';
    complain(`option tracker${place} is ${show(entry)}; it must be ${wanted}`);
    return [];
  });
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
