/** What the page is told: what happened, and what to do about it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { loadModule, loadShadow } from '../../js/module.js';
import { readOptions } from '../../js/options.js';
import { version } from '../../js/version.js';

/** @param {object} options @returns {string[]} the complaints */
function complaints(options) {
  /** @type {string[]} */
  const said = [];
  readOptions({ tracker: 'wss://tracker.example', ...options }, (text) => said.push(text));
  return said;
}

test('servers that RTCPeerConnection would refuse are named by their entry, before any peer', () => {
  const stun = { urls: 'stun:stun.example' };
  for (const [server, shown] of [
    [{ urls: 'https://stun.example' }, 'an object'],
    [{ urls: [] }, 'an object'],
    [{ urls: ['stun:one.example', 'two.example'] }, 'an object'],
    [{ urls: 'turn:turn.example' }, 'an object'],
    [{ urls: 'turns:turn.example', username: 'viewer' }, 'an object'],
    [{ url: 'stun:stun.example' }, 'an object'],
    ['stun:stun.example', '"stun:stun.example"'],
    [null, 'null'],
  ]) {
    const [said, more] = complaints({ iceServers: [stun, server, stun] });
    assert.ok(said.startsWith(`option iceServers[1] is ${shown}; it must be `), said);
    assert.equal(more, undefined);
  }
  assert.match(complaints({ iceServers: {} })[0], /^option iceServers is an object;/);
});

test('good servers are taken', () => {
  const turn = { urls: ['turn:t.example', 'turns:t.example:5349'], username: 'a', credential: 'b' };
  for (const iceServers of [
    [],
    [{ urls: 'stun:s.example' }],
    [turn],
    [{ urls: 'stuns:s' }, turn],
  ]) {
    assert.deepEqual(complaints({ iceServers }), []);
  }
});

test('hlsmesh.wasm that is not there, is a page, or is forbidden', async () => {
  const server = http.createServer((req, res) => {
    res.statusCode = req.url === '/missing' ? 404 : 200;
    res.end(req.url === '/app' ? '<!doctype html><title>Start</title>' : 'no module');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const url = (/** @type {string} */ path) => `http://127.0.0.1:${port}/${path}`;
  await assert.rejects(loadModule(url('app')), {
    code: 'wasm-invalid',
    message: `${url('app')} is an HTML page: copy hlsmesh.wasm there, or give its URL as the option wasm`,
  });
  await assert.rejects(loadModule(url('missing')), /in connect-src\?\): HTTP 404$/);
  await assert.rejects(loadModule(url('other')), /other is not a usable module: .*magic/);
  server.closeAllConnections();
  server.close();
  await assert.rejects(loadModule(url('gone')), { code: 'wasm-fetch' });
});

test('the file of the option shadow that is not there, is a page, or is of another version', async () => {
  const script = (/** @type {string} */ text) => `data:text/javascript,${encodeURIComponent(text)}`;
  for (const url of [
    new URL('no-such-file.mjs', import.meta.url),
    'data:text/html,<!doctype html><title>Start</title>',
    script('<!doctype html>'),
    script('export const others = 1;'),
    script("export const shadows = { '0.0.0-other': () => {} };"),
    '',
  ]) {
    await assert.rejects(
      loadShadow(url),
      (/** @type {any} */ { name, code, message }) => {
        assert.deepEqual([name, code], ['HlsMeshError', 'internal']);
        const said = `cannot use ${url} for the option shadow (is it there, of version ${version}, with CORS, and in script-src?)`;
        return message.startsWith(said);
      },
      String(url),
    );
  }
  const shadow = await loadShadow(script(`export const shadows = { '${version}': () => 7 };`));
  assert.equal(/** @type {any} */ (shadow)(), 7);
});

test('a policy without WebAssembly says what to add to it', async () => {
  const { compile } = WebAssembly;
  try {
    for (const text of [
      "WebAssembly.compile(): Compiling or instantiating WebAssembly module violates the following Content Security policy directive because neither 'wasm-eval' nor 'unsafe-eval' is allowed",
      'call to WebAssembly.compile() blocked by CSP',
    ]) {
      WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError(text));
      await assert.rejects(loadModule(new Uint8Array([0])), {
        code: 'wasm-invalid',
        message: `option wasm is forbidden; add 'wasm-unsafe-eval' to script-src: ${text}`,
      });
    }
  } finally {
    WebAssembly.compile = compile;
  }
});
