/**
 * The paths that a tracker answers over HTTP for those who run it: its health and its metrics. The API is in dashboard/api.js.
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
 * @property {Map<string, Route>} api by path
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

/** @type {Answer} */
export const UNAUTHORIZED = {
  status: 401,
  json: { error: 'this needs the API token: Authorization: Bearer …' },
  headers: { 'WWW-Authenticate': 'Bearer' },
};

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
  const { stats, metrics, metricsFor, bearer, api } = served;
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
  for (const [path, route] of api) routes.set(path, route);
  return routes;
}
