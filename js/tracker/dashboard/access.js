/**
 * Who may read the API, and from which pages.
 */
import ipaddr from 'ipaddr.js';
import { matches } from '../admission.js';
import { UNAUTHORIZED } from '../routes.js';

/** @typedef {import('../http.js').Answer} Answer */
/** @typedef {import('../http.js').Route} Route */
/** @typedef {import('node:http').IncomingMessage} IncomingMessage */

// A proxy on the same machine brings requests of others, and says so in one of these.
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-host'];

/**
 * @param {IncomingMessage} request
 * @returns {boolean} true if it comes from this machine, by a name of this machine: the page of another site whose name has been
 *   made to lead here sends that name
 */
export function isLocal({ socket, headers }) {
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  const { remoteAddress = '' } = socket;
  if (!ipaddr.isValid(remoteAddress)) return false;
  if (ipaddr.process(remoteAddress).range() !== 'loopback') return false;
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

const LOCAL_ONLY = /** @type {Answer} */ ({
  status: 403,
  json: { error: 'without --api-token this is only for the machine of the tracker itself' },
});

/**
 * @param {Pick<import('../routes.js').Bearer, 'known' | 'allows'>} bearer
 * @param {readonly string[]} origins whose pages may read; * stands for all
 * @returns {(route: Route) => Route}
 */
export function guardedBy(bearer, origins) {
  /** @param {IncomingMessage} request @returns {Record<string, string>} */
  const cors = ({ headers: { origin } }) => {
    if (origins.length === 0) return {};
    const allowed = origin !== undefined && origins.some((each) => matches(each, origin));
    return { Vary: 'Origin', ...(allowed && { 'Access-Control-Allow-Origin': origin }) };
  };
  return (route) => {
    /** @type {Route} */
    const guarded = async (request, url) => {
      const refusal = refusalOf(bearer, request);
      const answer = refusal ?? (await route(request, url));
      return { ...answer, headers: { ...answer.headers, ...cors(request) } };
    };
    guarded.preflight = (request) => ({
      status: 204,
      headers: {
        ...cors(request),
        'Access-Control-Allow-Methods': 'GET',
        'Access-Control-Allow-Headers': 'Authorization',
        'Access-Control-Max-Age': '600',
      },
    });
    if (origins.length === 0) delete guarded.preflight;
    return guarded;
  };
}

/**
 * @param {Pick<import('../routes.js').Bearer, 'known' | 'allows'>} bearer
 * @param {IncomingMessage} request
 * @returns {Answer | null} null: it may be answered
 */
function refusalOf(bearer, request) {
  if (bearer.known) return bearer.allows(request) ? null : UNAUTHORIZED;
  return isLocal(request) ? null : LOCAL_ONLY;
}
