#!/usr/bin/env bash
# ffmpeg 5.1.9 (Debian 7:5.1.9-0+deb12u1), started again with `-hls_flags append_list -hls_start_number_source epoch`, gives other
# media sequence numbers to the segments that it has already listed.
#
# The second run takes over the old playlist's segments and sets EXT-X-MEDIA-SEQUENCE to the second at which it began itself. Their
# files keep the names with the old numbers; new files have the numbers that follow on the new ones. If a run is started again
# before its numbers have caught up with the clock, as with segments shorter than a second, a number may even name one segment
# before and another one after. RFC 8216 (6.2.2) lets the number of the first segment grow by one for each segment removed, and
# by nothing else: players and caches that know a segment by its number take the old segments for new ones. Without `epoch` the
# numbers go on.
set -euo pipefail

command -v ffmpeg >/dev/null || { echo "Debian's package ffmpeg is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ffmpeg -version | head -n 1

# SECONDS SOURCE of the first number; appends one-second segments to live.m3u8
broadcast() {
  ffmpeg -loglevel error -nostdin -f lavfi -i "testsrc=size=160x90:rate=10:duration=$1" \
    -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -keyint_min 10 \
    -f hls -hls_time 1 -hls_list_size 10 -hls_flags append_list+omit_endlist -hls_start_number_source "$2" live.m3u8
}

# prints "NUMBER FILE" for every segment listed
numbers() {
  awk -F: '/^#EXT-X-MEDIA-SEQUENCE:/ { number = $2 } !/^#/ { print number++, $0 }' live.m3u8
}

# SOURCE; prints how many of the three segments of the first run have another number after the second
renumbered() {
  rm -f live*
  broadcast 3 "$1"
  numbers >first
  sleep 6
  broadcast 2 "$1"
  numbers >second
  {
    echo "$1, first run:"
    cat first
    echo "$1, second run:"
    cat second
  } >&2
  awk 'NR == FNR { number[$2] = $1; next } $2 in number && number[$2] != $1 { count++ } END { print count + 0 }' first second
}

byClock=$(renumbered epoch)
byList=$(renumbered generic)
echo "segments with another number: $byClock of 3 with epoch, $byList of 3 with generic"
[ "$byClock" = 3 ] && [ "$byList" = 0 ]
