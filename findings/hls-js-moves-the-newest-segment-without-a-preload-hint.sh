#!/usr/bin/env bash
# hls.js (npm) puts the newest segment of a low-latency playlist without EXT-X-PRELOAD-HINT where the one before it is, and stalls.
#
# Seen with 1.7.4. The tag is no more than a hint, and where parts are byte ranges the one that comes next has no end yet. Without it,
# a playlist ends with the URI of the newest segment each time that one becomes whole, and hls.js takes this segment for the one
# that is still being made as well (`details.fragmentHint`). When it merges such a playlist with the one before, the segment begins
# a segment too early: here number 3 at 4 s, where number 2 is, instead of 6 s, until the next refresh. It loads whole segments in
# place of parts, reports `bufferAppendNoProgress`, and runs dry. With the hint, the same parts play one after the other.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 hls.js@1.7.4
ffmpeg -loglevel error -f lavfi -i testsrc=size=160x90:rate=10:duration=24 -c:v libx264 -preset ultrafast -tune zerolatency \
  -pix_fmt yuv420p -g 10 -keyint_min 10 -sc_threshold 0 -f hls -hls_time 1 -hls_list_size 0 -hls_segment_type fmp4 \
  -hls_fmp4_init_filename init.mp4 -hls_segment_filename 'part%d.m4s' list.m3u8

cat >hint.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

// Segments of two parts of a second each. Six seconds are there when the player comes.
const SECONDS = 24;
const HISTORY = 6;
const WATCHED_MS = 14_000;
const parts = Array.from({ length: SECONDS }, (_, i) => readFileSync(`part${i}.m4s`));
const pause = (ms) => new Promise((over) => setTimeout(over, ms));

let begun = 0;
const made = () => Math.min(HISTORY + Math.floor((Date.now() - begun) / 1000), SECONDS);

async function playlist({ searchParams: query }) {
  if (query.has('_HLS_msn')) {
    const wanted = Number(query.get('_HLS_msn')) * 2 + Number(query.get('_HLS_part') ?? 1);
    while (made() <= Math.min(wanted, SECONDS - 1)) await pause(20);
  }
  const count = made();
  const whole = Math.floor(count / 2);
  const lines = [
    '#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=1',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3',
    '#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP:URI="init.mp4"',
  ];
  for (let sn = 0; sn <= whole; sn++) {
    const first = parts[sn * 2]?.length;
    const ranges = [`${first}@0`, `${parts[sn * 2 + 1]?.length}@${first}`];
    for (let p = 0; p < 2 && sn > whole - 3 && sn * 2 + p < count; p++) {
      lines.push(`#EXT-X-PART:DURATION=1,INDEPENDENT=YES,URI="${sn}.m4s",BYTERANGE="${ranges[p]}"`);
    }
    if (sn < whole) lines.push(`#EXTINF:2,\n${sn}.m4s`);
  }
  if (query.has('hint')) {
    const start = count % 2 ? parts[count - 1].length : 0;
    lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${whole}.m4s",BYTERANGE-START=${start}`);
  }
  return `${lines.join('\n')}\n`;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://server');
  const sn = /^\/(\d+)\.m4s$/.exec(url.pathname)?.[1];
  if (url.pathname === '/') return response.setHeader('content-type', 'text/html').end('<video muted></video>');
  if (url.pathname === '/live.m3u8') return response.end(await playlist(url));
  if (url.pathname === '/init.mp4') return response.end(readFileSync('init.mp4'));
  if (sn === undefined) return response.writeHead(404).end();
  const body = Buffer.concat(parts.slice(sn * 2, sn * 2 + 2));
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) return response.end(body);
  response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${body.length}` });
  response.end(body.subarray(Number(from), Number(to) + 1));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: ['--autoplay-policy=no-user-gesture-required', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});

async function watch(query) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.addScriptTag({ path: 'node_modules/hls.js/dist/hls.min.js' });
  begun = Date.now();
  const seen = await page.evaluate(
    async (source, watchedMs) => {
      const video = document.querySelector('video');
      const hls = new Hls();
      const out = { version: Hls.version, source, parts: 0, whole: 0, errors: {}, misplaced: [], played: 0 };
      hls.on(Hls.Events.ERROR, (_, { details }) => (out.errors[details] = (out.errors[details] ?? 0) + 1));
      hls.on(Hls.Events.FRAG_LOADED, (_, { part }) => out[part ? 'parts' : 'whole']++);
      hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
        for (const { sn, start } of details.fragments) {
          if (Math.abs(start - sn * 2) > 0.5) out.misplaced.push(`${sn} at ${start.toFixed(1)} s`);
        }
      });
      hls.loadSource(source);
      hls.attachMedia(video);
      video.play().catch(() => {});
      await new Promise((over) => setTimeout(over, watchedMs));
      out.played = Number((video.currentTime - video.played.start(0)).toFixed(1));
      hls.destroy();
      return out;
    },
    `/live.m3u8${query}`,
    WATCHED_MS,
  );
  await page.close();
  console.log(JSON.stringify(seen));
  return seen;
}

const hinted = await watch('?hint');
const plain = await watch('');
await browser.close();
server.close();
const asSaid =
  hinted.misplaced.length === 0 && hinted.whole < 3 && !hinted.errors.bufferAppendNoProgress &&
  plain.misplaced.length > 2 && plain.errors.bufferAppendNoProgress > 2 && plain.played < hinted.played;
if (!asSaid) {
  console.error('hls.js no longer does what is said above');
  process.exit(1);
}
JS
node hint.mjs "$chromium"
