#!/usr/bin/env bash
# A WebSocket that the page's Content-Security-Policy (connect-src) forbids never fires `close` in Chromium 156 (Debian's chromium
# 156.0.8078.108), and in Firefox 153 (firefox-esr 153.8.0) its constructor throws a value that is no instance of Error.
#
# Chromium returns a socket that is CLOSED (readyState 3) from the start and fires `error` only. A server that refuses the
# connection gives `error` and then `close` with code 1006, so that a reconnect or a fall-back written in onclose works in every
# test and never runs on a page with such a policy. Firefox throws NS_ERROR_CONTENT_BLOCKED with an empty message, and both
# `instanceof Error` and `instanceof DOMException` are false. The WebSocket Standard asks for neither: there, a connection that the
# policy blocks is one that failed, with `error` and `close`.
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

const WAIT_MS = 3_000;
const [, , chromium, firefox] = process.argv;

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  if (request.url === '/with-policy') {
    response.setHeader('content-security-policy', "connect-src 'self'");
  }
  response.end('<p>page</p>');
});
const refusing = createServer();
for (const each of [server, refusing]) {
  await new Promise((listening) => each.listen(0, '127.0.0.1', listening));
}
const closedPort = refusing.address().port;
await new Promise((closed) => refusing.close(closed));

async function connect(browser, path) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
  const seen = await page.evaluate(
    async (url, waitMs) => {
      const events = [];
      try {
        const socket = new WebSocket(url);
        events.push(`constructed, readyState ${socket.readyState}`);
        socket.onerror = () => events.push('error');
        socket.onclose = ({ code }) => events.push(`close ${code}`);
      } catch (thrown) {
        const isError = thrown instanceof Error || thrown instanceof DOMException;
        events.push(`threw ${thrown.name}, ${isError ? 'an' : 'no'} Error, message "${thrown.message}"`);
      }
      await new Promise((over) => setTimeout(over, waitMs));
      return events.join('; ');
    },
    `ws://127.0.0.1:${closedPort}/`,
    WAIT_MS,
  );
  await page.close();
  return seen;
}

const seen = {};
for (const [name, executablePath] of [
  ['chrome', chromium],
  ['firefox', firefox],
]) {
  const args = name === 'chrome' && process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await puppeteer.launch({ browser: name, executablePath, headless: true, args });
  console.log(await browser.version());
  seen[name] = {
    blocked: await connect(browser, '/with-policy'),
    refused: await connect(browser, '/'),
  };
  console.log(JSON.stringify(seen[name], null, 1));
  await browser.close();
}
server.close();

const refused = 'constructed, readyState 0; error; close 1006';
const asDescribed =
  seen.chrome.refused === refused &&
  seen.firefox.refused === refused &&
  seen.chrome.blocked === 'constructed, readyState 3; error' &&
  seen.firefox.blocked === 'threw NS_ERROR_CONTENT_BLOCKED, no Error, message ""';
process.exit(asDescribed ? 0 : 1);
JS
node connect.mjs "$chromium" "$firefox"
