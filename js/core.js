/**
 * A WebAssembly engine without Emscripten's glue: instantiation, views on its memory, and the handling of traps.
 *
 * The modules import two functions only (see wasm/CMakeLists.txt). Memory growth detaches every view, so a caller keeps none
 * across a call; the two views on the whole memory are made again when they are found detached.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returned by `call` after a trap; no export returns this value. */
export const POISONED = -1000;

/** HmError.kHmNoMemory: the engine has no buffer for a text of that size. */
export const NO_ROOM = -2;

export class Core {
  /** @type {WebAssembly.Exports & Record<string, any>} */
  #exports;
  /** @type {WebAssembly.Memory} */
  #memory;
  /** All of linear memory, once as bytes and once as records; of length 0 if the memory has grown since. */
  #heap = new Uint8Array(0);
  #records = new DataView(this.#heap.buffer);
  #textExport;
  /** @type {Error | null} */
  #poison = null;

  /**
   * Called once, when an export traps. The engine's state is unknown after that, and no export runs again.
   * @type {(error: Error) => void}
   */
  onPoison = () => {};

  /**
   * @param {WebAssembly.Exports} exports
   * @param {string} textExport the export that returns the buffer for text arguments
   */
  constructor(exports, textExport) {
    this.#exports = /** @type {any} */ (exports);
    this.#memory = this.#exports.memory;
    this.#textExport = textExport;
  }

  /**
   * @param {WebAssembly.Module} module
   * @param {string} textExport
   * @param {(exports: WebAssembly.Exports) => WebAssembly.Exports} [named] returns the exports under the names by which they are
   *   called
   * @returns {Promise<Core>}
   */
  static async instantiate(module, textExport, named = (exports) => exports) {
    const instance = await WebAssembly.instantiate(module, {
      env: { emscripten_notify_memory_growth() {} },
      wasi_snapshot_preview1: {
        /** @param {number} code */
        proc_exit(code) {
          throw new Error(`the engine ended itself with code ${code}`);
        },
      },
    });
    const core = new Core(named(instance.exports), textExport);
    core.call('_initialize');
    return core;
  }

  /** @returns {Error | null} the reason why the engine is dead, or null while it lives */
  get poison() {
    return this.#poison;
  }

  /** @returns {number} bytes of linear memory */
  get memoryBytes() {
    return this.#memory.buffer.byteLength;
  }

  /**
   * Calls an export. After a trap, in this call or an earlier one, the result is POISONED.
   * @param {string} name
   * @param {...number} args
   * @returns {number}
   */
  call(name, ...args) {
    if (this.#poison) return POISONED;
    try {
      return this.#exports[name](...args);
    } catch (error) {
      this.#poison = /** @type {Error} */ (error);
      this.onPoison(this.#poison);
      return POISONED;
    }
  }

  /**
   * Calls an export whose text argument goes through the engine's text buffer.
   * @param {string} name
   * @param {string} text
   * @param {...number} args
   * @returns {number} the export's result; POISONED; or the engine's refusal if the text is too long for it
   */
  callWithText(name, text, ...args) {
    // It has as many bytes or more. To encode what is too long would cost time for nothing.
    const short = this.call(this.#textExport, text.length) > 0;
    const bytes = encoder.encode(short ? text : '');
    const pointer = short ? this.call(this.#textExport, bytes.length) : 0;
    if (pointer <= 0) return this.#poison ? POISONED : NO_ROOM;
    this.write(pointer, bytes);
    return this.call(name, ...args);
  }

  /**
   * Returns a view on linear memory, valid until the next call.
   * @param {number} pointer
   * @param {number} size
   * @returns {Uint8Array<ArrayBuffer>}
   */
  bytes(pointer, size) {
    return this.#whole().subarray(pointer, pointer + size);
  }

  /** @returns {DataView} a view on all of linear memory, valid until the next call */
  view() {
    this.#whole();
    return this.#records;
  }

  /**
   * Copies `bytes` to memory that an export of the engine returned.
   * @param {number} pointer
   * @param {Uint8Array} bytes
   */
  write(pointer, bytes) {
    this.#whole().set(bytes, pointer);
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  #whole() {
    if (this.#heap.length === 0) {
      const buffer = /** @type {ArrayBuffer} */ (this.#memory.buffer);
      this.#heap = new Uint8Array(buffer);
      this.#records = new DataView(buffer);
    }
    return this.#heap;
  }

  /**
   * @param {number} pointer
   * @param {number} size
   * @returns {string}
   */
  text(pointer, size) {
    return size === 0 ? '' : decoder.decode(this.bytes(pointer, size));
  }
}
