/** Checks the options of `attach` and `update`, and reads what the browser says about itself. */

import { Option } from './abi.js';
import { messageOf } from './errors.js';

/** @typedef {import('./index.js').HlsMeshOptions} HlsMeshOptions */
/** @typedef {import('./index.js').LogLevel} LogLevel */

const MIB = 1024 * 1024;
/**
 * One segment of a high rendition must fit; the maximum memory of the module must hold the largest cache (wasm/CMakeLists.txt).
 */
const MIN_CACHE_BYTES = MIB;
const MAX_CACHE_BYTES = 256 * MIB;
const DEFAULT_CACHE_BYTES = 128 * MIB;
/** Phones end a page that holds much more. */
const DEFAULT_MOBILE_CACHE_BYTES = 48 * MIB;

/** Chromium makes no more than 500 connections for all players of all its pages. */
const MAX_PEERS = 100;
/** Each tracker of the list costs a try if those before it cannot be reached. */
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
  minViewers: 2,
  prefetchSeconds: null,
  relayOnly: false,
  rtcConfig: {},
  logLevel: 'warn',
});

/** A liar gives ten segments on average before it is found; the CDN answers a request of a kilobyte for ten segments. */
const CHECKS = 0.1;

/** RFC 8489 section 18.6; `hlsmesh-tracker --stun-port`. */
const STUN_PORT = 3478;

/** Drawn once, so that a viewer stays with or without peers whatever the page plays. */
const LOT = Math.random();

/** @type {LogLevel[]} each level includes those before it */
const LEVELS = ['none', 'error', 'warn', 'info', 'debug'];

/** The key, in the page's address or in localStorage, by which a person sets the level in production. */
const LEVEL_KEY = 'hlsmesh-log';

/** @typedef {[check: (value: any) => unknown, wanted: string]} Rule */

/**
 * Called for an invalid option, or for another mistake of the page. If it returns, reading goes on without that option.
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
const isText = (/** @type {unknown} */ value) => typeof value === 'string' && value;
const isTextOrFunction = (/** @type {unknown} */ value) =>
  typeof value === 'function' || isText(value);
/** True if RTCPeerConnection takes it. */
const isIceServer = (/** @type {any} */ server) => {
  /** @type {unknown[]} */
  const urls = [].concat(server?.urls ?? []);
  const isGood = (/** @type {any} */ url) =>
    /^stuns?:./.test(url) || (/^turns?:./.test(url) && server.username && server.credential);
  return urls.length > 0 && urls.every(isGood);
};
/** @type {Rule} */
const LIMIT = [(value) => typeof value === 'number' && value >= 0, 'a number of 0 or more'];
/** @type {Rule} */
const SHARE = [(value) => LIMIT[0](value) && value <= 1, 'a number from 0 to 1'];

