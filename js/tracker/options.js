/**
 * Every option of the tracker, once: what flags, environment, configuration file and createTracker may say, and what the help
 * and docs/OPERATING.md list.
 */
import { hostname } from 'node:os';
import { LEVELS } from './log.js';

/**
 * @typedef {object} OptionCommon
 * @property {string} name of the flag, without its dashes; also the key in a configuration file
 * @property {string} group
 * @property {string} help
 * @property {string} [argument] what the help calls the value
 * @property {boolean} [secret] never printed; `<name>-file` names a file that holds it
 * @property {string} [shownDefault] what the help says in place of a default that differs from machine to machine
 * @property {boolean} [only] means something to the command alone, not to createTracker
 * @property {keyof import('./index.js').TrackerLimits} [limit] of the engine, which createTracker takes in `limits`
 */

/**
 * @typedef {OptionCommon & (
 *   { type: 'text', default?: string, minBytes?: number } |
 *   { type: 'file', default?: undefined } |
 *   { type: 'whole', default: number, min: number, max: number } |
 *   { type: 'seconds', default: number, min: number, max: number } |
 *   { type: 'url', default?: undefined, schemes: readonly string[] } |
 *   { type: 'choice', default: string, choices: readonly string[] } |
 *   { type: 'flag', default: boolean } |
 *   { type: 'list', default: readonly string[], item: ListItem }
 * )} TrackerOption
 */

/** @typedef {'network' | 'origin' | 'channel' | 'file'} ListItem */

const MOST = 2 ** 31 - 1;

// RFC 7518 section 3.2: the key of HS256 has as many bits as its hash, or more.
export const MIN_SECRET_BYTES = 32;

// Shorter than this can be guessed by asking.
export const MIN_BEARER_BYTES = 16;

