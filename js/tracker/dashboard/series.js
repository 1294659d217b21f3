/**
 * Figures over time in bounded memory: ten-second steps for an hour, minutes for a day.
 *
 * A series knows no time of day. Its last value is the newest, so that the series of nodes whose clocks differ can be added.
 */

export const FINE_SECONDS = 10;
export const COARSE_SECONDS = 60;
const FINE_STEPS = 3600 / FINE_SECONDS;
const COARSE_STEPS = 86_400 / COARSE_SECONDS;
const FINE_IN_COARSE = COARSE_SECONDS / FINE_SECONDS;

/** Figures that have a value at each time; the others are amounts, which add up over time. */
const GAUGES = new Set(['viewers', 'channels', 'connections', 'roots']);

/**
 * @typedef {object} Told
 * @property {number} step in seconds
 * @property {Record<string, (number | null)[]>} columns oldest first; null where nothing was recorded
 */

export class Series {
  #names;
  #fine;
  #coarse;

  /** @param {readonly string[]} names of the columns */
  constructor(names) {
    this.#names = names;
    this.#fine = new Ring(names.length, FINE_STEPS);
    this.#coarse = new Ring(names.length, COARSE_STEPS);
  }

  /**
   * Amounts are added to those of the same step.
   * @param {number} step the number of the ten seconds; never falls
   * @param {Record<string, number>} values by column; a missing one is 0
   */
  record(step, values) {
    const minute = Math.floor(step / FINE_IN_COARSE);
    this.#names.forEach((name, column) => {
      for (const [ring, at] of /** @type {const} */ ([
        [this.#fine, step],
        [this.#coarse, minute],
      ])) {
        const before = GAUGES.has(name) ? 0 : (ring.get(at, column) ?? 0);
        ring.set(at, column, before + (values[name] ?? 0));
      }
    });
  }

  /**
   * @param {number} step the present one
   * @param {number} minutes of which it is told: in ten-second steps up to an hour, else in minutes
   * @returns {Told}
   */
  tell(step, minutes) {
    const fine = minutes * 60 <= FINE_STEPS * FINE_SECONDS;
    const [ring, seconds] = fine ? [this.#fine, FINE_SECONDS] : [this.#coarse, COARSE_SECONDS];
    const last = fine ? step : Math.floor(step / FINE_IN_COARSE);
    const count = Math.min(Math.ceil((minutes * 60) / seconds), ring.steps);
    const columns = this.#names.map((name, column) => {
      const values = Array.from({ length: count }, (_, at) => {
        const value = ring.get(last - count + 1 + at, column);
        return value === null ? null : Math.round(value * 1000) / 1000;
      });
      return [name, values];
    });
    return { step: seconds, columns: Object.fromEntries(columns) };
  }
}

/** The last values of some columns, by the number of the step. */
class Ring {
  #columns;
  #values;
  /** The step of each place; -1: none. */
  #steps;

  /** @param {number} columns @param {number} steps */
  constructor(columns, steps) {
    this.steps = steps;
    this.#columns = columns;
    // Seven digits are more than a chart shows.
    this.#values = new Float32Array(columns * steps);
    this.#steps = new Int32Array(steps).fill(-1);
  }

  /** @param {number} step @param {number} column @param {number} value */
  set(step, column, value) {
    const place = step % this.steps;
    if (this.#steps[place] !== step) {
      this.#steps[place] = step;
      this.#values.fill(0, place * this.#columns, (place + 1) * this.#columns);
    }
    this.#values[place * this.#columns + column] = value;
  }

  /** @param {number} step @param {number} column @returns {number | null} null if nothing was recorded */
  get(step, column) {
    const place = step % this.steps;
    if (step < 0 || this.#steps[place] !== step) return null;
    return this.#values[place * this.#columns + column];
  }
}

/**
 * @param {Told[]} all of several nodes, with the same step
 * @returns {Told} their sum, newest beside newest
 */
export function sumOfSeries(all) {
  const [first, ...rest] = all;
  for (const { columns } of rest) {
    for (const [name, values] of Object.entries(columns)) {
      const into = first.columns[name];
      values.forEach((value, at) => {
        if (value !== null) into[at] = (into[at] ?? 0) + value;
      });
    }
  }
  return first;
}
