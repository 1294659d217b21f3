/**
 * Answers plain HTTP requests. Requests for a WebSocket do not come here.
 */

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {unknown} [json]
 * @property {string} [text]
 * @property {string} [type] of `text`; plain text unless given
 * @property {Record<string, string>} [headers]
 */

/**
 * Answers GET and HEAD; with `preflight` also OPTIONS, by which a page of another origin asks if it may read (CORS).
 * @typedef {((request: IncomingMessage, url: URL) => Answer | Promise<Answer>) & { preflight?: (request: IncomingMessage) => Answer }} Route
 */

const NOT_FOUND = /** @type {Answer} */ ({
  status: 404,
  text: 'This is an hlsmesh tracker: connect to it with a WebSocket. Its state is at /healthz.\n',
});

const TOO_MANY = /** @type {Answer} */ ({ status: 429, headers: { 'Retry-After': '60' } });

/** @param {IncomingMessage} request */
export function pathOf(request) {
  return (request.url ?? '/').split('?', 1)[0];
}

/**
 * @param {Map<string, Route>} routes by path
 * @param {Map<string, Route>} brief routes that are answered even if the sender has exceeded its limit, since a supervisor of the
 *   tracker may share the address.
 * @param {(request: IncomingMessage) => boolean} admits false: the sender has exceeded its limit
 * @param {import('./log.js').Log} log
 * @returns {(request: IncomingMessage, response: ServerResponse) => void}
 */
export function answerFrom(routes, brief, admits, log) {
  return async (request, response) => {
    // The body is read and dropped: an unread one would block the connection.
    request.resume();
    const admitted = admits(request);
    const route = (admitted ? routes : brief).get(pathOf(request));
    try {
      if (!route) reply(request, response, admitted ? NOT_FOUND : TOO_MANY);
      else if (request.method === 'OPTIONS' && route.preflight) {
        reply(request, response, route.preflight(request));
      } else if (request.method !== 'GET' && request.method !== 'HEAD') {
        reply(request, response, { status: 405, headers: { Allow: 'GET, HEAD' } });
      } else {
        reply(request, response, await route(request, new URL(request.url ?? '/', 'http://t')));
      }
    } catch (error) {
      log.error('request failed', { path: pathOf(request), error: String(error) });
      if (!response.headersSent) reply(request, response, { status: 500 });
    }
  };
}

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {Answer} answer
 */
function reply(request, response, { status, json, text = '', type, headers }) {
  response.writeHead(status, {
    'Content-Type': json === undefined ? (type ?? 'text/plain; charset=utf-8') : 'application/json',
    'Cache-Control': 'no-store',
    ...headers,
  });
  const body = json === undefined ? text : `${JSON.stringify(json)}\n`;
  response.end(request.method === 'HEAD' ? '' : body);
}

/**
 * Refuses an upgrade and destroys the socket: Node's server would leave it half open until the other side closes its end.
 * @param {import('node:stream').Duplex} socket
 * @param {number} status
 * @param {string} phrase
 * @param {string} [extra] header lines, each with its line end
 */
export function refuseUpgrade(socket, status, phrase, extra = '') {
  socket.on('error', () => {});
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\nConnection: close\r\n${extra}Content-Length: 0\r\n\r\n`,
  );
}
