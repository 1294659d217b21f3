/** Why there are no other viewers, if there are none. */

import { count, timesSeen } from './inside.js';

/** @typedef {import('./index.js').Finding} Finding */
/** @typedef {import('./inside.js').Inside} Inside */

/**
 * @param {Inside} look
 * @param {import('./tracker.js').TrackerCheck} tracker
 * @param {import('./network.js').NetworkCheck} network
 * @returns {{ findings: Finding[], facts: Record<string, unknown> }}
 */
export function checkPeers(look, tracker, network) {
  const { mesh } = look;
  const { peers, parents, children, cdnSegments, p2pSegments, offload } = mesh.stats;
  const failed = ['failed', 'timed-out', 'no-'].reduce(
    (sum, reason) => sum + timesSeen(look, `peer closed ${reason}`),
    0,
  );
  const facts = {
    peers: `${peers} open (${parents} parents, ${children} children), ${timesSeen(look, 'peer opened')} ever, ${failed} failed`,
    segments: `${p2pSegments} from peers, ${cdnSegments} from the CDN (${Math.floor(offload * 100)} % of the bytes from peers)`,
    closed: reasons(look, 'peer closed'),
    cdnInstead: reasons(look, 'fallback'),
  };
  return { facts, findings: peers > 0 ? connected(peers) : why(look, tracker, network, failed) };
}

/** @param {number} peers @returns {Finding[]} */
const connected = (peers) => [
  {
    code: 'peers',
    severity: 'good',
    message: `Connected with ${count(peers, 'other viewer')}.`,
    advice: '',
  },
];

/**
 * @param {Inside} look
 * @param {import('./tracker.js').TrackerCheck} tracker
 * @param {import('./network.js').NetworkCheck} network
 * @param {number} failed
 * @returns {Finding[]}
 */
function why({ mesh }, { connected: reached, audience, excluded }, { permission }, failed) {
  if (!reached || mesh.control || excluded !== '') return [];
  if (failed > 0) {
    return [
      {
        code: 'connections-fail',
        severity: 'problem',
        message: `${count(failed, 'connection')} to other viewers failed, and none is open.`,
        advice:
          permission === 'prompt'
            ? 'Answer the browser’s question about the local network, then see what is said of UDP and NAT.'
            : 'See what is said of UDP, NAT and permission; the others’ reports may say it as well.',
      },
    ];
  }
  const others = audience ? audience.peers - 1 : 0;
  if (audience && others > 0 && audience.channels > 1) {
    return [
      {
        code: 'wrong-channel',
        severity: 'problem',
        message: `${count(others, 'other viewer')} of this tracker, in ${count(audience.channels - 1, 'other channel')}; nobody else is in “${mesh.channel}”.`,
        advice:
          'If they watch the same stream, compare “channel” in both viewers’ reports: what differs must not be in the name. Set the option channel.',
      },
    ];
  }
  return [
    {
      code: 'alone',
      severity: 'note',
      message:
        others > 0
          ? `${count(others, 'other viewer')} in this channel, and no connection yet.`
          : `Nobody else is in the channel “${mesh.channel}”.`,
      advice: 'Open the page in another browser or on another device, and play the same stream.',
    },
  ];
}

/**
 * @param {Inside} look
 * @param {string} name of the events
 */
function reasons({ seen }, name) {
  return Object.entries(seen)
    .filter(([key]) => key.startsWith(`${name} `))
    .map(([key, { count: times }]) => `${key.slice(name.length + 1)} ${times}`)
    .join(', ');
}
