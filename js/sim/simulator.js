/** The simulator as WebAssembly: a scenario and a seed in, figures out. The same in Node and in a worker of a page. */

/** @typedef {{ figures: any, scenario: any }} Outcome `figures` and `scenario` as docs/SIMULATOR.md lists them */

/**
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => void} _initialize
 * @property {(size: number) => number} hs_text_in
 * @property {(size: number, seedHigh: number, seedLow: number) => number} hs_open
 * @property {(seedHigh: number, seedLow: number) => void} hs_draw
 * @property {(seconds: number) => number} hs_advance
 * @property {() => number} hs_text
 * @property {() => number} hs_text_size
 * @property {() => void} hs_look
 */

/** A scenario that cannot be run; the message says which member is at fault. */
export class ScenarioError extends Error {}

/** One study at a time. */
export class Simulator {
  #exports;

  /** @param {WebAssembly.Module} module dist/hlsmesh-sim.wasm */
  constructor(module) {
    const imports = {
      env: { emscripten_notify_memory_growth() {} },
      wasi_snapshot_preview1: {
        /** @param {number} code of an abort: memory is out, or an assertion failed */
        proc_exit(code) {
          throw new Error(`the simulator ended itself (${code}); is its memory used up?`);
        },
      },
    };
    this.#exports = /** @type {Exports} */ (
      /** @type {unknown} */ (new WebAssembly.Instance(module, imports).exports)
    );
    this.#exports._initialize();
  }

  /** Of the WebAssembly memory, in bytes. */
  get memoryBytes() {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * @param {bigint} seed below 2^64
   * @returns {any} a scenario in which every parameter is drawn from the seed
   */
  draw(seed) {
    this.#exports.hs_draw(...halves(seed));
    return JSON.parse(this.#text());
  }

  /**
   * @param {unknown} scenario as parsed from JSON
   * @param {bigint} seed below 2^64
   * @returns {any} the scenario with every default
   * @throws {ScenarioError}
   */
  open(scenario, seed) {
    const text = new TextEncoder().encode(JSON.stringify(scenario));
    const at = this.#exports.hs_text_in(text.length);
    new Uint8Array(this.#exports.memory.buffer, at, text.length).set(text);
    const good = this.#exports.hs_open(text.length, ...halves(seed));
    if (!good) throw new ScenarioError(this.#text());
    return JSON.parse(this.#text());
  }

  /**
   * @param {number} seconds of simulated time
   * @returns {number} the part of the study that is done, 0 to 1
   */
  advance(seconds) {
    return this.#exports.hs_advance(seconds);
  }

  /**
   * How the run with peers stands, by viewer; bytes so far.
   * @returns {{ at: number, here: number[], cdn: number[], p2p: number[] }}
   */
  look() {
    this.#exports.hs_look();
    return JSON.parse(this.#text());
  }

  /** The figures, once advance() has returned 1. */
  figures() {
    return JSON.parse(this.#text());
  }

  #text() {
    const { memory, hs_text, hs_text_size } = this.#exports;
    return new TextDecoder().decode(new Uint8Array(memory.buffer, hs_text(), hs_text_size()));
  }
}

/**
 * @param {bigint} seed
 * @returns {[high: number, low: number]}
 */
function halves(seed) {
  return [Number((seed >> 32n) & 0xffffffffn), Number(seed & 0xffffffffn)];
}
