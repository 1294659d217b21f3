/**
 * Structured logs: each entry has a level, an event in words and fields.
 */

export const LEVELS = /** @type {const} */ (['debug', 'info', 'warn', 'error']);

/** @typedef {(typeof LEVELS)[number]} Level */
/** @typedef {Record<string, string | number | boolean | undefined>} Fields */

export class Log {
  #write;

  /** @param {(level: Level, event: string, fields: Fields) => void} write */
  constructor(write) {
    this.#write = write;
  }

  /** @param {string} event @param {Fields} [fields] */
  debug(event, fields = {}) {
    this.#write('debug', event, fields);
  }

  /** @param {string} event @param {Fields} [fields] */
  info(event, fields = {}) {
    this.#write('info', event, fields);
  }

  /** @param {string} event @param {Fields} [fields] */
  warn(event, fields = {}) {
    this.#write('warn', event, fields);
  }

  /** @param {string} event @param {Fields} [fields] */
  error(event, fields = {}) {
    this.#write('error', event, fields);
  }
}

/**
 * @param {string} event
 * @param {Fields} fields
 * @returns {string} one line for people
 */
export function lineOf(event, fields) {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`);
  return [event, ...parts].join(' ');
}

/**
 * @param {'json' | 'pretty'} format
 * @param {Level} least entries below it are dropped
 * @param {(text: string) => void} write
 * @returns {Log}
 */
export function logTo(format, least, write) {
  const from = LEVELS.indexOf(least);
  return new Log((level, event, fields) => {
    if (LEVELS.indexOf(level) < from) return;
    if (format === 'json') {
      const time = new Date().toISOString();
      write(`${JSON.stringify({ time, level, event, ...fields })}\n`);
    } else {
      write(`hlsmesh-tracker: ${level === 'info' ? '' : `${level}: `}${lineOf(event, fields)}\n`);
    }
  });
}
