#!/usr/bin/env bash
# hls.js (npm) reads `level.bitrate` from AVERAGE-BANDWIDTH up to 1.4, and from BANDWIDTH since 1.5, when a variant has both.
#
# Seen with 1.4.14, 1.5.20 and 1.7.4. HLS defines BANDWIDTH as the peak, so that the number of the very same level doubles here
# with an update of the player within one major version; `maxBitrate` does as well, and `averageBitrate`, which has the old number,
# does not exist in 1.4. A cap written as `level.bitrate < limit`, a table of qualities by bitrate, or a name for a level that
# contains it (so that viewers of the same level find each other) changes with it. `level.attrs` has what the author wrote in all.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 \
  hls-1.4.14@npm:hls.js@1.4.14 hls-1.5.20@npm:hls.js@1.5.20 hls-1.7.4@npm:hls.js@1.7.4

cat >levels.mjs <<'JS'
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const PEAK = 2_000_000;
const AVERAGE = 1_000_000;
const MULTIVARIANT = `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=${PEAK},AVERAGE-BANDWIDTH=${AVERAGE},CODECS="avc1.42c01e",RESOLUTION=640x360
360p.m3u8
`;

const server = createServer((request, response) => {
  if (request.url === '/') return response.setHeader('content-type', 'text/html').end('<p>page</p>');
  if (request.url === '/main.m3u8') return response.end(MULTIVARIANT);
  response.writeHead(404).end();
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

const seen = {};
for (const version of ['1.4.14', '1.5.20', '1.7.4']) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.addScriptTag({ path: `node_modules/hls-${version}/dist/hls.min.js` });
  seen[version] = await page.evaluate(async () => {
    const hls = new Hls({ autoStartLoad: false });
    const parsed = new Promise((done) => hls.once(Hls.Events.MANIFEST_PARSED, done));
    hls.loadSource('/main.m3u8');
    await parsed;
    const [{ bitrate, maxBitrate, averageBitrate = null }] = hls.levels;
    const version = Hls.version;
    hls.destroy();
    return { version, bitrate, maxBitrate, averageBitrate };
  });
  console.log(JSON.stringify(seen[version]));
  await page.close();
}
await browser.close();
server.close();

const is = (version, bitrate, averageBitrate) =>
  seen[version].version === version &&
  seen[version].bitrate === bitrate &&
  seen[version].maxBitrate === bitrate &&
  seen[version].averageBitrate === averageBitrate;
const asDescribed =
  is('1.4.14', AVERAGE, null) && is('1.5.20', PEAK, AVERAGE) && is('1.7.4', PEAK, AVERAGE);
process.exit(asDescribed ? 0 : 1);
JS
node levels.mjs "$chromium"
