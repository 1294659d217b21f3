import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DeflateCost } from '../../scripts/lib/deflate-cost.mjs';
import { numberLocals } from '../../scripts/lib/number-locals.mjs';
import { ROOT } from '../../scripts/lib/process.mjs';
import { readFunctions, withFunctions, writeFunction } from '../../scripts/lib/wasm-code.mjs';

const SHIPPED = readFileSync(join(ROOT, 'dist', 'hlsmesh.wasm'));

const I32 = 0x7f;
const I64 = 0x7e;

/** @param {number[][]} bodies of functions (i32) => i32, exported as a, b and so on */
function moduleOf(...bodies) {
  const content = (/** @type {number[][]} */ parts) => [parts.length, ...parts.flat()];
  const section = (/** @type {number} */ id, /** @type {number[]} */ bytes) => [
    id,
    bytes.length,
    ...bytes,
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, content([[0x60, 1, I32, 1, I32]])),
    ...section(3, content(bodies.map(() => [0]))),
    ...section(7, content(bodies.map((_, i) => [1, 0x61 + i, 0, i]))),
    ...section(10, content(bodies.map((body) => [body.length, ...body]))),
  ]);
}

/**
 * 10 x + 5 by way of locals `wide`, `a` and `b`, each used in the same order.
 * @param {number[]} declared
 * @param {number} a
 * @param {number} b
 * @param {number} wide
 */
function viaLocals(declared, a, b, wide) {
  return [
    ...declared,
    ...[0x20, 0, 0xac, 0x21, wide], // wide = x
    ...[0x20, wide, 0x42, 10, 0x7e, 0xa7, 0x21, a], // a = 10 wide
    ...[0x41, 5, 0x21, b], // b = 5
    ...[0x20, a, 0x20, b, 0x6a, 0x22, a, 0x1a, 0x20, a, 0x0b],
  ];
}

const TWO_WAYS = moduleOf(
  viaLocals([2, 2, I32, 1, I64], 1, 2, 3),
  viaLocals([2, 1, I64, 2, I32], 3, 2, 1),
);

/** @param {Uint8Array} bytes */
function results(bytes) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(bytes)));
  return Object.values(exports).map((each) => [0, 1, 7, -3].map((x) => asFunction(each)(x)));
}

/** @param {WebAssembly.ExportValue} value */
function asFunction(value) {
  return /** @type {(x: number) => number} */ (value);
}

test('functions that differ only in the numbers of their locals become alike and do the same', () => {
  const numbered = numberLocals(TWO_WAYS);
  assert.deepEqual(results(numbered), results(TWO_WAYS));
  assert.deepEqual(results(numbered)[1], [5, 15, 75, -25]);
  const written = readFunctions(numbered).map((code) =>
    writeFunction(
      code,
      code.types.map((_, i) => i),
    ),
  );
  assert.deepEqual(written[0], written[1]);
});

test('the shipped module is read whole and written as it was', () => {
  const same = readFunctions(SHIPPED).map((code) =>
    writeFunction(
      code,
      code.types.map((_, i) => i),
    ),
  );
  assert.ok(same.length > 100);
  assert.ok(SHIPPED.equals(withFunctions(SHIPPED, same)));
});

test('an instruction that no supported browser needs is refused, and not misread', () => {
  assert.throws(() => readFunctions(moduleOf([0, 0xfd, 0x0c, 0x0b])), /instruction 253/);
  assert.throws(() => readFunctions(moduleOf([0, 0xfc, 12, 0, 0, 0x0b])), /instruction 0xfc 12/);
});

test('what repeats earlier bytes costs less, and what is only tried is not remembered', () => {
  const cost = new DeflateCost(1000);
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * i) % 251);
  const first = cost.of(bytes);
  assert.equal(cost.of(bytes), first);
  cost.append(bytes);
  assert.ok(cost.of(bytes) < first / 10);
  assert.ok(cost.of(bytes.map((byte) => byte ^ 0xaa)) > first / 2);
});
