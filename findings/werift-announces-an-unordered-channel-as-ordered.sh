#!/usr/bin/env bash
# werift 0.25.2 (npm) announces a channel as ordered when it is opened with `ordered: false` and `maxRetransmits` or
# `maxPacketLifeTime`.
#
# The opener's own channel has `ordered` false, the one that arrives at the other side has true. With `ordered: false` alone both
# have false. RFC 8832 (5.1) has a channel type for each of the two limits with an unordered channel, 0x81 and 0x82; werift sends
# 0x01 and 0x02, those of the ordered ones. It does understand 0x81: a channel that node-datachannel 0.33.4 opens so arrives as
# unordered. W3C's "WebRTC: Real-Time Communication in Browsers" gives the arriving channel what was announced, so a browser that
# such a peer opens a channel to sends in order over it, and each of its messages waits at the opener for those before it to come
# or to be given up, which the opener asked to be without. Code that tells channels apart by `ordered` finds none of its kind.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund werift@0.25.2 node-datachannel@0.33.4

cat >announce.mjs <<'JS'
import { readFileSync } from 'node:fs';
import * as polyfill from 'node-datachannel/polyfill';
import { RTCPeerConnection as Werift } from 'werift';

const LIMIT_MS = 60_000;
setTimeout(() => process.exit(1), LIMIT_MS).unref();

for (const name of ['werift', 'node-datachannel']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const of = ({ ordered, maxRetransmits, maxPacketLifeTime }) => ({
  ordered,
  maxRetransmits: maxRetransmits ?? null,
  maxPacketLifeTime: maxPacketLifeTime ?? null,
});
const gathered = (connection) =>
  new Promise((done) => {
    const look = () => connection.iceGatheringState === 'complete' && done();
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });

/** What the two ends of a channel that Opening opens, and werift accepts, say of it. */
async function open(Opening, asked) {
  const opener = new Opening({ iceServers: [] });
  const accepting = new Werift({ iceServers: [] });
  const arrived = new Promise((done) => (accepting.ondatachannel = ({ channel }) => done(channel)));
  const channel = opener.createDataChannel('media', asked);
  await opener.setLocalDescription(await opener.createOffer());
  if (opener instanceof polyfill.RTCPeerConnection) await gathered(opener);
  await accepting.setRemoteDescription(opener.localDescription);
  await accepting.setLocalDescription(await accepting.createAnswer());
  await opener.setRemoteDescription(accepting.localDescription);
  const seen = { opener: of(channel), accepted: of(await arrived) };
  await Promise.all([opener.close(), accepting.close()]);
  return seen;
}

const UNORDERED = { ordered: false };
const ONCE = { ordered: false, maxRetransmits: 0 };
const BRIEFLY = { ordered: false, maxPacketLifeTime: 500 };
const seen = [];
for (const asked of [UNORDERED, ONCE, BRIEFLY]) {
  const ends = await open(Werift, asked);
  console.log('opened by werift', JSON.stringify({ asked, ...ends }));
  seen.push(ends);
}
const witness = await open(polyfill.RTCPeerConnection, ONCE);
console.log('opened by node-datachannel', JSON.stringify({ asked: ONCE, ...witness }));

const [unordered, once, briefly] = seen;
const asDescribed =
  seen.every(({ opener }) => opener.ordered === false) &&
  unordered.accepted.ordered === false &&
  once.accepted.ordered === true &&
  once.accepted.maxRetransmits === 0 &&
  briefly.accepted.ordered === true &&
  briefly.accepted.maxPacketLifeTime === 500 &&
  witness.accepted.ordered === false &&
  witness.accepted.maxRetransmits === 0;
process.exit(asDescribed ? 0 : 1);
JS
node announce.mjs
