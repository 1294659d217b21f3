/** Mistakes of a page, and what it may do to its mesh: its video plays in any case. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HlsMeshError, attach } from '../../js/index.js';
import { FakeHls, fakeLoaderClass } from './fake-hls.mjs';
import {
  FakeSocket,
  deepProxy,
  isUntouched,
  meshes,
  newPlayer,
  onFreshPages,
  plays,
  setUp,
  SOURCE,
  TRACKER,
  until,
  WASM,
} from './fake-page.mjs';

onFreshPages();

/** Options that cannot be, and what is said of them. @type {[any, RegExp][]} */
const MISTAKES = [
  [undefined, /options is undefined; it must be an object/],
  [[], /options is an array; it must be an object/],
  [{}, /option tracker is undefined; .*ws:\/\//],
  [{ tracker: 'https://tracker.example' }, /option tracker is "https:\/\/tracker.example"/],
  [{ tracker: 'tracker' }, /option tracker is "tracker"/],
  [null, /options is null/],
  [{ tracker: [] }, /option tracker has 0 entries; .*1 to 8/],
  [{ tracker: undefined, maxParents: 3 }, /option tracker is undefined/],
  [{ tracker: '' }, /option tracker is ""/],
  [{ tracker: null }, /option tracker is null/],
  [{ tracker: [TRACKER, 'http://x'] }, /option tracker\[1\] is "http:\/\/x"/],
  [{ tracker: Array(9).fill(TRACKER) }, /option tracker has 9 entries/],
  [{ tracker: TRACKER, channel: '' }, /option channel is ""/],
  [{ tracker: TRACKER, segmentId: 'sn' }, /option segmentId is "sn"; it must be a function/],
  [{ tracker: TRACKER, enabled: 'yes' }, /option enabled is "yes"; it must be true or false/],
  [{ tracker: TRACKER, upload: 1 }, /option upload is 1/],
  [{ tracker: TRACKER, uploadBytesPerSecond: -1 }, /option uploadBytesPerSecond is -1/],
  [{ tracker: TRACKER, uploadBytesPerSecond: NaN }, /option uploadBytesPerSecond is NaN/],
  [{ tracker: TRACKER, uploadBytesPerSession: '1GB' }, /option uploadBytesPerSession is "1GB"/],
  [{ tracker: TRACKER, maxParents: 0 }, /option maxParents is 0; .* from 1 to 100/],
  [{ tracker: TRACKER, maxParents: 1e300 }, /option maxParents is 1e\+300/],
  [{ tracker: TRACKER, minViewers: 0 }, /option minViewers is 0; .* from 1 to 1000000/],
  [{ tracker: TRACKER, maxChildren: -Infinity }, /option maxChildren is -Infinity/],
  [{ tracker: TRACKER, maxChildren: 8n }, /option maxChildren is 8/],
  [{ tracker: TRACKER, prefetchSeconds: NaN }, /option prefetchSeconds is NaN/],
  [{ tracker: TRACKER, enabled: Symbol('x') }, /option enabled is Symbol\(x\)/],
  [{ tracker: TRACKER, enabled: Object.create(null) }, /option enabled is an object/],
  [{ tracker: TRACKER, checks: Symbol('x') }, /option checks is Symbol\(x\)/],
  [{ tracker: TRACKER, uploadBytesPerSecond: Object.create(null) }, /PerSecond is an object/],
  [{ tracker: TRACKER, lan: Object.create(null) }, /option lan is an object; .*'never'/],
  [{ tracker: TRACKER, lan: ['ask'] }, /option lan\[0\] is "ask"/],
  [{ tracker: TRACKER, digestsKey: Symbol('x') }, /option digestsKey is Symbol\(x\)/],
  [{ tracker: TRACKER, iceServers: [{ urls: Symbol('x') }] }, /option iceServers cannot be read/],
  [{ tracker: TRACKER, strict: 'yes' }, /option strict is "yes"/],
  [{ tracker: TRACKER, maxChildren: 1.5 }, /option maxChildren is 1.5; .* from 0 to 100/],
  [{ tracker: TRACKER, cacheBytes: 5 }, /option cacheBytes is 5; .*268435456/],
  [{ tracker: TRACKER, cacheBytes: '64MB' }, /option cacheBytes is "64MB"/],
  [{ tracker: TRACKER, iceServers: 'stun:x' }, /option iceServers/],
  [{ tracker: TRACKER, rtcConfig: null }, /option rtcConfig is null/],
  [{ tracker: TRACKER, wasm: 7 }, /option wasm is 7/],
  [{ tracker: TRACKER, logger: {} }, /option logger is an object/],
  [{ tracker: TRACKER, logLevel: 'loud' }, /option logLevel is "loud"; .*none, error, warn/],
  [{ tracker: TRACKER, channle: 'x' }, /no option channle; did you mean channel\?/],
  [{ tracker: TRACKER, iceservers: [] }, /no option iceservers; did you mean iceServers\?/],
  [{ tracker: TRACKER, maxChilds: 3 }, /no option maxChilds; did you mean maxChildren\?/],
  [{ tracker: TRACKER, toString: 1 }, /no option toString; known: tracker, channel, /],
  [{ tracker: TRACKER, swarmId: 'x' }, /no option swarmId; known: tracker, channel, /],
];

/**
 * A page as README has it: everything in a row, none of it in a try.
 * @param {any} options
 * @param {any} [hls]
 */
function page(options, hls = newPlayer().hls) {
  const logged = mock.method(console, 'error', () => {});
  try {
    const mesh = attach(hls, options);
    meshes.push(mesh);
    /** @type {any[]} */
    const warnings = [];
    mesh.on('warning', (warning) => void warnings.push(warning));
    return { mesh, warnings, logged: logged.mock.calls.map((call) => call.arguments.join(' ')) };
  } finally {
    logged.mock.restore();
  }
}

for (const [options, message] of MISTAKES) {
  const what = JSON.stringify(options, (_, value) =>
    ['bigint', 'symbol'].includes(typeof value) ? String(value) : value,
  );

  test(`B8: attach says what is wrong with ${what}, and the video plays`, async () => {
    const { hls, made } = newPlayer();
    const object = Object.prototype.toString.call(options) === '[object Object]';
    const { mesh, warnings, logged } = page(object ? { wasm: WASM, ...options } : options, hls);
    plays(hls, made);
    await until(() => warnings.length > 0);
    assert.deepEqual(
      warnings.map(({ code }) => code).filter((code) => code !== 'wasm-fetch'),
      ['options'],
    );
    assert.match(warnings.find(({ code }) => code === 'options').message, message);
    assert.equal(logged.length, 1);
    assert.match(logged[0], message);
    const tracker = [options?.tracker].flat().filter((entry) => entry === TRACKER);
    assert.equal(mesh.enabled, tracker.length > 0);
    if (tracker.length === 0) isUntouched(hls);
    else if (object && !options.wasm) await until(() => FakeSocket.made.length === 1);
  });

  if (options === null || typeof options !== 'object' || 'strict' in options) continue;
  test(`B8: with strict, attach throws for ${what}`, () => {
    const { hls } = newPlayer();
    assert.throws(
      () => attach(/** @type {any} */ (hls), Object.assign(options, { strict: true })),
      (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, message);
        return true;
      },
    );
    isUntouched(hls);
  });
}

