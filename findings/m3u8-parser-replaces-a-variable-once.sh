#!/usr/bin/env bash
# m3u8-parser 7.2.0 (npm, the parser of Video.js) replaces a variable of EXT-X-DEFINE once in each URI or attribute, and leaves the
# rest as it is.
#
# A playlist that has `{$token}` in the folder and in the query of a URI becomes `/abc/0.m4s?t={$token}`, without a warning.
# A dollar sign in the value is taken for a pattern of JavaScript's `replace` besides: `a$&b` comes out as `a{$token}b`, and `a$$b`
# as `a$b`. In "HTTP Live Streaming 2nd Edition" (draft-pantos-hls-rfc8216bis, 4.3) every reference stands for the value, and
# hls.js 1.7.4 reads the same playlist so. Whoever tests a playlist with one player sends viewers of the other to addresses that do
# not exist.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund m3u8-parser@7.2.0 hls.js@1.7.4

cat >variables.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { M3U8Parser } from 'hls.js';
import { Parser } from 'm3u8-parser';

const BASE = 'https://cdn.example/live/main.m3u8';
const playlist = (value) => `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-TARGETDURATION:4
#EXT-X-DEFINE:NAME="token",VALUE="${value}"
#EXT-X-MAP:URI="/{$token}/init.mp4?t={$token}"
#EXTINF:4,
/{$token}/0.m4s?t={$token}
#EXT-X-ENDLIST
`;

function byM3u8Parser(text) {
  const parser = new Parser({ uri: BASE });
  const said = [];
  for (const event of ['error', 'warn']) parser.on(event, ({ message }) => said.push(message));
  parser.push(text);
  parser.end();
  const [{ uri, map }] = parser.manifest.segments;
  return { map: map.uri, segment: uri, said };
}

function byHlsJs(text) {
  const { fragments, playlistParsingError } = M3U8Parser.parseLevelPlaylist(text, BASE, 0, 'main', 0, null);
  const [{ relurl, initSegment }] = fragments;
  return { map: initSegment.relurl, segment: relurl, said: playlistParsingError ? [playlistParsingError.message] : [] };
}

for (const name of ['m3u8-parser', 'hls.js']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
let same = true;
for (const [value, once] of [
  ['abc', 'abc'],
  ['a$&b', 'a{$token}b'],
  ['a$$b', 'a$b'],
]) {
  const text = playlist(value);
  const seen = { value, m3u8Parser: byM3u8Parser(text), hlsJs: byHlsJs(text) };
  console.log(JSON.stringify(seen, null, 2));
  same &&= seen.hlsJs.map === `/${value}/init.mp4?t=${value}` && seen.hlsJs.segment === `/${value}/0.m4s?t=${value}`;
  same &&= seen.m3u8Parser.segment === `/${once}/0.m4s?t={$token}` && seen.m3u8Parser.said.length === 0;
  same &&= seen.hlsJs.said.length === 0;
}
process.exit(same ? 0 : 1);
JS
node variables.mjs
