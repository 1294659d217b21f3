import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { LOW_WATER_BYTES } from '../../js/abi.js';
import { FakeChannel, FakeConnection, settled } from './fake-rtc.mjs';

/** What the page listens to. @type {Map<string, (event: object) => void>} */
const page = new Map();
Object.assign(globalThis, {
  addEventListener: (/** @type {string} */ type, /** @type {any} */ listener) =>
    page.set(type, listener),
});
const { PeerConnections } = await import('../../js/rtc.js');
Reflect.deleteProperty(globalThis, 'addEventListener');

const NOTHING = new Uint8Array();

/** @type {any[][]} */
let events;
/** @type {import('../../js/rtc.js').PeerConnections} */
let peers;
/** @type {ConstructorParameters<typeof PeerConnections>[0]} */
let settings;

beforeEach(() => {
  events = [];
  settings = { rtcConfig: { iceServers: [] } };
  FakeConnection.made = [];
  FakeConnection.knows = true;
  Object.assign(globalThis, { RTCPeerConnection: FakeConnection });
  const note =
    (/** @type {string} */ name) =>
    (/** @type {any[]} */ ...args) =>
      void events.push([name, ...args]);
  peers = new PeerConnections(
    settings,
    {
      peerSignal: note('signal'),
      channelOpened: note('opened'),
      channelText: note('text'),
      channelBinary: note('binary'),
      channelWritable: note('writable'),
      peerClosed: note('closed'),
      connectionRefused: note('refused'),
    },
    note('warn'),
  );
});

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
});

/** A dialled peer whose channel is open. */
async function openPeer(handle = 1) {
  peers.dial(handle);
  await settled();
  const connection = /** @type {FakeConnection} */ (FakeConnection.made.at(-1));
  connection.connect();
  connection.channels[0].open();
  events.length = 0;
  return { connection, channel: connection.channels[0] };
}

/** The signals that were sent. */
const signals = () => events.map(([name, handle, json]) => [name, handle, JSON.parse(json)]);

test('dialling makes one ordered, reliable channel and one offer with all candidates', async () => {
  peers.dial(1);
  await settled();
  const [connection] = FakeConnection.made;
  assert.deepEqual(connection.config, { iceServers: [] });
  assert.deepEqual(connection.labels, [['hlsmesh', { ordered: true }]]);
  assert.deepEqual(signals(), [['signal', 1, { type: 'offer', sdp: 'my offer, early' }]]);
});

test('an offer leaves when the last candidate is found', async () => {
  FakeConnection.knows = false;
  peers.dial(1);
  await settled();
  const [connection] = FakeConnection.made;
  connection.found('last');
  await settled();
  assert.deepEqual(signals(), []);
  connection.gathered();
  await settled();
  assert.deepEqual(signals(), [['signal', 1, { type: 'offer', sdp: 'my offer, early, last' }]]);
});

test('an offer does not wait for ever, and what is found after it follows', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  FakeConnection.knows = false;
  peers.dial(1);
  await settled();
  t.mock.timers.tick(99);
  await settled();
  assert.deepEqual(signals(), []);
  t.mock.timers.tick(1);
  await settled();
  const [connection] = FakeConnection.made;
  connection.found('late');
  connection.gathered();
  assert.deepEqual(signals(), [
    ['signal', 1, { type: 'offer', sdp: 'my offer, early' }],
    ['signal', 1, { candidate: { candidate: 'late' } }],
  ]);
});

test('an answering peer answers the offer and takes the channel that comes with it', async () => {
  peers.answer(2);
  peers.signal(2, JSON.stringify({ candidate: { candidate: 'a' } }));
  peers.signal(2, JSON.stringify({ type: 'offer', sdp: 'theirs' }));
  peers.signal(2, JSON.stringify({ candidate: { candidate: 'unusable' } }));
  peers.signal(2, JSON.stringify({ candidate: { candidate: 'b' } }));
  await settled();
  const [connection] = FakeConnection.made;
  assert.deepEqual(connection.candidates, ['a', 'b'], 'a candidate waits for its description');
  assert.deepEqual(JSON.parse(events[0][2]), { type: 'answer', sdp: 'my answer, early' });
  const channel = new FakeChannel();
  channel.readyState = 'open';
  connection.ondatachannel({ channel });
  channel.onopen();
  assert.deepEqual(
    events.filter(([name]) => name === 'opened'),
    [['opened', 2, 262144]],
    'open once, though both the state and the event say so',
  );
  assert.equal(channel.binaryType, 'arraybuffer');
  assert.equal(channel.bufferedAmountLowThreshold, LOW_WATER_BYTES);
});

