#!/usr/bin/env bash
# hls.js (npm) overwrites `frag.duration` with what it finds in the media, and gives the next fragment what is missing.
#
# Seen with 1.4.14 and 1.7.4. The playlist lists 2, 4 and 2 s; the second segment has 2 s of media and the third begins where the
# list says. Once they are buffered `frag.duration` is about 2, 2 and 4: the gap has become part of the third fragment, whose file
# has 2 s. Its `start` moved as well. Whoever divides a file's size by the duration, compares what was parsed with what was listed,
# or tells segments apart by it gets other numbers before and after, and never learns that the second segment was short. What
# EXTINF said is still in `frag.tagList`.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 \
  hls-1.4.14@npm:hls.js@1.4.14 hls-1.7.4@npm:hls.js@1.7.4
ffmpeg -loglevel error -f lavfi -i testsrc=size=160x90:rate=10:duration=8 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 20 \
  -f hls -hls_time 2 -hls_list_size 0 -hls_segment_filename 's%d.ts' list.m3u8

cat >durations.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

// Of four segments of 2 s the third is left out.
const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:4
#EXTINF:2,
s0.ts
#EXTINF:4,
s1.ts
#EXTINF:2,
s3.ts
#EXT-X-ENDLIST
`;

const server = createServer(({ url }, response) => {
  if (url === '/') return response.setHeader('content-type', 'text/html').end('<video muted></video>');
  if (url === '/short.m3u8') return response.end(PLAYLIST);
  if (/^\/s\d\.ts$/.test(url)) return response.end(readFileSync(`.${url}`));
  response.writeHead(404).end();
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

let same = true;
for (const version of ['1.4.14', '1.7.4']) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.addScriptTag({ path: `node_modules/hls-${version}/dist/hls.min.js` });
  const seen = await page.evaluate(async () => {
    const hls = new Hls();
    const errors = [];
    let buffered = 0;
    const all = new Promise((done) =>
      hls.on(Hls.Events.FRAG_BUFFERED, () => ++buffered === 3 && setTimeout(done)),
    );
    hls.on(Hls.Events.ERROR, (_, { details }) => errors.push(details));
    hls.loadSource('/short.m3u8');
    hls.attachMedia(document.querySelector('video'));
    await all;
    const { fragments } = hls.levels[0].details;
    const seconds = (value) => Math.round(value * 10) / 10;
    const out = {
      version: Hls.version,
      duration: fragments.map((frag) => seconds(frag.duration)),
      extinf: fragments.map(({ tagList }) => Number(tagList.find(([tag]) => tag === 'INF')[1])),
      errors,
    };
    hls.destroy();
    return out;
  });
  console.log(JSON.stringify(seen));
  const { duration, extinf, errors } = seen;
  const [first, second, third] = duration;
  same &&= first < 2.3 && second < 2.3 && third > 3.7 && errors.length === 0;
  same &&= extinf.join() === '2,4,2';
  await page.close();
}
await browser.close();
server.close();
if (!same) {
  console.error('hls.js no longer does what is said above');
  process.exit(1);
}
JS
node durations.mjs "$chromium"
