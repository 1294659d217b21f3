import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { afterFirstFrame } from '../../js/first-frame.js';

/** A media element: `shows` gives it data, `paints` puts a frame on the screen. */
class FakeMedia extends EventTarget {
  readyState = 0;
  listening = 0;
  /** @type {(() => void)[]} */
  frames = [];
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
  /** @param {() => void} callback */
  requestVideoFrameCallback(callback) {
    this.frames.push(callback);
  }
  shows() {
    this.readyState = 2;
    this.dispatchEvent(new Event('loadeddata'));
  }
  paints() {
    for (const callback of this.frames.splice(0)) callback();
  }
}

/** @param {import('node:test').TestContext} context @param {{ fresh?: boolean, media?: FakeMedia | null, levels?: any[] }} [how] */
function setUp(context, { fresh = true, media = null, levels = [] } = {}) {
  const apis = /** @type {any} */ (['setTimeout']);
  const old = Number(process.versions.node.split('.')[0]) < 20;
  context.mock.timers.enable(old ? apis : { apis });
  const hls = /** @type {any} */ (Object.assign(new EventEmitter(), { media, levels }));
  const state = { went: 0, loads: false };
  const callOff = afterFirstFrame(
    hls,
    fresh,
    () => state.loads,
    () => state.went++,
  );
  const listening = () => hls.eventNames().length;
  const pass = (/** @type {number} */ ms) => {
    for (let i = 0; i < ms; i += 50) context.mock.timers.tick(50);
  };
  return { hls, state, callOff, listening, pass };
}

test('B5: it goes once the first frame is on the screen, and leaves no listener', (t) => {
  const { hls, state, listening, pass } = setUp(t);
  const media = new FakeMedia();
  hls.emit('hlsMediaAttached', '', { media });
  hls.emit('hlsManifestParsed');
  state.loads = true;
  pass(10_000);
  hls.emit('hlsFragBuffered');
  assert.equal(state.went, 0, 'a slow line is no reason to begin before the first frame');
  media.shows();
  assert.equal(state.went, 0);
  media.paints();
  assert.equal(state.went, 1);
  pass(20_000);
  media.shows();
  media.paints();
  assert.deepEqual([state.went, listening(), media.listening], [1, 0, 0]);
});

test('B5: where the browser does not say when a frame is shown, a quarter of a second is enough', (t) => {
  const media = new FakeMedia();
  const { hls, state, pass } = setUp(t, { media });
  hls.emit('hlsManifestParsed');
  media.shows();
  pass(200);
  assert.equal(state.went, 0);
  pass(50);
  assert.equal(state.went, 1);
});

test('B5: a page that loads no segment gets its engine 3 s after the playlist', (t) => {
  const { hls, state, pass } = setUp(t);
  pass(60_000);
  assert.equal(state.went, 0, 'there is no playlist');
  hls.emit('hlsManifestParsed');
  pass(2_950);
  assert.equal(state.went, 0);
  pass(50);
  assert.equal(state.went, 1);
});

test('B5: segments of which no frame comes are waited for 15 s', (t) => {
  const { hls, state, pass } = setUp(t, { media: new FakeMedia() });
  hls.emit('hlsManifestParsed');
  state.loads = true;
  pass(14_950);
  assert.equal(state.went, 0);
  pass(50);
  assert.equal(state.went, 1);
});

test('B5: attached to a player that plays, it goes within a quarter of a second', (t) => {
  const media = new FakeMedia();
  media.readyState = 4;
  const { state, pass } = setUp(t, { fresh: false, media, levels: [{}] });
  pass(250);
  assert.equal(state.went, 1);
});

test('B5: what the element shows of the source before does not count', (t) => {
  const media = new FakeMedia();
  media.readyState = 4;
  const { state, pass } = setUp(t, { media, levels: [{}] });
  media.paints();
  pass(5_000);
  assert.equal(state.went, 0);
  media.shows();
  media.paints();
  assert.equal(state.went, 1);
});

test('B5: a source that is loaded anew into an element that has a frame brings no first one', (t) => {
  const media = new FakeMedia();
  media.readyState = 4;
  const { hls, state, pass } = setUp(t, { media });
  pass(1_000);
  hls.emit('hlsFragBuffered');
  pass(200);
  assert.equal(state.went, 0);
  pass(50);
  assert.equal(state.went, 1);
});

test('B5: called off, it never goes', (t) => {
  const media = new FakeMedia();
  const { hls, state, callOff, listening, pass } = setUp(t, { media });
  hls.emit('hlsManifestParsed');
  media.shows();
  callOff();
  callOff();
  media.paints();
  pass(20_000);
  assert.deepEqual([state.went, listening()], [0, 0]);
});
