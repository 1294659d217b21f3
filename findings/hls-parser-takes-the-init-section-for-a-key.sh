#!/usr/bin/env bash
# hls-parser 0.16.1 (npm) gives the unfinished segment of a low-latency playlist its EXT-X-MAP as the key, and no EXT-X-MAP.
#
# The segment at the end that has parts and no URI yet comes out with `key` = { uri: 'init.mp4' } and without `map`, although
# nothing in the playlist is encrypted, and `stringify` writes `#EXT-X-KEY:METHOD=undefined,URI="init.mp4"` in front of the newest
# parts. A server that reads a live playlist and writes it again, as for ads or tokens, tells players that what comes at the live
# edge is encrypted, by a tag whose METHOD HLS does not know. In an encrypted stream these parts lose their key. The whole segments
# are right, and `strictMode` finds no fault.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hls-parser@0.16.1

cat >keys.mjs <<'JS'
import { readFileSync } from 'node:fs';
import HLS from 'hls-parser';

HLS.setOptions({ strictMode: true });
const KEY = '#EXT-X-KEY:METHOD=AES-128,URI="key.bin"';
const playlist = (key) => `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=6
#EXT-X-PART-INF:PART-TARGET=2
#EXT-X-MEDIA-SEQUENCE:10
${key}
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4,
10.m4s
#EXT-X-PART:DURATION=2,URI="11.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="11.1.m4s"
`;

console.log('hls-parser', JSON.parse(readFileSync('node_modules/hls-parser/package.json')).version);
function read(key) {
  const parsed = HLS.parse(playlist(key));
  const [whole, unfinished] = parsed.segments.map(({ key, map }) => ({ key: key?.uri ?? null, map: map?.uri ?? null }));
  const written = HLS.stringify(parsed).split('\n');
  const out = { whole, unfinished, keys: written.filter((line) => line.startsWith('#EXT-X-KEY')) };
  console.log(key || 'no key', JSON.stringify(out, null, 2));
  return JSON.stringify(out);
}

const plain = read('');
const encrypted = read(KEY);
const asDescribed =
  plain ===
    JSON.stringify({
      whole: { key: null, map: 'init.mp4' },
      unfinished: { key: 'init.mp4', map: null },
      keys: ['#EXT-X-KEY:METHOD=undefined,URI="init.mp4"'],
    }) &&
  encrypted ===
    JSON.stringify({
      whole: { key: 'key.bin', map: 'init.mp4' },
      unfinished: { key: 'init.mp4', map: null },
      keys: [KEY, '#EXT-X-KEY:METHOD=undefined,URI="init.mp4"'],
    });
process.exit(asDescribed ? 0 : 1);
JS
node keys.mjs
