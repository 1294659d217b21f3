#!/usr/bin/env bash
# `Content-Security-Policy: webrtc 'block'` blocks nothing in Chromium 156 (Debian's chromium 156.0.8078.114) and in Firefox 153
# (firefox-esr 153.8.0): two RTCPeerConnections of the page connect.
#
# W3C's "Content Security Policy Level 3" (directive webrtc) says that with it no candidate is found and no connection becomes
# "connected". Chromium calls the directive unrecognized in its console, Firefox says nothing in the page, and no other directive
# stands in: `default-src 'none'` and `connect-src 'none'`, which are sent here as well, do not reach WebRTC. A site that relies on
# its policy lets every script of the page send data to any address. Chromium's own header Connection-Allowlist does block it.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
firefox=${FIREFOX_PATH:-/usr/bin/firefox-esr}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
[ -x "$firefox" ] || { echo "Debian's package firefox-esr is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1

cat >connect.mjs <<'JS'
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';

const WAIT_MS = 8_000;
const POLICY = "default-src 'none'; connect-src 'none'; webrtc 'block'";
const [, , chromium, firefox] = process.argv;

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.setHeader('content-security-policy', POLICY);
  response.end('<p>page</p>');
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

/** Runs in the page: how far two of its connections come, and whether it may fetch. */
async function connect(waitMs) {
  const one = new RTCPeerConnection();
  const two = new RTCPeerConnection();
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
  const fetched = await fetch(location.href).then(
    () => 'allowed',
    () => 'blocked',
  );
  return { webrtc: one.connectionState, fetch: fetched };
}

let asDescribed = true;
for (const [name, executablePath] of [
  ['chrome', chromium],
  ['firefox', firefox],
]) {
  const args =
    name === 'chrome'
      ? [
          '--disable-features=WebRtcHideLocalIpsWithMdns',
          ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
        ]
      : [];
  const browser = await puppeteer.launch({ browser: name, executablePath, headless: true, args });
  const page = await browser.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const seen = await page.evaluate(connect, WAIT_MS);
  console.log(await browser.version(), JSON.stringify(seen), said.filter((text) => /webrtc/.test(text)));
  asDescribed &&= seen.webrtc === 'connected' && seen.fetch === 'blocked';
  await browser.close();
}
server.close();
process.exit(asDescribed ? 0 : 1);
JS
node connect.mjs "$chromium" "$firefox"
