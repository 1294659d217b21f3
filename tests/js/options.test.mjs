import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Option } from '../../js/abi.js';
import { DefaultConfig, changeOptions, engineNumbers, log, readOptions } from '../../js/options.js';

const TRACKER = 'wss://tracker.example/';

test('an option that is undefined is one that was not given', () => {
  const settings = readOptions({ tracker: TRACKER, upload: undefined, iceServers: undefined });
  assert.equal(settings.upload, true);
  assert.deepEqual(settings.rtcConfig, { iceServers: [{ urls: 'stun:tracker.example:3478' }] });
});

test('by default STUN is asked of the first tracker and of nobody else', () => {
  for (const [tracker, urls] of /** @type {[any, string | undefined][]} */ ([
    [['wss://a.example/x?room=1', 'wss://b.example'], 'stun:a.example:3478'],
    ['ws://192.0.2.1:8000', 'stun:192.0.2.1:3478'],
    ['ws://[2001:db8::1]:8000', 'stun:[2001:db8::1]:3478'],
    ['nonsense', undefined],
  ])) {
    const { iceServers } = readOptions({ tracker }, () => {}).rtcConfig;
    assert.deepEqual(iceServers, urls === undefined ? [] : [{ urls }]);
  }
});

test('relayOnly is a policy of the connections, beside whatever else the site wants of them', () => {
  const rtcConfig = /** @type {const} */ ({ bundlePolicy: 'max-bundle' });
  const settings = readOptions({ tracker: TRACKER, rtcConfig, iceServers: [], relayOnly: true });
  const config = { iceServers: [], bundlePolicy: 'max-bundle', iceTransportPolicy: 'relay' };
  assert.deepEqual(settings.rtcConfig, config);
  changeOptions(settings, { iceServers: [{ urls: 'turn:x', username: 'u', credential: 'c' }] });
  assert.equal(settings.rtcConfig.iceTransportPolicy, 'relay');
  changeOptions(settings, { relayOnly: false });
  assert.equal(settings.rtcConfig.iceTransportPolicy, 'all');
});

test('relayOnly and p2p are what they can be, and consent is not exchanged while running', () => {
  for (const [name, value] of Object.entries({ relayOnly: 1, p2p: true })) {
    assert.throws(() => readOptions(/** @type {any} */ ({ tracker: TRACKER, [name]: value })), {
      message: new RegExp(`option ${name} is`),
    });
  }
  const settings = readOptions({ tracker: TRACKER });
  const fixed = /** @type {any} */ ({ p2p: () => true });
  assert.throws(() => changeOptions(settings, fixed), /cannot change/);
});

test('B8: of a list of trackers the good ones are used, and each bad entry is named', () => {
  /** @type {string[]} */
  const said = [];
  const { trackers } = readOptions(
    { tracker: ['tracker.example', TRACKER, '', /** @type {any} */ (null), 'https://x', TRACKER] },
    (text) => void said.push(text),
  );
  assert.deepEqual(trackers, [TRACKER, TRACKER]);
  assert.deepEqual(
    said.map((text) => /^option tracker\[\d\] is \S+;/.exec(text)?.[0]),
    [
      'option tracker[0] is "tracker.example";',
      'option tracker[2] is "";',
      'option tracker[3] is null;',
      'option tracker[4] is "https://x";',
    ],
  );
});

test('trackers are URLs in order, without fragments', () => {
  const tracker = [TRACKER, new URL('ws://second.example/path#part')];
  assert.deepEqual(readOptions({ tracker }).trackers, [TRACKER, 'ws://second.example/path']);
});

test('iceServers win over those in rtcConfig, which win over the default', () => {
  const turn = [{ urls: 'turn:turn.example', username: 'u', credential: 'c' }];
  const rtcConfig = /** @type {const} */ ({ iceServers: turn, iceTransportPolicy: 'relay' });
  assert.deepEqual(readOptions({ tracker: TRACKER, rtcConfig }).rtcConfig, {
    iceServers: turn,
    iceTransportPolicy: 'relay',
  });
  const both = readOptions({ tracker: TRACKER, rtcConfig, iceServers: [] });
  assert.deepEqual(both.rtcConfig.iceServers, []);
  assert.deepEqual(rtcConfig.iceServers, turn, "the site's object is left alone");
});

