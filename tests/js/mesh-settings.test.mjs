import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeSocket, onFreshPages, setUp, SOURCE, until } from './fake-page.mjs';

onFreshPages();

test('enabled and upload take effect at once, and with strict refuse what they cannot be', async () => {
  const { hls, mesh } = setUp({ strict: true });
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
  FakeSocket.made[0].open();
  mesh.enabled = false;
  assert.equal(FakeSocket.made[0].sent.at(-1).action, 'leave');
  assert.equal(mesh.enabled, false);
  mesh.enabled = true;
  assert.equal(FakeSocket.made.length, 2);
  mesh.upload = false;
  assert.equal(mesh.upload, false);
  assert.throws(
    () => (mesh.upload = /** @type {any} */ ('no')),
    /option upload is "no"; it must be true or false/,
  );
  assert.equal(mesh.upload, false);
});

test('with strict, update changes all it is given or nothing', () => {
  const { mesh } = setUp({ strict: true });
  assert.equal(mesh.update({ upload: false, maxChildren: 2 }), mesh);
  assert.equal(mesh.upload, false);
  assert.throws(() => mesh.update({ upload: true, maxChildren: -1 }), /option maxChildren is -1/);
  assert.equal(mesh.upload, false);
  const channel = /** @type {any} */ ({ upload: true, channel: 'other' });
  assert.throws(() => mesh.update(channel), /option channel cannot change while running/);
  assert.equal(mesh.upload, false);
});

test('options changed by update go for the next engine too', async () => {
  const { hls, mesh } = setUp();
  mesh.update({ enabled: false });
  hls.loadSource(SOURCE);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(FakeSocket.made.length, 0);
  mesh.enabled = true;
  await until(() => FakeSocket.made.length === 1);
});

test('stats are emitted each second while somebody listens, and no timer is left after', (context) => {
  // Node 18 takes the list by itself, and repeats nothing within one tick.
  const apis = /** @type {any} */ (['setInterval']);
  const old = process.versions.node.startsWith('18.');
  context.mock.timers.enable(old ? apis : { apis });
  const pass = (/** @type {number} */ seconds) => {
    for (let i = 0; i < seconds; ++i) context.mock.timers.tick(1000);
  };
  const { mesh } = setUp();
  /** @type {any[]} */
  const heard = [];
  const listener = (/** @type {any} */ stats) => void heard.push(stats);
  mesh.on('stats', listener);
  pass(2);
  assert.equal(heard.length, 2);
  assert.deepEqual(heard[1], mesh.stats);
  mesh.off('stats', listener);
  pass(2);
  assert.equal(heard.length, 2);
  mesh.once('stats', listener);
  pass(3);
  assert.equal(heard.length, 3);
  mesh.on('stats', listener);
  mesh.detach();
  pass(2);
  mesh.on('stats', listener);
  pass(2);
  assert.equal(heard.length, 3);
});

test('off without a listener takes all of that name; with strict a name that is no event is refused', () => {
  const { hls, mesh, made } = setUp({ strict: true });
  let heard = 0;
  mesh.on('segment', () => void heard++).on('segment', () => void heard++);
  mesh.off('segment');
  hls.fragment();
  made[0].answer(new ArrayBuffer(10));
  assert.equal(heard, 0);
  assert.throws(
    () => mesh.on(/** @type {any} */ ('segments'), () => {}),
    /no event segments; did you mean segment\?/,
  );
});

test('the log says what the level allows, to a logger that need not know every level', () => {
  /** @type {string[]} */
  const said = [];
  const logger = {
    error: () => void said.push('error'),
    warn: () => void said.push('warn'),
    debug: (/** @type {any[]} */ ...words) => void said.push(`debug ${words[1]}`),
  };
  const { hls, mesh, made } = setUp({ logger, logLevel: 'debug' });
  hls.fragment();
  made[0].answer(new ArrayBuffer(10));
  assert.deepEqual(said, ['debug segment']);
  mesh.update({ logLevel: 'info' });
  hls.fragment();
  made[1].answer(new ArrayBuffer(10));
  assert.deepEqual(said, ['debug segment']);
});

/** Time for whatever would happen. */
const moment = () => new Promise((resolve) => setTimeout(resolve, 50));

test('p2p: nothing is fetched or reached before the viewer agrees', async () => {
  let agree = /** @type {(answer: boolean) => void} */ (() => {});
  let asked = 0;
  const p2p = () => (asked++, new Promise((/** @type {any} */ resolve) => (agree = resolve)));
  const { hls } = setUp({ p2p });
  assert.equal(asked, 0);
  hls.loadSource(SOURCE);
  await until(() => asked === 1);
  await moment();
  assert.equal(FakeSocket.made.length, 0);
  agree(true);
  await until(() => FakeSocket.made.length === 1);
});

test('p2p: whoever does not agree is fed by the CDN, and is asked again with the next source', async () => {
  const answers = /** @type {any[]} */ ([false, undefined, 1, new Error('closed'), true]);
  /** @type {any[]} */
  const warnings = [];
  let asked = 0;
  const p2p = () => {
    const answer = answers[asked++];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const { hls, mesh } = setUp({ p2p });
  mesh.on('warning', (event) => warnings.push(event));
  for (let i = 1; i < answers.length; ++i) {
    hls.loadSource(SOURCE.replace('vod', `vod${i}`));
    await until(() => asked === i);
    await moment();
    assert.equal(FakeSocket.made.length, 0, `answer ${i}`);
  }
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['closed; everything comes from the CDN'],
  );
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
});

test('p2p: an answer that comes when the player has another source means nothing', async () => {
  /** @type {((answer: boolean) => void)[]} */
  const agree = [];
  const { hls } = setUp({ p2p: () => new Promise((resolve) => agree.push(resolve)) });
  hls.loadSource(SOURCE);
  await until(() => agree.length === 1);
  hls.loadSource(SOURCE.replace('vod', 'other'));
  await until(() => agree.length === 2);
  agree[0](true);
  await moment();
  assert.equal(FakeSocket.made.length, 0);
  agree[1](true);
  await until(() => FakeSocket.made.length === 1);
});
