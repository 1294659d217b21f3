/**
 * A program that floods a tracker from one address until it is killed: connections that stay and say nothing, others as fast as
 * they are taken, and on those messages, good and bad ones, as fast as they are read.
 */
import { once } from 'node:events';
import WebSocket from 'ws';

const [url, localAddress] = process.argv.slice(2);
const SILENT = 25;
const CONNECTIONS = 40;
const BURST = 200;

const MESSAGES = [
  'null',
  '{"action":"enter","channel":"flood"}',
  '{"action":"signal","to_peer_id":"x","data":"{}"}',
  '{"action":"statistics","level":1,"cdn":1,"p2p":1}',
  `{"action":"enter","channel":"${'x'.repeat(3000)}"}`,
];

function flood() {
  const ws = new WebSocket(url, { localAddress, perMessageDeflate: false });
  let timer = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  ws.on('open', () => {
    timer = setInterval(() => {
      for (let i = 0; i < BURST && ws.bufferedAmount < 1e6; ++i) {
        ws.send(MESSAGES[i % MESSAGES.length]);
      }
    }, 1);
  });
  ws.on('error', () => {});
  ws.on('close', () => {
    clearInterval(timer);
    setTimeout(flood, 1);
  });
}

// First, so that the others are too many whatever becomes of each.
const silent = Array.from({ length: SILENT }, () => new WebSocket(url, { localAddress }));
await Promise.all(silent.map((ws) => once(ws, 'open')));
for (let i = 0; i < CONNECTIONS; ++i) flood();
