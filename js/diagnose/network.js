/** Whether this browser and its network let WebRTC through: UDP, the kind of NAT, permission, a metered line. */

import { PERMISSIONS } from '../local-network.js';

/** @typedef {import('./index.js').Finding} Finding */
/** @typedef {import('./inside.js').Inside} Inside */

/** How long finding addresses may take, in milliseconds; a server that is not there costs about that. */
const GATHERING_MS = 6000;

/**
 * @typedef {object} NetworkCheck
 * @property {Finding[]} findings
 * @property {Record<string, unknown>} facts
 * @property {string} permission of the local network: granted, prompt, denied, or empty if the browser has none
 * @property {boolean} udp
 */

/**
 * @param {Inside} look
 * @returns {Promise<NetworkCheck>}
 */
export async function checkNetwork(look) {
  const [permission, paths] = await Promise.all([localNetwork(), findPaths(look.settings)]);
  const { nat, servers, udp, made } = paths;
  const findings = [
    ...aboutUdp(paths),
    ...aboutNat(nat),
    ...aboutPermission(permission, look.mesh.stats.peers > 0),
    ...aboutMeter(look.settings),
  ];
  const facts = { udp: made && (servers === 0 ? 'unknown' : udp), nat, localNetwork: permission };
  return { findings, facts, permission, udp };
}

/**
 * @typedef {object} Paths
 * @property {string} made empty, or why no connection could be made
 * @property {number} servers that were asked, STUN and TURN
 * @property {boolean} any candidates at all
 * @property {boolean} udp a server answered by UDP
 * @property {string} nat kind
 */

/**
 * @param {import('../options.js').Settings} settings
 * @returns {Promise<Paths>}
 */
async function findPaths({ rtcConfig }) {
  const given = (rtcConfig.iceServers ?? []).flatMap(({ urls }) => urls);
  const config = { ...rtcConfig, iceTransportPolicy: /** @type {const} */ ('all') };
  // One server alone cannot tell the kind of a NAT.
  const stun = given.filter((url) => /^stun:/i.test(url));
  const none = { servers: given.length, any: false, udp: false, nat: 'unknown' };
  /** @type {RTCIceCandidate[]} */
  let found;
  try {
    found = await gather(config);
  } catch (error) {
    return { ...none, made: String(/** @type {any} */ (error)?.message || error) };
  }
  const mapped = found.filter(({ type }) => type === 'srflx');
  const relayed = found.filter(({ type, protocol }) => type === 'relay' && protocol === 'udp');
  return {
    made: '',
    servers: given.length,
    any: found.length > 0,
    udp: mapped.length + relayed.length > 0,
    nat: kindOfNat(mapped, stun.length),
  };
}

/**
 * @param {RTCConfiguration} config
 * @returns {Promise<RTCIceCandidate[]>}
 */
async function gather(config) {
  const connection = new RTCPeerConnection(config);
  /** @type {RTCIceCandidate[]} */
  const found = [];
  try {
    connection.createDataChannel('');
    const over = new Promise((resolve) => {
      setTimeout(resolve, GATHERING_MS);
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) found.push(candidate);
        else resolve(undefined);
      };
    });
    await connection.setLocalDescription(await connection.createOffer());
    await over;
  } finally {
    connection.close();
  }
  return found;
}

/**
 * A NAT that gives one socket another port towards each server is symmetric (RFC 4787: address-dependent mapping). A browser drops
 * a second candidate that is equal to the first.
 * @param {RTCIceCandidate[]} mapped
 * @param {number} servers of STUN
 */
function kindOfNat(mapped, servers) {
  if (mapped.length === 0 || servers < 2) return 'unknown';
  /** @type {Map<string, Set<string>>} */
  const ports = new Map();
  for (const { relatedAddress, relatedPort, address, port } of mapped) {
    // Where the page may not see its own addresses, sockets are told apart by the outer one.
    const socket = relatedPort ? `${relatedAddress}:${relatedPort}` : String(address);
    ports.set(socket, (ports.get(socket) ?? new Set()).add(`${address}:${port}`));
  }
  return [...ports.values()].some((each) => each.size > 1) ? 'symmetric' : 'cone';
}

