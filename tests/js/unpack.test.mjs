/** Packing and unpacking of the engine: what comes out is what went in, whatever it is, and the model knows modules. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { loadModule } from '../../js/module.js';
import { model, unpacked } from '../../js/unpack.js';
import { packed } from '../../scripts/lib/pack.mjs';

/** A function with locals, a branch table, constants of three types, a load, memory.copy, a conversion and a call. */
const BODY = [
  ...[1, 2, 0x7f, 0x02, 0x40, 0x41, 0, 0x0e, 1, 0, 0, 0x0b, 0x42, 0x80, 1, 0x1a],
  ...[0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x1a, 0x41, 0x80, 8, 0x28, 2, 4, 0x1a],
  ...[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0xfc, 2],
  ...[0x1a, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0, 0x10, 0, 0x0b],
];
const SMALL = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1],
  ...[10, BODY.length + 2, 1, BODY.length, ...BODY],
);

/**
 * @param {number} length
 * @param {(i: number) => number} at
 */
const bytes = (length, at) => Uint8Array.from({ length }, (_, i) => at(i));

/** @param {number} length */
function noise(length) {
  let state = 1;
  return bytes(length, () => (state = Math.imul(state, 0x5bd1e995) + 12345) >>> 24);
}

/** @param {Uint8Array} content */
const roundTrip = async (content) => unpacked(await WebAssembly.compile(packed(content)));

test('what was packed is unpacked as it was, whatever it is', async () => {
  assert.ok(WebAssembly.validate(SMALL), 'the module is one');
  for (const content of [
    ...[bytes(0, () => 0), bytes(1, () => 0), bytes(1, () => 255), SMALL, noise(5000)],
    ...[bytes(9000, () => 0), bytes(9000, () => 255), bytes(9000, (i) => i)],
    // A header, and then what no grammar expects.
    Uint8Array.of(...SMALL, ...noise(5000)),
    Uint8Array.of(...SMALL.slice(0, 40), ...noise(5000)),
  ]) {
    assert.deepEqual(await roundTrip(content), content);
  }
});

test('repetitions cost next to nothing, and noise hardly more than itself', () => {
  assert.ok(packed(bytes(20_000, () => 32)).length < 80);
  assert.ok(packed(noise(20_000)).length < 22_000);
});

test('a module of many functions costs a fraction, since the model follows its grammar', () => {
  // Functions of the same instructions with other immediates; each is 12 bytes.
  const bodies = bytes(100, (i) => i).reduce(
    (out, i) => [...out, 11, 0, 0x41, i, 0x41, (i * 7) & 63, 0x36, 2, (i * 5) & 127, 0x41, 1, 0x1a],
    /** @type {number[]} */ ([]),
  );
  const size = bodies.length + 1;
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const code = [10, (size & 127) | 128, size >> 7, 100];
  assert.ok(packed(Uint8Array.of(...header, ...code, ...bodies)).length < bodies.length / 2);
});

test('a guess is a probability that the coder can use', () => {
  /** @type {number[]} */
  const guesses = [];
  const take = model((guess) => {
    guesses.push(guess);
    return guesses.length % 97 === 0 ? 1 : 0;
  });
  for (let i = 0; i < 3000; i++) take();
  assert.ok(guesses.every((guess) => Number.isInteger(guess) && guess > 0 && guess < 65536));
});

test('the shipped module is packed, and is no other engine than its bytes', async () => {
  const shipped = await readFile(new URL('../../dist/hlsmesh.wasm', import.meta.url));
  const engine = await unpacked(await WebAssembly.compile(shipped));
  assert.ok(engine && engine.length > 2 * shipped.length);
  const names = (/** @type {WebAssembly.Module} */ module) =>
    WebAssembly.Module.exports(module).map(({ name }) => name);
  const wanted = names(await WebAssembly.compile(engine));
  assert.ok(wanted.includes('hm_abi_version'));
  const compiled = await WebAssembly.compile(shipped);
  for (const source of [shipped, compiled, engine]) {
    assert.deepEqual(names(await loadModule(source)), wanted);
  }
  assert.equal(await unpacked(await WebAssembly.compile(engine)), null);
});
