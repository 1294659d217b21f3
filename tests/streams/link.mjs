import { setTimeout as sleep } from 'node:timers/promises';

/** Fine enough that a segment's bytes come as from a line of that rate, and not in bursts. */
const CHUNK_BYTES = 8 * 1024;

/** The line between the origin and one viewer: all its answers together get no more than its rate. */
export class Link {
  #bytesPerSecond;
  /** When the line has sent all it was given. */
  #freeAt = 0;

  /** @param {number} bytesPerSecond */
  constructor(bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /**
   * Ends an answer whose head was written. Settles when its last byte has been sent, or its viewer has gone.
   * @param {import('node:http').ServerResponse} res
   * @param {Buffer} body
   */
  async send(res, body) {
    this.#freeAt = Math.max(this.#freeAt, performance.now());
    for (let at = 0; at < body.length && !res.destroyed; at += CHUNK_BYTES) {
      const chunk = body.subarray(at, at + CHUNK_BYTES);
      // From the one before, not from now: a timer that comes late does not make the line slower.
      this.#freeAt += (chunk.length / this.#bytesPerSecond) * 1000;
      await sleep(Math.max(0, this.#freeAt - performance.now()));
      res.write(chunk);
    }
    res.end();
  }
}