test('B8: each mistake is said, and what is right is used', async () => {
  const { hls } = newPlayer();
  const options = {
    tracker: ['nothing', TRACKER],
    wasm: WASM,
    maxParents: 0,
    upload: false,
    get maxChildren() {
      throw new Error('not yet');
    },
    chanel: 'x',
  };
  const { mesh, warnings, logged } = page(options, hls);
  assert.equal(mesh.upload, false);
  await until(() => warnings.length === 4);
  for (const [index, text] of [
    /maxParents is 0/,
    /maxChildren cannot be read: not yet/,
    /did you mean channel/,
    /tracker\[0\]/,
  ].entries()) {
    assert.match(warnings[index].message, text);
    assert.match(logged[index], text);
  }
  hls.loadSource(SOURCE);
  await until(() => FakeSocket.made.length === 1);
});

test('B8: options that cannot even be looked at leave the player alone', async () => {
  const { hls, made } = newPlayer();
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
      ownKeys() {
        throw new Error('no keys');
      },
    },
  );
  const { mesh, warnings } = page(hostile, hls);
  isUntouched(hls);
  assert.equal(mesh.update(hostile), mesh);
  plays(hls, made);
  await until(() => warnings.length > 1);
  assert.deepEqual(
    warnings.map(({ code, message }) => [code, message]),
    Array(2).fill(['internal', 'no keys']),
  );
});

