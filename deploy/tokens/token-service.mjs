/**
 * A sample token service for Node 18 or newer, without packages: `POST /token` with the channel as the body answers with a token
 * that lets the viewer enter it. In the page: `token: async ({ channel }) => (await fetch('/token', { method: 'POST', body: channel })).text()`.
 *
 * `TOKEN_SECRET_FILE=/etc/hlsmesh/token-secret node token-service.mjs`, with the same file as the tracker's --token-secret-file.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const VALID_S = 600;
const MOST_BYTES = 4096;

const secret = readFileSync(process.env.TOKEN_SECRET_FILE ?? 'token-secret', 'utf8').trim();
if (Buffer.byteLength(secret) < 32) throw new Error('the secret needs 32 bytes or more');

/**
 * Who asks, and may that viewer watch this channel? Replace it by your own: look at the session's cookie.
 * @param {import('node:http').IncomingMessage} request
 * @param {string} channel
 * @returns {string | null} the viewer, or null if the channel is not for this viewer
 */
function viewerOf(request, channel) {
  const viewer = /(?:^|; )viewer=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  return viewer !== undefined && channel.startsWith('https://cdn.example/') ? viewer : null;
}

/** @param {object} claims @returns {string} a JWT signed with HS256 (RFC 7515 section 3.1) */
function sign(claims) {
  const encode = (/** @type {object} */ part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** @param {import('node:http').IncomingMessage} request @returns {Promise<string | null>} null: too long */
async function bodyOf(request) {
  /** @type {Buffer[]} */
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MOST_BYTES) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const server = createServer(async (request, response) => {
  const answer = (/** @type {number} */ status, /** @type {string} */ text) =>
    response
      .writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
      .end(text);
  if (request.method !== 'POST' || request.url !== '/token') return answer(404, 'not found');
  const channel = await bodyOf(request);
  const viewer = channel && viewerOf(request, channel);
  if (!channel || !viewer) return answer(403, 'not for you');
  answer(200, sign({ channel, sub: viewer, exp: Math.floor(Date.now() / 1000) + VALID_S }));
});
server.listen(Number(process.env.PORT ?? 8090), '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${address.port}/token`);
});
