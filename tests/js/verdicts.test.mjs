import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked } from '../../js/fragments.js';
import { Verdicts } from '../../js/verdicts.js';
import { FakeHls } from './fake-hls.mjs';

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));

function setUp() {
  const hls = Object.assign(new FakeHls(null), {
    recovered: 0,
    recoverMediaError() {
      this.recovered++;
    },
  });
  const media = Object.assign(new EventTarget(), {
    error: /** @type {any} */ (null),
    currentTime: 7,
    paused: false,
    plays: 0,
    async play() {
      this.plays++;
    },
  });
  /** @type {any[]} */
  const told = [];
  const verdicts = new Verdicts(/** @type {any} */ (hls), (...verdict) => told.push(verdict));
  hls.emit('hlsMediaAttached', '', { media });
  const url = 'https://one.example/5.ts';
  const frag = { sn: 5, duration: 2, url, stats: { name: 'the answer' }, elementaryStreams: {} };
  asked.set(frag.stats, frag.elementaryStreams);
  const fail = (/** @type {object} */ data) => hls.emit('hlsError', '', { frag, ...data });
  return { hls, media, told, verdicts, frag, fail };
}

test('errors that speak of bytes are told of the answer that they were in, and no others', () => {
  const { told, frag, fail } = setUp();
  for (const details of ['fragParsingError', 'fragDecryptError', 'bufferAppendError']) {
    fail({ details, error: new Error('x') });
    assert.deepEqual(told.pop(), [frag.stats, -1], details);
  }
  fail({ details: 'fragParsingError', chunkMeta: { sn: 5 } });
  assert.equal(told.length, 1);
  fail({ details: 'fragParsingError', chunkMeta: { sn: 4 } });
  fail({ details: 'fragParsingError', frag: undefined });
  fail({ details: 'fragLoadError' });
  fail({ details: 'keySystemNoKeys' });
  fail({ details: 'bufferAppendError', error: new DOMException('full', 'QuotaExceededError') });
  assert.equal(told.length, 1);
  // WebCrypto's errors are DOMExceptions too.
  fail({ details: 'fragDecryptError', error: new DOMException('', 'OperationError') });
  assert.equal(told.length, 2);
});

test('of a part that hls.js refuses its own answer is told', () => {
  const { told, fail } = setUp();
  const part = { index: 2, stats: { of: 'part' }, elementaryStreams: {} };
  asked.set(part.stats, part.elementaryStreams);
  fail({ details: 'fragParsingError', part, chunkMeta: { sn: 5, part: 2 } });
  fail({
    details: 'bufferAppendError',
    part,
    chunkMeta: { sn: 5, part: 2 },
    error: new Error('x'),
  });
  assert.deepEqual(told, [
    [part.stats, -1],
    [part.stats, -1],
  ]);
  fail({ details: 'fragParsingError', part, chunkMeta: { sn: 5, part: 1 } });
  fail({ details: 'fragParsingError', part });
  assert.equal(told.length, 2);
});

test('of a fragment with the answer of another nothing is told, and of the same at a new address it is', () => {
  const { hls, told, frag, fail } = setUp();
  const url = 'https://two.example/5.ts';
  const { stats } = frag;
  const elementaryStreams = { video: { startPTS: 10, endPTS: 10.1 } };
  const other = { ...frag, url, elementaryStreams };
  fail({ details: 'fragParsingError', frag: other });
  fail({ details: 'bufferAppendError', frag: other, error: new Error('x') });
  hls.emit('hlsFragBuffered', '', { frag: other });
  hls.emit('hlsSubtitleFragProcessed', '', { frag: other, success: false, error: new Error('x') });
  const part = { index: 2, url, stats, independent: true, elementaryStreams };
  fail({ details: 'fragParsingError', part, chunkMeta: { sn: 5, part: 2 } });
  hls.emit('hlsFragBuffered', '', { frag, part });
  assert.deepEqual(told, []);
  // The live playlist was loaded again, and lists the same with another token, or on another host.
  frag.elementaryStreams = Object.assign(frag.elementaryStreams, elementaryStreams);
  for (const again of ['https://one.example/5.ts?token=2', url]) {
    fail({ details: 'fragParsingError', frag: { ...frag, url: again } });
    hls.emit('hlsFragBuffered', '', { frag: { ...frag, url: again } });
    assert.deepEqual(told.splice(0), [
      [stats, -1],
      [stats, 10.1 - 10],
    ]);
  }
});

