/** Segments that hls.js loads before there is an engine: kept, so that others may have them once it is there. */

/** @typedef {import('./driver.js').LoadFacts} LoadFacts */

/** What is kept in all: some seconds of the highest rendition that is usual. Segments beyond that are not kept. */
const MOST_BYTES = 16 * 1024 * 1024;

const NOBODY = { url: '', fetchFromCdn() {}, progress() {}, done() {} };

export class EarlyLoads {
  /** A segment was asked for. */
  any = false;
  #room = MOST_BYTES;
  /** @type {{ facts: LoadFacts, data: ArrayBuffer }[]} */
  #kept = [];

  asked() {
    this.any = true;
  }

  /**
   * @param {LoadFacts} facts
   * @param {ArrayBuffer} data hls.js transfers it away once this returns
   */
  keep(facts, data) {
    if (data.byteLength > this.#room) return;
    this.#room -= data.byteLength;
    this.#kept.push({ facts, data: data.slice(0) });
  }

  /** Forgets all, and keeps no more. */
  drop() {
    this.#kept.length = this.#room = 0;
  }

  /**
   * @param {Pick<import('./driver.js').Driver, 'register' | 'load' | 'fetchDone'>} driver
   * @param {(bytes: number) => void} counted one of them is counted by the engine
   */
  handOver(driver, counted) {
    for (const { facts, data } of this.#kept) {
      const load = driver.register(NOBODY);
      driver.load(load, facts, true);
      if (driver.fetchDone(load, data, data.byteLength)) counted(data.byteLength);
    }
    this.drop();
  }
}
