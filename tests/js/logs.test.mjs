/** What a mesh says of itself, and who can make it say so. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { HlsMesh } from '../../js/index.js';
import { readOptions } from '../../js/options.js';
import { inside, latestSeen, timesSeen } from '../../js/diagnose/inside.js';
import { FakeSocket, SOURCE, TRACKER, onFreshPages, setUp, until } from './fake-page.mjs';

onFreshPages();
afterEach(() => {
  for (const name of ['location', 'localStorage']) Reflect.deleteProperty(globalThis, name);
});

/** @param {string} query @param {string | null} [stored] */
function address(query, stored = null) {
  const localStorage = {
    getItem: (/** @type {string} */ key) => (key === 'hlsmesh-log' ? stored : null),
  };
  for (const [name, value] of Object.entries({ location: { search: query }, localStorage })) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
}

test('at the level info a line names versions, channel and tracker once there is a source', () => {
  /** @type {string[]} */
  const said = [];
  const logger = {
    error() {},
    warn() {},
    info: (/** @type {any[]} */ ...words) => void said.push(words.join(' ')),
  };
  const { hls } = setUp({ logger, logLevel: 'info' });
  assert.deepEqual(said, []);
  hls.loadSource(SOURCE);
  const { version } = /** @type {any} */ (hls.constructor);
  assert.deepEqual(said, [
    `[hlsmesh] hlsmesh ${HlsMesh.version}, hls.js ${version}: channel https://cdn.example/vod/master.m3u8, tracker ${TRACKER}`,
  ]);
});

test('the level of the address comes before that of localStorage, and both before the option', () => {
  const level = () => readOptions({ tracker: TRACKER, logLevel: 'error' }).logLevel;
  assert.equal(level(), 'error');
  address('?hlsmesh-log=debug', 'info');
  assert.equal(level(), 'debug');
  address('?other=1', 'info');
  assert.equal(level(), 'info');
  for (const nonsense of ['loud', '', 'DEBUG']) {
    address(`?hlsmesh-log=${nonsense}`, 'info');
    assert.equal(level(), 'error', `"${nonsense}"`);
  }
  address('', null);
  assert.equal(level(), 'error');
});

test('a level that was asked for speaks on the console of a page without a logger', () => {
  const options = { tracker: TRACKER, logger: null };
  assert.equal(readOptions(options).logger, null);
  address('?hlsmesh-log=none');
  assert.equal(readOptions(options).logger, console);
  const logger = { error() {}, warn() {} };
  assert.equal(readOptions({ tracker: TRACKER, logger }).logger, logger);
});

test('a page that may not use localStorage has its own level', () => {
  Object.defineProperty(globalThis, 'location', { value: { search: '' }, configurable: true });
  Object.defineProperty(globalThis, 'localStorage', {
    get() {
      throw new Error('The operation is insecure.');
    },
    configurable: true,
  });
  assert.equal(readOptions({ tracker: TRACKER, logLevel: 'error' }).logLevel, 'error');
});

test('a mesh remembers how often each event came, and which one came last', async () => {
  const { hls, mesh, events } = setUp();
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length > 0);
  FakeSocket.made[0].onclose();
  await until(() => events.some(([name]) => name === 'tracker'));
  const look = inside(mesh);
  assert.equal(latestSeen(look, 'tracker'), 'disconnected');
  assert.equal(timesSeen(look, 'tracker'), 1);
  assert.equal(timesSeen(look, 'peer'), 0);
  assert.deepEqual(look.trackers, [TRACKER]);
  assert.equal(look.hls, hls);
  assert.throws(() => inside(/** @type {any} */ ({})), /no mesh/);
});
