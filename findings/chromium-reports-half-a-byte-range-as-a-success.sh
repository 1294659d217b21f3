#!/usr/bin/env bash
# Chromium 156 (Debian's chromium 156.0.8078.108) answers a fetch of a byte range with half of its bytes, status 206 and no error,
# when an earlier fetch of that range was aborted half-way and the server refuses the rest.
#
# The aborted fetch leaves its bytes in the HTTP cache (an ETag and a max-age are enough). The next fetch of the same range gets
# those bytes and the headers of the first answer, while Chromium asks the server for the missing ones. If the server answers that
# request with 404 (a live segment that has gone; 403 and 503 do the same), the body ends early: fetch resolves, XMLHttpRequest
# fires `load`, Content-Length still names the whole range. Firefox reports the 404. Whoever aborts fetches of byte ranges has to
# compare the length of a later body with the range that he asked for, or fetch with `cache: 'no-store'`.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1

cat >fetch-twice.mjs <<'JS'
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const FILE_BYTES = 4_000_000;
const RANGE = { first: 1_000_000, last: 1_399_999 };
const RANGE_BYTES = RANGE.last - RANGE.first + 1;

/** The ranges asked for, by path: the first answer stops half-way until the browser gives up, all others are 404. */
const asked = {};
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://server');
  if (pathname === '/') return response.setHeader('content-type', 'text/html').end('<p>page</p>');
  if (pathname === '/favicon.ico') return response.writeHead(404).end();
  const ranges = (asked[pathname] ??= []);
  ranges.push(request.headers.range ?? null);
  if (ranges.length > 1) return response.writeHead(404).end();
  response.writeHead(206, {
    'cache-control': 'max-age=60',
    etag: '"1"',
    'content-range': `bytes ${RANGE.first}-${RANGE.last}/${FILE_BYTES}`,
    'content-length': RANGE_BYTES,
  });
  response.write(Buffer.alloc(RANGE_BYTES / 2));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);

/** Reads half of the range, aborts, and fetches the range again in the way named. */
const again = (path, way) =>
  page.evaluate(
    async (path, way, range, half) => {
      const abort = new AbortController();
      const first = await fetch(path, { headers: { range }, signal: abort.signal });
      const reader = first.body.getReader();
      for (let got = 0; got < half; ) got += (await reader.read()).value.length;
      abort.abort();
      await new Promise((over) => setTimeout(over, 500));
      if (way === 'XMLHttpRequest') {
        return new Promise((done) => {
          const xhr = new XMLHttpRequest();
          xhr.open('GET', path);
          xhr.responseType = 'arraybuffer';
          xhr.setRequestHeader('range', range);
          xhr.onerror = () => done({ event: 'error' });
          xhr.onload = () =>
            done({
              status: xhr.status,
              contentLength: xhr.getResponseHeader('content-length'),
              bytes: xhr.response.byteLength,
            });
          xhr.send();
        });
      }
      const cache = way === 'fetch past the cache' ? 'no-store' : 'default';
      const response = await fetch(path, { headers: { range }, cache });
      return {
        status: response.status,
        contentLength: response.headers.get('content-length'),
        bytes: (await response.arrayBuffer()).byteLength,
      };
    },
    path,
    way,
    `bytes=${RANGE.first}-${RANGE.last}`,
    RANGE_BYTES / 2,
  );

const seen = {
  fetch: await again('/a', 'fetch'),
  XMLHttpRequest: await again('/b', 'XMLHttpRequest'),
  fetchPastTheCache: await again('/c', 'fetch past the cache'),
};
console.log(await browser.version());
console.log(JSON.stringify({ ...seen, asked }, null, 1));
await browser.close();
server.close();

const isHalf = ({ status, contentLength, bytes }) =>
  status === 206 && Number(contentLength) === RANGE_BYTES && bytes === RANGE_BYTES / 2;
const asDescribed =
  isHalf(seen.fetch) && isHalf(seen.XMLHttpRequest) && seen.fetchPastTheCache.status === 404;
process.exit(asDescribed ? 0 : 1);
JS
node fetch-twice.mjs "$chromium"