test('what hls.js found in an answer is told in seconds', () => {
  const { hls, told, frag } = setUp();
  const elementaryStreams = {
    audio: { startPTS: 10, endPTS: 11.5 },
    video: { startPTS: 10, endPTS: 12 },
    audiovideo: null,
  };
  asked.set(frag.stats, elementaryStreams);
  hls.emit('hlsFragBuffered', '', { frag: { ...frag, elementaryStreams } });
  const video = { startPTS: 10, endPTS: 11 };
  const part = { stats: {}, independent: true, elementaryStreams: { video } };
  const empty = { stats: {}, independent: true, elementaryStreams: {} };
  for (const each of [part, empty]) asked.set(each.stats, each.elementaryStreams);
  for (const each of [part, empty, { ...part, independent: false }]) {
    hls.emit('hlsFragBuffered', '', { frag: { ...frag, elementaryStreams }, part: each });
  }
  hls.config.progressive = true;
  hls.emit('hlsFragBuffered', '', { frag: { ...frag, elementaryStreams }, part });
  asked.set(frag.stats, frag.elementaryStreams);
  hls.emit('hlsFragBuffered', '', { frag });
  assert.deepEqual(told, [
    [frag.stats, 2],
    [part.stats, 1],
    [empty.stats, 0],
  ]);
  told.length = 1;
  hls.emit('hlsSubtitleFragProcessed', '', { frag, success: true });
  hls.emit('hlsSubtitleFragProcessed', '', { frag, success: false, error: new Error('no WEBVTT') });
  const early = new Error('Missing initPTS for VTT');
  hls.emit('hlsSubtitleFragProcessed', '', { frag, success: false, error: early });
  assert.deepEqual(told.slice(1), [
    [frag.stats, 2],
    [frag.stats, -1],
  ]);
});

test("a decode error is told once, with the place; one of an append is hls.js's to tell", () => {
  const { hls, media, told } = setUp();
  media.error = { code: 3, message: 'PIPELINE_ERROR_DECODE' };
  media.dispatchEvent(new Event('error'));
  hls.emit('hlsMediaDetaching', '');
  assert.deepEqual(told, [[null, 7]]);
  for (const error of [
    { code: 3, message: 'CHUNK_DEMUXER_ERROR_APPEND_FAILED' },
    { code: 2, message: '' },
  ]) {
    hls.emit('hlsMediaAttached', '', { media: Object.assign(media, { error }) });
    media.dispatchEvent(new Event('error'));
  }
  assert.equal(told.length, 1);
});

test('a player that failed is brought back as it was, unless somebody else has done so', async () => {
  const { hls, media, verdicts, fail } = setUp();
  verdicts.recover();
  await turn();
  assert.equal(hls.recovered, 0, 'nothing had failed');
  media.paused = true; // as Chromium does before it tells
  media.error = { code: 3, message: '' };
  media.dispatchEvent(new Event('error'));
  verdicts.recover();
  await turn();
  assert.deepEqual([hls.recovered, media.plays], [1, 1]);

  media.error = null;
  media.dispatchEvent(new Event('pause'));
  fail({ details: 'fragParsingError', fatal: true });
  verdicts.recover();
  await turn();
  assert.deepEqual([hls.recovered, media.plays], [2, 1], 'a paused player stays paused');

  fail({ details: 'fragParsingError', fatal: true });
  verdicts.recover();
  hls.emit('hlsMediaDetaching', '');
  hls.emit('hlsMediaAttached', '', { media });
  await turn();
  assert.equal(hls.recovered, 2, 'the page was quicker');
  fail({ details: 'fragParsingError', fatal: true });
  verdicts.recover();
  verdicts.detach();
  await turn();
  assert.equal(hls.recovered, 2, 'detached');
});
