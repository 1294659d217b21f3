/** js/tracker/reader.js reads what ws would, whatever comes and however it is cut. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import * as ws from 'ws';

import { readingInto } from '../../js/tracker/into-buffer.js';
import { readAhead } from '../../js/tracker/reader.js';
import { selfSigned } from './certificate.mjs';

const MOST_BYTES = 1000;
const MASK = Buffer.from([0x12, 0xf4, 0x56, 0x80]);

/** @param {number} first the byte with FIN, RSV and opcode @param {string | Buffer} payload @param {number} [sizeBytes] of the size */
function frame(first, payload, sizeBytes) {
  const data = Buffer.from(payload);
  const bytes = sizeBytes ?? (data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8);
  const size = Buffer.alloc(bytes);
  if (bytes === 2) size.writeUInt16BE(data.length);
  if (bytes === 8) size.writeUInt32BE(data.length, 4);
  const mark = bytes === 0 ? data.length : bytes === 2 ? 126 : 127;
  const masked = data.map((byte, at) => byte ^ MASK[at % 4]);
  return Buffer.concat([Buffer.from([first, 0x80 | mark]), size, MASK, masked]);
}

const TEXT = 0x81;
const PING = 0x89;
const PONG = 0x8a;

/** What a client may send, and what it may not. @type {Record<string, Buffer>} */
const FRAMES = {
  empty: frame(TEXT, ''),
  short: frame(TEXT, '{"action":"ping"}'),
  'not ASCII': frame(TEXT, '{"os":"Ἀνδρόϊδ 😀"}'),
  125: frame(TEXT, 'a'.repeat(125)),
  126: frame(TEXT, 'b'.repeat(126)),
  longest: frame(TEXT, 'c'.repeat(MOST_BYTES)),
  ping: frame(PING, 'are you there?'),
  'empty ping': frame(PING, ''),
  pong: frame(PONG, ''),
  'a size in two bytes that needs none': frame(TEXT, 'short', 2),
  'a size in eight bytes': frame(TEXT, 'short', 8),
  binary: frame(0x82, 'bytes'),
  'in two': Buffer.concat([frame(0x01, '{"action":'), frame(PING, 'between'), frame(0x80, '1}')]),
};
/** After these nothing more is read. @type {Record<string, Buffer>} */
const LAST = {
  close: frame(0x88, Buffer.from([3, 232])),
  'not UTF-8': frame(TEXT, Buffer.from([0x7b, 0xff, 0x7d])),
  'a surrogate': frame(TEXT, Buffer.from([0xed, 0xa0, 0x80])),
  'too long': frame(TEXT, 'd'.repeat(MOST_BYTES + 1)),
  'far too long': frame(TEXT, '', 8).fill(0xff, 2, 10),
  unmasked: Buffer.from([TEXT, 2, 0x68, 0x69]),
  'a reserved bit': frame(0xc1, 'x'),
  'an unknown kind': frame(0x83, 'x'),
  'a control frame in parts': frame(0x09, 'x'),
  'a long ping': frame(PING, 'e'.repeat(126)),
  'a text amid another': Buffer.concat([frame(0x01, '{'), frame(TEXT, 'x')]),
  'the end of nothing': frame(0x80, 'x'),
};

/** @param {Buffer[]} chunks @param {boolean} ahead @returns {string[]} what is heard */
function heard(chunks, ahead) {
  /** @type {string[]} */
  const events = [];
  const raw = new EventEmitter();
  const { Receiver } = /** @type {any} */ (ws);
  const receiver = new Receiver({
    isServer: true,
    maxPayload: MOST_BYTES,
    allowSynchronousEvents: true,
  });
  const tell = {
    /** @param {unknown} _ @param {Buffer} data */
    text: (_, data) => void events.push(`text ${data}`),
    /** @param {unknown} _ @param {Buffer} data */
    ping: (_, data) => void events.push(`ping ${data}`),
    pong: () => void events.push('pong'),
  };
  /** @param {Buffer} chunk */
  const ofWs = (chunk) => receiver.write(chunk);
  receiver.on('message', (/** @type {Buffer} */ data, /** @type {boolean} */ isBinary) =>
    isBinary ? events.push(`binary ${data}`) : tell.text(null, data),
  );
  receiver.on('ping', (/** @type {Buffer} */ data) => tell.ping(null, data)).on('pong', tell.pong);
  receiver.on('conclude', (/** @type {number} */ code) => {
    events.push(`closed ${code}`);
    raw.off('data', ofWs);
  });
  // Told in the next turn: what is wrong, ws knows before it reads on.
  receiver.on('error', (/** @type {NodeJS.ErrnoException} */ { code }) => events.push(`${code}`));
  raw.on('data', ofWs);
  if (ahead) readAhead(MOST_BYTES, tell)({}, /** @type {any} */ (raw));
  for (const chunk of chunks) raw.emit('data', Buffer.from(chunk));
  return events;
}

