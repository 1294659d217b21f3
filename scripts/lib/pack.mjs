/** Packs the engine for viewers. js/unpack.js has the model of modules, and unpacks. */

import { readFileSync, writeFileSync } from 'node:fs';
import { SECTION, coder, unpacked } from '../../js/unpack.js';
import { UserError } from './process.mjs';

/**
 * @param {Uint8Array} bytes
 * @returns {Uint8Array<ArrayBuffer>} a module that unpacked() takes
 */
export function packed(bytes) {
  /** @type {number[]} */
  const out = [];
  let low = 0;
  let byte = 0;
  let bit = 0;
  const add = coder(
    (middle) => {
      const one = (byte >> --bit) & 1;
      if (!one) low = middle + 1;
      return one;
    },
    (first) => {
      out.push(first);
      low = (low << 8) >>> 0;
    },
  );
  for (byte of bytes) {
    bit = 8;
    add();
  }
  // A number above the low end, behind which zeros follow.
  out.push((low >>> 24) + 1);
  const size = new DataView(new ArrayBuffer(4));
  size.setUint32(0, bytes.length);
  const name = new TextEncoder().encode(SECTION);
  const content = [name.length, ...name, ...new Uint8Array(size.buffer), ...out];
  return Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, ...leb(content.length), ...content);
}

/**
 * @param {number} value
 * @returns {number[]} as modules write numbers
 */
function leb(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

/**
 * @param {string} from the engine's module
 * @param {string} to
 */
export async function packEngine(from, to) {
  const engine = readFileSync(from);
  const module = packed(engine);
  const again = await unpacked(await WebAssembly.compile(module));
  if (!again || !engine.equals(again)) throw new UserError(`${from} cannot be unpacked again`);
  writeFileSync(to, module);
}
