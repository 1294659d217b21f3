// The page of savings: reads the sliders, runs the simulator in a worker, and writes what came of it.

import { formatShare } from './format.js';

/** @typedef {import('./save-worker.js').Look} Look */

// As many engines as show how an audience shares; a larger one shares in rooms, at least as well.
const MOST_ENGINES = 150;
const SECONDS = 90;
const MONEY = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'USD',
  maximumSignificantDigits: 3,
});
const COUNT = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const valueOf = (id) => Number(/** @type {HTMLInputElement} */ (element(id)).value);
/** @param {string} id @param {string} text */
const write = (id, text) => (element(id).textContent = text);

function asked() {
  return {
    viewers: Math.round(Number((10 ** valueOf('viewers')).toPrecision(2))),
    hours: valueOf('hours'),
    mbit: valueOf('mbit'),
    mobile: valueOf('mobile') / 100,
    fibre: valueOf('fibre') / 100,
    price: valueOf('price'),
  };
}

function showAsked() {
  const { viewers, hours, mbit, mobile, fibre, price } = asked();
  write('viewers-text', COUNT.format(viewers));
  write('hours-text', `${hours} h`);
  write('mbit-text', `${mbit} Mbit/s`);
  write('mobile-text', formatShare(mobile, 1));
  write('fibre-text', formatShare(fibre, 1));
  write('price-text', `$${price.toFixed(3)}`);
}

/** @param {any} steady the scenario with the default audience */
function scenarioOf(steady) {
  const { viewers, mbit, mobile, fibre } = asked();
  const [glass, cable, slow, phone] = steady.audience.access;
  const rest = cable.share + slow.share;
  const wired = (1 - mobile) * (1 - fibre);
  const access = [
    { ...glass, share: (1 - mobile) * fibre },
    { ...cable, share: (wired * cable.share) / rest },
    { ...slow, share: (wired * slow.share) / rest },
    { ...phone, share: mobile },
  ];
  return {
    ...steady,
    seconds: SECONDS,
    stream: { ...steady.stream, mbit },
    audience: { ...steady.audience, viewers: Math.min(viewers, MOST_ENGINES), access },
  };
}

class Dots {
  #canvas = /** @type {HTMLCanvasElement} */ (element('dots'));
  /** Of each viewer the part of its latest bytes that came from peers; -1: not there. @type {number[]} */
  #parts = [];
  /** @type {Look['look'] | undefined} */
  #before;

  constructor() {
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  clear() {
    this.#parts = [];
    this.#before = undefined;
    this.draw();
  }

  /** @param {Look['look']} look */
  show(look) {
    const before = this.#before;
    this.#parts = look.here.map((here, i) => {
      if (!here) return -1;
      const p2p = look.p2p[i] - (before?.p2p[i] ?? 0);
      const cdn = look.cdn[i] - (before?.cdn[i] ?? 0);
      return p2p + cdn > 0 ? p2p / (p2p + cdn) : Math.max(0, this.#parts[i] ?? 0);
    });
    this.#before = look;
    this.draw();
    const there = this.#parts.filter((part) => part >= 0);
    const fed = there.filter((part) => part >= 0.5).length;
    this.#canvas.setAttribute(
      'aria-label',
      `${there.length} viewers, ${fed} of them fed by other viewers`,
    );
  }

  draw() {
    const context = this.#canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!context || width === 0) return;
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(this.#canvas);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    const count = Math.max(1, this.#parts.length);
    const columns = Math.ceil(Math.sqrt((count * width) / height));
    const step = Math.min(width / columns, height / Math.ceil(count / columns), 40);
    this.#parts.forEach((part, i) => {
      context.fillStyle = colour(part < 0 ? 'grid' : part >= 0.5 ? 'peers' : 'cdn');
      // What the CDN brings is a square, so that not only the colour tells.
      const x = ((i % columns) + 0.5) * step;
      const y = (Math.floor(i / columns) + 0.5) * step;
      context.beginPath();
      if (part >= 0 && part < 0.5)
        context.rect(x - step * 0.3, y - step * 0.3, step * 0.6, step * 0.6);
      else context.arc(x, y, step * 0.35, 0, 2 * Math.PI);
      context.fill();
    });
  }
}

/** @param {any} figures */
function showResult({ offload, stallSeconds, twinStallSeconds, viewers }) {
  const { viewers: audience, hours, mbit, price } = asked();
  const gigabytes = (audience * hours * 3600 * mbit) / 8 / 1000;
  const before = gigabytes * price;
  write('saved', MONEY.format(before * offload));
  write('before', MONEY.format(before));
  write('after', MONEY.format(before * (1 - offload)));
  write('offload', formatShare(offload, 1));
  write('stalls', `${stallSeconds.toFixed(1)} s, ${twinStallSeconds.toFixed(1)} s`);
  const scaled = audience > viewers ? `, taken to hold for ${COUNT.format(audience)}` : '';
  write(
    'said',
    `${formatShare(offload, 1)} of ${COUNT.format(gigabytes)} GB came from other viewers, as ${viewers} simulated ones did in ` +
      `${SECONDS} s, the start included${scaled}.`,
  );
}

const dots = new Dots();
const run = /** @type {HTMLButtonElement} */ (element('run'));
const progress = /** @type {HTMLProgressElement} */ (element('progress'));
const loaded = Promise.all([
  fetch('/js/sim/scenarios/steady.json').then((answer) => answer.json()),
  WebAssembly.compileStreaming(fetch('/dist/hlsmesh-sim.wasm')),
]);

async function simulate() {
  run.disabled = true;
  dots.clear();
  write('said', 'Simulating.');
  try {
    const [steady, module] = await loaded;
    const worker = new Worker('/save-worker.js', { type: 'module' });
    const figures = await new Promise((resolve, reject) => {
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.onmessage = ({ data }) => {
        if (data.figures) return resolve(data.figures);
        const { done, look } = /** @type {Look} */ (data);
        progress.value = done;
        dots.show(look);
        write(
          'moment',
          done < 0.5
            ? `Second ${Math.round(look.at)} of ${SECONDS}, with peers.`
            : 'The same viewers without peers, for comparison.',
        );
      };
      worker.postMessage({ module, scenario: scenarioOf(steady), seed: 1 });
    });
    worker.terminate();
    progress.value = 1;
    write(
      'moment',
      'Each dot is a viewer: where its last segments came from, at the end of the run with peers.',
    );
    showResult(figures);
  } catch (error) {
    write('said', `The simulation failed: ${error instanceof Error ? error.message : error}`);
  } finally {
    run.disabled = false;
  }
}

element('asks').addEventListener('input', showAsked);
element('asks').addEventListener('submit', (event) => {
  event.preventDefault();
  void simulate();
});
showAsked();