/** @param {Buffer} bytes @param {(left: number) => number} next the size of each part */
function cut(bytes, next) {
  const chunks = [];
  for (let at = 0; at < bytes.length;) {
    const size = next(bytes.length - at);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** @param {number} seed @returns {(below: number) => number} */
function seeded(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** @param {Buffer[]} chunks @param {string} name */
async function assertSame(chunks, name) {
  const [ours, theirs] = [heard(chunks, true), heard(chunks, false)];
  await new Promise(setImmediate);
  assert.deepEqual(ours, theirs, name);
  return ours;
}

test('each kind of frame is heard as by ws, whole and byte by byte', async () => {
  const before = FRAMES.short;
  for (const [name, bytes] of Object.entries({ ...FRAMES, ...LAST })) {
    const all = Buffer.concat([before, bytes]);
    const events = await assertSame([all], name);
    assert.ok(events.length > 1, `nothing of '${name}' was heard`);
    assert.deepEqual(
      await assertSame(
        cut(all, () => 1),
        name,
      ),
      events,
    );
    for (let first = 1; first < Math.min(all.length, 60); ++first) {
      await assertSame([all.subarray(0, first), all.subarray(first)], `${name}, cut at ${first}`);
    }
  }
});

test('frames in any order and cut anyhow are heard as by ws', async () => {
  const random = seeded(13);
  const frames = Object.values(FRAMES);
  const last = Object.values(LAST);
  for (let run = 0; run < 300; ++run) {
    const some = Array.from({ length: 1 + random(8) }, () => frames[random(frames.length)]);
    const all = Buffer.concat([...some, last[random(last.length)]]);
    const most = 1 + random(run % 2 ? 40 : 1500);
    await assertSame(
      cut(all, () => 1 + random(most)),
      `run ${run}`,
    );
  }
});

test('what ws keeps of the buffer that all sockets are read into stays as it came', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = new ws.WebSocketServer({ noServer: true, perMessageDeflate: false });
  /** @type {string[]} */
  const heard = [];
  let events = 0;
  const told = new EventEmitter();
  const tell = (/** @type {Buffer} */ data) => {
    heard.push(String(data));
    told.emit('heard');
  };
  const readOn = readAhead(65_536, { text: (_, data) => tell(data), ping() {}, pong() {} });
  server.on('upgrade', (request, raw, head) =>
    accepting.handleUpgrade(request, raw, head, (socket) => {
      socket.on('message', (/** @type {Buffer} */ data) => tell(data));
      readOn(socket, raw);
      raw.on('data', () => ++events);
    }),
  );
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const open = async () => {
    const client = new ws.WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    await once(client, 'open');
    return client;
  };
  const [slow, busy] = [await open(), await open()];
  const say = async (/** @type {string} */ text) => {
    busy.send(text);
    await once(told, 'heard');
  };
  // Begun by us; by ws, from the first part of the message on; and two more parts, each alone.
  slow.send('first');
  await once(told, 'heard');
  for (const [part, fin] of /** @type {[string, boolean][]} */ ([
    ['{"a":', false],
    ['[1,', false],
    ['2]}', true],
  ])) {
    slow.send(part, { fin });
    if (fin) await once(told, 'heard');
    else await say('x'.repeat(30_000));
  }
  const long = `{"b":"${'y'.repeat(60_000)}"}`;
  await say(long);
  assert.deepEqual(
    heard.map((text) => text.slice(0, 11)),
    ['first', 'xxxxxxxxxxx', 'xxxxxxxxxxx', '{"a":[1,2]}', '{"b":"yyyyy'],
  );
  assert.equal(heard.at(-1), long);
  assert.equal(
    events,
    0,
    'this Node reads as before: into-buffer.js does not know how it keeps `onread`',
  );
  slow.terminate();
  busy.terminate();
  server.close();
});

const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: tracker.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

/**
 * Reads the WebSockets of an HTTP server ahead.
 * @param {import('node:http').Server} server @param {string[]} texts @param {(socket: any, raw: any) => void} [opened]
 * @param {number} [most] the most bytes of a message
 */
function readAheadOf(server, texts, opened, most = 65_536) {
  const accepting = new ws.WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: most,
  });
  const text = (/** @type {unknown} */ _, /** @type {Buffer} */ data) => {
    texts.push(String(data));
  };
  const readOn = readAhead(most, { text, ping() {}, pong() {} });
  server.on('upgrade', (request, raw, head) =>
    accepting.handleUpgrade(request, raw, head, (socket) => {
      socket.on('error', (error) => texts.push(error.message));
      readOn(socket, raw);
      opened?.(socket, raw);
    }),
  );
}

