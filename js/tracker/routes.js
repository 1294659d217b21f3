/**
 * The paths that a tracker answers over HTTP: its health, its metrics and its API.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { METRICS_TYPE } from './metrics.js';

/** @typedef {import('./http.js').Answer} Answer */
/** @typedef {import('./http.js').Route} Route */

/**
 * @typedef {object} Served
 * @property {import('./local-engine.js').EnginePort} engine
 * @property {() => Promise<import('./index.js').TrackerStats & { nodes: number }>} stats of all processes together
 * @property {() => boolean} draining
 * @property {() => string | Promise<string>} metrics
 * @property {'open' | 'token' | 'off'} metricsFor
 * @property {Bearer} bearer
 */

/** Checks the bearer token of the API. */
export class Bearer {
  /** @type {Buffer | null} */
  #digest = null;

  /** The number of requests without the right token. */
  refused = 0;

  /** @param {string} token */
  use(token) {
    this.#digest = sha256(token);
  }

  /** True if there is a token, and so an API. */
  get known() {
    return this.#digest !== null;
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @returns {boolean} computed in a time that does not depend on the token
   */
  allows(request) {
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    // Digests have the same length, whatever the request contained.
    const right =
      given !== undefined && this.#digest !== null && timingSafeEqual(sha256(given), this.#digest);
    if (!right) ++this.refused;
    return right;
  }
}

/** @param {string} text */
const sha256 = (text) => createHash('sha256').update(text).digest();

const UNAUTHORIZED = /** @type {Answer} */ ({
  status: 401,
  json: { error: 'this needs the API token: Authorization: Bearer …' },
  headers: { 'WWW-Authenticate': 'Bearer' },
});

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;

/**
 * The routes that only tell the status, which costs no more than a refusal.
 * @param {Pick<Served, 'engine' | 'draining'>} served
 * @returns {Map<string, Route>} by path
 */
export function healthRoutesOf({ engine, draining }) {
  /** @type {[string, () => string, string][]} */
  const states = [
    ['/healthz', () => (engine.dead ? 'failed' : 'ok'), 'ok'],
    ['/readyz', () => (engine.dead ? 'failed' : draining() ? 'draining' : 'ready'), 'ready'],
  ];
  return new Map(
    states.map(([path, tell, well]) => [
      path,
      () => {
        const status = tell();
        return { status: status === well ? 200 : 503, json: { status } };
      },
    ]),
  );
}

/**
 * @param {Served} served
 * @returns {Map<string, Route>} by path
 */
export function routesOf(served) {
  const { engine, stats, metrics, metricsFor, bearer } = served;
  const started = performance.now();
  /** @param {Route} route @returns {Route} */
  const guarded = (route) => (request, url) =>
    bearer.allows(request) ? route(request, url) : UNAUTHORIZED;

  const routes = healthRoutesOf(served);
  const health = /** @type {() => Answer} */ (routes.get('/healthz'));
  routes.set('/healthz', async () => {
    const { status, json } = health();
    const { connections, peers, channels, nodes } = await stats();
    const uptime = (performance.now() - started) / 1000;
    return {
      status,
      json: { .../** @type {object} */ (json), connections, peers, channels, nodes, uptime },
      // Whoever can open the URL can read it anyway; a viewer's diagnosis reads how many others there are.
      headers: { 'Access-Control-Allow-Origin': '*' },
    };
  });
  if (metricsFor !== 'off') {
    /** @type {Route} */
    const scrape = async () => ({ status: 200, text: await metrics(), type: METRICS_TYPE });
    routes.set('/metrics', metricsFor === 'token' ? guarded(scrape) : scrape);
  }
  if (bearer.known) {
    routes.set(
      '/api/totals',
      guarded(async () => ({ status: 200, json: await stats() })),
    );
    routes.set(
      '/api/channels',
      guarded((_, url) => paged(url, (offset, limit) => engine.channels(offset, limit))),
    );
    routes.set(
      '/api/topology',
      guarded((_, url) => {
        const channel = url.searchParams.get('channel');
        if (!channel) return { status: 400, json: { error: 'channel is missing' } };
        return paged(url, (offset, limit) => engine.topology(channel, offset, limit));
      }),
    );
  }
  return routes;
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
    return {
      status: 400,
      json: { error: `offset is a whole number; limit is one up to ${MAX_LIMIT}` },
    };
  }
  const json = await read(offset, limit);
  if (json === null) return { status: 404, json: { error: 'nothing is known of that' } };
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
