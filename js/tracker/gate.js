/**
 * A limit on the requests of an address, applied before a request is processed, where a refusal costs least.
 */
import { performance } from 'node:perf_hooks';
import { addressKey } from './addresses.js';

const MINUTE_MS = 60_000;

export class Gate {
  #perMinute;
  /** Requests of each address in this minute and in the one before. */
  #now = /** @type {Map<string, number>} */ (new Map());
  #before = /** @type {Map<string, number>} */ (new Map());
  #minuteStarted = performance.now();

  refused = 0;

  /** @param {number} perMinute */
  constructor(perMinute) {
    this.#perMinute = perMinute;
  }

  /**
   * Counts a request. Those of the previous minute count less and less in the course of the current one, so that no address gets
   * two minutes' allowance at the turn of a minute.
   * @param {string} address
   * @returns {boolean} false: the address has exceeded its limit
   */
  admits(address) {
    const key = addressKey(address);
    const over = this.#turn();
    const earlier = (this.#before.get(key) ?? 0) * (1 - over);
    const count = this.#now.get(key) ?? 0;
    if (count + earlier >= this.#perMinute) {
      ++this.refused;
      return false;
    }
    this.#now.set(key, count + 1);
    return true;
  }

  /** @returns {number} the part of the current minute that is over, 0 to 1 */
  #turn() {
    const passed = (performance.now() - this.#minuteStarted) / MINUTE_MS;
    if (passed < 1) return passed;
    this.#before = passed < 2 ? this.#now : new Map();
    this.#now = new Map();
    this.#minuteStarted += Math.floor(passed) * MINUTE_MS;
    return passed % 1;
  }
}
