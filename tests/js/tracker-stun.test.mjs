import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Gate } from '../../js/tracker/gate.js';
import { createTracker } from '../../js/tracker/index.js';
import { answerTo, createStun, isBinding } from '../../js/tracker/stun.js';
import { freeUdpPort } from './ports.mjs';

const ID = '000102030405060708090a0b';
/** @param {string} [attributes] in hexadecimal @param {{ type?: string, length?: number, cookie?: string }} [how] */
function request(attributes = '', { type = '0001', length, cookie = '2112a442' } = {}) {
  const size = length ?? attributes.length / 2;
  return Buffer.from(type + size.toString(16).padStart(4, '0') + cookie + ID + attributes, 'hex');
}

test('the answer has the address of the sender, masked', () => {
  // RFC 5769 section 2.2 and 2.3: 192.0.2.1 and 2001:db8:1234:5678:11:2233:4455:6677, port 32853, of this transaction.
  const asked = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex');
  const v4 = answerTo(asked, { address: '192.0.2.1', port: 32853 });
  assert.equal(
    v4.toString('hex'),
    '0101000c2112a442b7e7a701bc34d686fa87dfae002000080001a147e112a643',
  );
  const v6 = answerTo(asked, { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 });
  assert.equal(v6.subarray(20).toString('hex'), '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9');
  const mapped = answerTo(asked, { address: '::ffff:192.0.2.1', port: 32853 });
  assert.deepEqual(mapped, v4);
  const short = answerTo(asked, { address: 'fe80::1%eth0', port: 1 });
  assert.equal(short.length, 44);
  assert.deepEqual([short[28] ^ 0x21, short[29] ^ 0x12, short[43] ^ 0xae], [0xfe, 0x80, 1]);
});

test('only a Binding request is answered, and none with an attribute that must be understood', () => {
  assert.equal(isBinding(request()), true);
  assert.equal(isBinding(request('8022000461626364')), true, 'SOFTWARE');
  assert.equal(isBinding(request('802200026162ffff')), true, 'padding');
  for (const [why, bytes] of /** @type {[string, Buffer][]} */ ([
    ['nothing', Buffer.alloc(0)],
    ['too short', request().subarray(0, 19)],
    ['another method', request('', { type: '0003' })],
    ['an answer', request('', { type: '0101' })],
    ['another cookie', request('', { cookie: '2112a443' })],
    ['a length that lies', request('', { length: 4 })],
    ['bytes behind it', Buffer.concat([request(), Buffer.alloc(4)])],
    ['USERNAME', request('0006000461626364')],
    ['an attribute that does not fit', request('8022000861626364')],
    ['half an attribute', request('8022')],
  ])) {
    assert.equal(isBinding(bytes), false, why);
  }
});

/** @param {number} port @param {Buffer[]} requests @returns {Promise<Buffer>} the first answer */
async function ask(port, ...requests) {
  const socket = createSocket('udp4');
  try {
    for (const one of requests) socket.send(one, port, '127.0.0.1');
    const [answer] = await once(socket, 'message');
    assert.equal(answer.readUInt16BE(26) ^ 0x2112, socket.address().port);
    return answer;
  } finally {
    socket.close();
  }
}

test('an address is answered so many times a minute', async () => {
  const counters = { answered: 0, ignored: 0 };
  const stun = await createStun({ host: '127.0.0.1', port: 0 }, new Gate(2), counters);
  try {
    const answer = await ask(stun.port, Buffer.from('noise'), request());
    assert.equal(answer.subarray(8, 20).toString('hex'), ID);
    await ask(stun.port, request());
    const late = createSocket('udp4');
    late.send(request(), stun.port, '127.0.0.1');
    while (counters.ignored < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    late.close();
    assert.deepEqual(counters, { answered: 2, ignored: 2 });
  } finally {
    stun.close();
  }
});

test('a tracker answers at --stun-port, counts it in /metrics, and lets go of the port', async () => {
  const stunPort = await freeUdpPort();
  const tracker = await createTracker({ port: 0, stunPort });
  try {
    await ask(stunPort, request());
    const { port } = tracker;
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assert.match(metrics, /hlsmesh_tracker_stun_requests_total\{outcome="answered"\} 1\n/);
  } finally {
    await tracker.close();
  }
  const again = createSocket('udp4').bind(stunPort, '127.0.0.1');
  await once(again, 'listening');
  // A port that is taken keeps nobody from being introduced.
  /** @type {string[]} */
  const lines = [];
  const second = await createTracker({ port: 0, stunPort, log: (line) => lines.push(line) });
  await second.close();
  again.close();
  assert.match(lines.join('\n'), new RegExp(`STUN.*${stunPort}`));
});
