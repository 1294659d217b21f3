/**
 * WebAssembly modules with the exports of hlsmesh.wasm that do nothing and ask for nothing, except that chosen exports trap.
 */
import { ABI_VERSION } from '../../js/abi.js';

const I32 = 0x7f;
const F64 = 0x7c;
const I32_CONST = 0x41;
const F64_CONST = 0x44;
const UNREACHABLE = 0x00;
const END = 0x0b;

const ZERO = [I32_CONST, 0];
const INFINITY = [F64_CONST, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f];
const SOMEWHERE = [I32_CONST, 16];

/** @type {Record<string, [parameters: number[], results: number[], body: number[]]>} */
const FUNCTIONS = {
  _initialize: [[], [], []],
  hm_abi_version: [[], [I32], [I32_CONST, ABI_VERSION]],
  hm_text: [[I32], [I32], SOMEWHERE],
  hm_set: [[I32, F64], [I32], ZERO],
  hm_set_text: [[I32], [I32], ZERO],
  hm_start: [[F64], [I32], ZERO],
  hm_stop: [[F64], [I32], ZERO],
  hm_clear_renditions: [[], [I32], ZERO],
  hm_add_rendition: [[I32, I32, I32], [I32], ZERO],
  hm_set_live: [[I32], [I32], ZERO],
  hm_presentation: [[F64], [I32], ZERO],
  hm_playlist_loaded: [[F64, I32, I32, F64, F64, F64, I32], [I32], ZERO],
  hm_playhead: [[F64, F64, F64, F64], [I32], ZERO],
  hm_playback: [[F64, F64, F64, F64], [I32], ZERO],
  hm_conditions: [[F64, I32, F64], [I32], ZERO],
  hm_playlist: [[F64, I32, I32], [I32], ZERO],
  hm_load: [[F64, I32, I32, I32, F64, F64, F64, F64, F64, I32, F64], [I32], ZERO],
  hm_load_aborted: [[F64, I32], [I32], ZERO],
  hm_fetch_reserve: [[I32, I32, I32, I32], [I32], ZERO],
  hm_fetch_bytes: [[F64, I32, I32], [I32], ZERO],
  hm_fetch_done: [[F64, I32, I32], [I32], ZERO],
  hm_poll: [[], [I32], ZERO],
  hm_next_timeout: [[], [F64], INFINITY],
  hm_stats: [[], [I32], SOMEWHERE],
  hm_peer_count: [[], [I32], ZERO],
};

/**
 * @param {{ traps?: string[], version?: number }} [options]
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function fakeEngine({ traps = [], version = ABI_VERSION } = {}) {
  const functions = Object.entries(FUNCTIONS);
  const types = functions.map(([, [parameters, results]]) => [
    0x60,
    ...sized(parameters),
    ...sized(results),
  ]);
  const exports = functions.map(([text], index) => [...name(text), 0, index]);
  const bodies = functions.map(([text, [, , body]]) => {
    if (traps.includes(text)) return sized([0, UNREACHABLE, END]);
    if (text === 'hm_abi_version') return sized([0, I32_CONST, version, END]);
    return sized([0, ...body, END]);
  });
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized(vector(types))],
    ...[3, ...sized(vector(functions.map((_, index) => [index])))],
    ...[5, ...sized([1, 0, 1])], // one memory of one page
    ...[7, ...sized(vector([...exports, [...name('memory'), 2, 0]]))],
    ...[10, ...sized(vector(bodies))],
  ]);
}

/** @param {number[][]} items */
const vector = (items) => [items.length, ...items.flat()];

/** @param {number[]} bytes every length here fits two bytes of LEB128 */
const sized = (bytes) => [
  ...(bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7]),
  ...bytes,
];

/** @param {string} text */
const name = (text) => sized([...Buffer.from(text)]);
