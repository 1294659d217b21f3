#!/usr/bin/env bash
# MediaElement.js 7.1.0 with `renderers: ['native_hls']`, its name for hls.js (1.7.4 here), loads every segment twice in Chromium 156
# (Debian's chromium 156.0.8078.114) if the video element has `preload="auto"` or `preload="metadata"`.
#
# It gives hls.js a copy of the element, keeps the page's element hidden behind it, and sets the playlist as the `src` of that one
# as well. Chromium 156 plays HLS by itself, and so loads playlist and segments for an element that nobody sees (Sec-Fetch-Dest:
# video), beside hls.js (Sec-Fetch-Dest: empty). Without `preload`, MediaElement.js sets "none" on both: then hls.js alone loads.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 hls.js@1.7.4 mediaelement@7.1.0
mkdir stream
ffmpeg -loglevel error -nostdin -f lavfi -i testsrc=size=160x90:rate=10:duration=4 \
  -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -f hls -hls_time 1 -hls_playlist_type vod stream/main.m3u8

cat >play.mjs <<'JS'
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const PATIENCE_MS = 60_000;
const SEGMENTS = 4;

/** The segments that were asked for, by who asked: "empty" is a script, "video" an element. */
let asked = {};
const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://server');
  if (pathname === '/') {
    const page = `<!doctype html><video id="video" autoplay muted ${searchParams.get('attributes')}></video>`;
    return response.setHeader('content-type', 'text/html').end(page);
  }
  const file = await readFile(`stream${pathname}`).catch(() => null);
  if (!file) return response.writeHead(404).end();
  const isPlaylist = pathname.endsWith('.m3u8');
  if (!isPlaylist) (asked[request.headers['sec-fetch-dest']] ??= new Set()).add(pathname);
  response.setHeader('content-type', isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp2t').end(file);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
console.log(await browser.version());

/** Plays the stream to its end. */
async function play(attributes) {
  asked = {};
  const page = await browser.newPage();
  const query = new URLSearchParams({ attributes });
  await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`);
  await page.addScriptTag({ path: 'node_modules/hls.js/dist/hls.min.js' });
  await page.addScriptTag({ path: 'node_modules/mediaelement/build/mediaelement-and-player.min.js' });
  await page.evaluate(() => {
    // MediaElement.js rewinds at the end.
    const onEnded = ({ target }) => (globalThis.hasEnded ||= target.currentSrc.startsWith('blob:'));
    document.addEventListener('ended', onEnded, { capture: true });
    const player = new MediaElementPlayer('video', { renderers: ['native_hls'] });
    player.setSrc({ src: '/main.m3u8', type: 'application/x-mpegURL' });
  });
  await page.waitForFunction(() => globalThis.hasEnded, { timeout: PATIENCE_MS });
  const elements = await page.evaluate(() =>
    [...document.querySelectorAll('video')].map(({ currentSrc, preload, videoWidth }) => ({
      currentSrc: currentSrc.replace(/^blob:.*/, 'blob:').replace(location.origin, ''),
      preload,
      videoWidth,
    })),
  );
  await page.close();
  const segments = { byHlsJs: asked.empty?.size ?? 0, byElement: asked.video?.size ?? 0 };
  console.log(`${attributes || 'without preload'}: ${JSON.stringify({ segments, elements })}`);
  return segments;
}

const auto = await play('preload="auto"');
const metadata = await play('preload="metadata"');
const without = await play('');
await browser.close();
server.close();
const isTwice = ({ byHlsJs, byElement }) => byHlsJs === SEGMENTS && byElement === SEGMENTS;
const asDescribed =
  isTwice(auto) && isTwice(metadata) && without.byHlsJs === SEGMENTS && without.byElement === 0;
process.exit(asDescribed ? 0 : 1);
JS
node play.mjs "$chromium"