/** @returns {Promise<string>} */
async function localNetwork() {
  for (const name of PERMISSIONS) {
    try {
      const { state } = await navigator.permissions.query({ name: /** @type {any} */ (name) });
      return state;
    } catch {
      // This browser does not know it by that name.
    }
  }
  return '';
}

/** @param {Paths} paths @returns {Finding[]} */
function aboutUdp({ made, servers, any, udp }) {
  if (made) {
    return [
      {
        code: 'rtc-unavailable',
        severity: 'problem',
        message: `This browser makes no peer connection: ${made}.`,
        advice:
          'An extension, a policy of the browser, or Connection-Allowlist or webrtc in the Content Security Policy may forbid it.',
      },
    ];
  }
  if (!any) {
    return [
      {
        code: 'no-udp',
        severity: 'problem',
        message: 'The browser offers no address for WebRTC: it may not use UDP.',
        advice:
          'A policy of the browser (WebRtcIPHandling), a VPN or an extension forbids it. Allow it, or accept that all comes from the CDN.',
      },
    ];
  }
  if (servers === 0) {
    return [
      {
        code: 'no-stun',
        severity: 'note',
        message: 'No STUN server is set: viewers meet only within one network.',
        advice: 'Leave the option iceServers out, or name a STUN server, if viewers are elsewhere.',
      },
    ];
  }
  return [
    udp
      ? { code: 'udp', severity: 'good', message: 'UDP reaches the STUN server.', advice: '' }
      : {
          code: 'no-udp',
          severity: 'problem',
          message:
            'No STUN or TURN server answers by UDP: only viewers of this network can be reached.',
          advice:
            'The network blocks UDP, or the servers of the option iceServers are wrong or down; without that option, STUN is expected at UDP port 3478 of the tracker (hlsmesh-tracker --stun-port 3478). Ask for outgoing UDP, or set a TURN server over TLS.',
        },
  ];
}

/** @param {string} nat @returns {Finding[]} */
function aboutNat(nat) {
  if (nat !== 'symmetric') return [];
  return [
    {
      code: 'nat-symmetric',
      severity: 'note',
      message: 'The NAT is symmetric: viewers behind another such NAT cannot be reached.',
      advice:
        'A router that keeps ports (endpoint-independent mapping) or IPv6 helps; TURN relays.',
    },
  ];
}

/**
 * @param {string} permission
 * @param {boolean} peers
 * @returns {Finding[]}
 */
function aboutPermission(permission, peers) {
  if (permission === 'denied') {
    return [
      {
        code: 'permission-denied',
        severity: peers ? 'note' : 'problem',
        message: 'The page may not reach devices of the local network.',
        advice:
          'Allow "Local network" in the site settings of the browser; an iframe needs allow="local-network"; the page must be https.',
      },
    ];
  }
  if (permission !== 'prompt' || peers) return [];
  return [
    {
      code: 'permission-prompt',
      severity: 'note',
      message:
        'The browser may ask before it reaches viewers of the same network, and waits silently until it is answered.',
      advice:
        'Answer the question "Local network", or let the administrator allow it for the site.',
    },
  ];
}

/** @param {import('../options.js').Settings} settings @returns {Finding[]} */
function aboutMeter({ uploadOnMetered }) {
  const { saveData, type } = /** @type {any} */ (navigator).connection ?? {};
  if (!saveData && !['cellular', 'wimax', 'bluetooth'].includes(type)) return [];
  return [
    {
      code: 'metered',
      severity: uploadOnMetered ? 'note' : 'problem',
      message: saveData
        ? 'The browser is told to save data: nothing is uploaded or asked for ahead.'
        : `The line is metered (${type}): nothing is uploaded or asked for ahead.`,
      advice: 'Switch data saving off, use another line, or set uploadOnMetered if viewers agree.',
    },
  ];
}
