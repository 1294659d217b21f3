/**
 * Structured logs: an entry has a level, an event (a short text) and fields.
 */

export const LEVELS = /** @type {const} */ (['debug', 'info', 'warn', 'error']);

/** @typedef {(typeof LEVELS)[number]} Level */
/** @typedef {Record<string, string | number | boolean | undefined>} Fields */

export class Log {
  #write;
  #from;

  /**
   * @param {((level: Level, event: string, fields: Fields) => void) | undefined} write undefined: no entry is written
   * @param {Level} [least] entries below it are dropped
   */
  constructor(write, least = 'debug') {
    this.#write = write ?? (() => {});
    this.#from = write ? LEVELS.indexOf(least) : LEVELS.length;
  }

  /**
   * @param {Level} level
   * @param {string} event
   * @param {Fields | (() => Fields)} [fields] a function is called only if the entry is not dropped
   */
  entry(level, event, fields = {}) {
    if (LEVELS.indexOf(level) < this.#from) return;
    this.#write(level, event, typeof fields === 'function' ? fields() : fields);
  }

  /** @param {string} event @param {Fields | (() => Fields)} [fields] */
  debug(event, fields) {
    this.entry('debug', event, fields);
  }

  /** @param {string} event @param {Fields} [fields] */
  info(event, fields) {
    this.entry('info', event, fields);
  }

  /** @param {string} event @param {Fields} [fields] */
  warn(event, fields) {
    this.entry('warn', event, fields);
  }

  /** @param {string} event @param {Fields} [fields] */
  error(event, fields) {
    this.entry('error', event, fields);
  }
}

// Control characters, and those that change the order in which a terminal shows text: names of channels come from strangers.
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** @param {string} text @returns {string} with escapes in place of what a terminal would obey */
export const visible = (text) =>
  text.replace(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * @param {string} event
 * @param {Fields} fields
 * @returns {string} one line for people
 */
export function lineOf(event, fields) {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`);
  return visible([event, ...parts].join(' '));
}

/**
 * @param {'json' | 'pretty'} format
 * @param {Level} level
 * @param {string} event
 * @param {Fields} fields
 * @returns {string} a line with its end
 */
export function formatted(format, level, event, fields) {
  if (format === 'json') {
    const entry = { time: new Date().toISOString(), level, event, ...fields };
    return `${visible(JSON.stringify(entry))}\n`;
  }
  const time = new Date().toISOString();
  return `${time} hlsmesh-tracker: ${level === 'info' ? '' : `${level}: `}${lineOf(event, fields)}\n`;
}
