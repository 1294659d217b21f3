import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { TrackerSocket } from '../../js/socket.js';

/** @type {FakeSocket[]} */
let made = [];

class FakeSocket {
  static OPEN = 1;
  readyState = 0;
  closed = false;
  /** @type {Record<string, any>} */
  handlers = {};
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {(() => void) | null} */
  onclose = null;
  /** @type {(() => void) | null} */
  onerror = null;

  /** @param {string} url */
  constructor(url) {
    if (url === 'refused') throw new SyntaxError('no such scheme');
    this.url = url;
    made.push(this);
  }
  opens() {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }
  close() {
    this.closed = true;
  }
}

const { WebSocket } = globalThis;
globalThis.WebSocket = /** @type {any} */ (FakeSocket);
after(() => {
  globalThis.WebSocket = WebSocket;
});
beforeEach(() => {
  made = [];
});

/** @param {any} token */
function setUp(token) {
  /** @type {any[][]} */
  const heard = [];
  const note =
    (/** @type {string} */ name) =>
    (/** @type {any[]} */ ...args) =>
      void heard.push([name, ...args]);
  const socket = new TrackerSocket(
    ['ws://one', 'ws://two'],
    token,
    { socketOpened: note('opened'), socketText: note('text'), socketClosed: note('closed') },
    note('warn'),
  );
  return { socket, heard };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('viewers of one channel connect to URLs with one room, unless the site names another', () => {
  const events = /** @type {any} */ ({});
  /** @param {string} url @param {string} channel */
  const connectedTo = (url, channel) => {
    const socket = new TrackerSocket([url], undefined, events, () => {}, channel);
    socket.open(0);
    assert.equal(socket.url, url);
    return made.at(-1)?.url;
  };
  assert.equal(connectedTo('wss://t/', 'c'), 'wss://t/?room=e60c2c52');
  assert.equal(connectedTo('wss://t/p?a=b', 'c'), 'wss://t/p?a=b&room=e60c2c52');
  assert.notEqual(connectedTo('wss://t/', 'd'), connectedTo('wss://t/', 'c'));
  assert.equal(connectedTo('wss://t/?room=mine', 'c'), 'wss://t/?room=mine');
});

test('without a token, and with one that is known, a socket that opens is reported at once', () => {
  for (const [token, told] of [
    [undefined, ''],
    ['secret', 'secret'],
  ]) {
    const { socket, heard } = setUp(token);
    socket.open(0);
    made.at(-1)?.opens();
    assert.deepEqual(heard, [['opened', told]]);
  }
});

test('a token is asked for whenever a socket opens, and when it is to be renewed', async () => {
  let asked = 0;
  const { socket, heard } = setUp(async () => `token ${++asked}`);
  socket.renew();
  assert.equal(asked, 0, 'there is nothing to renew it for');
  socket.open(1);
  assert.equal(asked, 0);
  made[0].opens();
  await turn();
  assert.deepEqual(heard, [['opened', 'token 1']]);
  socket.renew();
  await turn();
  assert.deepEqual(heard, [
    ['opened', 'token 1'],
    ['opened', 'token 2'],
  ]);
});

test('a token that comes for a socket that has gone is dropped', async () => {
  /** @type {((token: string) => void)[]} */
  const waiting = [];
  const { socket, heard } = setUp(() => new Promise((resolve) => waiting.push(resolve)));
  socket.open(0);
  made[0].opens();
  socket.open(1);
  waiting[0]('late');
  await turn();
  assert.deepEqual(heard, []);
  made[1].opens();
  waiting[1]('in time');
  await turn();
  assert.deepEqual(heard, [['opened', 'in time']]);
});

for (const [what, source, message] of /** @type {[string, () => unknown, RegExp][]} */ ([
  ['fails', () => Promise.reject(new Error('the shop is closed')), /the shop is closed/],
  ['gives no string', () => undefined, /undefined/],
])) {
  test(`when the site's function ${what}, the socket is given up; when only a renewal does, it stays`, async () => {
    let working = false;
    const { socket, heard } = setUp(() => (working ? 'token' : source()));
    socket.open(0);
    made[0].opens();
    await turn();
    assert.equal(made[0].closed, true);
    assert.deepEqual(
      heard.map(([name]) => name),
      ['warn', 'closed'],
    );
    assert.match(heard[0][2], message);

    working = true;
    socket.open(0);
    made[1].opens();
    await turn();
    working = false;
    heard.length = 0;
    socket.renew();
    await turn();
    assert.deepEqual(
      heard.map(([name]) => name),
      ['warn'],
    );
    assert.equal(made[1].closed, false);
  });
}

test('B10: a socket that reports an error and no more is given up at once, and reported closed once', () => {
  const { socket, heard } = setUp(undefined);
  socket.open(0);
  const { onclose } = made[0];
  made[0].onerror?.();
  assert.deepEqual(heard, [['closed']]);
  assert.equal(made[0].closed, true);
  assert.equal(made[0].onclose, null);
  assert.equal(typeof onclose, 'function');
  socket.open(1);
  made[1].opens();
  assert.deepEqual(heard.at(-1), ['opened', '']);
});
