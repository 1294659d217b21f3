/**
 * Packs the engine for viewers: dist/hlsmesh.wasm is a small module (wasm/unpack.cpp) that holds the engine's module, a third
 * smaller than gzip or Brotli would make it, and unpacks it. js/module.js calls it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpacked } from '../../js/core.js';
import { ROOT, UserError } from './process.mjs';
import { optimize } from './shrink.mjs';

/** The linker's name for where the memory is free. */
const BASE = /\(global (\S+) i32 \(i32\.const (\d+)\)\)[^]*\(export "__heap_base" \(global \1\)\)/;

/** @param {string} name a module that CMake built */
const built = (name) => join(ROOT, 'build', 'wasm', 'wasm', name);

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<Uint8Array>} behind them four bytes for their number
 */
async function pack(bytes) {
  const { instance } = await WebAssembly.instantiate(readFileSync(built('hlsmesh-pack.wasm')), {
    wasi_snapshot_preview1: { proc_exit() {} },
  });
  const { memory, _initialize, hp_input, hp_pack, hp_output } = /** @type {any} */ (
    instance.exports
  );
  _initialize();
  const input = hp_input(bytes.length);
  new Uint8Array(memory.buffer).set(bytes, input);
  const size = hp_pack();
  const out = new Uint8Array(4 + size);
  new DataView(out.buffer).setUint32(0, bytes.length, true);
  out.set(new Uint8Array(memory.buffer, hp_output(), size), 4);
  return out;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} as the text format writes them
 */
const escaped = (bytes) =>
  Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

/**
 * @param {string} from the engine's module
 * @param {string} to
 */
export async function packEngine(from, to) {
  const text = join(ROOT, 'build', 'unpack.wat');
  const passes = ['--flatten', '--rereloop', '-Oz', '--strip-debug', '-S'];
  await optimize([built('hlsmesh-unpack.wasm'), ...passes, '-o', text]);
  const code = readFileSync(text, 'utf8');
  const base = BASE.exec(code);
  if (!base) throw new UserError(`${text} does not say where its memory is free`);
  const engine = readFileSync(from);
  const data = `(data (i32.const ${base[2]}) "${escaped(await pack(engine))}")`;
  const kept = code.replace(/^ *\(export "(?!unpack"|memory")\w+" .*\n/gm, '');
  writeFileSync(text, `${kept.slice(0, kept.lastIndexOf(')'))} ${data}\n)\n`);
  await optimize([text, '--remove-unused-module-elements', '-Oz', '-o', to]);
  const again = await unpacked(await WebAssembly.compile(readFileSync(to)));
  if (!again || !engine.equals(again)) {
    throw new UserError(`${to} does not unpack as what was packed`);
  }
}
