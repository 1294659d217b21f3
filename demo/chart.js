import { formatBytes, formatRate } from './format.js';

/** @typedef {{ cdn: number, p2p: number, upload: number }} Sample bytes within one second */

const SECONDS = 120;
// Segments come in lumps. Averaged over two of the demo's, the picture shows rates instead.
const AVERAGED_SECONDS = 4;
const LABEL_WIDTH = 62;
const LABEL_HEIGHT = 18;
const FONT = '11px system-ui, "DejaVu Sans", sans-serif';

/**
 * Bytes per second over the last two minutes, a bar a second, each the mean of the last four: downloads stacked above the axis,
 * uploads below it on the same scale.
 */
export class TrafficChart {
  #canvas;
  /** @type {Sample[]} */
  #samples = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  /** @param {Sample[]} samples oldest first */
  push(...samples) {
    this.#samples.push(...samples);
    const kept = SECONDS + AVERAGED_SECONDS - 1;
    this.#samples.splice(0, Math.max(0, this.#samples.length - kept));
    this.draw();
    this.#describe();
  }

  draw() {
    const context = this.#canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!context || width === 0) return;
    const ratio = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);

    const style = getComputedStyle(this.#canvas);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    const plot = { left: LABEL_WIDTH, top: 6, right: width, bottom: height - LABEL_HEIGHT };
    const rates = this.#rates();
    const up = niceCeiling(Math.max(0, ...rates.map((rate) => rate.cdn + rate.p2p)));
    const peakUpload = Math.max(0, ...rates.map((rate) => rate.upload));
    const down = peakUpload > 0 ? niceCeiling(peakUpload) : 0;
    const perByte = (plot.bottom - plot.top) / (up + down);
    const zero = Math.round(plot.top + up * perByte);

    context.font = FONT;
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    for (const value of [up, up / 2, 0, -down]) {
      const y = Math.round(zero - value * perByte) + 0.5;
      context.strokeStyle = value === 0 ? colour('upload') : colour('grid');
      context.beginPath();
      context.moveTo(plot.left, y);
      context.lineTo(plot.right, y);
      context.stroke();
      // A label that would touch the axis's own is left out.
      if (value !== 0 && Math.abs(y - zero) < 14) continue;
      context.fillStyle = colour('muted');
      context.fillText(formatRate(Math.abs(value)), plot.left - 8, y);
    }

    const step = (plot.right - plot.left) / SECONDS;
    const first = SECONDS - rates.length;
    rates.forEach(({ cdn, p2p, upload }, i) => {
      // On whole pixels, so that neighbours neither overlap nor leave a seam.
      const x = Math.round(plot.left + (first + i) * step);
      const barWidth = Math.round(plot.left + (first + i + 1) * step) - x;
      const bar = (
        /** @type {string} */ name,
        /** @type {number} */ from,
        /** @type {number} */ to,
      ) => {
        if (from === to) return;
        const top = Math.min(zero - from * perByte, zero - to * perByte);
        const size = Math.max(1, Math.abs(to - from) * perByte);
        context.fillStyle = colour(name);
        context.fillRect(x, top, barWidth, size);
      };
      bar('peers', 0, p2p);
      bar('cdn', p2p, p2p + cdn);
      bar('upload', 0, -upload);
    });

    context.fillStyle = colour('muted');
    context.textBaseline = 'bottom';
    for (const [secondsAgo, text, align] of /** @type {[number, string, CanvasTextAlign][]} */ ([
      [120, '2 min ago', 'left'],
      [60, '1 min ago', 'center'],
      [0, 'now', 'right'],
    ])) {
      context.textAlign = align;
      context.fillText(text, plot.right - secondsAgo * step, height);
    }
  }

  /** @returns {Sample[]} means, one for each second that is shown */
  #rates() {
    const shown = Math.min(SECONDS, this.#samples.length);
    return Array.from({ length: shown }, (_, i) => {
      const end = this.#samples.length - shown + i + 1;
      const window = this.#samples.slice(Math.max(0, end - AVERAGED_SECONDS), end);
      const mean = (/** @type {keyof Sample} */ key) =>
        window.reduce((total, sample) => total + sample[key], 0) / AVERAGED_SECONDS;
      return { cdn: mean('cdn'), p2p: mean('p2p'), upload: mean('upload') };
    });
  }

  #describe() {
    const recent = this.#samples.slice(-SECONDS);
    const sum = (/** @type {keyof Sample} */ key) =>
      recent.reduce((total, sample) => total + sample[key], 0);
    this.#canvas.setAttribute(
      'aria-label',
      `In the last ${recent.length} seconds: ${formatBytes(sum('p2p'))} from peers, ` +
        `${formatBytes(sum('cdn'))} from the CDN, ${formatBytes(sum('upload'))} uploaded.`,
    );
  }
}

/**
 * The next of 1, 2, 4, 10 … times a power of ten, so that half of it is short to write as well.
 * @param {number} value
 */
function niceCeiling(value) {
  if (value <= 1e5) return 1e5;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4].find((factor) => factor * power >= value) ?? 10);
}
