#!/usr/bin/env bash
# ffmpeg 5.1.9 (Debian 7:5.1.9-0+deb12u1) changes EXT-X-TARGETDURATION of a live playlist while it runs.
#
# It writes the longest duration that is listed at that moment, rounded, so that the tag falls when a long segment leaves the
# window and rises when another one comes: 5, then 2, then 5 again here, with `-hls_time 2` and key frames of which two are 5 s
# apart, as in a stream that is copied (`-c copy`) from an encoder with key frames at cuts. RFC 8216 (6.2.1) says that the value
# MUST NOT change. Players take from it how often to load the playlist and how far from its end to play (three times the value,
# 6.3.3): viewers who come a few seconds apart play 9 s apart. The muxer has no option that sets it; key frames at fixed distances
# keep it.
set -euo pipefail

command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ffmpeg -version | head -n 1

# KEYFRAMES; prints each target duration and the durations listed with it, once per change of the playlist
broadcast() {
  rm -f live*
  ffmpeg -loglevel error -nostdin -re -f lavfi -i testsrc=size=160x90:rate=10:duration=20 -c:v libx264 -preset ultrafast \
    -pix_fmt yuv420p -g 1000 -force_key_frames "$1" \
    -f hls -hls_time 2 -hls_list_size 3 -hls_flags delete_segments+temp_file+omit_endlist live.m3u8 &
  local encoder=$! before=''
  while kill -0 "$encoder" 2>/dev/null; do
    if [ -e live.m3u8 ]; then
      local now
      now=$(awk -F '[:,]' '/TARGETDURATION/ { printf "%d of", $2 } /EXTINF/ { printf " %.1f", $2 }' live.m3u8)
      [ "$now" = "$before" ] || echo "$now"
      before=$now
    fi
    sleep 0.2
  done
  wait "$encoder"
}

# FILE; prints the target durations in a row without repetitions
values() {
  awk '{ print $1 }' "$1" | uniq | paste -sd ' '
}

broadcast 0,5,7,9,11,13,18 >uneven
broadcast 'expr:gte(t,n_forced*2)' >even
echo 'key frames after 5, 2, 2, 2, 2, 5 s:'
cat uneven
echo 'key frames every 2 s:'
cat even
echo "target durations: $(values uneven) with uneven key frames, $(values even) with even ones"
[ "$(values uneven)" = '5 2 5' ] && [ "$(values even)" = 2 ]
