#!/usr/bin/env bash
# nginx-rtmp 1.2.2 (Debian's libnginx-mod-rtmp 1:1.2.2+dfsg-3 with nginx 1.22.1) numbers HLS segments from 0 again after a pause of
# the publisher, under the file names that it used before, although `hls_continuous on` is set.
#
# `hls_continuous` goes on from the playlist on disk. The cleaner (`hls_cleanup`, which is on unless it is turned off) looks every
# two playlist lengths and deletes a playlist that was not written for one. So the numbers go on after a short pause; after one of
# three playlist lengths they begin with 0, and live-0.ts and the names after it carry other bytes than before, within the time for
# which a cache may keep them. `hls_cleanup off` prevents that; so does `master_process off`, because the cleaner is a process of
# its own. With `hls_fragment_naming system` the names do not come again.
set -euo pipefail

module=/usr/lib/nginx/modules/ngx_rtmp_module.so
for file in /usr/sbin/nginx /usr/bin/ffmpeg /usr/bin/node "$module"; do
  [ -e "$file" ] || { echo "$file is missing; Debian's packages are nginx, libnginx-mod-rtmp, ffmpeg and nodejs" >&2; exit 2; }
done
folder=$(mktemp -d)
nginx=
trap '[ -z "$nginx" ] || kill "$nginx"; wait; rm -rf "$folder"' EXIT
cd "$folder"
# The workers of nginx are another user's.
mkdir air
chmod 755 .
chmod 777 air
port=$(node -e 'const server = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
  server.close();
})')
cat >nginx.conf <<CONF
daemon off; pid $folder/nginx.pid; error_log stderr error;
load_module $module; events {}
rtmp { server { listen 127.0.0.1:$port; application air {
  live on; hls on; hls_path $folder/air; hls_fragment 1s; hls_playlist_length 5s; hls_continuous on;
} } }
CONF
/usr/sbin/nginx -v
dpkg-query --show libnginx-mod-rtmp || true
/usr/sbin/nginx -p "$folder" -c "$folder/nginx.conf" &
nginx=$!
sleep 1

# PICTURE SECONDS
publish() {
  ffmpeg -loglevel error -nostdin -re -f lavfi -i "$1=size=160x90:rate=10:duration=$2" \
    -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 10 -keyint_min 10 \
    -f flv "rtmp://127.0.0.1:$port/air/live"
}
listed() { grep -v -e EXTINF -e VERSION -e TARGET -e EXTM3U air/live.m3u8 | paste -s -d ' '; }
sequence() { sed -n 's/^#EXT-X-MEDIA-SEQUENCE://p' air/live.m3u8; }

publish testsrc 8
echo "first broadcast:          $(listed)"
before=$(cksum <air/live-6.ts)
sleep 1
publish testsrc 3
echo "after a pause of 1 s:     $(listed)"
afterShort=$(sequence)
for ((waited = 0; waited < 20; waited++)); do
  [ -e air/live.m3u8 ] || break
  sleep 1
done
publish smptebars 8
echo "after a pause of $waited s:    $(listed)"
afterLong=$(sequence)
after=$(cksum <air/live-6.ts)
echo "live-6.ts (sum, bytes): $before at first, $after now"
[ "$afterShort" -gt 3 ] && [ "$afterLong" -le 3 ] && [ "$before" != "$after" ]
