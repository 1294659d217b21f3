import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Condition, TrackKind } from '../../js/abi.js';
import { PlayerEvents } from '../../js/hls-events.js';
import { FakeHls } from './fake-hls.mjs';

class FakeMedia extends EventTarget {
  currentTime = 0;
  paused = false;
  playbackRate = 1;
  /** @type {[number, number][]} */
  ranges = [];
  listening = 0;
  get buffered() {
    const { ranges } = this;
    return {
      length: ranges.length,
      start: (/** @type {number} */ index) => ranges[index][0],
      end: (/** @type {number} */ index) => ranges[index][1],
    };
  }
  /** @param {any[]} args */
  addEventListener(...args) {
    this.listening++;
    // @ts-expect-error passes all on
    super.addEventListener(...args);
  }
  /** @param {any[]} args */
  removeEventListener(...args) {
    this.listening--;
    // @ts-expect-error passes all on
    super.removeEventListener(...args);
  }
}

function setUp() {
  const hls = new FakeHls(class {});
  /** @type {any[][]} */
  const heard = [];
  const note =
    (/** @type {string} */ name) =>
    (/** @type {any[]} */ ...args) =>
      void heard.push([name, ...args]);
  const player = new PlayerEvents(/** @type {any} */ (hls), {
    sourceLoading: note('source'),
    renditionsChanged: note('renditions'),
    liveKnown: note('live'),
    playheadDue: note('playhead'),
    detailsLoaded: note('loaded'),
    playlistFollowed: note('playlist'),
    playerDestroyed: note('destroyed'),
  });
  const count = (/** @type {string} */ name) => heard.filter(([event]) => event === name).length;
  return { hls, player, heard, count };
}

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('every change of the renditions is heard of, and live or VOD from the media playlist', () => {
  const { hls, heard } = setUp();
  for (const event of [
    'hlsManifestParsed',
    'hlsLevelsUpdated',
    'hlsAudioTracksUpdated',
    'hlsSubtitleTracksUpdated',
  ]) {
    hls.emit(event, event, {});
  }
  hls.emit('hlsLevelUpdated', 'hlsLevelUpdated', { level: 0, details: { live: true } });
  hls.emit('hlsDestroying', 'hlsDestroying');
  const others = heard.filter(([event]) => event !== 'playlist' && event !== 'loaded');
  assert.deepEqual(others, [
    ...Array.from({ length: 4 }, () => ['renditions']),
    ['live', true],
    ['destroyed'],
  ]);
});

test('every change of the playlists that are followed is heard of, after renditions that changed', () => {
  const { hls, heard, player } = setUp();
  const follow = (/** @type {string} */ event, /** @type {any[][]} */ ...expected) => {
    heard.length = 0;
    hls.emit(event, event, {});
    assert.deepEqual(heard, expected, event);
  };
  Object.assign(hls, { loadLevel: 2, audioTrack: 1 });
  const main = ['playlist', TrackKind.main, 2];
  const audio = ['playlist', TrackKind.audio, 1];
  follow('hlsManifestParsed', ['renditions'], main, audio);
  follow('hlsLevelSwitching', main);
  follow('hlsLevelUpdated', ['live', false], main);
  follow('hlsAudioTrackSwitching', audio);
  follow('hlsAudioTrackUpdated', audio);
  heard.length = 0;
  player.repeat();
  assert.deepEqual(heard, [['renditions'], main, audio, ['playhead']]);
});

test('A3: what each media playlist says is told before it is followed, and told again to a new engine', () => {
  const { hls, heard, player } = setUp();
  const details = { startSN: 3, endSN: 8, targetduration: 2, live: true };
  const told = (/** @type {string} */ event, /** @type {any} */ data) => {
    heard.length = 0;
    hls.emit(event, event, data);
    return heard.filter(([name]) => name === 'loaded' || name === 'playlist');
  };
  Object.assign(hls, { loadLevel: 1, audioTrack: 0, subtitleTrack: 0 });
  // hls.js may load a level that it does not follow any more.
  assert.deepEqual(told('hlsLevelUpdated', { level: 2, details }), [
    ['loaded', TrackKind.main, 2, details],
    ['playlist', TrackKind.main, 1],
  ]);
  assert.deepEqual(told('hlsAudioTrackUpdated', { id: 0, details }), [
    ['loaded', TrackKind.audio, 0, details],
    ['playlist', TrackKind.audio, 0],
  ]);
  assert.deepEqual(told('hlsSubtitleTrackUpdated', { id: 4, details }), [
    ['loaded', TrackKind.subtitle, 4, details],
  ]);
  hls.levels = [{}, { details }];
  hls.audioTracks = [{ details: { ...details, endSN: 9 } }];
  hls.subtitleTracks = [{ details: { ...details, endSN: 10 } }];
  heard.length = 0;
  player.repeat();
  assert.deepEqual(
    heard.filter(([name]) => name === 'loaded').map(([, kind, , { endSN }]) => [kind, endSN]),
    [
      [TrackKind.main, 8],
      [TrackKind.audio, 9],
      [TrackKind.subtitle, 10],
    ],
  );
});

