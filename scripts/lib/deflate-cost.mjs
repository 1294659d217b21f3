/**
 * About how many bits gzip takes. The zlib in Node would tell exactly, but otherwise on another processor, and the module that
 * ships must not depend on the machine that built it.
 */

/** Bits: of a byte that repeats nothing; of a repetition, beside the bits of its distance and length. */
const BYTE_BITS = 7;
const REPETITION_BITS = 8;

/** Bytes: how far back gzip looks, and its longest and shortest repetition. */
const WINDOW = 32768;
const LONGEST = 258;
const SHORTEST = 3;

/** A shortest repetition from further away than this is longer than its bytes. */
const SHORTEST_WINDOW = 4096;

/** Earlier places that are looked at for a repetition. More find hardly any. */
const LOOKS = 48;

/** A repetition of this length is taken without a look at the one that begins a byte later. */
const LONG = 32;

const HASHES = 1 << 16;

/** A text that grows at its end, and what gzip would make of more of it. */
export class DeflateCost {
  #text;
  #length = 0;
  /** By hash: the last place that begins with such bytes. By place: the place before it with the same hash. */
  #last = new Int32Array(HASHES).fill(-1);
  #previous;
  /** @type {number[]} hash and former last place of each place that #learn() took in */
  #undo = [];

  /** @param {number} capacity the longest text, in bytes, with what is only tried */
  constructor(capacity) {
    this.#text = new Uint8Array(capacity);
    this.#previous = new Int32Array(capacity);
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {number} the bits of `bytes` after the text
   */
  of(bytes) {
    const bits = this.#read(bytes);
    for (let i = this.#undo.length - 2; i >= 0; i -= 2) {
      this.#last[this.#undo[i]] = this.#undo[i + 1];
    }
    return bits;
  }

  /** @param {Uint8Array} bytes that the text has from now on */
  append(bytes) {
    this.#read(bytes);
    this.#length += bytes.length;
  }

  /** @param {Uint8Array} bytes */
  #read(bytes) {
    this.#text.set(bytes, this.#length);
    this.#undo = [];
    const end = this.#length + bytes.length;
    let bits = 0;
    let at = this.#length;
    let found = this.#longest(at, end);
    while (at < end) {
      this.#learn(at, end);
      const { length, distance } = found;
      const next = length < LONG ? this.#longest(at + 1, end) : null;
      if (length < SHORTEST || (next && next.length > length)) {
        bits += BYTE_BITS;
        ++at;
        found = next ?? this.#longest(at, end);
        continue;
      }
      const longer = length > 10 ? Math.floor(Math.log2(length)) - 2 : 0;
      bits += REPETITION_BITS + Math.floor(Math.log2(distance)) + longer;
      for (const stop = at + length; ++at < stop;) this.#learn(at, end);
      found = this.#longest(at, end);
    }
    return bits;
  }

  /** @param {number} at */
  #hash(at) {
    const [a, b, c] = [this.#text[at], this.#text[at + 1], this.#text[at + 2]];
    return (a * 0x9e5f + b * 0x1f55 + c * 0xb1) % HASHES;
  }

  /**
   * @param {number} at
   * @param {number} end of the text
   */
  #learn(at, end) {
    if (at + SHORTEST > end) return;
    const hash = this.#hash(at);
    this.#undo.push(hash, this.#last[hash]);
    this.#previous[at] = this.#last[hash];
    this.#last[hash] = at;
  }

  /**
   * @param {number} at
   * @param {number} end
   * @returns {{ length: number, distance: number }} the longest repetition; of length 0 if there is none
   */
  #longest(at, end) {
    const text = this.#text;
    const most = Math.min(LONGEST, end - at);
    let length = SHORTEST - 1;
    let distance = 0;
    if (most < SHORTEST) return { length: 0, distance };
    let place = this.#last[this.#hash(at)];
    for (let look = 0; look < LOOKS && place >= 0 && at - place <= WINDOW; ++look) {
      if (text[place + length] === text[at + length]) {
        let same = 0;
        while (same < most && text[place + same] === text[at + same]) ++same;
        if (same > length) [length, distance] = [same, at - place];
        if (same === most) break;
      }
      place = this.#previous[place];
    }
    const worth = length > SHORTEST || (length === SHORTEST && distance <= SHORTEST_WINDOW);
    return { length: worth ? length : 0, distance };
  }
}