/** @type {TrackerOption[]} */
const DECLARED = [
  {
    name: 'host',
    group: 'Listening',
    type: 'text',
    default: '127.0.0.1',
    argument: 'address',
    help: 'address to listen on; 0.0.0.0 for all of IPv4, :: for all',
  },
  {
    name: 'port',
    group: 'Listening',
    type: 'whole',
    default: 8000,
    min: 0,
    max: 65535,
    help: 'port to listen on; 0 for any free one',
  },
  {
    name: 'tls-cert',
    group: 'Listening',
    type: 'file',
    help: 'certificate chain in PEM: players connect with wss; read anew when it changes',
  },
  {
    name: 'tls-key',
    group: 'Listening',
    type: 'file',
    help: 'private key of the certificate, in PEM',
  },

  {
    name: 'trusted-proxies',
    group: 'Where viewers are',
    type: 'list',
    item: 'network',
    default: [],
    help: 'networks whose proxy header is believed: addresses, CIDR ranges, or the words loopback and private',
  },
  {
    name: 'proxy-header',
    group: 'Where viewers are',
    type: 'choice',
    choices: ['x-forwarded-for', 'forwarded'],
    default: 'x-forwarded-for',
    help: 'the header in which trusted proxies name the viewer; the other one is not read',
  },
  {
    name: 'asn-db',
    group: 'Where viewers are',
    type: 'file',
    help: 'database in MaxMind format that knows networks (GeoLite2 ASN, GeoIP2 ISP, DB-IP ASN); read anew when it changes',
  },
  {
    name: 'city-db',
    group: 'Where viewers are',
    type: 'file',
    help: 'database in MaxMind format that knows provinces (GeoLite2 City, DB-IP City); read anew when it changes',
  },

  {
    name: 'token-secret',
    group: 'Admission',
    type: 'text',
    secret: true,
    minBytes: MIN_SECRET_BYTES,
    argument: 'secret',
    help: 'secret of HS256 tokens, 32 bytes or more; viewers need a token from then on',
  },
  {
    name: 'token-keys',
    group: 'Admission',
    type: 'list',
    item: 'file',
    default: [],
    help: 'files with keys of tokens, told apart by kid: PEM with public keys, JWK or JWKS; read anew when they change',
  },
  {
    name: 'token-issuer',
    group: 'Admission',
    type: 'text',
    argument: 'iss',
    help: 'the iss that tokens must have',
  },
  {
    name: 'token-audience',
    group: 'Admission',
    type: 'text',
    argument: 'aud',
    help: 'the aud that tokens must have',
  },
  {
    name: 'allowed-origins',
    group: 'Admission',
    type: 'list',
    item: 'origin',
    default: [],
    help: 'origins whose pages may connect, such as https://site.example or https://*.site.example; none given: all',
  },
  {
    name: 'allowed-channels',
    group: 'Admission',
    type: 'list',
    item: 'channel',
    default: [],
    help: 'channels that may be entered; * stands for any characters; none given: all',
  },

  {
    name: 'max-connections',
    group: 'Limits',
    type: 'whole',
    limit: 'maxConnections',
    default: 100_000,
    min: 0,
    max: MOST,
    help: 'connections in all, the next one is closed with 1013; 0: any number',
  },
  {
    name: 'max-connections-per-address',
    group: 'Limits',
    type: 'whole',
    limit: 'maxConnectionsPerAddress',
    default: 512,
    min: 1,
    max: MOST,
    help: 'connections that one address (of IPv6: one /64) may hold; raise it where many viewers share one',
  },
  {
    name: 'enters-per-address',
    group: 'Limits',
    type: 'whole',
    limit: 'entersPerAddressPerMinute',
    default: 600,
    min: 1,
    max: MOST,
    help: 'times a minute that one address may enter a channel',
  },
  {
    name: 'handshakes-per-address',
    group: 'Limits',
    type: 'whole',
    default: 3000,
    min: 1,
    max: MOST,
    help: 'times a minute that one address may ask for a WebSocket; beyond it is answered 429 unread',
  },
  {
    name: 'requests-per-address',
    group: 'Limits',
    type: 'whole',
    default: 600,
    min: 1,
    max: MOST,
    help: 'times a minute that one address may ask for anything else, such as /metrics; beyond it is answered 429, but for health',
  },
  {
    name: 'messages-per-second',
    group: 'Limits',
    type: 'whole',
    limit: 'messagesPerSecond',
    default: 100,
    min: 0,
    max: MOST,
    help: "frames a second that one connection may send, five seconds' worth at once; 0: any number",
  },
  {
    name: 'messages-per-address',
    group: 'Limits',
    type: 'whole',
    limit: 'messagesPerAddress',
    default: 5000,
    min: 0,
    max: MOST,
    help: 'the same of all connections of one address together; raise it where many viewers share one',
  },
  {
    name: 'channel-switches',
    group: 'Limits',
    type: 'whole',
    limit: 'channelSwitches',
    default: 6,
    min: 0,
    max: MOST,
    help: 'times a minute that one connection may go to another channel; 0: any number',
  },
  {
    name: 'max-message-bytes',
    group: 'Limits',
    type: 'whole',
    default: 65_536,
    min: 1024,
    max: 65_536,
    help: 'bytes of one message; a longer one closes the connection with 1009 before it is read',
  },
  {
    name: 'max-pending-bytes',
    group: 'Limits',
    type: 'whole',
    default: 1_048_576,
    min: 65_536,
    max: MOST,
    help: 'bytes that may wait for one viewer who does not read them; then it is cut off',
  },
  {
    name: 'handshake-seconds',
    group: 'Limits',
    type: 'seconds',
    default: 10,
    min: 0.1,
    max: 600,
    help: 'time for TLS and the request that asks for a WebSocket',
  },
  {
    name: 'enter-seconds',
    group: 'Limits',
    type: 'seconds',
    limit: 'enterTimeoutMs',
    default: 10,
    min: 0.1,
    max: 3600,
    help: 'time in which a connection must enter a channel',
  },
  {
    name: 'ping-seconds',
    group: 'Limits',
    type: 'seconds',
    limit: 'pingIntervalMs',
    default: 15,
    min: 0.1,
    max: 3600,
    help: 'silence after which a connection is pinged',
  },
  {
    name: 'idle-seconds',
    group: 'Limits',
    type: 'seconds',
    limit: 'deadAfterMs',
    default: 28,
    min: 0.1,
    max: 3600,
    help: 'silence, pings unanswered, after which a connection is closed',
  },

  {
    name: 'parents-wanted',
    group: 'Matching',
    type: 'whole',
    limit: 'parentsWanted',
    default: 3,
    min: 1,
    max: 16,
    help: 'viewers that each viewer is given to fetch from, unless it asks for another number',
  },
  {
    name: 'max-parents',
    group: 'Matching',
    type: 'whole',
    limit: 'maxParents',
    default: 8,
    min: 1,
    max: 16,
    help: 'the most that one is given that asks for more',
  },
  {
    name: 'room-peers',
    group: 'Matching',
    type: 'whole',
    limit: 'roomPeers',
    default: 5000,
    min: 2,
    max: MOST,
    help: 'viewers of a channel that are matched with each other; more are split into rooms',
  },
  {
    name: 'default-children',
    group: 'Matching',
    type: 'whole',
    limit: 'defaultChildren',
    default: 6,
    min: 0,
    max: 1000,
    help: 'viewers that one on a computer serves while its upload is unknown',
  },
  {
    name: 'default-children-mobile',
    group: 'Matching',
    type: 'whole',
    limit: 'defaultChildrenMobile',
    default: 2,
    min: 0,
    max: 1000,
    help: 'the same on a mobile device',
  },
  {
    name: 'child-kbps',
    group: 'Matching',
    type: 'whole',
    limit: 'childKbps',
    default: 1500,
    min: 1,
    max: MOST,
    help: 'upload that serving one viewer is reckoned to take, in kbit/s',
  },
  {
    name: 'max-children',
    group: 'Matching',
    type: 'whole',
    limit: 'maxChildren',
    default: 16,
    min: 1,
    max: 1000,
    help: 'viewers that one serves at most',
  },

  {
    name: 'workers',
    group: 'Several processes',
    type: 'whole',
    default: 1,
    min: 0,
    max: 1024,
    only: true,
    help: 'processes that share the port; 0: one for each core',
  },
  {
    name: 'redis-url',
    group: 'Several processes',
    type: 'url',
    schemes: ['redis:', 'rediss:'],
    help: 'Redis through which several trackers are one; needs the package @redis/client',
  },
  {
    name: 'redis-prefix',
    group: 'Several processes',
    type: 'text',
    default: 'hlsmesh',
    argument: 'text',
    help: 'what all keys and subjects in Redis begin with; trackers that share it are one',
  },
  {
    name: 'node-id',
    group: 'Several processes',
    type: 'text',
    default: hostname(),
    shownDefault: "the machine's name",
    argument: 'name',
    help: 'what this process is called in logs; it need not be unique',
  },
  {
    name: 'beat-seconds',
    group: 'Several processes',
    type: 'seconds',
    default: 1,
    min: 0.05,
    max: 60,
    help: 'time between two signs of life to the other processes',
  },
  {
    name: 'lease-seconds',
    group: 'Several processes',
    type: 'seconds',
    default: 5,
    min: 0.2,
    max: 300,
    help: 'silence after which a process is taken for dead, and Redis for away; a few times --beat-seconds',
  },

  {
    name: 'metrics',
    group: 'Operation',
    type: 'choice',
    choices: ['open', 'token', 'off'],
    default: 'open',
    help: 'who may read /metrics: all, those with the API token, nobody',
  },
  {
    name: 'api-token',
    group: 'Operation',
    type: 'text',
    secret: true,
    minBytes: MIN_BEARER_BYTES,
    argument: 'token',
    help: 'bearer token for /api/; without one there is no API',
  },
  {
    name: 'drain-seconds',
    group: 'Operation',
    type: 'seconds',
    default: 20,
    min: 0,
    max: 3600,
    help: 'time after SIGTERM in which viewers are sent elsewhere, wave by wave',
  },
  {
    name: 'log-addresses',
    group: 'Operation',
    type: 'choice',
    choices: ['truncated', 'full', 'none'],
    default: 'truncated',
    help: 'addresses in logs: the /24 of IPv4 and the /48 of IPv6, whole, or not at all',
  },
  {
    name: 'log-level',
    group: 'Operation',
    type: 'choice',
    choices: LEVELS,
    default: 'info',
    help: 'the least that is logged',
  },
  {
    name: 'log-format',
    group: 'Operation',
    type: 'choice',
    choices: ['pretty', 'json'],
    default: 'pretty',
    only: true,
    help: 'lines for people, or one JSON object a line',
  },
  {
    name: 'verbose',
    group: 'Operation',
    type: 'flag',
    default: false,
    only: true,
    help: 'the same as --log-level debug: says why sockets are closed',
  },
];

/** @type {readonly TrackerOption[]} */
export const OPTIONS = Object.freeze(
  DECLARED.flatMap((option) => {
    if (!option.secret) return [option];
    /** @type {TrackerOption} */
    const file = {
      name: `${option.name}-file`,
      group: option.group,
      type: 'file',
      help: `file that holds what --${option.name} would say; read anew when it changes`,
    };
    return [option, file];
  }),
);

/** @param {string} name of a flag */
export const camelCase = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/** @param {string} name of a flag */
export const variable = (name) => `HLSMESH_${name.toUpperCase().replaceAll('-', '_')}`;

/** @param {TrackerOption} option */
export function argumentOf(option) {
  switch (option.type) {
    case 'flag':
      return '';
    case 'choice':
      return `<${option.choices.join('|')}>`;
    case 'text':
      return `<${option.argument ?? 'text'}>`;
    case 'list':
      return `<${option.item},…>`;
    case 'whole':
      return '<number>';
    default:
      return `<${option.type}>`;
  }
}

/** @param {TrackerOption} option */
export function defaultText({ default: value, shownDefault }) {
  if (shownDefault !== undefined) return shownDefault;
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) {
    return '';
  }
  return String(value);
}