test('fragments are those of the playlist that is followed, in a stretch of its time', () => {
  const { hls, player } = setUp();
  const fragments = [0, 4, 8, 12].map((start) => ({ start, duration: 4, gap: start === 8 }));
  const starts = (/** @type {number} */ kind, from = 0, until = 100) =>
    player.fragmentsBetween(kind, from, until).map(({ start }) => start);
  assert.deepEqual(starts(TrackKind.main), []);
  hls.levels = [{}, { details: { fragments } }];
  assert.deepEqual(starts(TrackKind.main), []);
  hls.loadLevel = 1;
  assert.deepEqual(starts(TrackKind.main), [0, 4, 12], 'without what the server says is missing');
  assert.deepEqual(starts(TrackKind.main, 5, 12), [4]);
  assert.deepEqual(starts(TrackKind.main, 4, 12.1), [4, 12]);
  assert.deepEqual(starts(TrackKind.audio), []);
  hls.audioTracks = [{ details: { fragments: fragments.slice(0, 1) } }];
  hls.audioTrack = 0;
  assert.deepEqual(starts(TrackKind.audio), [0]);
});

test('of a low-latency playlist what hls.js loads is listed: its parts, or its segments', () => {
  const { hls, player } = setUp();
  const fragments = [{ start: 0, duration: 2 }];
  const partList = [
    { start: 2, duration: 1, fragment: { duration: 4 } },
    { start: 3, duration: 1, gap: true },
    { start: 4, duration: 1 },
  ];
  hls.levels = [{ details: { fragments, partList } }];
  hls.loadLevel = 0;
  hls.config.lowLatencyMode = true;
  const listed = () => player.fragmentsBetween(TrackKind.main, 0, 10);
  assert.deepEqual(listed(), [partList[0], partList[2]]);
  partList[0].start = 4;
  assert.deepEqual(listed(), fragments, 'so far behind it loads segments');
  partList.length = 0;
  assert.deepEqual(listed(), fragments);
  partList.push({ start: 2, duration: 1, fragment: { duration: 4 } });
  hls.config.lowLatencyMode = false;
  assert.deepEqual(listed(), fragments);
});

test('conditions are what the player, the page and the browser say at that moment', (t) => {
  const { hls, player } = setUp();
  hls.config.maxBufferLength = 25;
  assert.deepEqual(player.conditions(), { flags: Condition.noFrame, maxBuffer: 25 });
  const media = Object.assign(new EventTarget(), { readyState: 1, buffered: [] });
  hls.emit('hlsMediaAttached', 'hlsMediaAttached', { media });
  assert.equal(player.conditions().flags, Condition.noFrame);
  media.readyState = 2;
  assert.deepEqual(player.conditions(), { flags: 0, maxBuffer: 25 });
  for (const playing of [
    { webkitCurrentPlaybackTargetIsWireless: true },
    { remote: { state: 'connected' } },
  ]) {
    Object.assign(media, playing);
    assert.equal(player.conditions().flags, Condition.remote);
    Object.assign(media, {
      webkitCurrentPlaybackTargetIsWireless: false,
      remote: { state: 'connecting' },
    });
    assert.equal(player.conditions().flags, 0);
  }
  Object.assign(hls, { bufferingEnabled: false });
  assert.equal(player.conditions().flags, Condition.loadsNot);
  Object.assign(hls, { bufferingEnabled: true, loadingEnabled: false });
  assert.equal(player.conditions().flags, Condition.loadsNot, 'after hls.stopLoad()');
  Object.assign(hls, { loadingEnabled: true });
  hls.config.lowLatencyMode = true;
  assert.equal(player.conditions().flags, Condition.noPlaylist);
  hls.config.autoStartLoad = false;
  assert.equal(player.conditions().flags, 0, 'it will not have one before the page says so');
  hls.levels = [{ details: { partList: [] } }];
  assert.equal(player.conditions().flags, Condition.parts);
  hls.config.lowLatencyMode = false;
  assert.equal(player.conditions().flags, 0);
  hls.config.lowLatencyMode = true;
  hls.levels = [{ details: { partList: null } }];
  assert.equal(player.conditions().flags, 0);
  const world = /** @type {any} */ (globalThis);
  const { navigator } = world;
  t.after(() => {
    delete world.document;
    Object.defineProperty(world, 'navigator', { value: navigator, configurable: true });
  });
  world.document = { hidden: true };
  assert.equal(player.conditions().flags, Condition.hidden);
  world.document.hidden = false;
  for (const [connection, flag] of /** @type {[object, number][]} */ ([
    [{ saveData: true }, Condition.saveData],
    [{ type: 'cellular' }, Condition.metered],
    [{ type: 'bluetooth' }, Condition.metered],
    [{ type: 'wimax' }, Condition.metered],
    [{ type: 'wifi', saveData: false }, 0],
  ])) {
    Object.defineProperty(world, 'navigator', { value: { connection }, configurable: true });
    assert.equal(player.conditions().flags, flag);
  }
});