test('B8: a logger that throws, and a configuration that is frozen, stop nothing', async () => {
  const logger = {
    warn() {},
    error() {
      throw new Error('no log');
    },
  };
  const first = newPlayer();
  const { warnings } = page({ tracker: TRACKER, wasm: WASM, logger, maxParents: 0 }, first.hls);
  plays(first.hls, first.made);
  await until(() => warnings.length === 1);

  const second = newPlayer();
  Object.freeze(second.hls.config);
  const frozen = page({ tracker: TRACKER, wasm: WASM }, second.hls);
  isUntouched(second.hls);
  plays(second.hls, second.made);
  await until(() => frozen.warnings.length === 1);
  assert.equal(frozen.warnings[0].code, 'internal');
});

test('B8: a mesh that does nothing has all that a mesh has', async () => {
  const { hls, made } = newPlayer();
  const { mesh, warnings } = page({ tracker: undefined }, hls);
  assert.deepEqual([mesh.channel, mesh.peers, mesh.enabled], ['', [], false]);
  assert.equal(mesh.stats.offload, 0);
  assert.equal(mesh.stats.firstFrameMs, null);
  mesh.enabled = true;
  assert.equal(mesh.enabled, false);
  assert.equal(
    mesh
      .update({ maxChildren: 2 })
      .once('segment', () => {})
      .off('segment'),
    mesh,
  );
  mesh.on('stats', () => {});
  plays(hls, made);
  mesh.detach();
  mesh.detach();
  isUntouched(hls);
  await until(() => true);
  assert.equal(FakeSocket.made.length, 0);
  assert.deepEqual(warnings, [], 'nobody is told after detach');
  const again = attach(/** @type {any} */ (hls), { tracker: TRACKER, wasm: WASM });
  meshes.push(again);
  assert.equal(again.enabled, true);
});

test('B8: what is no player gives a mesh that does nothing', async () => {
  for (const nothing of [
    undefined,
    null,
    {},
    'hls',
    7,
    { value: newPlayer().hls },
    { on() {}, config: {} },
  ]) {
    const { mesh, warnings } = page({ tracker: TRACKER }, nothing ?? null);
    assert.equal(mesh.enabled, false);
    await until(() => warnings.length === 1);
    assert.match(warnings[0].message, /must be an Hls instance/);
    assert.throws(
      () => attach(/** @type {any} */ (nothing), { tracker: TRACKER, strict: true }),
      TypeError,
    );
  }
});

test('B8: a second attach gives the mesh that is there, until that is detached', async () => {
  const { hls, mesh, events } = setUp();
  const again = (/** @type {any} */ player = hls) =>
    attach(player, { tracker: TRACKER, wasm: WASM, logger: null });
  assert.equal(again(), mesh);
  assert.equal(again(new Proxy(hls, {})), mesh);
  await until(() => events.length === 2);
  assert.match(events[0][1].message, /has a mesh; detach/);
  assert.throws(
    () => attach(/** @type {any} */ (hls), { tracker: TRACKER, strict: true }),
    /has a mesh; detach/,
  );
  mesh.detach();
  const second = again();
  meshes.push(second);
  assert.notEqual(second, mesh);
});

test('B8: an option whose members cannot be read costs nothing but that option', async () => {
  const unreadable = {
    get iceServers() {
      throw new Error('not yet');
    },
  };
  const { mesh, warnings } = page({ tracker: TRACKER, upload: false, rtcConfig: unreadable });
  assert.equal(mesh.enabled, true);
  assert.equal(mesh.upload, false);
  mesh.update({ upload: true, rtcConfig: /** @type {any} */ (unreadable) });
  assert.equal(mesh.upload, true);
  await until(() => warnings.length === 2);
  for (const { message } of warnings) assert.match(message, /rtcConfig cannot be read: not yet/);
});

