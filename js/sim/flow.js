/**
 * A flow model of audiences that are too large to run exactly. Of a room, the part x that has a segment grows as those who have it
 * pass it on, and as those who have waited long enough ask the origin: dx/dt = g x (1 - x) + (1 - x) / (1 - t), from one copy on,
 * with t from 0 to 1, when everybody's patience has ended. How fast engines pass on, g, is fitted to an exact run.
 */

/** Viewers of one room of the tracker; a larger channel is divided in halves. */
const ROOM = 5000;
const STEPS = 4000;
const MOST_GROWTH = 200;

/** @param {number} growth @param {number} viewers of one room @returns {number} the part that the origin brings */
export function originPart(growth, viewers) {
  let has = 1 / viewers;
  let origin = has;
  for (let i = 0; i < STEPS; i++) {
    const given = Math.min(1 - has, (growth * has * (1 - has)) / STEPS);
    const asked = (1 - has - given) / (STEPS - i);
    has += given + asked;
    origin += asked;
  }
  return origin;
}

/** @param {number} part of the origin @param {number} viewers that it was measured with @returns {number} g */
export function fitGrowth(part, viewers) {
  let [low, high] = [0, MOST_GROWTH];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (originPart(middle, viewers) > part) low = middle;
    else high = middle;
  }
  return low;
}

/** @param {number} viewers of a channel @returns {number} viewers of each of its rooms */
export const roomOf = (viewers) => viewers / 2 ** Math.max(0, Math.ceil(Math.log2(viewers / ROOM)));

/**
 * @param {any} exact figures of an exact run
 * @param {any} smaller of one with fewer viewers, by which the model is checked
 * @param {number} viewers of the audience that is asked about
 */
export function flow(exact, smaller, viewers) {
  const growth = fitGrowth(1 - exact.offload, roomOf(exact.viewers));
  const offloadOf = (/** @type {number} */ count, /** @type {any} */ { mostOffload }) =>
    Math.min(mostOffload, 1 - originPart(growth, roomOf(count)));
  const offload = offloadOf(viewers, exact);
  const checked = offloadOf(smaller.viewers, smaller);
  return {
    viewers,
    offload,
    originCopies: viewers * (1 - offload),
    growth,
    exact: { viewers: exact.viewers, offload: exact.offload },
    check: { viewers: smaller.viewers, offload: smaller.offload, model: checked },
    error: checked - smaller.offload,
  };
}

/** @param {ReturnType<typeof flow>} result */
export function flowTable({ viewers, offload, originCopies, exact, check, error }) {
  const percent = (/** @type {number} */ part) => `${(part * 100).toFixed(1)} %`;
  const rows = [
    [`offload with ${viewers} viewers, by the flow model`, percent(offload)],
    ['copies of a segment that would leave the origin', originCopies.toFixed(0)],
    [`offload with ${exact.viewers}, simulated exactly`, percent(exact.offload)],
    [`offload with ${check.viewers}, simulated exactly`, percent(check.offload)],
    ['the same by the model', percent(check.model)],
    ['error of the model there, in points', (error * 100).toFixed(1)],
  ];
  return rows.map(([label, value]) => `${label.padEnd(52)} ${value}\n`).join('');
}