test('renditions are described by what the author wrote, not by what hls.js made of it', () => {
  const { hls, player } = setUp();
  const attrs = { CODECS: 'avc1', RESOLUTION: '640x360', NAME: 'low', BANDWIDTH: '900000' };
  hls.levels = [
    { bitrate: 8e5, width: 1, height: 2, attrs, name: 'x', audioCodec: 'y', uri: 'u', url: ['u'] },
  ];
  hls.audioTracks = ['stereo', 'surround'].map((group) => ({
    id: 7,
    name: 'x',
    lang: 'y',
    audioCodec: 'z',
    groupId: group,
    attrs: { NAME: 'English', LANGUAGE: 'en', 'GROUP-ID': group, 'STABLE-RENDITION-ID': 'a' },
    url: group,
  }));
  hls.subtitleTracks = [{ id: 0, name: 'Deutsch', lang: 'de', groupId: 'subs', url: 's' }];
  const { main, audio, subtitle } = TrackKind;
  assert.deepEqual(player.listRenditions(), [
    {
      kind: main,
      index: 0,
      bitrate: 900000,
      texts: ['avc1', '640x360', '', '', 'low', ''],
      url: 'u',
    },
    {
      kind: audio,
      index: 0,
      bitrate: 0,
      texts: ['', '', 'en', 'stereo', 'English', 'a'],
      url: 'stereo',
    },
    {
      kind: audio,
      index: 1,
      bitrate: 0,
      texts: ['', '', 'en', 'surround', 'English', 'a'],
      url: 'surround',
    },
    { kind: subtitle, index: 0, bitrate: 0, texts: ['', '', '', '', '', ''], url: 's' },
  ]);
});

test('what the multivariant playlist lists is told beside what hls.js has of it, and forgotten with it', () => {
  const { hls, player, count } = setUp();
  hls.url = 'https://cdn.example/asked.m3u8';
  assert.equal(player.sourceUrl(), 'https://cdn.example/asked.m3u8');
  const attrs = { RESOLUTION: '640x360' };
  hls.levels = [{ attrs, uri: 'a' }];
  const before = count('renditions');
  hls.emit('hlsManifestLoaded', 'hlsManifestLoaded', {
    url: 'https://edge.example/redirected.m3u8',
    levels: [
      { attrs, url: 'a' },
      { attrs, url: 'b' },
    ],
    audioTracks: [{ url: 'c' }],
  });
  assert.equal(count('renditions'), before + 1);
  // Where it was redirected to does not count: that may be another place for each viewer.
  assert.equal(player.sourceUrl(), 'https://cdn.example/asked.m3u8');
  assert.deepEqual(
    player.listRenditions().map(({ kind, index, url }) => [kind, index, url]),
    [
      [TrackKind.main, 0, 'a'],
      [TrackKind.main, -1, 'a'],
      [TrackKind.main, -1, 'b'],
      [TrackKind.audio, -1, 'c'],
    ],
  );
  hls.emit('hlsManifestLoading', 'hlsManifestLoading', {});
  assert.equal(player.listRenditions().length, 1);
});

