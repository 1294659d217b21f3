/**
 * A WebAssembly module with the exports of hlsmesh-tracker.wasm that does nothing, and traps at the first message.
 */
import { ABI_VERSION } from '../../js/tracker/abi.js';

const I32 = 0x7f;
const F64 = 0x7c;
const I32_CONST = 0x41;
const F64_CONST = 0x44;
const UNREACHABLE = 0x00;
const END = 0x0b;

const ZERO = [I32_CONST, 0];
const INFINITY = [F64_CONST, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f];
const SOMEWHERE = [I32_CONST, 16];

/** @type {[name: string, parameters: number[], results: number[], body: number[]][]} */
const FUNCTIONS = [
  ['_initialize', [], [], []],
  ['ht_abi_version', [], [I32], [I32_CONST, ABI_VERSION]],
  ['ht_text', [I32], [I32], SOMEWHERE],
  ['ht_set', [I32, F64], [I32], ZERO],
  ['ht_start', [], [I32], ZERO],
  ['ht_open', [F64, I32, I32, I32, I32, I32], [I32], ZERO],
  ['ht_message', [F64, I32], [I32], [UNREACHABLE]],
  ['ht_closed', [F64, I32], [I32], ZERO],
  ['ht_poll', [], [I32], ZERO],
  ['ht_next_timeout', [], [F64], INFINITY],
  ['ht_stats', [], [I32], SOMEWHERE],
];

/** @param {number[][]} items */
const vector = (items) => [items.length, ...items.flat()];

/** @param {number[]} bytes every length here is below 128, or two bytes of LEB128 */
const sized = (bytes) => [
  ...(bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7]),
  ...bytes,
];

/** @param {string} text */
const name = (text) => sized([...Buffer.from(text)]);

/** @returns {Uint8Array<ArrayBuffer>} */
export function trappingEngine() {
  const types = FUNCTIONS.map(([, parameters, results]) => [
    0x60,
    ...sized(parameters),
    ...sized(results),
  ]);
  const exports = FUNCTIONS.map(([text], index) => [...name(text), 0, index]);
  const bodies = FUNCTIONS.map(([, , , body]) => sized([0, ...body, END]));
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized(vector(types))],
    ...[3, ...sized(vector(FUNCTIONS.map((_, index) => [index])))],
    ...[5, ...sized([1, 0, 1])], // one memory of one page
    ...[7, ...sized(vector([...exports, [...name('memory'), 2, 0]]))],
    ...[10, ...sized(vector(bodies))],
  ]);
}