/** @param {string} address */
const candidateAt = (address) => `candidate:1 1 udp 2122260223 ${address} 54321 typ host`;

test('addresses of the local network are neither told nor used where `lan` is never', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  FakeConnection.knows = false;
  const local = ['192.168.1.5', '10.0.0.1', '172.16.3.4', '172.31.3.4', '169.254.0.9'];
  local.push(
    '127.0.0.1',
    '100.64.0.1',
    '100.127.9.9',
    '::1',
    '::ffff:10.0.0.1',
    'fd00::5',
    'fe80::1',
    '0b-2d.local',
  );
  const open = ['203.0.113.5', '172.32.3.4', '100.128.0.1', '192.0.2.1', '2001:db8::1', '11.1.1.1'];
  const sdpOf = (/** @type {string[]} */ addresses) =>
    ['v=0', ...addresses.map((one) => `a=${candidateAt(one)}`), 'a=end', ''].join('\r\n');
  const [all, rest] = [sdpOf([...local, ...open]), sdpOf(open)];
  for (const lan of /** @type {const} */ (['never', 'ask', undefined])) {
    settings.lan = lan;
    FakeConnection.made = [];
    events.length = 0;
    peers.answer(1);
    peers.signal(1, JSON.stringify({ type: 'offer', sdp: all }));
    for (const address of [...local, ...open]) {
      peers.signal(1, JSON.stringify({ candidate: { candidate: candidateAt(address) } }));
    }
    await settled();
    const [connection] = FakeConnection.made;
    const used = lan === 'never' ? open : [...local, ...open];
    assert.equal(connection.remoteDescription.sdp, lan === 'never' ? rest : all);
    connection.localDescription = { type: 'answer', sdp: all };
    t.mock.timers.tick(100);
    await settled();
    assert.deepEqual(connection.candidates, used.map(candidateAt));
    // What is no text is passed over, as ever.
    peers.signal(1, JSON.stringify({ candidate: { candidate: 5 } }));
    await settled();
    assert.ok(!events.some(([name]) => name === 'closed'));
    for (const address of [...local, ...open]) connection.found(candidateAt(address));
    const told = events.filter(([name]) => name === 'signal').map(([, , json]) => JSON.parse(json));
    assert.equal(told[0].sdp, lan === 'never' ? rest : all);
    assert.deepEqual(
      told.flatMap(({ candidate }) => candidate?.candidate ?? []),
      used.map(candidateAt),
    );
    peers.close(1);
  }
});

test('connections close at once when the page is left, also those that still send', async () => {
  const first = await openPeer(1);
  const second = await openPeer(2);
  peers.close(1);
  assert.equal(first.connection.closed, 0);
  page.get('pagehide')?.({ type: 'pagehide' });
  assert.equal(first.connection.closed, 1);
  peers.close(2);
  assert.equal(second.connection.closed, 1);
  page.get('pageshow')?.({ type: 'pageshow' });
  const third = await openPeer(3);
  peers.close(3);
  assert.equal(third.connection.closed, 0);
});

test('messages arrive as what they were, and anything else not at all', async () => {
  const { channel } = await openPeer();
  const data = new ArrayBuffer(3);
  channel.onmessage({ data: 'hello' });
  channel.onmessage({ data });
  channel.onmessage({ data: new Blob([]) });
  assert.deepEqual(events, [
    ['text', 1, 'hello'],
    ['binary', 1, data],
  ]);
});

