#!/usr/bin/env bash
# DPlayer 1.27.1 with `type: 'hls'` and MediaElement.js 7.1.0 with a source of type `application/x-mpegURL` do not use the hls.js
# 1.7.4 that the page has loaded, in Chromium 156 (Debian's chromium 156.0.8078.114).
#
# Both ask `canPlayType` first, and use hls.js only if the answer is empty. Chromium 156 plays HLS by itself and answers "maybe" to
# `application/vnd.apple.mpegurl` and to `application/x-mpegURL`: no instance of Hls is made, and `currentSrc` is the playlist.
# DPlayer's `pluginOptions.hls`, a wrapped `window.Hls` and whatever the page does with an instance have no effect, and no error
# says so. If canPlayType answers "" for these two types, the same pages make one instance each, and so they do in Firefox 153
# (firefox-esr 153.8.0), whose answer that is. Two options bring hls.js back in Chromium: DPlayer's `customType: { hls }`, a function
# of the page's own that calls hls.js, and MediaElement.js's `renderers: ['native_hls']`, where that is the name of hls.js.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
firefox=${FIREFOX_PATH:-/usr/bin/firefox-esr}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
[ -x "$firefox" ] || { echo "Debian's package firefox-esr is missing" >&2; exit 2; }
command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 hls.js@1.7.4 dplayer@1.27.1 mediaelement@7.1.0
mkdir stream
ffmpeg -loglevel error -nostdin -f lavfi -i testsrc=size=160x90:rate=10:duration=4 \
  -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -f hls -hls_time 1 -hls_playlist_type vod stream/main.m3u8

cat >play.mjs <<'JS'
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const PATIENCE_MS = 60_000;
const [, , chromium, firefox] = process.argv;

const PAGE = '<!doctype html><div id="player"></div><video id="video" autoplay muted></video>';
const server = createServer(async (request, response) => {
  if (request.url === '/') return response.setHeader('content-type', 'text/html').end(PAGE);
  const file = await readFile(`stream${request.url}`).catch(() => null);
  if (!file) return response.writeHead(404).end();
  const isPlaylist = request.url.endsWith('.m3u8');
  response.setHeader('content-type', isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp2t').end(file);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const PLAYERS = {
  DPlayer: {
    script: 'dplayer/dist/DPlayer.min.js',
    start: () => {
      const video = { url: '/main.m3u8', type: 'hls' };
      new DPlayer({ container: document.getElementById('player'), video });
    },
  },
  'DPlayer with customType': {
    script: 'dplayer/dist/DPlayer.min.js',
    start: () => {
      const hls = (video) => {
        const own = new Hls();
        own.loadSource(video.src);
        own.attachMedia(video);
      };
      const video = { url: '/main.m3u8', type: 'hls', customType: { hls } };
      new DPlayer({ container: document.getElementById('player'), video });
    },
  },
  'MediaElement.js': {
    script: 'mediaelement/build/mediaelement-and-player.min.js',
    start: () => {
      new MediaElementPlayer('video').setSrc({ src: '/main.m3u8', type: 'application/x-mpegURL' });
    },
  },
  'MediaElement.js with renderers': {
    script: 'mediaelement/build/mediaelement-and-player.min.js',
    start: () => {
      const player = new MediaElementPlayer('video', { renderers: ['native_hls'] });
      player.setSrc({ src: '/main.m3u8', type: 'application/x-mpegURL' });
    },
  },
};

/** What an `answerless` page sees of canPlayType is that of a browser without HLS. */
async function play(browser, { script, start }, answerless) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  if (answerless) {
    await page.evaluate(() => {
      const { canPlayType } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.canPlayType = function (type) {
        return /mpegurl/i.test(type) ? '' : canPlayType.call(this, type);
      };
    });
  }
  await page.addScriptTag({ path: 'node_modules/hls.js/dist/hls.min.js' });
  await page.evaluate(() => {
    globalThis.instances = 0;
    globalThis.Hls = class extends Hls {
      constructor(config) {
        super(config);
        instances++;
      }
    };
  });
  await page.addScriptTag({ path: `node_modules/${script}` });
  await page.evaluate(start);
  const shown = await page.waitForFunction(
    () => [...document.querySelectorAll('video')].find(({ videoWidth }) => videoWidth > 0),
    { timeout: PATIENCE_MS },
  );
  const seen = await page.evaluate((video) => {
    const answers = ['application/vnd.apple.mpegurl', 'application/x-mpegURL'].map((type) =>
      video.canPlayType(type),
    );
    const currentSrc = video.currentSrc.replace(/^blob:.*/, 'blob:').replace(location.origin, '');
    return { canPlayType: answers.join(), instances, currentSrc };
  }, shown);
  await page.close();
  return seen;
}

const seen = {};
for (const [name, executablePath] of [
  ['chrome', chromium],
  ['firefox', firefox],
]) {
  const args = name === 'chrome' && process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await puppeteer.launch({ browser: name, executablePath, headless: true, args });
  console.log(await browser.version());
  for (const [player, how] of Object.entries(PLAYERS)) {
    seen[`${player}, ${name}`] = await play(browser, how, false);
    if (name === 'chrome') seen[`${player}, chrome without the answer`] = await play(browser, how, true);
  }
  await browser.close();
}
server.close();
for (const [what, each] of Object.entries(seen)) console.log(`${what}: ${JSON.stringify(each)}`);

const asDescribed = Object.entries(seen).every(([what, { canPlayType, instances, currentSrc }]) => {
  if (canPlayType !== (what.endsWith(', chrome') ? 'maybe,maybe' : ',')) return false;
  return what === 'DPlayer, chrome' || what === 'MediaElement.js, chrome'
    ? instances === 0 && currentSrc === '/main.m3u8'
    : instances === 1 && currentSrc === 'blob:';
});
process.exit(asDescribed ? 0 : 1);
JS
node play.mjs "$chromium" "$firefox"
