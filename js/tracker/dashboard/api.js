/**
 * The paths of the API: who watches what, what came from peers, and what it saved. openapi.js describes them.
 */
import { CSV_TYPE, csvOfRows, csvOfSeries } from './csv.js';
import { DIMENSIONS } from './ledger.js';
import { openApi } from './openapi.js';

/** @typedef {import('../http.js').Answer} Answer */
/** @typedef {import('../http.js').Route} Route */

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;
const MOST_MINUTES = 1440;
const MOST_HOURS = 24;

// Several pages that look at the same figures cost as much as one.
const KEPT_MS = 2000;

/**
 * @typedef {object} ApiSources
 * @property {import('../local-engine.js').EnginePort} engine
 * @property {() => Promise<object>} totals
 * @property {import('./desk.js').Desk} desk
 * @property {string} version
 */

/**
 * @param {ApiSources} sources
 * @returns {Map<string, Route>} by path; not yet guarded
 */
export function apiRoutes({ engine, totals, desk, version }) {
  /** @type {[string, Route][]} */
  const routes = [
    ['/api/openapi.json', () => ({ status: 200, json: openApi(version) })],
    ['/api/totals', async () => ({ status: 200, json: await totals() })],
    [
      '/api/overview',
      kept((url) =>
        withNumber(url, 'hours', MOST_HOURS, 1, async (hours) => ({
          status: 200,
          json: await desk.overview(hours),
        })),
      ),
    ],
    [
      '/api/history',
      kept((url) =>
        withNumber(url, 'minutes', MOST_MINUTES, 60, async (minutes) => {
          const told = await desk.history(minutes, url.searchParams.get('channel'));
          if (told === null) return UNKNOWN;
          return inFormat(url, told, () => csvOfSeries(told, Date.now()));
        }),
      ),
    ],
    [
      '/api/breakdown',
      kept((url) =>
        withNumber(url, 'hours', MOST_HOURS, 1, async (hours) => {
          const by = DIMENSIONS.find((each) => each === url.searchParams.get('by'));
          if (!by) return refused(`by is one of ${DIMENSIONS.join(', ')}`);
          const told = await desk.breakdown(by, hours);
          return inFormat(url, told, () => csvOfRows(by, told.rows));
        }),
      ),
    ],
    ['/api/channels', (_, url) => paged(url, (offset, limit) => engine.channels(offset, limit))],
    [
      '/api/topology',
      (_, url) => {
        const channel = url.searchParams.get('channel');
        if (!channel) return refused('channel is missing');
        return paged(url, (offset, limit) => engine.topology(channel, offset, limit));
      },
    ],
  ];
  return new Map(routes);
}

/** @param {string} error @returns {Answer} */
const refused = (error) => ({ status: 400, json: { error } });
const UNKNOWN = /** @type {Answer} */ ({
  status: 404,
  json: { error: 'nothing is known of that' },
});

/**
 * @param {URL} url
 * @param {string} name of the parameter
 * @param {number} most
 * @param {number} unlessGiven
 * @param {(value: number) => Promise<Answer>} answer
 * @returns {Answer | Promise<Answer>}
 */
function withNumber(url, name, most, unlessGiven, answer) {
  const value = whole(url.searchParams.get(name), unlessGiven, most);
  return value ? answer(value) : refused(`${name} is a whole number from 1 to ${most}`);
}

/** @param {URL} url @param {object} told @param {() => string} csv @returns {Answer} */
function inFormat(url, told, csv) {
  const format = url.searchParams.get('format') ?? 'json';
  if (format === 'csv') return { status: 200, text: csv(), type: CSV_TYPE };
  return format === 'json' ? { status: 200, json: told } : refused('format is json or csv');
}

/**
 * @param {(url: URL) => Answer | Promise<Answer>} answer
 * @returns {Route} that gives the same answer again for a moment
 */
function kept(answer) {
  /** @type {Map<string, { at: number, answer: Promise<Answer> }>} */
  const answers = new Map();
  return (_, url) => {
    const now = performance.now();
    for (const [key, { at }] of answers) if (now - at >= KEPT_MS) answers.delete(key);
    let known = answers.get(url.search);
    if (!known) {
      known = { at: now, answer: Promise.resolve(answer(url)) };
      answers.set(url.search, known);
    }
    return known.answer;
  };
}

/**
 * @param {URL} url
 * @param {(offset: number, limit: number) => Promise<string | null>} read
 * @returns {Promise<Answer>}
 */
async function paged(url, read) {
  const offset = whole(url.searchParams.get('offset'), 0, 2 ** 31 - 1);
  const limit = whole(url.searchParams.get('limit'), DEFAULT_LIMIT, MAX_LIMIT);
  if (offset === null || limit === null) {
    return refused(`offset is a whole number; limit is one up to ${MAX_LIMIT}`);
  }
  const json = await read(offset, limit);
  if (json === null) return UNKNOWN;
  return { status: 200, text: `${json}\n`, type: 'application/json' };
}

/**
 * @param {string | null} text
 * @param {number} unlessGiven
 * @param {number} most
 * @returns {number | null}
 */
function whole(text, unlessGiven, most) {
  if (text === null) return unlessGiven;
  return /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : null;
}
