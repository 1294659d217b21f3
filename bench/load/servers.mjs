/**
 * The servers under load, each in a process of its own, by the name in its first argument.
 * Tells its port, and whenever asked, the CPU time and the memory that it has used.
 */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { createTracker } from '../../js/tracker/index.js';

// The number of parents that the tracker names by default.
const PARENTS = 3;

// All peers of the load have one address, and wait for their turn to enter.
const UNBOUNDED = 2 ** 31 - 1;

async function tracker() {
  const { port } = await createTracker({
    port: 0,
    handshakesPerAddress: UNBOUNDED,
    pendingPerAddress: UNBOUNDED,
    limits: {
      maxConnectionsPerAddress: UNBOUNDED,
      entersPerAddressPerMinute: UNBOUNDED,
      messagesPerAddress: UNBOUNDED,
      enterTimeoutMs: 3_600_000,
    },
  });
  return port;
}

async function bittorrentTracker() {
  // Installed by the bench when it runs, so nobody knows its types.
  const entry = '../rivals/node_modules/bittorrent-tracker/server.js';
  const { default: Server } = await import(entry);
  const server = new Server({ udp: false, http: false, ws: true, stats: false });
  server.on('error', (/** @type {Error} */ error) => console.error(error));
  server.on('warning', (/** @type {Error} */ error) => console.error(error.message));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.ws.address().port;
}

/**
 * @param {(ws: import('ws').WebSocket, url: string) => void} connected
 * @returns {Promise<number>} the port of a plain `ws` server
 */
async function listen(connected) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    clientTracking: false,
  });
  server.on('connection', (ws, { url = '/' }) => connected(ws, url));
  await once(server, 'listening');
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** A bare relay: two sockets that connect to the same path are a pair, and their messages are forwarded unread. */
function bareRelay() {
  /** @type {Map<string, import('ws').WebSocket>} */
  const waiting = new Map();
  return listen((ws, url) => {
    const other = waiting.get(url);
    if (!other) {
      waiting.set(url, ws);
      return;
    }
    waiting.delete(url);
    ws.on('message', (data, binary) => other.send(data, { binary }));
    other.on('message', (data, binary) => ws.send(data, { binary }));
  });
}

/**
 * A relay of the tracker's messages without decisions: a peer that enters gets the three that entered its channel last, and a
 * message that begins with a number goes to the peer of that number, unread.
 */
function addressedRelay() {
  /** @typedef {import('ws').WebSocket & { channel: number, index: number }} Socket */
  /** @type {Socket[]} */
  const peers = [];
  /** @type {Map<number, number[]>} */
  const channels = new Map();
  /** @this {Socket} @param {Buffer} data @param {boolean} binary */
  function heard(data, binary) {
    const to = Number.parseInt(data.toString('latin1', 0, 8), 10);
    if (!Number.isNaN(to)) {
      peers[to].send(data, { binary });
    } else if (data[0] === 'e'.charCodeAt(0)) {
      const entered = channels.get(this.channel) ?? [];
      channels.set(this.channel, entered);
      this.send(`accept ${entered.slice(-PARENTS).join(',')} `);
      entered.push(this.index);
    }
  }
  return listen((ws, url) => {
    const [channel, index] = url.slice(1).split('/').map(Number);
    const peer = /** @type {Socket} */ (Object.assign(ws, { channel, index }));
    peers[index] = peer;
    peer.on('message', /** @type {any} */ (heard));
  });
}

const SERVERS = {
  tracker,
  'tracker, trickling': tracker,
  'bittorrent-tracker': bittorrentTracker,
  'ws, addressed': addressedRelay,
  ws: bareRelay,
};
const port = await SERVERS[/** @type {keyof typeof SERVERS} */ (process.argv[2])]();

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
process.on('message', async () => {
  const until = cpuSeconds();
  // The amount of garbage at this moment is chance; the rest is the cost of a connection. So garbage is collected first, outside
  // of the measurement.
  for (let i = 0; i < 3; ++i) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.send?.({ until, from: cpuSeconds(), rss: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port });