/** @param {() => boolean} done */
async function until(done) {
  for (const end = Date.now() + 10_000; !done();) {
    assert.ok(Date.now() < end, 'it does not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('frames that come with the request are heard first, also over TLS within a stream that is no socket', async (t) => {
  /** @type {string[]} */
  const texts = [];
  const secure = createSecureServer(selfSigned('tracker.example'));
  readAheadOf(secure, texts);
  const server = createTcpServer((tcp) => {
    const stream = new Duplex({
      read() {},
      write: (chunk, _, done) => void tcp.write(chunk, done),
      final: (done) => void tcp.end(done),
    });
    // All that the client says after the handshake comes at once.
    /** @type {Buffer[]} */
    const kept = [];
    tcp.on('data', (chunk) => {
      if (!secured) stream.push(chunk);
      else if (kept.push(chunk) && Buffer.concat(kept).length > sent)
        stream.push(Buffer.concat(kept));
    });
    // The client goes without a word, and what was on its way to it is refused.
    tcp.on('error', () => {});
    tcp.on('close', () => stream.destroy());
    secure.emit('connection', stream);
  });
  let secured = false;
  secure.on('secureConnection', () => (secured = true));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const client = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => {
    client.destroy();
    server.close();
  });
  await once(client, 'secureConnect');
  await until(() => secured);
  // In several of TLS's records, which have 16 KiB at most.
  const said = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(15_000));
  const bytes = Buffer.concat([Buffer.from(UPGRADE), ...said.map((text) => frame(TEXT, text))]);
  const sent = bytes.length;
  client.write(bytes);
  await until(() => texts.length === said.length || texts.some((text) => !said.includes(text)));
  assert.deepEqual(
    texts.map((text) => text.slice(0, 20)),
    said.map((text) => text.slice(0, 20)),
  );
});

test('after a close ws is given nothing more of what comes', async (t) => {
  const server = createServer();
  let writes = 0;
  /** @type {any} */
  let raw;
  readAheadOf(server, [], (socket, its) => {
    raw = its;
    const { _receiver: receiver } = socket;
    const write = receiver.write.bind(receiver);
    receiver.write = (/** @type {Buffer} */ bytes) => {
      ++writes;
      return write(bytes);
    };
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => {
    client.destroy();
    raw?.destroy();
    server.close();
  });
  client.write(UPGRADE);
  await once(client, 'data');
  client.write(frame(0x88, Buffer.from([3, 232])));
  await once(client, 'data');
  const { bytesRead } = raw;
  client.write(frame(TEXT, 'later'));
  await until(() => raw.bytesRead > bytesRead);
  assert.equal(writes, 1, 'the close alone');
});

test('what a client sends after its last frame keeps no connection open', async (t) => {
  const server = createServer();
  /** @type {string[]} */
  const errors = [];
  let open = 0;
  const opened = (/** @type {import('ws').WebSocket} */ socket) => {
    ++open;
    socket.on('close', () => --open);
  };
  readAheadOf(server, errors, opened, MOST_BYTES);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const last = Object.entries(LAST);
  await Promise.all(
    last.map(async ([, bytes]) => {
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay();
      t.after(() => client.destroy());
      client.write(UPGRADE);
      await once(client, 'data');
      client.write(bytes);
      await once(client, 'data');
      // What had been under way.
      for (let more = 0; more < 3; ++more) {
        client.write(FRAMES.longest);
        await sleep(20);
      }
      client.end().resume();
    }),
  );
  // By itself ws gives up waiting for the end after 30 s.
  await until(() => open === 0);
  assert.equal(errors.length, last.length - 1, 'a close is no error, and an error is told once');
});

test('what is no socket of Node is read as before', () => {
  const into = readingInto(() => assert.fail());
  assert.equal(into(new EventEmitter()), false);
  assert.equal(into({ _handle: { useUserBuffer: () => assert.fail() } }), false);
});
