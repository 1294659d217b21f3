/** A minute of rates: downloads stacked above the axis, uploads below. */

import { formatRate } from './format.js';

const SECONDS = 60;

/** @typedef {{ peers: number, cdn: number, upload: number }} Rates bytes a second */

export class History {
  #canvas;
  /** @type {Rates[]} */
  #rates = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** @param {Rates} rates of the last second */
  push(rates) {
    this.#rates.push(rates);
    this.#rates.splice(0, this.#rates.length - SECONDS);
    this.#draw();
    const { peers, cdn, upload } = rates;
    this.#canvas.setAttribute(
      'aria-label',
      `The last minute. Now ${formatRate(peers)} from peers, ${formatRate(cdn)} from the CDN, ${formatRate(upload)} uploaded`,
    );
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const context = this.#canvas.getContext('2d');
    if (!context || width === 0) return;
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    context.scale(ratio, ratio);
    const style = getComputedStyle(this.#canvas);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`);
    const down = Math.max(1e4, ...this.#rates.map(({ peers, cdn }) => peers + cdn));
    const up = Math.max(0, ...this.#rates.map(({ upload }) => upload));
    const scale = (height - 1) / (down + up);
    const zero = Math.round(down * scale);
    const step = width / SECONDS;
    context.fillStyle = colour('line');
    context.fillRect(0, zero, width, 1);
    this.#rates.forEach(({ peers, cdn, upload }, i) => {
      const left = Math.round(width - (this.#rates.length - i) * step);
      const wide = Math.round(width - (this.#rates.length - i - 1) * step) - left;
      const bar = (
        /** @type {string} */ name,
        /** @type {number} */ from,
        /** @type {number} */ to,
      ) => {
        context.fillStyle = colour(name);
        context.fillRect(left, zero - to * scale, wide, (to - from) * scale);
      };
      bar('peer', 0, peers);
      bar('cdn', peers, peers + cdn);
      bar('up', -upload, 0);
    });
  }
}
