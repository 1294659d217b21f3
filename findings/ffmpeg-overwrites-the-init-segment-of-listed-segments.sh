#!/usr/bin/env bash
# ffmpeg 5.1.9 (Debian 7:5.1.9-0+deb12u1), started again with `-hls_flags append_list -hls_segment_type fmp4` and other settings of
# the encoder, overwrites the init segment that the segments of the first run need, and goes on listing those.
#
# Old and new segments stand in one playlist under one EXT-X-MAP, for which both runs write the file init.mp4. Between them is
# EXT-X-DISCONTINUITY, but no second EXT-X-MAP. With a picture of another size, as here, an old segment behind the new init segment
# no longer decodes (it does behind its own), and a player or a cache that loaded init.mp4 before has other bytes under the same URL
# than one that loads it now. A name of its own for every run (`-hls_fmp4_init_filename`) saves the old file, but the playlist then
# names the new file for the old segments as well.
set -euo pipefail

for tool in ffmpeg ffprobe; do
  command -v $tool >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ffmpeg -version | head -n 1

# SIZE INIT; appends two one-second segments to live.m3u8
broadcast() {
  ffmpeg -loglevel error -nostdin -f lavfi -i "testsrc=size=$1:rate=10:duration=2" \
    -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -keyint_min 10 \
    -f hls -hls_time 1 -hls_list_size 10 -hls_flags append_list+omit_endlist \
    -hls_segment_type fmp4 -hls_fmp4_init_filename "$2" live.m3u8
}

# INIT SEGMENT; prints how many complaints the decoder has about the segment behind the init segment
complaints() {
  cat "$1" "$2" >joined.mp4
  { ffmpeg -loglevel error -nostdin -i joined.mp4 -f null - 2>&1 || true; } | wc -l
}

broadcast 160x90 init.mp4
cp init.mp4 first-init.mp4
broadcast 320x180 init.mp4
cat live.m3u8
maps=$(grep -c '^#EXT-X-MAP' live.m3u8)
oldListed=$(grep -c '^live0.m4s' live.m3u8)
width=$(ffprobe -loglevel error -show_entries stream=width -of csv=p=0 init.mp4)
behindOwn=$(complaints first-init.mp4 live0.m4s)
behindNew=$(complaints init.mp4 live0.m4s)
echo "init.mp4 is of the run that is $width pixels wide"
echo "the decoder's complaints about live0.m4s: $behindOwn behind its own init segment, $behindNew behind init.mp4"

rm -f live* init.mp4
broadcast 160x90 first.mp4
broadcast 320x180 second.mp4
named=$(grep '^#EXT-X-MAP' live.m3u8)
echo "with names of their own: $named"

[ "$maps" = 1 ] && [ "$oldListed" = 1 ] && [ "$width" = 320 ] && [ "$behindOwn" = 0 ] && [ "$behindNew" -gt 0 ] &&
  [ "$named" = '#EXT-X-MAP:URI="second.mp4"' ]
