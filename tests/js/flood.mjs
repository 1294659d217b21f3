/**
 * A program that floods a tracker from one address until it is killed: connections as fast as they are taken, and messages, good
 * and bad ones, as fast as they are read.
 */
import WebSocket from 'ws';

const [url, localAddress] = process.argv.slice(2);
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

for (let i = 0; i < CONNECTIONS; ++i) flood();
