/**
 * What the SDK calls before it knows whether an engine can run it, and engines before Chrome 73 lack: part of hlsmesh.es2017.js
 * alone. Such an engine cannot compile the WebAssembly (Chrome 75 can), so that is all it needs to say so and to play on.
 */

/** @param {object} owner @param {string} name @param {Function} value */
function provide(owner, name, value) {
  if (!(name in owner)) {
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  }
}

provide(Object, 'fromEntries', (/** @type {[string, unknown][]} */ pairs) =>
  pairs.reduce((all, [name, value]) => Object.assign(all, { [name]: value }), {}),
);
provide(
  Array.prototype,
  'flatMap',
  /** @this {unknown[]} @param {(value: unknown, index: number) => unknown} of */
  function (of) {
    return /** @type {unknown[]} */ ([]).concat(...this.map((value, index) => of(value, index)));
  },
);
provide(globalThis, 'queueMicrotask', (/** @type {() => void} */ task) =>
  Promise.resolve().then(task),
);
