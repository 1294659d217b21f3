/** Lines over time, drawn by uPlot. */

import uPlot from 'uplot';
import { colour } from './dom.js';
import { decimal } from './format.js';

const HEIGHT = 210;
const FONT = '12px system-ui, sans-serif';

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour name of a colour in style.css
 * @property {boolean} [stacked] the area begins at the line before it
 */

/** @typedef {(number | null)[]} Values */

export class Chart {
  #holder;
  #lines;
  #format;
  /** @type {uPlot | null} */
  #plot = null;
  /** @type {[Values, ...Values[]]} */
  #data = [[]];

  /**
   * @param {HTMLElement} holder
   * @param {Line[]} lines
   * @param {(value: number | null) => string} format of values
   */
  constructor(holder, lines, format) {
    this.#holder = holder;
    this.#lines = lines;
    this.#format = format;
    holder.setAttribute('role', 'img');
    new ResizeObserver(() => this.#fit()).observe(holder);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  /** @param {number[]} times seconds of the epoch @param {Values[]} values of each line */
  update(times, values) {
    this.#data = [times, ...values];
    const told = this.#lines.map(
      ({ label }, at) =>
        `${label} ${this.#format(values[at].findLast((each) => each !== null) ?? null)}`,
    );
    this.#holder.setAttribute('aria-label', `Now: ${told.join(', ')}`);
    if (this.#plot) this.#plot.setData(/** @type {any} */ (this.#shown()));
    else this.#draw();
  }

  /** Stacked lines are drawn at the height that they and those below them have together. */
  #shown() {
    const [times, ...values] = this.#data;
    const heights = values.map((line) => [...line]);
    for (let at = heights.length - 2; at >= 0; --at) {
      if (!this.#lines[at].stacked) continue;
      heights[at] = heights[at].map((value, step) =>
        value === null ? null : value + (heights[at + 1][step] ?? 0),
      );
    }
    return [times, ...heights];
  }

  #fit() {
    const { clientWidth: width } = this.#holder;
    if (this.#plot && width > 0 && width !== this.#plot.width) {
      this.#plot.setSize({ width, height: HEIGHT });
    }
  }

  #draw() {
    this.#plot?.destroy();
    const { clientWidth: width } = this.#holder;
    if (width === 0) return;
    const axis = { stroke: colour('soft'), font: FONT, ticks: { show: false } };
    const grid = { stroke: colour('line'), width: 1 };
    const options = /** @type {uPlot.Options} */ ({
      width,
      height: HEIGHT,
      bands: this.#lines.flatMap(({ stacked, colour: of }, at) =>
        stacked ? [{ series: [at + 1, at + 2], fill: `${colour(of)}66` }] : [],
      ),
      legend: {
        live: true,
        markers: { width: 0, fill: (_, at) => colour(this.#lines[at - 1]?.colour ?? 'soft') },
      },
      cursor: { points: { size: 7 }, y: false },
      scales: { y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, size: 30, values: uPlotTimes },
        { ...axis, grid, size: 44, values: (_, all) => all.map(decimal) },
      ],
      series: [
        { label: '', value: (_, at) => (at === null ? 'now' : clock(at)) },
        ...this.#lines.map((line, at) => ({
          label: line.label,
          stroke: colour(line.colour),
          fill: line.stacked
            ? undefined
            : `${colour(line.colour)}${line.stacked === undefined ? '22' : '66'}`,
          width: line.stacked === undefined ? 2 : 1.5,
          points: { show: false },
          value: (
            /** @type {uPlot} */ _,
            /** @type {number} */ __,
            /** @type {number} */ ___,
            /** @type {number | null} */ step,
          ) =>
            this.#format(
              (step === null ? this.#data[at + 1].at(-1) : this.#data[at + 1][step]) ?? null,
            ),
        })),
      ],
    });
    this.#plot = new uPlot(options, /** @type {any} */ (this.#shown()), this.#holder);
  }
}

/** @param {number} seconds of the epoch @returns {string} the time of day */
export const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

/** @param {uPlot} _ @param {number[]} times */
const uPlotTimes = (_, times) => times.map(clock);
