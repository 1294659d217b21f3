#!/usr/bin/env bash
# node-datachannel 0.33.4 (npm) shows every channel that the other side opened as ordered and reliable, in the RTCDataChannel of
# its `node-datachannel/polyfill`.
#
# A channel made with `ordered: false, maxRetransmits: 0` comes in `datachannel` with `ordered` true and `maxRetransmits` null.
# werift 0.24.4 in the same place has false and 0, so the opener did say it; W3C's "WebRTC: Real-Time Communication in Browsers"
# sets both to what it said. Code that tells channels apart by what they promise, or that numbers its messages only where they may
# be lost, takes a lossy channel for a safe one. The opener's own `id` is 65535 before the channel is open and after, where W3C has
# null and then the number of the stream, so that the two ends differ in `id` as well.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-datachannel@0.33.4 werift@0.24.4

cat >accept.mjs <<'JS'
import { readFileSync } from 'node:fs';
import * as polyfill from 'node-datachannel/polyfill';
import { RTCPeerConnection as Werift } from 'werift';

const ASKED = { ordered: false, maxRetransmits: 0 };
const LIMIT_MS = 20_000;
setTimeout(() => process.exit(1), LIMIT_MS).unref();

for (const name of ['node-datachannel', 'werift']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const of = ({ ordered, maxRetransmits, id }) => ({ ordered, maxRetransmits, id });
const gathered = (connection) =>
  new Promise((done) => {
    const look = () => connection.iceGatheringState === 'complete' && done();
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });

/** What the two ends of a channel that node-datachannel opens say of it. */
async function open(Accepting) {
  const opener = new polyfill.RTCPeerConnection({ iceServers: [] });
  const accepting = new Accepting({ iceServers: [] });
  const arrived = new Promise((done) => (accepting.ondatachannel = ({ channel }) => done(channel)));
  const channel = opener.createDataChannel('media', ASKED);
  const isOpen = new Promise((done) => channel.addEventListener('open', done));
  const idBefore = channel.id;
  await opener.setLocalDescription(await opener.createOffer());
  await gathered(opener);
  await accepting.setRemoteDescription(opener.localDescription);
  await accepting.setLocalDescription(await accepting.createAnswer());
  if (accepting instanceof polyfill.RTCPeerConnection) await gathered(accepting);
  await opener.setRemoteDescription(accepting.localDescription);
  const [other] = await Promise.all([arrived, isOpen]);
  return { idBefore, opener: of(channel), accepted: of(other) };
}

const same = await open(polyfill.RTCPeerConnection);
console.log('accepted by node-datachannel', JSON.stringify(same));
const witness = await open(Werift);
console.log('accepted by werift', JSON.stringify(witness));
const asDescribed =
  same.accepted.ordered === true &&
  same.accepted.maxRetransmits === null &&
  witness.accepted.ordered === false &&
  witness.accepted.maxRetransmits === 0 &&
  [same, witness].every(({ idBefore, opener }) => idBefore === 65535 && opener.id === 65535) &&
  [same, witness].every(({ accepted }) => accepted.id < 65535);
process.exit(asDescribed ? 0 : 1);
JS
node accept.mjs
