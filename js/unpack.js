/**
 * Unpacks the engine from dist/hlsmesh.wasm, a module of one section that holds the engine's module packed
 * (scripts/lib/pack.mjs; docs/ARCHITECTURE.md, "Packing").
 */

/** The name of the section: four bytes for the number of the engine's bytes, and the packed engine. */
export const SECTION = 'packed';

/** Milliseconds of work without a break: half a frame of 60 Hz. */
const SLICE_MS = 8;

/** Bytes between two looks at the clock. */
const LOOK_BYTES = 64;

/** Guesses are of 2^16. */
const HALF = 32768;

const CONTEXTS = 6;

/** Each context has 2^TABLE_BITS slots. With one bit more: 0.1 KB less of the engine, and 19 MB in place of 9. */
const TABLE_BITS = 19;

// What a byte of a module is.
const OTHER = 0; // the header, and what other sections than that of the code hold
const SECTION_ID = 1;
const SIZE = 2; // of a section, or of a function's body
const COUNT = 3; // of functions
const LOCALS = 4; // declarations of a function's locals
const OPCODE = 5;
const IMMEDIATE = 6; // the first that follows an opcode
const FURTHER = 7; // a later one

const HEADER_BYTES = 8;
const CODE_SECTION = 10;
const BRANCH_TABLE = 0x0e;
const CALL = 0x10;
const INDIRECT_CALL = 0x11;
const DOUBLE = 0x44;
const PREFIX = 0xfc;
const COPY = 10; // after the prefix
const FILL = 11;

/** @type {(value: number, low: number, high: number) => boolean} */
const within = (value, low, high) => value >= low && value <= high;