test('update renews ICE servers in the very object that connections are made from', () => {
  const settings = readOptions({ tracker: TRACKER });
  const { rtcConfig } = settings;
  const iceServers = [{ urls: 'stun:other.example' }];
  assert.deepEqual(changeOptions(settings, { iceServers }), ['iceServers']);
  assert.equal(settings.rtcConfig, rtcConfig);
  assert.deepEqual(rtcConfig.iceServers, iceServers);
  assert.throws(() => changeOptions(settings, /** @type {any} */ ({ wasm: 'x' })), /cannot change/);
});

test('the engine is given every number, or those that changed', () => {
  const settings = readOptions({
    tracker: TRACKER,
    maxChildren: 3,
    minViewers: 10,
    enabled: false,
  });
  const all = new Map(engineNumbers(settings));
  assert.equal(all.get(Option.maxChildren), 3);
  assert.equal(all.get(Option.minViewers), 10);
  assert.equal(all.get(Option.p2p), 0);
  assert.equal(all.get(Option.uploadBytesPerSecond), Infinity);
  const names = changeOptions(settings, { upload: false, logLevel: 'none' });
  assert.deepEqual(engineNumbers(settings, names), [[Option.upload, 0]]);
});

test('a log level has those before it, and null logs nothing', () => {
  /** @type {unknown[][]} */
  const said = [];
  const logger = {
    error: (/** @type {unknown[]} */ ...words) => void said.push(words),
    warn: (/** @type {unknown[]} */ ...words) => void said.push(words),
  };
  const settings = readOptions({ tracker: TRACKER, logger });
  log('warn', settings, 'a');
  log('info', settings, 'b');
  changeOptions(settings, { logLevel: 'debug' });
  log('info', settings, 'c');
  changeOptions(settings, { logLevel: 'error' });
  log('warn', settings, 'd');
  changeOptions(settings, { logger: null });
  log('error', settings, 'e');
  assert.deepEqual(said, [['[hlsmesh]', 'a']]);
});

test('control draws all, nobody or a share, and once for all players of the page', () => {
  for (const control of /** @type {any[]} */ ([-0.1, 1.1, NaN, '0.5', null])) {
    assert.throws(() => readOptions({ tracker: TRACKER, control }), /a number from 0 to 1/);
  }
  /** @param {number} [control] */
  const drawnOf = (control) => readOptions({ tracker: TRACKER, control }).control;
  assert.equal(drawnOf(), undefined);
  assert.equal(drawnOf(0), false);
  assert.equal(drawnOf(1), true);
  const shares = Array.from({ length: 101 }, (_, percent) => percent / 100);
  const drawn = shares.map((share) => drawnOf(share));
  // There is one lot: whoever plays without peers at a share does so at each larger one.
  assert.deepEqual(drawn, [...drawn].sort());
  assert.deepEqual(
    shares.map((share) => drawnOf(share)),
    drawn,
  );
  const settings = readOptions({ tracker: TRACKER, control: 1 });
  const change = /** @type {any} */ ({ control: 0 });
  assert.throws(() => changeOptions(settings, change), /cannot change/);
});

test('shadows are drawn by the same lot, after those whom control draws', () => {
  for (const shadow of /** @type {any[]} */ ([-0.1, 1.1, NaN, '0.5', null])) {
    assert.throws(() => readOptions({ tracker: TRACKER, shadow }), /a number from 0 to 1/);
  }
  const both = { tracker: TRACKER, control: 0.8, shadow: 0.4 };
  assert.throws(() => readOptions(both), /0\.8 and 0\.4, more than 1: shadow gets the rest/);
  assert.ok(readOptions({ ...both, shadow: 0.2 }));
  /** @param {number} [control] @param {number} [shadow] */
  const drawn = (control, shadow) => {
    const settings = readOptions({ tracker: TRACKER, control, shadow }, () => {});
    return [settings.control, settings.shadow];
  };
  assert.deepEqual(drawn(), [undefined, false]);
  assert.deepEqual(drawn(undefined, 0), [undefined, false]);
  assert.deepEqual(drawn(undefined, 1), [undefined, true]);
  assert.deepEqual(drawn(1, 1), [true, false]);
  assert.deepEqual(drawn(0, 1), [false, true]);
  let shadows = 0;
  for (let percent = 0; percent <= 100; ++percent) {
    const [control, shadow] = drawn(percent / 100, 0.25);
    assert.ok(!(control && shadow), 'nobody is both');
    shadows += Number(shadow);
  }
  // Of all shares of control, those of a quarter leave this lot to the shadows.
  assert.ok(shadows <= 26);
});
