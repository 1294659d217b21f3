/**
 * What reading a frame costs the tracker, by its own reader and by `ws`: microseconds of CPU time for an offer of 1.3 KB, from the
 * socket's bytes to its text. `node bench/tracker-frames.mjs`; with WS_NO_BUFFER_UTIL=1 `ws` unmasks in JavaScript.
 */
import { EventEmitter } from 'node:events';
import * as ws from 'ws';
import { readAhead } from '../js/tracker/reader.js';

const FRAMES = 20_000;
const ROUNDS = 4;
const TEXT_BYTES = 1300;
const MOST_BYTES = 65_536;

const mask = [1, 2, 3, 4];
const head = [0x81, 0x80 | 126, TEXT_BYTES >> 8, TEXT_BYTES & 255, ...mask];
const masked = Buffer.alloc(TEXT_BYTES, 'a').map((byte, at) => byte ^ mask[at % 4]);
const frame = Buffer.concat([Buffer.from(head), masked]);

let bytes = 0;
const raw = new EventEmitter();
raw.on('data', () => {});
const hearer = { text: (/** @type {any} */ _, /** @type {Buffer} */ text) => count(text) };
readAhead(MOST_BYTES, { ...hearer, ping() {}, pong() {} })({}, /** @type {any} */ (raw));
const { Receiver } = /** @type {any} */ (ws);
const options = { isServer: true, maxPayload: MOST_BYTES, allowSynchronousEvents: true };
const receiver = new Receiver(options).on('message', count);

/** @param {Buffer} text */
function count(text) {
  bytes += text.length;
}

/** @param {(chunk: Buffer) => void} read @returns {number} microseconds a frame, once the code is compiled */
function cost(read) {
  let spent = 0;
  for (let round = 0; round < ROUNDS; ++round) {
    const chunks = Array.from({ length: FRAMES }, () => Buffer.from(frame));
    const before = process.cpuUsage();
    for (const chunk of chunks) read(chunk);
    const { user, system } = process.cpuUsage(before);
    spent = (user + system) / FRAMES;
  }
  return spent;
}

console.log(`tracker ${cost((chunk) => void raw.emit('data', chunk)).toFixed(2)} µs`);
console.log(`ws ${cost((chunk) => receiver.write(chunk)).toFixed(2)} µs`);
if (bytes !== 2 * ROUNDS * FRAMES * TEXT_BYTES) throw new Error('a frame was not read');
