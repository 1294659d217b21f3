/** For `node --import`: this process lives so many times as fast as the world, for pictures of hours that nobody wants to wait for. */

const times = Number(process.env.HLSMESH_TEST_CLOCK ?? 1);
const { performance } = globalThis;
const now = performance.now.bind(performance);
performance.now = () => now() * times;
for (const name of /** @type {const} */ (['setTimeout', 'setInterval'])) {
  const set = /** @type {any} */ (globalThis[name]);
  /** @type {any} */ (globalThis)[name] = (
    /** @type {any} */ call,
    /** @type {number} */ ms,
    /** @type {any[]} */ ...rest
  ) => set(call, ms / times, ...rest);
}
