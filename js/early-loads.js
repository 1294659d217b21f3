/** Segments that hls.js loads before there is an engine: kept, so that others may have them once it is there. */

/** @typedef {import('./engine.js').LoadFacts} LoadFacts */

/** What is kept in all: some seconds of the highest rendition that is usual. Segments beyond that are not kept. */
const MOST_BYTES = 16 * 1024 * 1024;

const NOBODY = { url: '', fetchFromCdn() {}, fetchRange: () => () => {}, progress() {}, done() {} };

/**
 * @typedef {object} Kept
 * @property {() => LoadFacts} describe
 * @property {ArrayBuffer} data
 * @property {object} answer what stands for it in the player
 * @property {number} [seconds] what the player made of it
 */

export class EarlyLoads {
  /** A segment was asked for. */
  anyAsked = false;
  #room = MOST_BYTES;
  /** @type {Kept[]} */
  #kept = [];

  segmentAsked() {
    this.anyAsked = true;
  }

  /**
   * @param {() => LoadFacts} describe called when there is an engine: hls.js's numbers of renditions change with its lists, as those of
   *   audio do with the level's group
   * @param {ArrayBuffer} data hls.js transfers it away once this returns
   * @param {object} answer what stands for it in the player
   */
  keepCopy(describe, data, answer) {
    if (data.byteLength > this.#room) return;
    this.#room -= data.byteLength;
    this.#kept.push({ describe, data: data.slice(0), answer });
  }

  /**
   * What the player made of an answer, for the engine to hear: that it refused it, above all.
   * @param {object | null} answer
   * @param {number} seconds
   */
  verdict(answer, seconds) {
    const kept = this.#kept.find((one) => one.answer === answer);
    if (kept) kept.seconds = Math.min(kept.seconds ?? seconds, seconds);
  }

  /** Forgets all, and keeps no more. */
  drop() {
    this.#kept.length = this.#room = 0;
  }

  /**
   * @param {Pick<import('./driver.js').Driver, 'load' | 'fetchPart' | 'fetchDone' | 'verdict'>} driver
   * @param {(bytes: number) => void} counted one of them is counted by the engine
   */
  handOver(driver, counted) {
    for (const { describe, data, answer, seconds } of this.#kept) {
      const taken = driver.load({ ...NOBODY, answer }, describe(), true);
      const bytes = data.byteLength;
      driver.fetchPart(taken, 0, new Uint8Array(data), bytes);
      if (driver.fetchDone(taken, bytes)) counted(bytes);
      if (seconds !== undefined) driver.verdict(answer, seconds);
    }
    this.drop();
  }
}
