import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Option } from '../../js/abi.js';
import {
  DefaultConfig,
  changeOptions,
  engineNumbers,
  log,
  playlistChannel,
  readOptions,
} from '../../js/options.js';
import { attach } from '../../js/index.js';
import { FakeHls, fakeLoaderClass } from './fake-hls.mjs';

const TRACKER = 'wss://tracker.example/';

for (const [options, message] of /** @type {[any, RegExp][]} */ ([
  [undefined, /options is undefined; it must be an object/],
  [[], /options is an array; it must be an object/],
  [{}, /option tracker is undefined; .*ws:\/\//],
  [{ tracker: 'https://tracker.example' }, /option tracker is "https:\/\/tracker.example"/],
  [{ tracker: 'tracker' }, /option tracker is "tracker"/],
  [{ tracker: [] }, /option tracker is an array; .*1 to 8/],
  [{ tracker: [TRACKER, 'http://x'] }, /option tracker is an array/],
  [{ tracker: Array(9).fill(TRACKER) }, /option tracker is an array/],
  [{ tracker: TRACKER, channel: '' }, /option channel is ""/],
  [{ tracker: TRACKER, segmentId: 'sn' }, /option segmentId is "sn"; it must be a function/],
  [{ tracker: TRACKER, enabled: 'yes' }, /option enabled is "yes"; it must be true or false/],
  [{ tracker: TRACKER, upload: 1 }, /option upload is 1/],
  [{ tracker: TRACKER, uploadBytesPerSecond: -1 }, /option uploadBytesPerSecond is -1/],
  [{ tracker: TRACKER, uploadBytesPerSecond: NaN }, /option uploadBytesPerSecond is NaN/],
  [{ tracker: TRACKER, uploadBytesPerSession: '1GB' }, /option uploadBytesPerSession is "1GB"/],
  [{ tracker: TRACKER, maxParents: 0 }, /option maxParents is 0; .* from 1 to 100/],
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
])) {
  test(`attach refuses ${JSON.stringify(options)} by name`, () => {
    const { FakeLoader } = fakeLoaderClass();
    const hls = new FakeHls(FakeLoader);
    assert.throws(
      () => attach(/** @type {any} */ (hls), options),
      (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, message);
        return true;
      },
    );
    assert.equal(hls.config.fLoader, undefined, 'the player is as it was');
    assert.equal(hls.eventNames().length, 0);
  });
}

test('the channel is the playlist URL without query and fragment', () => {
  const source = 'https://cdn.example/vod/master.m3u8?token=secret#t=10';
  assert.equal(playlistChannel(source), 'https://cdn.example/vod/master.m3u8');
  assert.equal(playlistChannel('https://cdn.example/a#b?c'), 'https://cdn.example/a');
});

test('an option that is undefined is one that was not given', () => {
  const settings = readOptions({ tracker: TRACKER, upload: undefined, iceServers: undefined });
  assert.equal(settings.upload, true);
  assert.deepEqual(settings.rtcConfig.iceServers, DefaultConfig.iceServers);
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
  const settings = readOptions({ tracker: TRACKER, maxChildren: 3, enabled: false });
  const all = new Map(engineNumbers(settings));
  assert.equal(all.get(Option.maxChildren), 3);
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
