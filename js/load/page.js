/** Serves the page that each viewer of `hlsmesh-load` opens, on this machine only. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>hlsmesh-load</title>
<link rel="icon" href="data:," />
<video muted playsinline></video>
<script src="/hls.js"></script>
<script src="/hlsmesh.js"></script>
<script src="/viewer.js"></script>
`;

const SCRIPT = 'text/javascript; charset=utf-8';

/**
 * @param {string} hlsJs its file
 * @param {number} port 0: any
 * @returns {Promise<{ url: string, close: () => void }>} rejects if the port is not free
 */
export async function servePage(hlsJs, port) {
  const read = (/** @type {string} */ path) => readFileSync(new URL(path, import.meta.url));
  /** @type {Map<string, [type: string, body: string | Buffer]>} */
  const files = new Map([
    ['/', ['text/html; charset=utf-8', PAGE]],
    ['/hls.js', [SCRIPT, readFileSync(hlsJs)]],
    ['/hlsmesh.js', [SCRIPT, read('../../dist/hlsmesh.js')]],
    ['/hlsmesh.wasm', ['application/wasm', read('../../dist/hlsmesh.wasm')]],
    ['/viewer.js', [SCRIPT, read('./viewer.js')]],
  ]);
  const server = createServer(({ url }, response) => {
    const found = files.get(new URL(url ?? '/', 'http://localhost').pathname);
    response.writeHead(found ? 200 : 404, { 'Content-Type': found?.[0] ?? 'text/plain' });
    response.end(found?.[1] ?? 'not found\n');
  });
  server.listen(port, 'localhost');
  await once(server, 'listening');
  const { port: bound } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://localhost:${bound}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