test('A2: a playlist that was redirected to another folder is told from one that was not', () => {
  const { hls, player } = setUp();
  const asked = 'https://cdn.example/live/low.m3u8?x=1/2';
  hls.levels = [{ uri: asked }];
  hls.audioTracks = [{ url: 'https://cdn.example/live/en/a.m3u8' }];
  for (const [type, baseurl, moved] of /** @type {[string, string, boolean][]} */ ([
    ['main', asked, false],
    ['main', 'https://edge7.example:8443/live/low-2.m3u8', false],
    ['main', 'https://cdn.example/session-7/low.m3u8', true],
    ['main', 'https://cdn.example/live/7/low.m3u8', true],
    ['audio', 'https://cdn.example/live/en/a.m3u8', false],
    ['audio', 'https://cdn.example/live/a.m3u8', true],
    // Of what hls.js does not say, nothing is known.
    ['main', '', false],
    ['subtitle', 'https://cdn.example/s.m3u8', false],
  ])) {
    assert.equal(player.moved(/** @type {any} */ ({ level: 0, type, baseurl })), moved, baseurl);
  }
  hls.levels = [{ url: 'blob:https://cdn.example/9c1f' }];
  const blob = { level: 0, type: 'main', baseurl: 'blob:https://cdn.example/9c1f' };
  assert.equal(player.moved(/** @type {any} */ (blob)), false);
});

test('live is unknown until a media playlist is there', () => {
  const { hls, player } = setUp();
  hls.levels = [{}, { details: undefined }];
  assert.equal(player.isLive(), null);
  hls.levels[1].details = { live: true };
  assert.equal(player.isLive(), true);
  hls.latestLevelDetails = { live: false };
  assert.equal(player.isLive(), false);
});

test('the playhead knows the end of the range it is in, and stands still while paused', () => {
  const { hls, player } = setUp();
  assert.equal(player.readPlayhead(), null);
  const media = new FakeMedia();
  hls.emit('hlsMediaAttached', 'hlsMediaAttached', { media });
  media.ranges = [
    [0, 10],
    [20.05, 30],
  ];
  for (const [currentTime, bufferedEnd] of [
    [5, 10],
    [12, 12],
    [20, 30],
    [30, 30],
  ]) {
    media.currentTime = currentTime;
    assert.deepEqual(player.readPlayhead(), { currentTime, bufferedEnd, rate: 1 });
  }
  media.paused = true;
  assert.equal(player.readPlayhead()?.rate, 0);
  player.detach();
});

test('the playhead is reported at most four times a second, and the last change is never lost', async () => {
  const { hls, player, count } = setUp();
  const media = new FakeMedia();
  hls.emit('hlsMediaAttached', 'hlsMediaAttached', { media });
  assert.equal(count('playhead'), 1);
  for (let index = 0; index < 20; index++) media.dispatchEvent(new Event('seeking'));
  media.dispatchEvent(new Event('pause'));
  assert.equal(count('playhead'), 1);
  await pause(400);
  assert.equal(count('playhead'), 2);
  player.detach();
});

test('a media element that is detached, or a player that is, leaves no listener and no timer', async () => {
  const { hls, player, count } = setUp();
  const media = new FakeMedia();
  hls.emit('hlsMediaAttached', 'hlsMediaAttached', { media });
  media.dispatchEvent(new Event('seeking'));
  hls.emit('hlsMediaDetaching');
  assert.equal(media.listening, 0);
  const second = new FakeMedia();
  hls.emit('hlsMediaAttached', 'hlsMediaAttached', { media: second });
  const before = count('playhead');
  player.detach();
  assert.equal(second.listening, 0);
  assert.equal(hls.eventNames().length, 0);
  await pause(300);
  assert.equal(count('playhead'), before);
});

test('D1: a change of the connection is told at once, while paused and without media too', (t) => {
  const connection = Object.assign(new EventTarget(), { type: 'wifi', saveData: false });
  Object.defineProperty(globalThis, 'navigator', { value: { connection }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
  const { player, count } = setUp();
  const before = count('playhead');
  connection.type = 'cellular';
  connection.dispatchEvent(new Event('change'));
  assert.equal(count('playhead'), before + 1);
  assert.equal(player.conditions().flags, Condition.metered | Condition.noFrame);
  player.detach();
  connection.dispatchEvent(new Event('change'));
  assert.equal(count('playhead'), before + 1);
});
