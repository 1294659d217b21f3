import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaybackFigures } from '../../js/playback.js';
import { standStill } from './fake-clock.mjs';
import { FakeHls } from './fake-hls.mjs';

class FakeMedia extends EventTarget {
  currentTime = 0;
  seeking = false;
  paused = false;
  played = { length: 0 };
  listening = 0;
  /** @param {any[]} args */
  addEventListener(...args) {
    this.listening++;
    super.addEventListener(.../** @type {[any, any]} */ (args));
  }
  /** @param {any[]} args */
  removeEventListener(...args) {
    this.listening--;
    super.removeEventListener(.../** @type {[any, any]} */ (args));
  }
  /** @param {string} name */
  tell(name) {
    this.dispatchEvent(new Event(name));
  }
  start() {
    this.tell('loadeddata');
    this.played.length = 1;
    this.currentTime = 1;
    this.tell('playing');
  }
}

function setUp() {
  const hls = new FakeHls(null);
  const media = new FakeMedia();
  const playback = new PlaybackFigures(/** @type {any} */ (hls));
  hls.emit('hlsMediaAttached', 'hlsMediaAttached', { media });
  return { hls, media, playback };
}

test('the first frame counts from loadSource, once for each source', (t) => {
  const pass = standStill(t);
  const { hls, media, playback } = setUp();
  assert.equal(playback.figures.firstFrameMs, null);
  pass(60);
  hls.emit('hlsManifestLoading');
  pass(20);
  media.start();
  assert.equal(playback.figures.firstFrameMs, 20);
  pass(20);
  media.tell('loadeddata');
  assert.equal(playback.figures.firstFrameMs, 20);
  hls.emit('hlsManifestLoading');
  assert.equal(playback.figures.firstFrameMs, null);
});

test('a stall lasts from running dry to the next progress, and counts while it lasts', (t) => {
  const pass = standStill(t);
  const { media, playback } = setUp();
  media.start();
  media.tell('waiting');
  media.tell('waiting');
  media.tell('timeupdate');
  pass(30);
  assert.deepEqual([playback.figures.stalls, playback.figures.stalledMs], [1, 30]);
  media.currentTime = 1.2;
  media.tell('timeupdate');
  pass(30);
  assert.equal(playback.figures.stalledMs, 30);
  media.tell('waiting');
  media.tell('playing');
  assert.equal(playback.figures.stalls, 2);
});

for (const [what, change] of /** @type {[string, (media: FakeMedia) => void][]} */ ([
  ['the start', (media) => (media.played.length = 0)],
  ['a seek', (media) => (media.seeking = true)],
  ['a pause', (media) => (media.paused = true)],
])) {
  test(`${what} is no stall`, () => {
    const { media, playback } = setUp();
    media.start();
    change(media);
    media.tell('waiting');
    assert.deepEqual([playback.figures.stalls, playback.figures.stalledMs], [0, 0]);
  });
}

test('a seek, a pause or the loss of the element ends a stall', (t) => {
  const pass = standStill(t);
  for (const end of ['seeking', 'pause', 'emptied']) {
    const { media, playback } = setUp();
    media.start();
    media.tell('waiting');
    pass(10);
    media.tell(end);
    pass(10);
    assert.deepEqual([playback.figures.stalls, playback.figures.stalledMs], [1, 10], end);
  }
});

test('detach leaves no listener on player or element', () => {
  const { hls, media, playback } = setUp();
  assert.ok(media.listening > 0);
  playback.detach();
  assert.equal(media.listening, 0);
  assert.equal(hls.eventNames().length, 0);
});
