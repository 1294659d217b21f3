#!/usr/bin/env bash
# Video.js 8.24.1 (npm) loads a segment that the playlist marks with EXT-X-GAP, and does not get past one that is missing.
#
# Its parser, m3u8-parser 7.2.0, gives that segment no mark and no warning. Of eight segments of 1 s of which the fifth is a gap,
# Chromium 156 (Debian's chromium 156.0.8078.114) plays four; then Video.js asks for the fifth, gets 404 and asks again, about
# twice a second, without an `error` event and without a step to the sixth. hls.js 1.7.4 never asks for it and plays to the end.
# "HTTP Live Streaming 2nd Edition" (draft-pantos-hls-rfc8216bis, 4.4.4.7 and 6.3.3) says that clients SHOULD NOT load such a
# segment. A packager that writes the tag for what it lost stops every viewer with Video.js there, and has each of them ask the CDN
# for what does not exist. The README of m3u8-parser lists the tag neither as supported nor under "Not Yet Supported".
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 hls.js@1.7.4 m3u8-parser@7.2.0 video.js@8.24.1
mkdir stream
ffmpeg -loglevel error -nostdin -f lavfi -i testsrc=size=160x90:rate=10:duration=8 \
  -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -f hls -hls_time 1 -hls_list_size 0 -hls_playlist_type vod \
  -hls_segment_filename stream/%d.ts stream/main.m3u8
sed -i 's/^4\.ts$/#EXT-X-GAP\n&/; s/^#EXT-X-VERSION:.*/#EXT-X-VERSION:8/' stream/main.m3u8
rm stream/4.ts

cat >gap.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Parser } from 'm3u8-parser';
import puppeteer from 'puppeteer-core';

const PATIENCE_MS = 60_000;
const GAP = 4;
const FILE = `${GAP}.ts`;
/** A player that has asked for the gap so many times is taken not to go past it. */
const ENOUGH = 20;

for (const name of ['video.js', 'm3u8-parser', 'hls.js']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const parser = new Parser();
const said = [];
for (const event of ['error', 'warn']) parser.on(event, ({ message }) => said.push(message));
parser.push(readFileSync('stream/main.m3u8', 'utf8'));
parser.end();
const marks = Object.keys(parser.manifest.segments[GAP]).filter((name) => !(name in parser.manifest.segments[GAP - 1]));
console.log('m3u8-parser', JSON.stringify({ segment: parser.manifest.segments[GAP], marks, said }));

let asked = [];
let onEnough = () => {};
const server = createServer(async (request, response) => {
  if (request.url === '/') {
    return response.setHeader('content-type', 'text/html').end('<!doctype html><video id="video" muted></video>');
  }
  if (request.url.endsWith('.ts')) asked.push(request.url.slice(1));
  if (asked.filter((file) => file === FILE).length >= ENOUGH) onEnough();
  const file = await readFile(`stream${request.url}`).catch(() => null);
  if (!file) return response.writeHead(404).end();
  const type = request.url.endsWith('.m3u8') ? 'application/vnd.apple.mpegurl' : 'video/mp2t';
  response.setHeader('content-type', type).end(file);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: [
    '--autoplay-policy=no-user-gesture-required',
    ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
  ],
});
console.log(await browser.version());

/** What START, which plays the stream in the page, asks for until the stream ends or the player gives up. */
async function play(script, start) {
  asked = [];
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.addScriptTag({ path: `node_modules/${script}` });
  await page.evaluate(start);
  const isOver = page.waitForFunction(() => globalThis.outcome, { timeout: PATIENCE_MS }).catch(() => null);
  await Promise.race([isOver, new Promise((done) => (onEnough = done))]);
  const { currentTime, ...outcome } = await page.evaluate(() => ({
    end: null,
    ...globalThis.outcome,
    currentTime: document.querySelector('video').currentTime,
  }));
  await page.close();
  const forGap = asked.filter((file) => file === FILE).length;
  const seen = { ...outcome, currentTime, forGap, others: asked.filter((file) => file !== FILE) };
  console.log(script, JSON.stringify(seen));
  return seen;
}

const videoJs = await play('video.js/dist/video.min.js', () => {
  const player = videojs('video', { html5: { vhs: { overrideNative: true } } });
  const over = (end) => (globalThis.outcome ??= { end, message: player.error()?.message ?? null });
  player.on('ended', () => over('ended'));
  player.on('error', () => over('error'));
  player.src({ src: '/main.m3u8', type: 'application/x-mpegURL' });
  player.play();
});
const hlsJs = await play('hls.js/dist/hls.min.js', () => {
  const video = document.getElementById('video');
  const hls = new Hls();
  const over = (end, message = null) => (globalThis.outcome ??= { end, message });
  video.addEventListener('ended', () => over('ended'));
  hls.on(Hls.Events.ERROR, (_, { fatal, details }) => fatal && over('error', details));
  hls.loadSource('/main.m3u8');
  hls.attachMedia(video);
  video.play();
});
await browser.close();
server.close();
const asDescribed =
  parser.manifest.segments[GAP].uri === FILE &&
  marks.length === 0 &&
  videoJs.end === null &&
  videoJs.forGap >= ENOUGH &&
  videoJs.currentTime < GAP &&
  hlsJs.end === 'ended' &&
  hlsJs.forGap === 0;
process.exit(asDescribed ? 0 : 1);
JS
node gap.mjs "$chromium"
