/**
 * What an operator should look at, worst first: each with what to do.
 */

// Of fewer viewers, connections or seconds a share says nothing.
const FEW_VIEWERS = 10;
const FEW_INTRODUCTIONS = 50;

/** @typedef {{ id: string, level: 'critical' | 'warning' | 'info', title: string, advice: string }} Alert */

/**
 * @param {any} seen an overview (desk.js), with `recently` the same figures, and `recentSums` the amounts, of the last ten minutes, and
 *   `excluded` the viewers to whom --groups gives no peers
 * @returns {Alert[]}
 */
export function alertsAbout(seen) {
  const alerts = RULES.flatMap(([id, level, find, advice]) => {
    const title = find(seen);
    return title ? [{ id, level, title, advice }] : [];
  });
  return /** @type {Alert[]} */ (alerts);
}

/** @param {number} share */
const percent = (share) => `${Math.round(share * 100)} %`;

/** @param {Record<string, number>} counts */
const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);

/** @param {Record<string, number>} ends of connections that found no way */
const lost = ({ none = 0, permission = 0, udp = 0, nat = 0 }) => none + permission + udp + nat;

/**
 * Viewers who may play what peers bring, if they are most: others have all from the CDN, and so do most.
 * @param {{ viewers: number, excluded?: number, shadow: { viewers: number } }} seen
 */
function withPeers({ viewers, excluded = 0, shadow }) {
  const most = viewers - excluded - shadow.viewers;
  return most > viewers / 2 ? most : 0;
}

/** @type {[id: string, level: Alert['level'], find: (seen: any) => string | false, advice: string][]} */
const RULES = [
  [
    'cut-off',
    'critical',
    ({ cutOff }) => cutOff && 'This process does not reach the others',
    'Figures and matching are those of this process alone. Check Redis, and --redis-url.',
  ],
  [
    'harm',
    'critical',
    ({ comparison }) =>
      comparison.verdict === 'worse' && 'Viewers with peers do worse than those without',
    'See the comparison below. Switch peers off with mesh.enabled, or draw more viewers to go without to be surer.',
  ],
  [
    'wrong-bytes',
    'critical',
    ({ shadow }) =>
      shadow.wrong > 0 &&
      `In ${shadow.wrong} of ${shadow.loads} loads of the silent test peers brought other bytes than the CDN`,
    'Compare what the edges of the CDN serve for one segment. Until it is known why, do not let viewers play what peers bring.',
  ],
  [
    'stalls',
    'warning',
    ({ recently, stalled_per_hour: usual }) =>
      recently.watched_hours > 1 &&
      recently.stalled_per_hour > 30 &&
      recently.stalled_per_hour > 2 * usual &&
      `Viewers stall ${Math.round(recently.stalled_per_hour)} s in an hour, which is more than usual`,
    'Compare with the CDN’s own errors and with viewers without peers: the origin may be the cause.',
  ],
  [
    'offload-fell',
    'warning',
    (seen) =>
      withPeers(seen) >= FEW_VIEWERS &&
      seen.offload > 0.1 &&
      seen.recently.offload !== null &&
      seen.recently.offload < seen.offload / 2 &&
      `Offload fell to ${percent(seen.recently.offload)}, from ${percent(seen.offload)}`,
    'See which provider, country or browser has lost it, and why connections end.',
  ],
  [
    'no-offload',
    'warning',
    (seen) =>
      withPeers(seen) >= FEW_VIEWERS * Math.max(seen.channels, 1) &&
      seen.recently.offload !== null &&
      seen.recently.offload < 0.05 &&
      `Only ${percent(seen.recently.offload)} comes from peers, with ${seen.viewers} viewers`,
    'If connections fail, look at the reasons. If they open, viewers may play different streams: see https://github.com/hlsmesh/hlsmesh/blob/main/docs/IDENTITY.md',
  ],
  [
    'split',
    'warning',
    ({ split_by }) =>
      split_by.length > 0 &&
      `Channels differ only in ${split_by.map((/** @type {any} */ { parameter }) => `“${parameter}”`).join(', ')}`,
    'If that selects no other video, leave it out by the player’s option channel, so that these viewers meet.',
  ],
  [
    'unreached',
    'warning',
    ({ viewers, unreached }) =>
      unreached >= 5 &&
      unreached > viewers / 4 &&
      `${unreached} of ${viewers} viewers reach nobody`,
    'A firewall may block UDP, or the browser has not been given the permission for local connections. A TURN server in iceServers helps.',
  ],
  [
    'network',
    'warning',
    ({ introductions, ends }) =>
      introductions >= FEW_INTRODUCTIONS &&
      lost(ends.unopened) > introductions / 2 &&
      'More than half of the connections find no way through the network',
    'Strict NAT on both sides. Check that iceServers has a STUN server that answers; a TURN server helps the rest.',
  ],
  [
    'unfed',
    'warning',
    ({ viewers, unfed }) =>
      unfed >= 5 && unfed > viewers / 4 && `The peers of ${unfed} viewers have nothing for them`,
    'They may play different renditions or timelines of the stream: see https://github.com/hlsmesh/hlsmesh/blob/main/docs/IDENTITY.md',
  ],
  [
    'misbehaved',
    'warning',
    ({ ends }) => {
      const wrong = [ends.opened.misbehaved, ends.unopened.misbehaved, ends.opened.polluted].reduce(
        (sum, count) => sum + (count ?? 0),
        0,
      );
      const all = sum(ends.opened) + sum(ends.unopened);
      return wrong >= 5 && wrong > all / 20 && `${wrong} connections ended because of wrong bytes`;
    },
    'Do all edges of the CDN serve the same bytes for a segment? If so, somebody attacks the stream.',
  ],
  [
    'busy',
    'warning',
    ({ recentSums, uptime, nodes }) => {
      const share = (recentSums.cpu ?? 0) / Math.min(Math.max(uptime, 60), 600) / nodes;
      return share > 0.7 && `The tracker uses ${percent(share)} of its core`;
    },
    'Use --workers, or more machines with --redis-url.',
  ],
  [
    'limited',
    'info',
    ({ sums }) =>
      (sums.limited ?? 0) >= FEW_VIEWERS &&
      `${sums.limited} connections were refused or closed by a limit`,
    'hlsmesh_tracker_limited_total in /metrics says by which. Behind a proxy, set --trusted-proxies.',
  ],
  [
    'no-control',
    'info',
    ({ viewers, comparison }) =>
      viewers >= 200 && comparison.verdict === 'none' && 'No viewers play without peers',
    'Where a site draws some by lot, you see here whether peers help the others or hurt them: see https://github.com/hlsmesh/hlsmesh/blob/main/docs/OPERATING.md',
  ],
];