/** @type {(hash: number, value: number) => number} */
function mixed(hash, value) {
  const product = Math.imul(hash ^ value, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/**
 * A model of WebAssembly modules, which guesses each bit from all before it by context mixing: six contexts each guess by how the
 * bit was when the context was the same, and a mixer weights their guesses by how good they have been (M. Mahoney, "Adaptive
 * Weighing of Context Models for Lossless Data Compression", 2005). The same bits give the same guesses everywhere: the language
 * leaves no freedom in +, -, * and / of numbers, and nothing else is used.
 *
 * It follows the grammar of WebAssembly 1.0, of memory.copy and memory.fill, and of the conversions that do not trap; and what is
 * no module somehow.
 * @param {(guess: number) => number} coded told how probable it is that the next bit is 1, within (0, 2^16), returns the bit
 * @returns {() => number} takes eight bits and returns the byte that they are
 */
export function model(coded) {
  // Of the grammar.
  let field = OTHER;
  let place = 0; // of the next byte within its field
  let left = HEADER_BYTES; // of a list's bytes, or of an instruction's immediates
  let number = 0; // the field so far, read as a number
  let body = 0; // bytes left of a function's body
  let functions = 0; // left, with the one that is being read
  let inCode = false;
  let depth = 0; // about how many operands the stack holds: calls and branches are taken to leave none
  let ops = [0, 0, 0, 0]; // from the newest
  const usual = new Int32Array(256); // the last immediate of the last instruction with an opcode

  // Of the mixer.
  const inputs = new Float32Array(CONTEXTS);
  const weights = new Float32Array(CONTEXTS << 13);
  const contexts = new Int32Array(CONTEXTS);
  const slots = new Int32Array(CONTEXTS);
  // What a context has seen of a bit: how often, up to 14, and above those four bits its guess, less a half.
  const known = new Int32Array(CONTEXTS << TABLE_BITS);
  // The integral of 1 / (p * (1 - p)), from 1/2 on.
  const stretched = new Float32Array(2 * HALF);
  for (let i = HALF + 1; i < 2 * HALF; i++) {
    const p = i / HALF / 2;
    stretched[i] = stretched[i - 1] + 1 / (p * (1 - p)) / HALF / 2;
    stretched[2 * HALF - 1 - i] = -stretched[i];
  }

  /** @param {number} next */
  function begin(next) {
    field = next;
    place = number = 0;
  }

  /** @param {number} op */
  function instruction(op) {
    ops = [op, ...ops.slice(0, 3)];
    if (op <= INDIRECT_CALL) depth = 0;
    if (op === 0x20 || within(op, 0x41, DOUBLE)) depth++; // local.get, constants
    if (op === 0x21 || (within(op, 0x46, 0xa6) && op !== 0x50)) depth--; // local.set, most with two operands
    if (op === 0x1b || within(op, 0x36, 0x3e)) depth -= 2; // select, stores
    depth = Math.max(depth, 0);
    left =
      op === INDIRECT_CALL || within(op, 0x28, 0x3e) // loads and stores
        ? 2
        : // Blocks, branches and calls; variables; memory and constants.
          +(
            within(op, 0x02, 0x04) ||
            within(op, 0x0c, BRANCH_TABLE) ||
            op === CALL ||
            within(op, 0x20, 0x24) ||
            within(op, 0x3f, DOUBLE) ||
            op === PREFIX
          );
    begin(left ? IMMEDIATE : OPCODE);
  }

  /** @param {number} byte */
  function advance(byte) {
    const goesOn = byte > 127; // of a number
    number |= (byte & 127) << (7 * place);
    place++;
    const wasInBody = body > 0;
    if (field === OTHER) {
      if (!--left) begin(SECTION_ID);
    } else if (field === SECTION_ID) {
      inCode = byte === CODE_SECTION;
      begin(SIZE);
    } else if (field === LOCALS) {
      if (place === 1) left = 2 * byte + 1;
      if (!--left) begin(OPCODE);
    } else if (field === OPCODE) {
      instruction(byte);
    } else if (field < LOCALS) {
      if (goesOn) return;
      left = number;
      if (field === COUNT) {
        functions = number;
        begin(SIZE);
      } else if (functions) {
        body = number;
        begin(LOCALS);
      } else begin(inCode ? COUNT : OTHER);
    } else if (ops[0] === DOUBLE ? place > 7 : !goesOn) {
      usual[ops[0]] = number;
      if (field === IMMEDIATE) {
        if (ops[0] === BRANCH_TABLE) left += byte + 1;
        if (ops[0] === PREFIX) left += byte === COPY ? 2 : +(byte === FILL);
      }
      begin(--left ? FURTHER : OPCODE);
    }
    if (wasInBody && !--body) begin(--functions ? SIZE : SECTION_ID);
  }

  let before = 0; // the last bytes
  return () => {
    const at = (field << 27) | (Math.min(place, 7) << 24);
    // With the bytes of the number so far.
    const here = mixed(at, place ? before & 255 : 0);
    contexts[0] = mixed(at, field < IMMEDIATE ? depth : ops[0]);
    contexts[1] = mixed(before & 0xffff, 0);
    contexts[2] = mixed(here, (ops[0] << 8) | ops[1]);
    contexts[3] = mixed(contexts[2], (ops[2] << 8) | ops[3]);
    contexts[4] = mixed(here, mixed(usual[ops[0]], ops[0]));
    contexts[5] = mixed(here, usual[CALL]);
    let bits = 1; // a 1, and the byte's bits so far
    while (bits < 256) {
      // A set of weights for the field's place, one for the opcode, and one for the bits.
      const byPlace = at >>> 24;
      const byOpcode = 0x800 | (field << 8) | ops[0];
      const byBits = 0x1000 | (field << 8) | bits;
      let sum = 0;
      for (let i = 0; i < CONTEXTS; i++) {
        slots[i] = (i << TABLE_BITS) | (mixed(contexts[i], bits) >>> (32 - TABLE_BITS));
        inputs[i] = stretched[(known[slots[i]] >> 4) + HALF];
        const base = i << 13;
        sum +=
          inputs[i] *
          (weights[base | byPlace] + weights[base | byOpcode] + weights[base | byBits] + 0.2);
      }
      // 1 / (1 + e^-sum), nearly.
      let power = 1 + Math.max(-12, Math.min(sum, 12)) / 256;
      for (let i = 0; i < 8; i++) power *= power;
      const guess = power / (1 + power);
      const bit = coded(Math.max(1, Math.min(2 * HALF * guess, 2 * HALF - 1)) | 0);
      for (let i = 0; i < CONTEXTS; i++) {
        const slot = slots[i];
        const base = i << 13;
        const change = (bit - guess) * inputs[i] * 0.005;
        weights[base | byPlace] += change;
        weights[base | byOpcode] += change;
        weights[base | byBits] += change;
        const seen = known[slot] & 15;
        const wrong = (bit ? HALF - 1 : -HALF) - (known[slot] >> 4);
        known[slot] += ((wrong / (seen + 1.5)) << 4) + +(seen < 14);
      }
      bits = bits * 2 + bit;
    }
    const byte = bits & 255;
    before = (before << 8) | byte;
    advance(byte);
    return byte;
  };
}

/**
 * Arithmetic coding: a text is a number within [0, 1), and each bit narrows the interval of it in proportion to the model's guess.
 * This holds the 32 bits in which the ends may still differ.
 * @param {(middle: number) => number} decide told the last number of the part of a 1, returns the bit
 * @param {(first: number) => void} settle called for each byte that is the same at both ends, which is dropped then
 * @returns {() => number} takes a byte
 */
export function coder(decide, settle) {
  const ends = Uint32Array.of(0, -1);
  return model((guess) => {
    const middle = ends[0] + Math.floor(((ends[1] - ends[0]) * guess) / 2 / HALF);
    const bit = decide(middle);
    ends[bit] = middle + 1 - bit;
    while ((ends[0] ^ ends[1]) >>> 24 === 0) {
      settle(ends[0] >>> 24);
      ends[0] <<= 8;
      ends[1] = (ends[1] << 8) | 255;
    }
    return bit;
  });
}

/**
 * @param {WebAssembly.Module} module
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} the engine's module, if `module` holds it packed
 */
export async function unpacked(module) {
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  if (!section) return null;
  const packed = new Uint8Array(section);
  const engine = new Uint8Array(new DataView(section).getUint32(0));
  let at = 4;
  const number = new Uint32Array(1);
  // Zeros follow what is packed.
  const read = () => {
    number[0] = (number[0] << 8) | packed[at++];
  };
  for (let i = 0; i < 4; i++) read();
  const take = coder((middle) => +(number[0] <= middle), read);
  let began = -Infinity;
  for (let i = 0; i < engine.length; i++) {
    // The page's other work goes on between the slices.
    if (i % LOOK_BYTES === 0 && performance.now() - began >= SLICE_MS) {
      await breath();
      began = performance.now();
    }
    engine[i] = take();
  }
  return engine;
}

/**
 * Lets all that waits have its turn. Not by a timer: a hidden page's may fire once a second.
 * @returns {Promise<void>}
 */
function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