test('a limit of the other side is reported, and none at all as what 32 bits hold', async () => {
  peers.dial(1);
  await settled();
  FakeConnection.made[0].sctp = { maxMessageSize: Infinity };
  FakeConnection.made[0].channels[0].open();
  assert.deepEqual(events.at(-1), ['opened', 1, 0xffffffff]);
});

test('the queue is told where no low-water event will come, and only there', async () => {
  const { channel } = await openPeer();
  peers.sendBinary(1, NOTHING, new Uint8Array(1000));
  peers.sendBinary(1, NOTHING, new Uint8Array(1000));
  peers.settle();
  assert.deepEqual(events, [['writable', 1, 2000]]);
  peers.settle();
  assert.equal(events.length, 1, 'nothing was sent since');
  peers.sendBinary(1, NOTHING, new Uint8Array(LOW_WATER_BYTES));
  peers.settle();
  assert.equal(events.length, 1, 'above the mark the event is awaited');
  channel.bufferedAmount = 100;
  channel.onbufferedamountlow();
  assert.deepEqual(events.at(-1), ['writable', 1, 100]);
});

test('what is sent was read before sendBinary returned', async () => {
  const { channel } = await openPeer();
  const bytes = new Uint8Array([1, 2, 3]);
  peers.sendBinary(1, NOTHING, bytes);
  bytes.fill(9);
  assert.deepEqual([...channel.sent[0]], [1, 2, 3]);
});

test('a header and what follows it are one message, whatever was sent before', async () => {
  const { channel } = await openPeer();
  const head = new Uint8Array([1, 0, 0xff, 0x80]);
  peers.sendBinary(1, head, new Uint8Array([5, 6, 7]));
  peers.sendBinary(1, head.subarray(2), new Uint8Array([8]));
  peers.sendBinary(1, head, new Uint8Array(61_440).fill(3));
  peers.settle();
  const [first, second, third] = channel.sent.map((bytes) => [...bytes]);
  assert.deepEqual(first, [1, 0, 0xff, 0x80, 5, 6, 7]);
  assert.deepEqual(second, [0xff, 0x80, 8]);
  assert.deepEqual(third, [1, 0, 0xff, 0x80, ...new Array(61_440).fill(3)]);
  assert.equal(channel.bufferedAmount, 7 + 3 + 61_444);
});

test('a send that throws loses the peer, once', async () => {
  const { connection, channel } = await openPeer();
  channel.readyState = 'closed';
  peers.sendText(1, 'x');
  peers.sendBinary(1, NOTHING, new Uint8Array(1));
  peers.settle();
  assert.deepEqual(events, [['closed', 1]]);
  assert.equal(connection.closed, 1);
  assert.equal(peers.size, 0);
});

test('a failed connection or a closed channel is reported once', async () => {
  const first = await openPeer(1);
  const second = await openPeer(2);
  const closed = second.channel.onclose;
  first.connection.fail();
  closed();
  closed();
  assert.deepEqual(events, [
    ['closed', 1],
    ['closed', 2],
  ]);
});

test('a description that cannot be used ends the peer; text that is no JSON is passed over', async () => {
  peers.answer(1);
  peers.signal(1, 'not json');
  peers.signal(1, 'null');
  await settled();
  assert.equal(peers.size, 1);
  peers.signal(1, JSON.stringify({ type: 'offer', sdp: 'nonsense' }));
  await settled();
  assert.deepEqual(events, [['closed', 1]]);
});

test('events that come after close miss', async () => {
  const { connection, channel } = await openPeer();
  const { onmessage, onclose, onbufferedamountlow, onopen } = channel;
  const { onconnectionstatechange, onicecandidate } = connection;
  assert.ok(onmessage && onclose && onbufferedamountlow && onopen);
  peers.close(1);
  assert.equal(channel.onmessage, null);
  assert.equal(connection.onconnectionstatechange, null);
  onclose();
  connection.connectionState = 'failed';
  onconnectionstatechange();
  assert.equal(onicecandidate === connection.onicecandidate, false);
  peers.signal(1, JSON.stringify({ type: 'answer', sdp: 'late' }));
  peers.sendText(1, 'late');
  await settled();
  assert.deepEqual(events, []);
  assert.equal(connection.remoteDescription, null);
});

