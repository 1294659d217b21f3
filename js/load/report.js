/** What came of a run, in figures and as text. */

/**
 * What one viewer saw: viewer.js gathers it.
 * @typedef {object} Seen
 * @property {import('../index.js').MeshStats} stats
 * @property {number} watched seconds since its first frame; 0: it has not played
 * @property {[name: string, bytes: number][]} segments that it played, each once
 * @property {string[]} warnings codes
 * @property {string} failure why it does not play; empty: it does, or nothing is known
 */

/**
 * @typedef {object} Report
 * @property {number} viewers
 * @property {number} playing those that have shown a frame, and met no error that ends playback
 * @property {{ cdn: number, p2p: number, upload: number }} bytes
 * @property {number} offload the part of the media bytes that came from peers, 0 to 1
 * @property {number | null} copies how many times the CDN sent a segment, on average; null: it sent none
 * @property {number | null} copiesWithoutPeers how many times it would have
 * @property {{ p50: number, p95: number } | null} firstFrameMs
 * @property {number} stalls
 * @property {number} stallingViewers
 * @property {number} stalledSecondsPerHour of watching
 * @property {number} peers open connections of a viewer, on average, at the end
 * @property {Record<string, number>} warnings viewers by code
 * @property {Record<string, number>} failures viewers by what they met
 */

const NO_STATS = /** @type {any} */ ({
  ...{ cdnBytes: 0, p2pBytes: 0, uploadBytes: 0, peers: 0 },
  ...{ firstFrameMs: null, stalls: 0, stalledMs: 0 },
});

/** Of a viewer that cannot be asked. @param {unknown} error @returns {Seen} */
export function lost(error) {
  const [failure] = String(/** @type {Error} */ (error).message ?? error).split('\n');
  return { stats: NO_STATS, watched: 0, segments: [], warnings: [], failure };
}

/** @param {Seen[]} viewers @returns {Report} */
export function reportOf(viewers) {
  const sum = (/** @type {(seen: Seen) => number} */ of) =>
    viewers.reduce((total, seen) => total + of(seen), 0);
  const [cdn, p2p] = [sum(({ stats }) => stats.cdnBytes), sum(({ stats }) => stats.p2pBytes)];
  // Ranges of one file have the same name.
  const distinct = new Map(
    viewers.flatMap(({ segments }) => segments.map(([name, size]) => [`${name} ${size}`, size])),
  );
  const once = [...distinct.values()].reduce((total, size) => total + size, 0);
  const firsts = viewers
    .flatMap(({ stats }) => (stats.firstFrameMs === null ? [] : [stats.firstFrameMs]))
    .sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => firsts[Math.ceil(firsts.length * share) - 1];
  const hours = sum(({ watched }) => watched) / 3600;
  return {
    viewers: viewers.length,
    playing: viewers.filter(({ watched, failure }) => watched > 0 && !failure).length,
    bytes: { cdn, p2p, upload: sum(({ stats }) => stats.uploadBytes) },
    offload: p2p / (cdn + p2p || 1),
    copies: once > 0 ? cdn / once : null,
    copiesWithoutPeers: once > 0 ? (cdn + p2p) / once : null,
    firstFrameMs: firsts.length > 0 ? { p50: at(0.5), p95: at(0.95) } : null,
    stalls: sum(({ stats }) => stats.stalls),
    stallingViewers: viewers.filter(({ stats }) => stats.stalls > 0).length,
    stalledSecondsPerHour: hours > 0 ? sum(({ stats }) => stats.stalledMs) / 1000 / hours : 0,
    peers: sum(({ stats }) => stats.peers) / (viewers.length || 1),
    warnings: counted(viewers.flatMap(({ warnings }) => [...new Set(warnings)])),
    failures: counted(viewers.flatMap(({ failure }) => failure || [])),
  };
}

/** @param {string[]} words @returns {Record<string, number>} */
function counted(words) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** @param {Report} report @returns {string} */
export function textOf(report) {
  const { bytes, firstFrameMs: first, copies, copiesWithoutPeers: without } = report;
  const megabytes = (/** @type {number} */ value) => `${(value / 1e6).toFixed(1)} MB`;
  const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(2)} s`;
  const rows = [
    ['playing', `${report.playing} of ${report.viewers}`],
    [
      'from peers',
      `${Math.floor(report.offload * 100)} %: ${megabytes(bytes.p2p)} of ${megabytes(bytes.cdn + bytes.p2p)}`,
    ],
    [
      'CDN',
      copies === null || without === null
        ? 'sent nothing'
        : `sent a segment ${copies.toFixed(2)} times; without peers ${without.toFixed(2)}`,
    ],
    [
      'first frame',
      first ? `median ${seconds(first.p50)}, 95 % within ${seconds(first.p95)}` : 'none',
    ],
    [
      'stalls',
      `${report.stalls}, of ${report.stallingViewers} viewers; ${report.stalledSecondsPerHour.toFixed(1)} s in an hour of watching`,
    ],
    ['connections', `${report.peers.toFixed(1)} a viewer`],
    ...Object.entries(report.warnings).map(([code, count]) => ['warning', `${code} (${count})`]),
    ...Object.entries(report.failures).map(([why, count]) => ['failure', `${why} (${count})`]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(13)}${value}\n`).join('');
}
