import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Theatre } from './theatre.mjs';

/**
 * hls.js must not be able to tell: each kind of stream and each thing that sites do to a player is played with hls.js alone,
 * with a mesh but no peer, and with a peer that has everything.
 */

/** @type {Theatre} */
let theatre;

before(async () => {
  theatre = await Theatre.open();
});
after(() => theatre?.close());

const LO = /^lo\d\.ts$/;

/** @type {import('./theatre.mjs').Item[]} */
const ITEMS = [
  { name: 'MPEG-TS, in the worker', stream: 'ts', play: { level: 0 }, shared: LO },
  {
    name: 'MPEG-TS, without the worker',
    stream: 'ts',
    play: { level: 0, config: { enableWorker: false } },
    shared: LO,
  },
  { name: 'fMP4', stream: 'fmp4', shared: /^fmp4\d\.m4s$/, direct: /^fmp4-init\.mp4$/ },
  {
    name: 'demuxed audio',
    stream: 'demuxed',
    shared: /^(audio|video)\d\.m4s$/,
    direct: /^audio-init\.mp4$/,
    also: ({ fed }) => {
      for (const kind of ['audio', 'video']) {
        const came = fed.segments.filter(
          (/** @type {any} */ s) => s.source === 'peer' && s.file.startsWith(kind),
        );
        assert.ok(came.length > 0, `no ${kind} came from the peer`);
      }
    },
  },
  {
    name: 'another language, chosen while loading',
    stream: 'two-languages',
    play: { rate: 2, script: 'languages' },
    mediaDelayMs: 80,
    shared: /^(audio|dubbed|video)\d\.m4s$/,
    // The peer keeps to the first.
    direct: /^dubbed\d\.m4s$/,
    timely: true,
  },
  {
    name: 'byte ranges of one file',
    stream: 'range',
    shared: /^range\.mp4$/,
    // The init segment, which is a range of that file as well.
    direct: /^range\.mp4$/,
    also: ({ fed }) =>
      assert.ok(fed.loads.some((/** @type {any} */ l) => l.sn === 'initSegment' && l.rangeEnd)),
  },
  { name: 'AES-128', stream: 'aes', shared: /^aes\d\.ts$/, direct: /^aes\.key$/ },
  {
    name: 'AES-128 with IVs and without, AES-256 and NONE, another key now and then',
    stream: 'rotated',
    shared: /^rotated\d\.ts$/,
    direct: /^(one|two|long)\.key$/,
  },
  {
    name: 'AES-128 of fMP4, the init segment too',
    stream: 'sealed',
    shared: /^sealed\d\.m4s$/,
    direct: /^(one\.key|sealed-init\.mp4)$/,
  },
  {
    name: 'SAMPLE-AES, a key in a file and one in the playlist',
    stream: 'sampled',
    shared: /^sampled\d\.ts$/,
    direct: /^one\.key$/,
  },
  {
    name: 'several levels, switched while loading',
    stream: 'ts',
    play: { rate: 2, script: 'switches' },
    mediaDelayMs: 80,
    peer: { levels: [0, 1] },
    shared: /^(lo|hi)\d\.ts$/,
    timely: true,
  },
  { name: 'discontinuity', stream: 'discontinuity', shared: /^(lo|other)\d\.ts$/ },
  {
    name: 'subtitles',
    stream: 'subtitles',
    play: { config: { renderTextTracksNatively: false } },
    shared: /^(lo\d\.ts|text\d\.vtt)$/,
    cutsOff: true,
    also: ({ plain }) => assert.equal(plain.cues.length, 6),
  },
  {
    name: 'content steering: the peer is on another host',
    stream: 'steering',
    query: { pathway: 'two' },
    peerQuery: { pathway: 'one' },
    shared: LO,
    also: ({ fed }) => {
      assert.ok(fed.loads.every((/** @type {any} */ l) => l.host === 'localhost'));
    },
  },
  {
    name: 'content steering: a viewer is moved to another host while it plays',
    stream: 'steering-away',
    query: { after: '1500' },
    // It loads nothing before a parent is there, and the engine looks for one 3 s after the playlist.
    fedQuery: { after: '5000' },
    play: { rate: 2, config: { maxBufferLength: 4, maxMaxBufferLength: 4 } },
    shared: LO,
    timely: true,
    also: (results) => {
      for (const [who, { loads }] of Object.entries(results)) {
        const hosts = new Set(loads.map((/** @type {any} */ l) => l.host));
        assert.equal(hosts.size, 2, `${who} stayed on ${[...hosts]}`);
      }
    },
  },
  {
    name: 'content steering: a viewer is moved while hls.js takes a segment apart',
    stream: 'steering',
    query: { pathway: 'one' },
    play: { rate: 2, script: 'moves', config: { maxBufferLength: 4, maxMaxBufferLength: 4 } },
    shared: LO,
    timely: true,
    also: (results) => {
      for (const [who, { misplaced }] of Object.entries(results)) {
        assert.deepEqual(misplaced, ['mediaError fragParsingError 2'], who);
      }
    },
  },
  {
    name: 'redundant stream: one host has lost its segments',
    stream: 'redundant',
    failing: true,
    shared: /^(lo|no)\d\.ts$/,
    also: ({ plain }) => assert.ok(plain.errors.length > 0),
  },
  {
    name: 'tokens in every URL',
    stream: 'ts',
    play: { level: 0 },
    query: { token: 'mine' },
    peerQuery: { token: 'theirs' },
    shared: LO,
  },
  {
    name: 'numbers beyond 32 bits, gaps, variables, date ranges and bit rates',
    stream: 'tagged',
    query: { dir: 'lo' },
    peerQuery: { dir: 'lo' },
    // hls.js buffers no whole stream here.
    peer: { plays: true },
    shared: LO,
    also: ({ plain }) => assert.ok(plain.errors.includes('mediaError fragGap')),
  },
  {
    name: 'nextLevel, flipped under load',
    stream: 'ts',
    play: { rate: 2, script: 'flips' },
    mediaDelayMs: 80,
    peer: { levels: [0, 1] },
    shared: /^(lo|hi)\d\.ts$/,
    timely: true,
  },
  {
    name: 'progressive',
    stream: 'fmp4',
    play: { config: { progressive: true } },
    shared: /^fmp4\d\.m4s$/,
    direct: /^fmp4-init\.mp4$/,
    also: ({ alone }) => {
      assert.ok(alone.pieces > 0, 'nothing came in pieces');
      assert.equal(alone.stats.streamedSegments, 0);
    },
  },
  {
    name: 'startPosition',
    stream: 'ts',
    play: { level: 0, rate: 2, config: { startPosition: 3 } },
    shared: LO,
    also: ({ fed }) => assert.equal(fed.levels['main 0'], undefined),
  },
  {
    name: 'seeking storm',
    stream: 'ts',
    play: { level: 0, rate: 2, script: 'seeks' },
    mediaDelayMs: 80,
    shared: LO,
    timely: true,
  },
  {
    name: 'stopLoad and startLoad',
    stream: 'ts',
    play: {
      level: 0,
      rate: 2,
      script: 'stops',
      config: { maxBufferLength: 4, maxMaxBufferLength: 4 },
    },
    shared: LO,
    timely: true,
  },
  {
    name: 'recoverMediaError within loads',
    stream: 'ts',
    play: {
      level: 0,
      rate: 2,
      script: 'recovers',
      config: { maxBufferLength: 4, maxMaxBufferLength: 4 },
    },
    mediaDelayMs: 300,
    shared: LO,
    timely: true,
  },
  {
    name: 'recoverMediaError',
    stream: 'ts',
    play: { level: 0, script: 'recover' },
    shared: LO,
    timely: true,
  },
  {
    name: 'swapAudioCodec',
    stream: 'ts',
    play: { level: 0, script: 'swap' },
    shared: LO,
    timely: true,
  },
];

