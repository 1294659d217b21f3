/** The engine's figures, and the page's view of them. */

import { HmStats } from './abi.js';

/** @typedef {Record<keyof typeof HmStats, number>} EngineStats */
/** @typedef {Pick<import('./index.js').MeshStats, 'firstFrameMs' | 'stalls' | 'stalledMs'>} Figures what no engine knows */

const NAMES = /** @type {(keyof EngineStats)[]} */ (Object.keys(HmStats));

/** @returns {EngineStats} the figures of an engine that has done nothing */
export function emptyStats() {
  return /** @type {EngineStats} */ (Object.fromEntries(NAMES.map((name) => [name, 0])));
}

/**
 * Adds the figures of an engine that has ended; publicStats leaves out those that only a living one has.
 * @param {EngineStats} sum
 * @param {EngineStats} stats
 */
export function addStats(sum, stats) {
  for (const name of NAMES) sum[name] += stats[name];
}

/** The figures of a player that has shown nothing. */
/** @type {Figures} */
const NO_FIGURES = { firstFrameMs: null, stalls: 0, stalledMs: 0 };

/**
 * @param {EngineStats} [past]
 * @param {EngineStats} [present]
 * @param {Figures} [figures]
 * @param {Record<string, number>} [failures]
 * @returns {import('./index.js').MeshStats}
 */
export function publicStats(
  past = emptyStats(),
  present = emptyStats(),
  figures = NO_FIGURES,
  failures = {},
) {
  const sum = { ...past };
  addStats(sum, present);
  const { cdnBytes, p2pBytes } = sum;
  const { parents, children, cacheBytes } = present;
  return {
    ...sum,
    // Without any bytes, nothing was saved.
    offload: p2pBytes / (cdnBytes + p2pBytes || 1),
    peers: parents + children,
    parents,
    children,
    cacheBytes,
    ...figures,
    failures: { ...failures },
  };
}