test('an offer that is ready only after close is not sent', async () => {
  peers.dial(1);
  peers.close(1);
  await settled();
  assert.deepEqual(events, []);
  assert.equal(FakeConnection.made[0].closed, 1);
});

test('closing lets queued text leave before the connection goes', async () => {
  const { connection, channel } = await openPeer();
  peers.sendText(1, '{"event":"CLOSE"}');
  peers.close(1);
  assert.equal(channel.closed, 1);
  assert.equal(connection.closed, 0);
  channel.onclose();
  assert.equal(connection.closed, 1);
});

test('closing does not wait for a channel that never closes', async () => {
  const { connection } = await openPeer();
  peers.close(1);
  const started = Date.now();
  while (connection.closed === 0 && Date.now() - started < 30_000) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(connection.closed, 1);
});

test('a browser that makes no connection says so and the peer counts as closed', () => {
  Object.assign(globalThis, {
    RTCPeerConnection: class {
      constructor() {
        throw new Error('blocked by policy');
      }
    },
  });
  peers.dial(3);
  assert.deepEqual(
    events.map(([name]) => name),
    ['refused', 'warn', 'closed'],
  );
});

for (const described of [false, true]) {
  test(`D8: candidates without end lose the connection, ${described ? 'after' : 'before'} a description`, async () => {
    peers.answer(1);
    if (described) peers.signal(1, JSON.stringify({ type: 'offer', sdp: 'theirs' }));
    await settled();
    const [connection] = FakeConnection.made;
    const closed = () => events.some(([name, peer]) => name === 'closed' && peer === 1);
    for (let index = 0; index < 100; index++) {
      peers.signal(1, JSON.stringify({ candidate: { candidate: `candidate ${index}` } }));
    }
    await settled();
    assert.ok(!closed(), 'a hundred candidates are an honest host with many addresses');
    for (let index = 0; index < 10_000; index++) {
      peers.signal(1, JSON.stringify({ candidate: { candidate: `more ${index}` } }));
    }
    await settled();
    assert.ok(closed());
    assert.equal(connection.closed, 1);
    assert.ok(connection.candidates.length <= 128);
  });
}

test('D8: signals of many bytes lose the connection, however few they are', async () => {
  peers.dial(1);
  await settled();
  for (let index = 0; index < 8; index++) {
    peers.signal(1, JSON.stringify({ candidate: { candidate: 'x'.repeat(16_000) } }));
  }
  await settled();
  assert.ok(events.some(([name, peer]) => name === 'closed' && peer === 1));
  assert.equal(peers.size, 0);
});

test('D8: descriptions without end lose the connection', async () => {
  peers.answer(1);
  for (let index = 0; index < 1_000; index++) {
    peers.signal(1, JSON.stringify({ type: 'offer', sdp: `offer ${index}` }));
  }
  await settled();
  assert.equal(peers.size, 0);
  const answers = events.filter(([name]) => name === 'signal');
  assert.ok(answers.length <= 128, `${answers.length} answers`);
});

test('it says when ICE begins, and that a policy ended a connection before anybody answered', async () => {
  peers.dial(1);
  await settled();
  const [connection] = FakeConnection.made;
  events.length = 0;
  connection.ice('failed');
  assert.deepEqual(
    events.map(([name]) => name),
    ['refused', 'warn', 'closed'],
  );
  assert.match(events[1][2], /Connection-Allowlist/);
  assert.equal(connection.closed, 1);

  peers.dial(2);
  await settled();
  const second = /** @type {FakeConnection} */ (FakeConnection.made.at(-1));
  peers.signal(2, JSON.stringify({ type: 'answer', sdp: 'theirs' }));
  await settled();
  events.length = 0;
  second.ice('checking');
  second.ice('failed');
  second.fail();
  assert.deepEqual(events, [
    ['signal', 2, ''],
    ['closed', 2],
  ]);
});
