#!/usr/bin/env bash
# hls-parser 0.16.1 (npm) keeps the last EXT-X-KEY of those that apply to a segment, and drops the other key formats.
#
# A segment behind a key for FairPlay and one for Widevine has the second as `key` and no trace of the first; in the other order
# FairPlay's is what remains. `stringify` writes that one alone, and `strictMode` finds no fault. RFC 8216 (4.3.2.4) lets two or
# more EXT-X-KEY tags with different KEYFORMAT apply to one segment if they lead to the same decryption key, so that players of
# different DRM systems play one stream, and hls.js 1.7.4 reads both. A server that reads such a playlist and writes it again, as
# for ads, tokens or several CDNs, takes the stream from the players of every system but one. EXT-X-SESSION-KEY tags of the
# multivariant playlist are all kept.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hls-parser@0.16.1 hls.js@1.7.4

cat >keys.mjs <<'JS'
import { readFileSync } from 'node:fs';
import HLS from 'hls-parser';
import { M3U8Parser } from 'hls.js';

HLS.setOptions({ strictMode: true });
const FAIRPLAY = 'com.apple.streamingkeydelivery';
const WIDEVINE = 'urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed';
const ATTRIBUTES = {
  [FAIRPLAY]: `METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="${FAIRPLAY}",KEYFORMATVERSIONS="1"`,
  [WIDEVINE]: `METHOD=SAMPLE-AES,URI="data:text/plain;base64,AAAA",KEYFORMAT="${WIDEVINE}",KEYFORMATVERSIONS="1"`,
};
const media = (formats) => `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
${formats.map((format) => `#EXT-X-KEY:${ATTRIBUTES[format]}`).join('\n')}
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4,
0.m4s
#EXT-X-ENDLIST
`;
const MULTIVARIANT = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-SESSION-KEY:${ATTRIBUTES[FAIRPLAY]}
#EXT-X-SESSION-KEY:${ATTRIBUTES[WIDEVINE]}
#EXT-X-STREAM-INF:BANDWIDTH=1000000
media.m3u8
`;

for (const name of ['hls-parser', 'hls.js']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const formatsIn = (text, tag) =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`#${tag}:`))
    .map((line) => /KEYFORMAT="([^"]*)"/.exec(line)[1]);

let same = true;
for (const formats of [
  [FAIRPLAY, WIDEVINE],
  [WIDEVINE, FAIRPLAY],
]) {
  const text = media(formats);
  const parsed = HLS.parse(text);
  const { fragments, playlistParsingError } = M3U8Parser.parseLevelPlaylist(text, 'https://cdn.example/', 0, 'main', 0, null);
  const seen = {
    listed: formats,
    key: parsed.segments[0].key.format,
    written: formatsIn(HLS.stringify(parsed), 'EXT-X-KEY'),
    hlsJs: Object.keys(fragments[0].levelkeys),
    hlsJsSaid: playlistParsingError?.message ?? null,
  };
  console.log(JSON.stringify(seen, null, 2));
  same &&= seen.key === formats[1] && seen.written.join() === formats[1];
  same &&= formats.every((format) => seen.hlsJs.includes(format)) && seen.hlsJsSaid === null;
}
const session = formatsIn(HLS.stringify(HLS.parse(MULTIVARIANT)), 'EXT-X-SESSION-KEY');
console.log('session keys written', JSON.stringify(session));
same &&= session.join() === [FAIRPLAY, WIDEVINE].join();
process.exit(same ? 0 : 1);
JS
node keys.mjs
