/**
 * A program whose connections, all from one address, each send less than any may and together far more than an address may, until
 * it is killed.
 */
import WebSocket from 'ws';

const [url, localAddress] = process.argv.slice(2);
const CONNECTIONS = 100;
const MESSAGES_PER_SECOND = 60;

const MESSAGE = '{"action":"statistics","level":1,"cdn":1,"p2p":1}';

function murmur() {
  const ws = new WebSocket(url, { localAddress, perMessageDeflate: false });
  let timer = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  ws.on('open', () => {
    ws.send('{"action":"enter","channel":"murmur"}');
    timer = setInterval(() => ws.send(MESSAGE), 1000 / MESSAGES_PER_SECOND);
  });
  ws.on('error', () => {});
  ws.on('close', () => {
    clearInterval(timer);
    setTimeout(murmur, 100);
  });
}

for (let i = 0; i < CONNECTIONS; ++i) murmur();
