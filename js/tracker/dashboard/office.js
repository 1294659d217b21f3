/** Joins what records, what adds up and what serves: the API and, if it is wanted, the page. */

import { guardedBy } from './access.js';
import { apiRoutes } from './api.js';
import { Desk } from './desk.js';
import { pageRoutes } from './page.js';
import { Recorder } from './recorder.js';

/** @typedef {import('../http.js').Route} Route */

/**
 * @typedef {object} OfficeSources
 * @property {import('../engine.js').TrackerEngine} engine
 * @property {import('../sockets.js').Sockets} sockets
 * @property {OtherNodes | null} cluster null: this process is alone
 * @property {() => Promise<import('../index.js').TrackerStats & { nodes: number }>} totals of all processes
 * @property {import('../routes.js').Bearer} bearer
 * @property {{ apiOrigins: readonly string[], dashboard: boolean, pricePerGb: number, currency: string }} settings
 * @property {string} version
 */

/**
 * @typedef {object} OtherNodes
 * @property {{ answer: (question: any[]) => any, recorded: (question: any[]) => Promise<any[]> }} everywhere
 * @property {{ up: boolean }} sizes
 */

/**
 * @param {OfficeSources} sources
 * @returns {{ routes: Map<string, Route>, close: () => void }}
 */
export function openOffice({ engine, sockets, cluster, totals, bearer, settings, version }) {
  const recorder = new Recorder({
    stats: () => engine.stats(),
    takeAudience: () => JSON.parse(engine.takeAudience() ?? 'null'),
  });
  const answer = (/** @type {any[]} */ question) => recorder.answer(question);
  if (cluster) cluster.everywhere.answer = answer;
  const desk = new Desk({
    ask: async (question) => {
      if (cluster) return cluster.everywhere.recorded(question);
      const own = answer(question);
      return own === null ? [] : [own];
    },
    totals,
    channels: (offset, limit) => sockets.engine.channels(offset, limit),
    cutOff: () => cluster !== null && !cluster.sizes.up,
    pricePerGb: settings.pricePerGb,
    currency: settings.currency,
  });
  const guarded = guardedBy(bearer, settings.apiOrigins);
  const api = apiRoutes({ engine: sockets.engine, totals, desk, version });
  const routes = new Map([...api].map(([path, route]) => [path, guarded(route)]));
  if (settings.dashboard) for (const [path, route] of pageRoutes()) routes.set(path, route);
  return { routes, close: () => recorder.stop() };
}
