#!/usr/bin/env bash
# hls.js (npm), moved to another pathway while its worker takes a segment apart, reports that there is no media in a segment of that
# pathway which it has never requested.
#
# Seen with 1.7.4. Content steering may move a player at any moment. Between the media of a segment and the worker's word that there
# is no more of it, the playlist of the new pathway may arrive. hls.js then looks for the segment in the playlist that is now the
# level's, finds the one of the same number, on the other host, which has no elementary streams since it was not loaded, and reports
# `fragParsingError`, not fatal: "Found no media in msn 2". So whoever judges servers or senders of segments by such errors must
# know whether that fragment was loaded; `stats` is copied to it, `elementaryStreams` is not. The worker's last word is held back here until the playlist is there.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 hls.js@1.7.4
ffmpeg -loglevel error -f lavfi -i testsrc=size=160x90:rate=10:duration=12 -c:v libx264 -preset ultrafast -tune zerolatency \
  -pix_fmt yuv420p -g 20 -keyint_min 20 -sc_threshold 0 -f hls -hls_time 2 -hls_list_size 0 -hls_playlist_type vod \
  -hls_segment_filename '%d.ts' list.m3u8

cat >moved.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const MASTER = `#EXTM3U
#EXT-X-CONTENT-STEERING:SERVER-URI="/steering.json",PATHWAY-ID="one"
#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS="avc1.42c00a",PATHWAY-ID="one"
/one/list.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS="avc1.42c00a",PATHWAY-ID="two"
/two/list.m3u8
`;
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://server');
  const file = /^\/(?:one|two)\/(\d+\.ts|list\.m3u8)$/.exec(pathname)?.[1];
  if (pathname === '/') return response.setHeader('content-type', 'text/html').end('<video muted></video>');
  if (pathname === '/master.m3u8') return response.end(MASTER);
  if (pathname === '/steering.json') {
    return response.end('{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["one","two"]}');
  }
  if (!file) return response.writeHead(404).end();
  response.end(readFileSync(file));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: ['--autoplay-policy=no-user-gesture-required', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.addScriptTag({ path: 'node_modules/hls.js/dist/hls.min.js' });
const seen = await page.evaluate(async () => {
  const { FRAG_LOADING, BUFFER_APPENDING, LEVEL_UPDATED, ERROR } = Hls.Events;
  const hls = new Hls({ maxBufferLength: 4, maxMaxBufferLength: 4 });
  const out = { version: Hls.version, requested: [], errors: [] };
  hls.on(FRAG_LOADING, (_, { frag }) => out.requested.push(new URL(frag.url).pathname));
  const over = new Promise((resolve) => {
    hls.on(ERROR, (_, { details, fatal, frag, reason, error }) => {
      const url = frag && new URL(frag.url).pathname;
      out.errors.push({ details, fatal, reason: reason ?? error?.message, url, before: out.requested.includes(url) });
      resolve();
    });
    setTimeout(resolve, 15_000);
  });
  const loading = (_, { frag }) => {
    if (frag.sn !== 2) return;
    hls.off(FRAG_LOADING, loading);
    const { transmuxer } = hls.streamController;
    const flush = transmuxer.flush.bind(transmuxer);
    transmuxer.flush = (chunk) => {
      delete transmuxer.flush;
      hls.once(LEVEL_UPDATED, () => setTimeout(flush, 0, chunk));
    };
  };
  const appending = (_, { frag }) => {
    if (frag.sn !== 2) return;
    hls.off(BUFFER_APPENDING, appending);
    hls.pathwayPriority = ['two', 'one'];
  };
  hls.on(FRAG_LOADING, loading);
  hls.on(BUFFER_APPENDING, appending);
  const video = document.querySelector('video');
  hls.loadSource('/master.m3u8');
  hls.attachMedia(video);
  video.play().catch(() => {});
  await over;
  hls.destroy();
  return out;
});
await browser.close();
server.close();
console.log(JSON.stringify(seen));
const [first] = seen.errors;
const asSaid =
  seen.requested.includes('/one/2.ts') && first?.details === 'fragParsingError' && !first.fatal &&
  first.url === '/two/2.ts' && !first.before;
if (!asSaid) {
  console.error('hls.js no longer does what is said above');
  process.exit(1);
}
JS
node moved.mjs "$chromium"
