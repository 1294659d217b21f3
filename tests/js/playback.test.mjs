import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaybackFigures } from '../../js/playback.js';
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

const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('the first frame counts from loadSource, once for each source', async () => {
  const { hls, media, playback } = setUp();
  assert.equal(playback.figures.firstFrameMs, null);
  await wait(60);
  hls.emit('hlsManifestLoading');
  await wait(20);
  media.start();
  const { firstFrameMs } = playback.figures;
  assert.ok(firstFrameMs !== null && firstFrameMs >= 15 && firstFrameMs < 60, `${firstFrameMs}`);
  await wait(20);
  media.tell('loadeddata');
  assert.equal(playback.figures.firstFrameMs, firstFrameMs);
  hls.emit('hlsManifestLoading');
  assert.equal(playback.figures.firstFrameMs, null);
});

test('a stall lasts from running dry to the next progress, and counts while it lasts', async () => {
  const { media, playback } = setUp();
  media.start();
  media.tell('waiting');
  media.tell('waiting');
  media.tell('timeupdate');
  await wait(30);
  const { stalls, stalledMs } = playback.figures;
  assert.equal(stalls, 1);
  assert.ok(stalledMs >= 25, `${stalledMs}`);
  media.currentTime = 1.2;
  media.tell('timeupdate');
  const after = playback.figures.stalledMs;
  await wait(30);
  assert.equal(playback.figures.stalledMs, after);
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

test('a seek, a pause or the loss of the element ends a stall', () => {
  for (const end of ['seeking', 'pause', 'emptied']) {
    const { media, playback } = setUp();
    media.start();
    media.tell('waiting');
    media.tell(end);
    const { stalledMs } = playback.figures;
    assert.equal(playback.figures.stalls, 1);
    assert.ok(stalledMs < 20);
  }
});

test('detach leaves no listener on player or element', () => {
  const { hls, media, playback } = setUp();
  assert.ok(media.listening > 0);
  playback.detach();
  assert.equal(media.listening, 0);
  assert.equal(hls.eventNames().length, 0);
});
