/**
 * Whether peers help viewers or hurt them: the viewers that a site drew for peers, beside those that it drew to go without
 * (`control` of attach).
 *
 * The intervals may be looked at as often as one likes. All three hold together, from the first look to the last, with the stated
 * confidence: they are asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit
 * theory and asymptotic confidence sequences, theorem 2.2), and each of them has a third of the error.
 */

export const CONFIDENCE = 0.95;

// A normal approximation of fewer viewers would claim too much.
const LEAST_VIEWERS = 30;

const MEASURES = 3;
const ERROR = (1 - CONFIDENCE) / MEASURES;

// The intervals are narrowest when the smaller side has about this many viewers.
const NARROWEST_AT = 200;
const TWO_LOGS = -2 * Math.log(ERROR);
const RHO_SQUARED = (TWO_LOGS + Math.log(TWO_LOGS + 1)) / NARROWEST_AT;

/** The names of Sums in src/tracker/audience.hpp, in its order. */
const SUMS = /** @type {const} */ ([
  'viewers',
  'played',
  'stalled',
  'playedPlayed',
  'playedStalled',
  'stalledStalled',
  'stalling',
  'firsts',
  'firstLog',
  'firstLogSquared',
]);

/** @typedef {Record<typeof SUMS[number], number>} Sums */

/**
 * @typedef {object} Measure
 * @property {number | null} peers of viewers with peers; null: nobody told
 * @property {number | null} control of viewers without
 * @property {[low: number, high: number] | null} interval of the difference, with peers less without; of `firstFrame` of the ratio,
 *   with peers to without. null: too few viewers
 * @property {'better' | 'worse' | 'unclear' | 'too few'} verdict on peers
 */

/**
 * @typedef {object} Comparison
 * @property {number} confidence of all intervals together
 * @property {{ peers: number, control: number }} viewers
 * @property {{ stalledPerHour: Measure, stallingShare: Measure, firstFrame: Measure }} measures seconds stalled in an hour of
 *   playing; the share of viewers that stalled; seconds to the first frame, as a geometric mean
 * @property {'better' | 'worse' | 'unclear' | 'too few' | 'none'} verdict on peers; none: no viewer was drawn to go without
 */

/**
 * @param {{ peers: number[], control: number[] }} sides sums, in the order of Sums
 * @returns {Comparison}
 */
export function compare({ peers, control }) {
  const [a, b] = [named(peers), named(control)];
  const measures = {
    stalledPerHour: judged(stalledPerHour(a), stalledPerHour(b), (value) => value),
    stallingShare: judged(stallingShare(a), stallingShare(b), (value) => value),
    firstFrame: judged(firstFrame(a), firstFrame(b), Math.exp),
  };
  const verdicts = Object.values(measures).map(({ verdict }) => verdict);
  const verdict = /** @type {const} */ (['worse', 'better', 'unclear', 'too few']).find((word) =>
    verdicts.includes(word),
  );
  return {
    confidence: CONFIDENCE,
    viewers: { peers: a.viewers, control: b.viewers },
    measures,
    verdict: b.viewers === 0 ? 'none' : (verdict ?? 'too few'),
  };
}

/** @param {number[]} sums @returns {Sums} */
const named = (sums) =>
  /** @type {Sums} */ (Object.fromEntries(SUMS.map((name, at) => [name, sums[at] ?? 0])));

/**
 * A mean of one side, and the variance of one viewer's part in it.
 * @typedef {{ viewers: number, mean: number, variance: number }} Mean
 */

/** The ratio of two sums, whose variance is that of its linear part. @param {Sums} sums @returns {Mean} */
function stalledPerHour({ viewers, played, stalled, playedPlayed, playedStalled, stalledStalled }) {
  const ratio = played > 0 ? stalled / played : 0;
  const squares = stalledStalled - 2 * ratio * playedStalled + ratio * ratio * playedPlayed;
  const mean = played / viewers;
  const variance = viewers > 1 ? Math.max(squares, 0) / (viewers - 1) / (mean * mean) : 0;
  return { viewers, mean: ratio * 3600, variance: variance * 3600 * 3600 };
}

/** @param {Sums} sums @returns {Mean} */
function stallingShare({ viewers, stalling }) {
  const share = viewers > 0 ? stalling / viewers : 0;
  // As if one more viewer had stalled, and one had not: none of a few is no proof that nobody does.
  const careful = (stalling + 1) / (viewers + 2);
  return { viewers, mean: share, variance: careful * (1 - careful) };
}

/** Of logarithms. @param {Sums} sums @returns {Mean} */
function firstFrame({ firsts, firstLog, firstLogSquared }) {
  const mean = firsts > 0 ? firstLog / firsts : 0;
  const squares = firstLogSquared - firsts * mean * mean;
  return { viewers: firsts, mean, variance: firsts > 1 ? Math.max(squares, 0) / (firsts - 1) : 0 };
}

/**
 * @param {Mean} peers
 * @param {Mean} control
 * @param {(value: number) => number} shown
 * @returns {Measure}
 */
function judged(peers, control, shown) {
  const values = {
    peers: peers.viewers > 0 ? shown(peers.mean) : null,
    control: control.viewers > 0 ? shown(control.mean) : null,
  };
  if (Math.min(peers.viewers, control.viewers) < LEAST_VIEWERS) {
    return { ...values, interval: null, verdict: 'too few' };
  }
  // A small side in which nobody stalled, or hardly anybody, does not vary less than all viewers do.
  const all = peers.viewers + control.viewers;
  const pooled = (peers.viewers * peers.variance + control.viewers * control.variance) / all;
  const error = Math.sqrt(
    [peers, control].reduce(
      (sum, { viewers, variance }) => sum + Math.max(variance, pooled) / viewers,
      0,
    ),
  );
  const half = error * widthAt((peers.viewers * control.viewers) / all);
  const difference = peers.mean - control.mean;
  const [low, high] = [difference - half, difference + half];
  const verdict = low > 0 ? 'worse' : high < 0 ? 'better' : 'unclear';
  return { ...values, interval: [shown(low), shown(high)], verdict };
}

/** @param {number} viewers @returns {number} half of the interval, in standard errors */
function widthAt(viewers) {
  const spent = viewers * RHO_SQUARED;
  return Math.sqrt(((spent + 1) / spent) * Math.log((spent + 1) / (ERROR * ERROR)));
}
