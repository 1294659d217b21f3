/**
 * Reads the options of options.js from flags, the environment, a configuration file and createTracker's argument. All faults are
 * reported together, each with the option, its value and the allowed values.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseNetwork } from './addresses.js';
import { OPTIONS, camelCase, variable } from './options.js';

/** @typedef {import('./options.js').TrackerOption} TrackerOption */
/** @typedef {string | number | boolean | readonly string[] | undefined} Value */

/** An invalid configuration; the message has a line for each fault. */
export class ConfigError extends Error {
  /** @param {string[]} faults */
  constructor(faults) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
  }
}

const MASK = '***';

/**
 * @typedef {object} CommandLine
 * @property {Record<string, Value>} values of all options, by camelCase name
 * @property {Record<string, string>} sources flag, environment or file, for each option that does not have its default
 * @property {string[]} strangers variables named HLSMESH_… that are no options
 * @property {boolean} help
 * @property {boolean} version
 * @property {boolean} printConfig
 * @property {boolean} check
 * @property {boolean} checkConfig
 */

/**
 * Reads the options of the command. A flag takes precedence over the environment, that over the file, and that over the default.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {CommandLine}
 * @throws {ConfigError}
 */
export function readCommandLine(args, env) {
  const flags = readFlags(args);
  /** @type {string[]} */
  const faults = [];
  const path = flags.config ?? env[variable('config')];
  const file = path === undefined || flags.help || flags.version ? {} : readFile(String(path));
  for (const name of Object.keys(file)) {
    if (!OPTIONS.some((option) => option.name === name)) {
      faults.push(`${path}: there is no option '${name}'`);
    }
  }
  /** @type {Record<string, Value>} */
  const values = {};
  /** @type {Record<string, string>} */
  const sources = {};
  for (const option of OPTIONS) {
    const name = camelCase(option.name);
    const [given, where, source] = firstGiven([
      [flags[option.name], `--${option.name}`, 'flag'],
      [env[variable(option.name)], variable(option.name), 'environment'],
      [file[option.name], `${path}: ${option.name}`, 'file'],
    ]);
    if (given === undefined) {
      values[name] = option.default;
      continue;
    }
    sources[name] = source;
    try {
      values[name] = parseValue(option, given, where);
    } catch (error) {
      faults.push(/** @type {Error} */ (error).message);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  checkTogether(values, (name) => `--${name}`);
  const known = new Set(
    ['config', 'internal-worker', ...OPTIONS.map(({ name }) => name)].map(variable),
  );
  return {
    values,
    sources,
    strangers: Object.keys(env).filter((name) => name.startsWith('HLSMESH_') && !known.has(name)),
    help: flags.help === true,
    version: flags.version === true,
    printConfig: flags['print-config'] === true,
    check: flags.check === true,
    checkConfig: flags['check-config'] === true,
  };
}

const OF_LIBRARY = OPTIONS.filter(({ limit, only }) => !limit && !only);

/** A `log` function gets all entries, unless `logLevel` says otherwise. */
const HEARS = 'debug';

/** Further options of createTracker, which no text can name: what each may be, and the check of that. */
const OBJECTS = /** @type {Record<string, [what: string, check: (value: any) => boolean]>} */ ({
  server: ['a server of node:http or node:https', ({ on, address }) => callable(on, address)],
  path: ['a path that begins with /', (path) => typeof path === 'string' && path.startsWith('/')],
  wasm: ['a URL, a path or bytes', (wasm) => ['object', 'string'].includes(typeof wasm)],
  limits: ['an object', (limits) => typeof limits === 'object'],
  log: ['a function', callable],
  onFatal: ['a function', callable],
  bus: ['an object', (bus) => typeof bus === 'object'],
});

/** @param {...unknown} values */
function callable(...values) {
  return values.every((value) => typeof value === 'function');
}

/**
 * The options of createTracker from the values of a command line, without `limits`.
 * @param {Record<string, Value>} values
 * @returns {import('./index.js').TrackerOptions}
 */
export function optionsOf(values) {
  const names = OF_LIBRARY.map(({ name }) => camelCase(name));
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

/**
 * The options of createTracker, checked, with their defaults, without those of the engine.
 * @param {Record<string, unknown>} given
 * @returns {Record<string, Value>} by camelCase name
 * @throws {TypeError | RangeError}
 */
export function readOptions(given) {
  /** @type {Record<string, Value>} */
  const values = {};
  for (const option of OF_LIBRARY) {
    const name = camelCase(option.name);
    const value = given[name] ?? (name === 'logLevel' ? HEARS : undefined);
    values[name] =
      value === undefined ? option.default : parseValue(option, value, `option ${name}`);
  }
  const stranger = Object.keys(given).find(
    (name) => !Object.hasOwn(values, name) && !Object.hasOwn(OBJECTS, name),
  );
  if (stranger !== undefined) throw new TypeError(`there is no option ${stranger}`);
  for (const [name, [what, check]] of Object.entries(OBJECTS)) {
    const value = given[name] ?? undefined;
    if (value !== undefined && !check(value)) throw new TypeError(`option ${name} must be ${what}`);
  }
  checkTogether(values, camelCase);
  return values;
}

/**
 * The engine's limits from the values of a command line.
 * @param {Record<string, Value>} values
 * @returns {import('./index.js').TrackerLimits}
 */
export function limitsOf(values) {
  /** @type {Record<string, number>} */
  const limits = {};
  for (const option of OPTIONS) {
    const value = values[camelCase(option.name)];
    if (option.limit && typeof value === 'number') {
      limits[option.limit] = option.type === 'seconds' ? Math.round(value * 1000) : value;
    }
  }
  return limits;
}

/**
 * The engine's limits, those of createTracker before the defaults.
 * @param {import('./index.js').TrackerLimits} [given]
 * @returns {import('./index.js').TrackerLimits}
 */
export function readLimits(given) {
  const defaults = limitsOf(
    Object.fromEntries(OPTIONS.map((option) => [camelCase(option.name), option.default])),
  );
  const set = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

/**
 * @param {CommandLine} commandLine
 * @returns {string} JSON that may serve as a configuration file, except for its masked secrets
 */
export function printable({ values }) {
  const shown = OPTIONS.map((option) => {
    const value = values[camelCase(option.name)];
    return [option.name, masked(option, value)];
  });
  return `${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`;
}

/** @param {TrackerOption} option @param {Value} value @returns {Value} with secrets masked */
function masked(option, value) {
  if (value === undefined) return undefined;
  if (option.secret) return MASK;
  if (option.type !== 'url') return value;
  const url = new URL(String(value));
  if (url.password !== '') url.password = MASK;
  return url.href;
}

/** @param {string[]} args @returns {Record<string, Value>} */
function readFlags(args) {
  /** @type {NonNullable<import('node:util').ParseArgsConfig['options']>} */
  const known = {
    config: { type: 'string' },
    'print-config': { type: 'boolean' },
    check: { type: 'boolean' },
    'check-config': { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  };
  for (const { name, type } of OPTIONS) {
    known[name] = { type: type === 'flag' ? 'boolean' : 'string', multiple: type === 'list' };
  }
  try {
    const given = /** @type {Record<string, Value>} */ (parseArgs({ args, options: known }).values);
    for (const { name, type } of OPTIONS) {
      if (type !== 'list' || !Array.isArray(given[name])) continue;
      given[name] = given[name].flatMap(cut);
    }
    return given;
  } catch (error) {
    throw new ConfigError([/** @type {Error} */ (error).message.replaceAll('\n', ' ')]);
  }
}

/** @param {string} path @returns {Record<string, unknown>} */
function readFile(path) {
  /** @type {unknown} */
  let parsed;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError([`--config: ${path}: ${/** @type {Error} */ (error).message}`]);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ConfigError([`--config: ${path} must hold one JSON object`]);
  }
  return /** @type {Record<string, unknown>} */ (parsed);
}

/**
 * @param {[unknown, string, string][]} candidates
 * @returns {[unknown, string, string]}
 */
function firstGiven(candidates) {
  return candidates.find(([value]) => value !== undefined) ?? [undefined, '', ''];
}

/**
 * @param {TrackerOption} option
 * @param {unknown} given a string from a flag or variable, any JSON otherwise
 * @param {string} where
 * @returns {Value}
 * @throws {RangeError}
 */
function parseValue(option, given, where) {
  const value = parsed(option, given);
  if (value !== undefined) return value;
  throw new RangeError(`${where} must be ${allowed(option)}, not ${shown(option, given)}`);
}

/** @param {TrackerOption} option @param {unknown} given @returns {Value} undefined: not allowed */
function parsed(option, given) {
  switch (option.type) {
    case 'whole': {
      const number = typeof given === 'string' && /^\d{1,10}$/.test(given) ? Number(given) : given;
      return Number.isInteger(number) ? inRange(option, number) : undefined;
    }
    case 'seconds':
    case 'amount':
      return inRange(
        option,
        typeof given === 'string' && /^\d+(\.\d+)?$/.test(given) ? Number(given) : given,
      );
    case 'choice':
      return typeof given === 'string' && option.choices.includes(given) ? given : undefined;
    case 'flag':
      if (given === 'true' || given === 'false') return given === 'true';
      return typeof given === 'boolean' ? given : undefined;
    case 'list':
      return parsedList(option.item, given);
    case 'text': {
      const long = typeof given === 'string' && Buffer.byteLength(given) >= (option.minBytes ?? 1);
      return long ? given : undefined;
    }
    case 'file':
      return typeof given === 'string' && given !== '' ? given : undefined;
    case 'url': {
      const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null;
      return url && option.schemes.includes(url.protocol) ? url.href : undefined;
    }
  }
}

/**
 * @param {{ min: number, max: number }} range
 * @param {unknown} number
 */
function inRange({ min, max }, number) {
  return typeof number === 'number' && number >= min && number <= max ? number : undefined;
}

/** @param {import('./options.js').ListItem} item */
const ITEM_CHECKS = {
  /** @param {string} text */
  network: (text) => parseNetwork(text) !== null,
  /** @param {string} text */
  origin: (text) => text === 'null' || /^[a-z][a-z\d+.-]*:\/\/(\*\.)?[^\s/*?#@]+$/.test(text),
  /** @param {string} text */
  channel: (text) => text !== '',
  /** @param {string} text */
  file: (text) => text !== '',
};

/**
 * @param {import('./options.js').ListItem} item
 * @param {unknown} given
 * @returns {string[] | undefined}
 */
function parsedList(item, given) {
  // A list in JSON is used as it is; one in text is split at commas and spaces.
  const items = typeof given === 'string' ? cut(given) : given;
  if (!Array.isArray(items) || !items.every((text) => typeof text === 'string' && text !== '')) {
    return undefined;
  }
  return items.every(ITEM_CHECKS[item]) ? items : undefined;
}

/** @param {string} text */
const cut = (text) => text.split(/[\s,]+/).filter((item) => item !== '');

/** @param {TrackerOption} option */
function allowed(option) {
  switch (option.type) {
    case 'whole':
      return `a whole number from ${option.min} to ${option.max}`;
    case 'amount':
      return `a number from ${option.min} to ${option.max}`;
    case 'seconds':
      return `a number of seconds from ${option.min} to ${option.max}`;
    case 'choice':
      return `one of ${option.choices.join(', ')}`;
    case 'flag':
      return 'true or false';
    case 'text':
      return option.minBytes ? `a text of at least ${option.minBytes} bytes` : 'a text';
    case 'file':
      return 'the path of a file';
    case 'url':
      return `a URL that begins with ${option.schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
    case 'list':
      return {
        network: 'addresses, CIDR ranges such as 10.0.0.0/8, or the words loopback and private',
        origin: 'origins such as https://site.example or https://*.site.example',
        channel: 'channels, in which * stands for any characters',
        file: 'paths of files',
      }[option.item];
  }
}

/** @param {TrackerOption} option @param {unknown} given */
function shown(option, given) {
  // A URL may hold a password.
  if (option.type === 'url') return 'what was given';
  if (!option.secret) return typeof given === 'string' ? `'${given}'` : JSON.stringify(given);
  return typeof given === 'string' ? `one of ${Buffer.byteLength(given)}` : `a ${typeof given}`;
}

/**
 * @param {Record<string, Value>} values
 * @param {(name: string) => string} nameOf returns the caller's name of an option
 */
function checkTogether(values, nameOf) {
  /** @type {string[]} */
  const faults = [];
  /** @param {string} name */
  const given = (name) => values[camelCase(name)] !== undefined;
  if (given('tls-cert') !== given('tls-key')) {
    faults.push(`${nameOf('tls-cert')} and ${nameOf('tls-key')} go together: one was given alone`);
  }
  for (const name of ['token-secret', 'api-token', 'cluster-secret']) {
    if (given(name) && given(`${name}-file`)) {
      faults.push(`${nameOf(name)} and ${nameOf(`${name}-file`)} say the same: give one of them`);
    }
  }
  if (values.metrics === 'token' && !given('api-token') && !given('api-token-file')) {
    faults.push(`${nameOf('metrics')} may be token only where ${nameOf('api-token')} is given`);
  }
  if (Number(values.leaseSeconds) < 2 * Number(values.beatSeconds)) {
    faults.push(`${nameOf('lease-seconds')} must be at least twice ${nameOf('beat-seconds')}`);
  }
  if (faults.length > 0) throw new ConfigError(faults);
}
