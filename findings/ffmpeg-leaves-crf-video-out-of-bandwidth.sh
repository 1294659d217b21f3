#!/usr/bin/env bash
# ffmpeg 5.1.9 (Debian 7:5.1.9-0+deb12u1) leaves video that is encoded by `-crf` out of BANDWIDTH in the multivariant playlist that
# `-master_pl_name` makes, so that BANDWIDTH is that of the audio alone.
#
# With `-var_stream_map 'v:0,a:0 v:1,a:1'` both variants have BANDWIDTH=70400 here, 64 kbit/s of AAC and a tenth, where their
# largest segments have 1.4 and 0.5 Mbit/s; ffmpeg warns of nothing. Without audio the playlist has no EXT-X-STREAM-INF at all;
# ffmpeg then warns ("Bandwidth info not available"), and exits with 0. RFC 8216 (4.3.4.2) has BANDWIDTH represent the peak segment
# bit rate of the variant. hls.js 1.7.4 reads two levels of one bit rate that nearly any connection exceeds, so that it cannot
# choose between them by speed, and an upload or a saving that is reckoned from `level.bitrate` comes out up to 20 times too small.
# `-b:v`, or `-maxrate` beside `-crf`, puts the video in, as what was asked for rather than what came of it: the smaller variant
# has 400400 then, and segments of 0.46 and 0.5 Mbit/s.
set -euo pipefail

command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hls.js@1.7.4
ffmpeg -version | head -n 1

# FOLDER, VIDEO OPTIONS; two variants with audio, and what ffmpeg said
with_audio() {
  mkdir "$1"
  (
    cd "$1"
    shift
    ffmpeg -loglevel warning -nostdin -f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -f lavfi -i sine=duration=6 \
      -map 0:v -map 1:a -map 0:v -map 1:a -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 "$@" -c:a aac -b:a 64k \
      -f hls -hls_time 2 -hls_playlist_type vod -master_pl_name main.m3u8 -var_stream_map 'v:0,a:0 v:1,a:1' v%v.m3u8 2>said
  )
}

# FOLDER; the same by -crf without audio
without_audio() {
  mkdir "$1"
  (
    cd "$1"
    ffmpeg -loglevel warning -nostdin -f lavfi -i testsrc2=size=320x180:rate=25:duration=6 \
      -map 0:v -map 0:v -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -crf:v:0 10 -crf:v:1 30 \
      -f hls -hls_time 2 -hls_playlist_type vod -master_pl_name main.m3u8 -var_stream_map 'v:0 v:1' v%v.m3u8 2>said
  )
}

with_audio crf -crf:v:0 10 -crf:v:1 30
with_audio rate -b:v:0 2M -b:v:1 300k
with_audio capped -crf:v:0 10 -maxrate:v:0 2M -bufsize:v:0 4M -crf:v:1 30 -maxrate:v:1 300k -bufsize:v:1 600k
without_audio silent

cat >bandwidth.mjs <<'JS'
import { readFileSync, statSync } from 'node:fs';
import { M3U8Parser } from 'hls.js';

const VARIANTS = ['v0', 'v1'];

/** The peak bit rate of a variant's segments, as RFC 8216 defines it for segments of one duration. */
function peak(folder, variant) {
  const lines = readFileSync(`${folder}/${variant}.m3u8`, 'utf8').split('\n');
  const rates = lines.flatMap((line, at) => {
    const seconds = /^#EXTINF:([\d.]+)/.exec(line)?.[1];
    return seconds ? [Math.round((statSync(`${folder}/${lines[at + 1]}`).size * 8) / Number(seconds))] : [];
  });
  return Math.max(...rates);
}

console.log('hls.js', JSON.parse(readFileSync('node_modules/hls.js/package.json')).version);
const seen = {};
for (const folder of ['crf', 'rate', 'capped', 'silent']) {
  const text = readFileSync(`${folder}/main.m3u8`, 'utf8');
  seen[folder] = {
    bandwidths: [...text.matchAll(/[:,]BANDWIDTH=(\d+)/g)].map(([, bandwidth]) => Number(bandwidth)),
    peaks: VARIANTS.map((variant) => peak(folder, variant)),
    hlsJs: M3U8Parser.parseMasterPlaylist(text, 'https://cdn.example/main.m3u8').levels.map(({ bitrate }) => bitrate),
    said: readFileSync(`${folder}/said`, 'utf8').split('\n').filter(Boolean),
  };
  console.log(folder, JSON.stringify(seen[folder], null, 2));
}

const is = (folder, bandwidths) =>
  JSON.stringify(seen[folder].bandwidths) === JSON.stringify(bandwidths) &&
  JSON.stringify(seen[folder].hlsJs) === JSON.stringify(bandwidths);
const asDescribed =
  is('crf', [70400, 70400]) &&
  seen.crf.said.length === 0 &&
  seen.crf.peaks[0] > 15 * 70400 &&
  seen.crf.peaks[1] > 5 * 70400 &&
  is('rate', [2270400, 400400]) &&
  is('capped', [2270400, 400400]) &&
  is('silent', []) &&
  seen.silent.said.some((line) => line.includes('Bandwidth info not available'));
process.exit(asDescribed ? 0 : 1);
JS
node bandwidth.mjs