/** @type {Record<keyof HlsMeshOptions, Rule>} */
const RULES = {
  // readTrackers() reports the mistakes in it, entry by entry.
  tracker: [
    () => true,
    `the tracker's ws:// or wss:// URL, or an array of 1 to ${MAX_TRACKERS} of them; without one everything comes from the CDN`,
  ],
  channel: [isTextOrFunction, 'a non-empty string or a function of the playlist URL'],
  token: [isTextOrFunction, 'a non-empty string, or a function that gives one or a promise of one'],
  strict: FLAG,
  segmentId: ofType('function', 'a function of { url, sn, level, type }'),
  enabled: FLAG,
  upload: FLAG,
  uploadOnMetered: FLAG,
  uploadBytesPerSecond: LIMIT,
  uploadBytesPerSession: LIMIT,
  maxParents: whole(1, MAX_PEERS),
  maxChildren: whole(0, MAX_PEERS),
  minViewers: whole(1, 1e6),
  prefetchSeconds: [
    (value) => value === null || LIMIT[0](value),
    'null, to follow the player, or a number of 0 or more',
  ],
  checks: SHARE,
  cacheBytes: whole(MIN_CACHE_BYTES, MAX_CACHE_BYTES),
  iceServers: [
    (value) => Array.isArray(value) && value.every(isIceServer),
    'an array of { urls, username?, credential? }: stun:… or turn:…, with both for turn',
  ],
  rtcConfig: [(value) => isObject(value) && { ...value }, 'an RTCConfiguration object'],
  relayOnly: FLAG,
  lan: [
    (value) => ['never', 'if-granted', 'ask'].includes(value),
    "'never', 'if-granted' or 'ask'",
  ],
  p2p: ofType('function', 'a function that gives true or false, or a promise of one'),
  digests: [
    (value) => ['auto', 'required', true, false].includes(value),
    "'auto', 'required', true or false",
  ],
  control: SHARE,
  shadow: SHARE,
  digestsKey: [
    (value) => isText(value) && /^[\w+/-]{43}=?$/.test(value),
    'an Ed25519 public key: 32 bytes in base64',
  ],
  wasm: [
    (value) =>
      isText(value) ||
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

/** The options that the engine takes as numbers, and while it runs. The mesh counts the upload of a session. */
const NUMBERS = /** @type {Record<string, number | undefined>} */ ({
  enabled: Option.p2p,
  upload: Option.upload,
  uploadOnMetered: Option.uploadOnMetered,
  maxParents: Option.maxParents,
  maxChildren: Option.maxChildren,
  minViewers: Option.minViewers,
  prefetchSeconds: Option.prefetchSeconds,
  uploadBytesPerSecond: Option.uploadBytesPerSecond,
  uploadBytesPerSession: Option.uploadBytes,
});

/** kFollowPlayer of src/client/inputs.hpp: the engine's number for "as the player buffers". */
const FOLLOW_PLAYER = -1;

/** The options that may change without another engine. */
const CHANGEABLE = [
  ...Object.keys(NUMBERS),
  'iceServers',
  'rtcConfig',
  'relayOnly',
  'logger',
  'logLevel',
];

/**
 * `control`: whether it was drawn to play without peers; undefined: nothing was drawn. `shadow`: whether it was drawn, of the others, to
 * try peers and play from the CDN. `rtcConfig` contains what `iceServers` and `relayOnly` say, too, and stays the same object.
 * @typedef {typeof DefaultConfig & Omit<HlsMeshOptions, 'tracker' | 'control' | 'shadow' | keyof typeof DefaultConfig> &
 *   { trackers: string[], platform: Platform, cacheBytes: number, checks: number, control: boolean | undefined, shadow: boolean }} Settings
 */

/**
 * @param {unknown} options
 * @param {Complain} [complain] default: throws
 * @returns {Settings} without a tracker if none can be used
 */
export function readOptions(options, complain = refuse) {
  const platform = readPlatform();
  const given = checked(options, complain);
  const { control, shadow = 0 } = given;
  if ((control ?? 0) + shadow > 1) {
    complain(
      `options control and shadow are ${control} and ${shadow}, more than 1: shadow gets the rest`,
    );
  }
  const trackers = isObject(options) ? readTrackers(given.tracker, complain) : [];
  return {
    ...DefaultConfig,
    logger: console,
    checks: CHECKS,
    cacheBytes: platform.mobile ? DEFAULT_MOBILE_CACHE_BYTES : DEFAULT_CACHE_BYTES,
    ...given,
    ...askedLog(given),
    rtcConfig: { iceServers: stunOf(trackers), ...rtcOf(given) },
    platform,
    trackers,
    control: control === undefined ? undefined : LOT < control,
    shadow: LOT >= (control ?? 0) && LOT < (control ?? 0) + shadow,
  };
}

/**
 * Changes settings in place: all that were given, except those that `complain` was called for; none if that throws.
 * @param {Settings} settings
 * @param {Partial<HlsMeshOptions>} options
 * @param {Complain} [complain] default: throws
 * @returns {string[]} the names of the changed options
 */
export function changeOptions(settings, options, complain = refuse) {
  const changes = checked(options, complain);
  for (const name of /** @type {(keyof HlsMeshOptions)[]} */ (Object.keys(changes))) {
    if (CHANGEABLE.includes(name)) continue;
    complain(`option ${name} cannot change while running; detach() and attach again`);
    delete changes[name];
  }
  // The object stays the same, since connections are made from it.
  const rtcConfig = Object.assign(settings.rtcConfig, rtcOf(changes));
  Object.assign(settings, changes, { rtcConfig });
  return Object.keys(changes);
}

/**
 * @param {Partial<HlsMeshOptions>} options
 * @returns {RTCConfiguration}
 */
const rtcOf = ({ rtcConfig, iceServers, relayOnly }) => ({
  ...rtcConfig,
  ...(iceServers && { iceServers }),
  ...(relayOnly !== undefined && { iceTransportPolicy: relayOnly ? 'relay' : 'all' }),
});

/**
 * The STUN server of the preferred tracker, which knows the viewer's address already: nobody else is to learn it by default.
 * @param {string[]} trackers
 * @returns {RTCIceServer[]}
 */
const stunOf = ([tracker]) =>
  tracker ? [{ urls: `stun:${new URL(tracker).hostname}:${STUN_PORT}` }] : [];

/**
 * The level that a person asks for in this browser, which the page cannot lower; and somebody to tell.
 * @param {Partial<HlsMeshOptions>} given
 * @returns {Partial<HlsMeshOptions>}
 */
function askedLog({ logger }) {
  try {
    const asked = /** @type {any} */ (
      new URLSearchParams(location.search).get(LEVEL_KEY) ?? localStorage.getItem(LEVEL_KEY)
    );
    if (LEVELS.includes(asked)) return { logLevel: asked, logger: logger ?? console };
  } catch {
    // There is no address, or the page may not use localStorage.
  }
  return {};
}

/**
 * The settings that the engine takes, as numbers.
 * @param {Settings} settings
 * @param {string[]} [names] of options; default: all
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
    // No `?.()` here: Chrome supports it with spread arguments only from 91 on.
    const speaker = /** @type {any} */ (logger);
    if (speaker?.[level]) speaker[level]('[hlsmesh]', ...words);
  } catch {
    // If a logger throws, nobody can be told.
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
    if (!known.includes(name)) {
      refuseName('option', name, known, complain);
      continue;
    }
    const [check, wanted] = RULES[/** @type {keyof HlsMeshOptions} */ (name)];
    let fault = '';
    try {
      const value = options[name];
      if (value === undefined) continue;
      if (check(value)) good[name] = value;
      else {
        // Of a list the first entry that makes it invalid.
        const at = Array.isArray(value) ? value.findIndex((entry) => !check([entry])) : -1;
        const what = at < 0 ? [name, value] : [`${name}[${at}]`, value[at]];
        fault = `option ${what[0]} is ${show(what[1])}; it must be ${wanted}`;
      }
    } catch (error) {
      fault = `option ${name} cannot be read: ${messageOf(error)}`;
    }
    if (fault) complain(fault);
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
  const given = String(name).toLowerCase();
  // The score: two for each pair of letters that the other word has too, minus one for each letter by which their lengths differ.
  const likeness = (/** @type {string} */ word) =>
    [...given].filter((_, at) => word.toLowerCase().includes(given.slice(at, at + 2))).length * 2 -
    Math.abs(word.length - given.length);
  const [near] = [...known].sort((a, b) => likeness(b) - likeness(a));
  const hint =
    likeness(near) > given.length / 2 ? `did you mean ${near}?` : `known: ${known.join(', ')}`;
  complain(`there is no ${what} ${String(name)}; ${hint}`);
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
 * @returns {string[]} the URLs of the valid entries
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
      // Reported below.
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

/** The more specific ones come first: most browsers also claim to be those below. */
const BROWSERS = {
  Edge: /\bEdg/,
  Opera: /OPR\//,
  'Samsung Internet': /SamsungBrowser/,
  Firefox: /Firefox|FxiOS/,
  Chrome: /Chrom(e|ium)\/|CriOS/,
  Safari: /Safari/,
};

const SYSTEMS = {
  Android: /Android/,
  iOS: /iPhone|iPad|iPod/,
  Windows: /Windows/,
  ChromeOS: /CrOS/,
  macOS: /Mac/,
  Linux: /Linux/,
};

/** @returns {Platform} for the tracker's `enter`; unknown parts are empty */
export function readPlatform() {
  const {
    userAgent: agent = '',
    userAgentData: data,
    maxTouchPoints = 0,
  } = /** @type {any} */ (globalThis.navigator ?? {});
  const named = (/** @type {Record<string, RegExp>} */ table) =>
    Object.keys(table).find((name) => table[name].test(agent)) ?? '';
  // An iPad requests desktop sites as a Mac, but no Mac has a touch screen.
  const ipad = /Macintosh/.test(agent) && maxTouchPoints > 1;
  const os = ipad ? 'iOS' : data?.platform || named(SYSTEMS);
  return {
    browser: named(BROWSERS),
    os,
    mobile: os === 'iOS' || (data?.mobile ?? /Mobi|Android/.test(agent)),
  };
}