test('B8: update and on leave out what cannot be, and say so', async () => {
  const { mesh, events } = setUp();
  const wrong = /** @type {any} */ ({
    maxChildren: -1,
    upload: false,
    channel: 'x',
    lgLevel: 'none',
  });
  assert.equal(mesh.update(wrong), mesh);
  assert.equal(mesh.upload, false);
  mesh.upload = /** @type {any} */ ('yes');
  assert.equal(mesh.upload, false);
  for (const nothing of [undefined, null, 7]) mesh.update(/** @type {any} */ (nothing));
  assert.equal(
    mesh.on(/** @type {any} */ ('segments'), () => {}),
    mesh,
  );
  assert.equal(mesh.once('segment', /** @type {any} */ (undefined)), mesh);
  await until(() => events.length === 9);
  const said = events.map(([name, { code, message }]) => `${name} ${code} ${message}`).join('\n');
  for (const text of [
    /warning options option maxChildren is -1/,
    /option channel cannot change while running/,
    /no option lgLevel; did you mean logLevel/,
    /option upload is "yes"/,
    /options is null/,
    /no event segments; did you mean segment/,
    /listener for segment is no function/,
  ]) {
    assert.match(said, text);
  }
});

/** Versions of hls.js by what tells them apart. @type {[any, object, boolean][]} */
const VERSIONS = [
  ['0.13.2', { fragLoadingTimeOut: 1 }, false],
  ['0.14.17', { fragLoadingTimeOut: 1 }, false],
  ['1.0.0', { fragLoadingTimeOut: 1 }, false],
  ['1.3.5', { fragLoadingTimeOut: 1 }, false],
  ['2.0.0-alpha.1', { fragLoadPolicy: {} }, false],
  [undefined, { fragLoadingTimeOut: 1 }, false],
  ['', { fragLoadingTimeOut: 1 }, false],
  ['1.4.0', { fragLoadPolicy: {} }, true],
  ['1.5.0-beta.3', { fragLoadPolicy: {} }, true],
  ['1.10.0', { fragLoadPolicy: {} }, true],
  ['1.7.4-0.canary.12', { fragLoadPolicy: {} }, true],
  ['0.0.0-dev', { fragLoadPolicy: {}, fragLoadingTimeOut: 1 }, true],
  [undefined, { fragLoadPolicy: {}, fragLoadingTimeOut: 1 }, true],
];
for (const [version, config, good] of VERSIONS) {
  const features = Object.keys(config).join(' and ');
  test(`B7: hls.js ${version} with ${features} is ${good ? 'shared' : 'left alone'}`, async () => {
    const { FakeLoader, made } = fakeLoaderClass();
    const OldHls = class extends FakeHls {};
    Object.assign(OldHls, version !== undefined && { version });
    const hls = new OldHls(FakeLoader);
    Object.assign(hls.config, config);
    const { mesh, warnings, logged } = page({ tracker: TRACKER, wasm: WASM }, hls);
    assert.equal(mesh.enabled, good);
    if (good) return;
    isUntouched(hls);
    plays(hls, made);
    await until(() => warnings.length === 1);
    assert.equal(warnings[0].code, 'hls-version');
    assert.match(warnings[0].message, /hlsmesh needs hls.js 1.4 to 1.7/);
    if (version) assert.ok(logged[0].includes(version));
    assert.throws(
      () => attach(/** @type {any} */ (hls), { tracker: TRACKER, strict: true }),
      (error) => error instanceof HlsMeshError && error.code === 'hls-version',
    );
  });
}

test('B9: options in a Proxy are read as any', async () => {
  const { hls } = newPlayer();
  const iceServers = [{ urls: 'stun:stun.example' }];
  const options = deepProxy({ tracker: [TRACKER], upload: false, iceServers, logLevel: 'none' });
  const { mesh } = page(options, hls);
  assert.equal(mesh.upload, false);
});
