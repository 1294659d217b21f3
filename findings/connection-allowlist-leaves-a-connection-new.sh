#!/usr/bin/env bash
# Under the response header Connection-Allowlist, Chromium 156 (Debian's chromium 156.0.8078.114) ends an RTCPeerConnection without
# saying so in `connectionState`: `iceConnectionState` becomes "failed" while `connectionState` stays "new", and
# `connectionstatechange` never fires.
#
# The header is enforced without a flag or an origin trial. W3C's "WebRTC: Real-Time Communication in Browsers" has connectionState
# "failed" as soon as any transport has failed, so a page that waits for that state, as most do since `iceconnectionstatechange` is
# the older event, waits for ever: neither "failed" nor "closed" comes. Without the header the same two connections become
# "connected".
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1

cat >connect.mjs <<'JS'
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const WAIT_MS = 8_000;

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  if (request.url === '/with-list') response.setHeader('connection-allowlist', '("*://*:*/*")');
  response.end('<p>page</p>');
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  headless: true,
  args: [
    '--disable-features=WebRtcHideLocalIpsWithMdns',
    ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
  ],
});
console.log(await browser.version());

async function connect(path) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
  const seen = await page.evaluate(async (waitMs) => {
    const one = new RTCPeerConnection();
    const two = new RTCPeerConnection();
    const states = [];
    one.onconnectionstatechange = () => states.push(`connection ${one.connectionState}`);
    one.oniceconnectionstatechange = () => states.push(`ice ${one.iceConnectionState}`);
    one.onicecandidate = ({ candidate }) => candidate && two.addIceCandidate(candidate);
    two.onicecandidate = ({ candidate }) => candidate && one.addIceCandidate(candidate);
    one.createDataChannel('x');
    await one.setLocalDescription();
    await two.setRemoteDescription(one.localDescription);
    await two.setLocalDescription();
    await one.setRemoteDescription(two.localDescription);
    const end = performance.now() + waitMs;
    while (performance.now() < end && one.connectionState !== 'connected') {
      await new Promise((over) => setTimeout(over, 50));
    }
    return { states, connection: one.connectionState, ice: one.iceConnectionState };
  }, WAIT_MS);
  await page.close();
  return seen;
}

const seen = { without: await connect('/'), listed: await connect('/with-list') };
console.log(JSON.stringify(seen, null, 1));
await browser.close();
server.close();
const asDescribed =
  seen.without.connection === 'connected' &&
  seen.listed.connection === 'new' &&
  seen.listed.ice === 'failed' &&
  seen.listed.states.every((state) => !state.startsWith('connection'));
process.exit(asDescribed ? 0 : 1);
JS
node connect.mjs "$chromium"
