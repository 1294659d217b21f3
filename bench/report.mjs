import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {string} unit
 * @property {number} ours
 * @property {number} [baseline] of the same work in the same run
 * @property {number} [ratio] ours to the baseline
 */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** @param {Figure | Figure[]} figures */
export function print(figures) {
  for (const { name, unit, ours, baseline, ratio } of [figures].flat()) {
    const against =
      baseline === undefined || ratio === undefined
        ? ''
        : `, baseline ${round(baseline)} ${unit}, ratio ${ratio.toFixed(2)}`;
    console.log(`${name}: ${round(ours)} ${unit}${against}`);
  }
}

/** @param {number} value */
function round(value) {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** @param {string} url of the module that asks whether it is what Node was started with */
export function isMain(url) {
  return process.argv[1] === fileURLToPath(url);
}
