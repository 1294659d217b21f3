import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrackKind } from '../../js/abi.js';
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
    source: note('source'),
    renditions: note('renditions'),
    live: note('live'),
    playhead: note('playhead'),
    destroyed: note('destroyed'),
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
  hls.emit('hlsLevelUpdated', 'hlsLevelUpdated', { details: { live: true } });
  hls.emit('hlsDestroying', 'hlsDestroying');
  assert.deepEqual(heard, [
    ...Array.from({ length: 4 }, () => ['renditions']),
    ['live', true],
    ['destroyed'],
  ]);
});

test('renditions are described by their attributes; tracks of unlike groups have unlike names', () => {
  const { hls, player } = setUp();
  hls.levels = [
    { bitrate: 8e5, width: 640, height: 360, attrs: { CODECS: 'avc1' }, name: 'low', uri: 'u' },
  ];
  const track = { id: 0, name: 'English', lang: 'en', url: 'a', bitrate: 0 };
  hls.audioTracks = [
    { ...track, groupId: 'stereo' },
    { ...track, id: 1, groupId: 'surround' },
  ];
  hls.subtitleTracks = [
    { id: 0, name: 'Deutsch', lang: 'de', groupId: 'subs', url: 's', bitrate: undefined },
  ];
  const [level, stereo, surround, subtitle] = player.renditions();
  assert.deepEqual(level, {
    kind: TrackKind.main,
    index: 0,
    bitrate: 800000,
    width: 640,
    height: 360,
    codecs: 'avc1',
    name: 'low',
    language: '',
    url: 'u',
  });
  assert.deepEqual([stereo.kind, stereo.index, stereo.language], [TrackKind.audio, 0, 'en']);
  assert.equal(surround.index, 1);
  assert.notEqual(stereo.name, surround.name);
  assert.deepEqual([subtitle.kind, subtitle.bitrate], [TrackKind.subtitle, 0]);
});

test('live is unknown until a media playlist is there', () => {
  const { hls, player } = setUp();
  hls.levels = [{}, { details: undefined }];
  assert.equal(player.live(), null);
  hls.levels[1].details = { live: true };
  assert.equal(player.live(), true);
  hls.latestLevelDetails = { live: false };
  assert.equal(player.live(), false);
});

test('the playhead knows the end of the range it is in, and stands still while paused', () => {
  const { hls, player } = setUp();
  assert.equal(player.playhead(), null);
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
    assert.deepEqual(player.playhead(), { currentTime, bufferedEnd, rate: 1 });
  }
  media.paused = true;
  assert.equal(player.playhead()?.rate, 0);
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
