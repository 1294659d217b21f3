/** What the columns of /api/history mean: lines of charts, and sums of tiles. */

/** @typedef {Record<string, (number | null)[]>} Columns */

const KB_IN_GB = 1e9 / 1024;
const KBIT_IN_KB = 8.192;

/** Viewers report every 30 s, so a shorter step has the reports of some and not of others. */
const SMOOTHED_SECONDS = 60;

/**
 * @param {{ step: number, columns: Columns }} told
 * @param {number} now seconds of the epoch
 */
export function linesOf({ step, columns }, now) {
  const { viewers } = columns;
  const times = viewers.map((_, at) => now - (viewers.length - 1 - at) * step);
  const width = Math.max(1, Math.round(SMOOTHED_SECONDS / step));
  const smooth = (/** @type {string} */ name) => averaged(columns[name], width);
  const mbit = (/** @type {string} */ name) =>
    smooth(name).map((kb) => (kb === null ? null : (kb * KBIT_IN_KB) / 1000 / step));
  const [played, stalled] = [smooth('played'), smooth('stalled')];
  return {
    times,
    viewers,
    cdn: mbit('cdn_kb'),
    peers: mbit('p2p_kb'),
    stalls: played.map((seconds, at) =>
      seconds ? ((stalled[at] ?? 0) / seconds) * 3600 : seconds === null ? null : 0,
    ),
  };
}

/** @param {{ columns: Columns }} told */
export function figuresOf({ columns }) {
  const sum = (/** @type {string} */ name) =>
    (columns[name] ?? []).reduce((/** @type {number} */ all, each) => all + (each ?? 0), 0);
  const share = (/** @type {number} */ part, /** @type {number} */ all) =>
    all > 0 ? part / all : null;
  const [cdn, peers, played, firsts] = ['cdn_kb', 'p2p_kb', 'played', 'firsts'].map(sum);
  const first = share(sum('first_log'), firsts);
  return {
    viewers: columns.viewers.findLast((each) => each !== null) ?? 0,
    most: Math.max(0, ...columns.viewers.map((each) => each ?? 0)),
    cdnGb: cdn / KB_IN_GB,
    peersGb: peers / KB_IN_GB,
    offload: share(peers, cdn + peers),
    copies: share(sum('live_cdn_kb'), sum('live_copy_kb')),
    stalledPerHour: played > 0 ? (sum('stalled') / played) * 3600 : null,
    watchedHours: played / 3600,
    firstFrame: first === null ? null : Math.exp(first),
  };
}

/** @param {(number | null)[]} values @param {number} width @returns {(number | null)[]} the mean of so many up to each */
function averaged(values, width) {
  if (width === 1) return values;
  let sum = 0;
  let known = 0;
  return values.map((value, at) => {
    if (value !== null) {
      sum += value;
      ++known;
    }
    const old = values[at - width];
    if (old !== undefined && old !== null) {
      sum -= old;
      --known;
    }
    return value === null ? null : Math.max(sum / known, 0);
  });
}
