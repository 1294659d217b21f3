/** Several runs of a scenario as one: means, with 95 % intervals, and a table to read. */

/** @typedef {{ scenario: any, figures: any }} Run */

/** Student's t for 95 %, two-sided, by degrees of freedom from 1; the last, a little too wide, for more. */
const STUDENT = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];

/** What each run has to itself. */
const OWN = new Set(['series', 'twinSeries', 'violations', 'digest', 'seed', 'scenario']);

/**
 * @param {Run[]} runs at least one
 * @returns {any} the figures; of several runs the means, with `interval` (half of the 95 % interval of each) and `runs`
 */
export function summarize(runs) {
  const all = runs.map(({ figures }) => figures);
  if (all.length === 1) return all[0];
  const { mean, interval } = averages(all);
  return {
    scenario: all[0].scenario,
    ...mean,
    digest: all.map(({ digest }) => digest).join(' '),
    interval,
    violations: all.flatMap(({ violations, seed }) =>
      violations.map((/** @type {any} */ each) => ({ seed, ...each })),
    ),
    runs: all,
  };
}

/** @param {any[]} all objects with the same members @returns {{ mean: any, interval: any }} */
function averages(all) {
  const mean = /** @type {any} */ ({});
  const interval = /** @type {any} */ ({});
  for (const name of Object.keys(all[0])) {
    if (OWN.has(name)) continue;
    const values = all.map((each) => each[name]);
    if (values.every((value) => typeof value === 'number')) {
      [mean[name], interval[name]] = average(values);
    } else if (values.every((value) => value && typeof value === 'object')) {
      ({ mean: mean[name], interval: interval[name] } = averages(values));
    }
  }
  return { mean, interval };
}

/** @param {number[]} values @returns {[mean: number, halfInterval: number]} */
function average(values) {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const t = STUDENT[Math.min(count - 2, STUDENT.length - 1)];
  return [mean, t * Math.sqrt(squares / (count - 1) / count)];
}

const percent = (/** @type {number} */ value) => `${(value * 100).toFixed(1)} %`;
const seconds = (/** @type {number} */ value) => `${value.toFixed(2)} s`;
const plain = (/** @type {number} */ value) => value.toFixed(2);

/** What people ask first, in their words. @type {[string, string, (value: number) => string][]} */
export const ROWS = [
  ['viewers', 'viewers', (value) => value.toFixed(0)],
  ['offload: media bytes that came from peers', 'offload', percent],
  ['of what the uplinks allow', 'eta', percent],
  ['offload in quiet times', 'steadyOffload', percent],
  ['of what the uplinks allow then', 'steadyEta', percent],
  ['copies of a segment that left the origin', 'originCopies', plain],
  ['copies in quiet times', 'steadyOriginCopies', plain],
  ['origin traffic for 1,000 viewers, Mbit/s', 'originMbitPerThousandViewers', plain],
  ['segments come later than without peers, median', 'addedLatency.p50', seconds],
  ['segments come later than without peers, 95 of 100', 'addedLatency.p95', seconds],
  ['after all trouble: media bytes that came from peers', 'quiet.offload', percent],
  ['after all trouble: copies from the origin', 'quiet.originCopies', plain],
  ['seconds of stalls, all viewers', 'stallSeconds', plain],
  ['seconds of stalls without peers', 'twinStallSeconds', plain],
  ['first frame, median', 'firstFrame.p50', seconds],
  ['first frame, 95 of 100', 'firstFrame.p95', seconds],
  ['bytes received twice or in vain', 'duplicates', percent],
  ['bytes of control', 'control', percent],
  ['share of the upload by the busiest tenth', 'upload.shareOfTopTenth', percent],
  ['inequality of upload: 0 all alike, 1 one does all', 'upload.gini', plain],
  ['bytes from peers that crossed between providers', 'crossIsp', percent],
];

/** @param {any} figures @param {string} path @returns {any} */
export const figureAt = (figures, path) =>
  path.split('.').reduce((value, name) => value?.[name], figures);

/** @param {any} summary */
export function table(summary) {
  return ROWS.map(([label, path, show]) => {
    const value = figureAt(summary, path);
    if (typeof value !== 'number') return '';
    const half = figureAt(summary.interval, path);
    return `${label.padEnd(52)} ${show(value)}${half ? ` ± ${show(half)}` : ''}\n`;
  }).join('');
}
