/** A clock that a test moves on, so that it judges times on however busy a machine. */

/**
 * `performance.now()` stands still until the test ends, and begins at one minute.
 * @param {import('node:test').TestContext} context
 * @returns {(ms: number) => void} moves it on
 */
export function standStill(context) {
  let now = 60_000;
  context.mock.method(performance, 'now', () => now);
  return (ms) => void (now += ms);
}
