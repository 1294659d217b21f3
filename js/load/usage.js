/** The command line of `hlsmesh-load`. */

import { parseArgs } from 'node:util';

/** Something that the user can mend. */
export class UsageError extends Error {}

export const HELP = `hlsmesh-load [options] --tracker URL --src URL
Plays a stream in many headless browsers at once, with hlsmesh and your tracker, and reports
what came of it. It needs hls.js, playwright-core or puppeteer-core, and a Chromium.

  --tracker URL    your tracker, ws:// or wss://
  --src URL        the playlist, as your page loads it
  --viewers N      1 to 500; default 10. Each of them decodes the video
  --seconds N      how long all of them play together; default 60
  --within N       seconds within which they come; default 10
  --options JSON   further options of attach, such as '{"token":"…","channel":"…"}'
  --config JSON    the configuration of hls.js; default {}
  --port N         of the page, http://localhost:N, for rules on origins; default: any
  --browser FILE   the Chromium; default: the system's, or the library's own
  --json           print JSON
  --help
The stream must admit that page by CORS, and the tracker by --allowed-origins, if it has such rules.
`;

/**
 * @typedef {object} Request
 * @property {string} tracker
 * @property {string} src
 * @property {number} viewers
 * @property {number} seconds
 * @property {number} within
 * @property {object} options
 * @property {object} config
 * @property {number} port
 * @property {string | undefined} browser
 * @property {boolean} json
 */

/**
 * @param {string[]} args
 * @returns {Request | null} null: the user wants help. Throws a UsageError
 */
export function readArguments(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        tracker: { type: 'string' },
        src: { type: 'string' },
        viewers: { type: 'string', default: '10' },
        seconds: { type: 'string', default: '60' },
        within: { type: 'string', default: '10' },
        options: { type: 'string', default: '{}' },
        config: { type: 'string', default: '{}' },
        port: { type: 'string', default: '0' },
        browser: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
  if (values.help) return null;
  const given = /** @type {Record<string, any>} */ (values);
  return {
    tracker: url('tracker', given.tracker, /^wss?:$/),
    src: url('src', given.src, /^https?:$/),
    viewers: whole('viewers', given.viewers, 1, 500),
    seconds: whole('seconds', given.seconds, 1, 86_400),
    within: whole('within', given.within, 0, 86_400),
    options: object('options', given.options),
    config: object('config', given.config),
    port: whole('port', given.port, 0, 65_535),
    browser: values.browser,
    json: Boolean(values.json),
  };
}

/** @param {string} name @param {string | undefined} value @param {RegExp} schemes */
function url(name, value, schemes) {
  if (value === undefined) throw new UsageError(`--${name} is missing`);
  try {
    const read = new URL(value);
    if (schemes.test(read.protocol)) return read.href;
  } catch {
    // Said below.
  }
  const wanted = name === 'tracker' ? 'ws:// or wss://' : 'http:// or https://';
  throw new UsageError(`--${name} is ${value}; it must be a ${wanted} URL`);
}

/** @param {string} name @param {string} value @param {number} low @param {number} high */
function whole(name, value, low, high) {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= low && number <= high) return number;
  throw new UsageError(`--${name} is ${value}; it must be a whole number from ${low} to ${high}`);
}

/** @param {string} name @param {string} value @returns {object} */
function object(name, value) {
  try {
    const read = JSON.parse(value);
    if (read && typeof read === 'object' && !Array.isArray(read)) return read;
  } catch {
    // Said below.
  }
  throw new UsageError(`--${name} is ${value}; it must be a JSON object`);
}
