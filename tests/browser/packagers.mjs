/** Live packagers besides ffmpeg, ended and started again (restart.mjs): `npm run test:packagers`, which installs them. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { restart } from './restart.mjs';

const RTMP_PORT = 19350;

/** @type {import('./packager.mjs').Command} */
const gstreamer = (broadcast) => [
  'gst-launch-1.0',
  [
    ...`-q videotestsrc is-live=true pattern=${broadcast === 1 ? 'ball' : 'smpte'}`.split(' '),
    ...'! video/x-raw,width=160,height=90,framerate=10/1'.split(' '),
    ...'! x264enc speed-preset=ultrafast tune=zerolatency key-int-max=10 ! h264parse'.split(' '),
    ...'! hlssink2 target-duration=1 playlist-length=5 max-files=10'.split(' '),
    ...'location=live%05d.ts playlist-location=live.m3u8'.split(' '),
  ],
];

/** @type {import('./packager.mjs').Command} */
const publisher = (broadcast) => [
  'ffmpeg',
  [
    ...'-hide_banner -loglevel error -nostdin -threads 1 -re -f lavfi'.split(' '),
    ...['-i', `testsrc=size=160x90:rate=10:decimals=${broadcast % 3}`],
    ...'-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 10'.split(' '),
    ...`-keyint_min 10 -f flv rtmp://127.0.0.1:${RTMP_PORT}/air/live`.split(' '),
  ],
];

/** @type {import('./packager.mjs').Server} */
async function nginx(dir) {
  const file = path.join(dir, 'nginx.conf');
  // With a master, because only that has the process which deletes old playlists: after that the numbers start over.
  await writeFile(
    file,
    `daemon off; user root; pid ${dir}/nginx.pid; error_log stderr error;
    load_module /usr/lib/nginx/modules/ngx_rtmp_module.so; events {}
    rtmp { server { listen 127.0.0.1:${RTMP_PORT}; application air {
      live on; hls on; hls_path ${dir}; hls_fragment 1s; hls_playlist_length 5s;
    } } }`,
  );
  const server = spawn('nginx', ['-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  server.on('error', (error) => console.error(`nginx: ${error.message}`));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return server;
}

for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGKILL', 'SIGINT'])) {
  test(`A3: GStreamer's hlssink2, ended by ${signal} and started again`, () =>
    restart(gstreamer, signal));
}

// nginx-rtmp goes on with the numbers that it had, until it deletes the playlist, one to three lengths after the last segment.
test('A3: nginx-rtmp without a publisher for longer than its playlist, and with one again', () =>
  restart(publisher, 'SIGTERM', { server: nginx, pauseMs: 17_000 }));