describe('VOD with a mesh is what it is without', { concurrency: false }, () => {
  for (const item of ITEMS) {
    test(item.name, async () => theatre.compare(item, await theatre.playThrice(item)));
  }

  test('loadSource of another channel, beside a second player on the page', async () => {
    const { pages } = theatre;
    const room = 'two players';
    const first = {
      ...{ src: theatre.source('ts'), level: 0, script: 'reload', next: theatre.source('fmp4') },
    };
    const second = { src: theatre.source('discontinuity'), level: 0 };
    const [plain, otherPlain, alone, otherAlone] = await Promise.all([
      theatre.run(pages.plain, first),
      theatre.run(pages.plain, second),
      theatre.run(pages.alone, first, `${room}, alone`),
      theatre.run(pages.alone, second, `${room}, alone`),
      ...['ts', 'fmp4', 'discontinuity'].map((stream) =>
        theatre.hold({ src: theatre.source(stream) }, room),
      ),
    ]);
    const [fed, otherFed] = await Promise.all([
      theatre.run(pages.fed, { ...first, afterPeer: true }, room),
      theatre.run(pages.fed, { ...second, afterPeer: true }, room),
    ]);
    await theatre.release(room);
    const firstFiles = /^(lo\d\.ts|fmp4\d\.m4s)$/;
    theatre.compare(
      { name: '', stream: 'ts', shared: firstFiles, timely: true },
      { plain, alone, fed },
    );
    theatre.compare(
      { name: '', stream: 'discontinuity', shared: /^(lo|other)\d\.ts$/ },
      { plain: otherPlain, alone: otherAlone, fed: otherFed },
    );
    assert.ok(
      fed.segments.some((/** @type {any} */ s) => s.source === 'peer' && s.file.startsWith('fmp4')),
      'nothing of the second channel came from a peer',
    );
  });
});
