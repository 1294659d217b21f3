/**
 * Reads and writes the functions of a WebAssembly module whose features are those of scripts/lib/shrink.mjs, as far as it takes
 * to give their locals other numbers.
 */

/**
 * @typedef {object} Code of a function
 * @property {number} params
 * @property {number[]} types of its further locals, as they are encoded
 * @property {(Uint8Array | number)[]} parts its instructions; a number is a local
 */

/** @typedef {{ id: number, from: number, to: number }} Section its content in the module */

const TYPE = 1;
const FUNCTION = 3;
const CODE = 10;

class Reader {
  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** @returns {number} a number of up to 32 bits, without its sign */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  skipNumber() {
    while (this.byte() >= 128);
  }

  /**
   * @template T
   * @param {() => T} read
   * @returns {T[]}
   */
  list(read) {
    return Array.from({ length: this.number() }, read);
  }
}

/** @param {number} value */
function encoded(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** @param {Reader} reader after the opcode */
function skipOperands(reader, opcode = 0) {
  if (opcode >= 0x02 && opcode <= 0x04)
    reader.skipNumber(); // block, loop, if
  else if (opcode === 0x0c || opcode === 0x0d || opcode === 0x10)
    reader.skipNumber(); // br, br_if, call
  else if (opcode === 0x0e)
    for (let n = reader.number(); n >= 0; --n) reader.skipNumber(); // br_table
  else if (opcode === 0x11 || (opcode >= 0x28 && opcode <= 0x3e)) {
    reader.skipNumber(); // call_indirect, loads and stores
    reader.skipNumber();
  } else if (opcode >= 0x23 && opcode <= 0x24)
    reader.skipNumber(); // global.get, global.set
  else if (opcode >= 0x3f && opcode <= 0x42)
    reader.skipNumber(); // memory.size, memory.grow, i32.const, i64.const
  else if (opcode === 0x43) reader.at += 4;
  else if (opcode === 0x44) reader.at += 8;
  else if (opcode === 0xfc) {
    const operation = reader.number();
    if (operation > 7 && operation !== 10 && operation !== 11) {
      throw new Error(`no reading of instruction 0xfc ${operation}`);
    }
    if (operation > 7) reader.at += operation === 10 ? 2 : 1; // memory.copy, memory.fill
  } else if (opcode === 0x1c || opcode >= 0xc5)
    throw new Error(`no reading of instruction ${opcode}`);
}

/**
 * @param {Uint8Array} bytes
 * @returns {Section[]}
 */
function sections(bytes) {
  const reader = new Reader(bytes, 8);
  const found = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.number();
    found.push({ id, from: reader.at, to: reader.at + size });
    reader.at += size;
  }
  return found;
}

/**
 * @param {Uint8Array} bytes of the module
 * @param {number} id
 */
function open(bytes, id) {
  const section = sections(bytes).find((each) => each.id === id);
  if (!section) throw new Error(`the module has no section ${id}`);
  return new Reader(bytes, section.from);
}

/**
 * @param {Uint8Array} bytes of a module
 * @returns {Code[]} its own functions, in their order
 */
export function readFunctions(bytes) {
  const types = open(bytes, TYPE);
  const params = types.list(() => {
    types.byte();
    const count = types.list(() => types.byte()).length;
    types.list(() => types.byte());
    return count;
  });
  const kinds = open(bytes, FUNCTION);
  const ofFunctions = kinds.list(() => params[kinds.number()]);
  const reader = open(bytes, CODE);
  let next = 0;
  return reader.list(() => {
    const size = reader.number();
    const end = reader.at + size;
    const locals = reader.list(() => {
      const count = reader.number();
      return /** @type {number[]} */ (Array(count).fill(reader.byte()));
    });
    /** @type {Code} */
    const code = { params: ofFunctions[next++], types: locals.flat(), parts: [] };
    let from = reader.at;
    while (reader.at < end) {
      const opcode = reader.byte();
      if (opcode >= 0x20 && opcode <= 0x22) {
        const upTo = reader.at;
        code.parts.push(bytes.subarray(from, upTo), reader.number());
        from = reader.at;
      } else {
        skipOperands(reader, opcode);
      }
    }
    code.parts.push(bytes.subarray(from, end));
    return code;
  });
}

/**
 * @param {Code} code
 * @param {number[]} order the places in `code.types`, in the order that the locals are to have
 * @returns {Uint8Array} the function as a module has it
 */
export function writeFunction({ params, types, parts }, order) {
  /** @type {{ count: number, type: number }[]} */
  const runs = [];
  const numbers = Array.from({ length: params }, (_, i) => i);
  order.forEach((place, i) => {
    numbers[params + place] = params + i;
    const last = runs[runs.length - 1];
    if (last?.type === types[place]) ++last.count;
    else runs.push({ count: 1, type: types[place] });
  });
  const declared = runs.flatMap(({ count, type }) => [...encoded(count), type]);
  const body = Buffer.concat([
    Uint8Array.from([...encoded(runs.length), ...declared]),
    ...parts.map((part) =>
      typeof part === 'number' ? Uint8Array.from(encoded(numbers[part])) : part,
    ),
  ]);
  return Buffer.concat([Uint8Array.from(encoded(body.length)), body]);
}

/**
 * @param {Uint8Array} bytes of a module
 * @param {Uint8Array[]} functions in place of its own
 * @returns {Uint8Array}
 */
export function withFunctions(bytes, functions) {
  const code = Buffer.concat([Uint8Array.from(encoded(functions.length)), ...functions]);
  return Buffer.concat([
    bytes.subarray(0, 8),
    ...sections(bytes).flatMap(({ id, from, to }) => {
      const content = id === CODE ? code : bytes.subarray(from, to);
      return [Uint8Array.from([id, ...encoded(content.length)]), content];
    }),
  ]);
}
