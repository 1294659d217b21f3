/**
 * What an operator should know at the start: settings that work, and are probably not what was meant.
 */
import { readFileSync } from 'node:fs';
import { withoutCredentials } from '../identity.js';
import { parseNetwork } from './addresses.js';

const DEFAULT_CONNECTIONS = 100_000;

// Files of the process itself, and of its proxy's and supervisor's connections.
const SPARE_FILES = 64;

// No proxy of one operator has so many addresses.
const WIDEST_IPV4 = 8;
const WIDEST_IPV6 = 16;

/**
 * @typedef {object} Examined
 * @property {string} host
 * @property {boolean} [server] it has a server of the site's
 * @property {readonly string[]} trustedProxies
 * @property {readonly string[]} tokenKeys
 * @property {readonly string[]} allowedOrigins
 * @property {readonly string[]} allowedChannels
 * @property {string} [tokenSecret]
 * @property {string} [tokenSecretFile]
 * @property {string} [redisUrl]
 * @property {string} [clusterSecret]
 * @property {string} [clusterSecretFile]
 * @property {number} [maxConnections] 0: any number
 * @property {number} [pingIntervalMs]
 * @property {number} [deadAfterMs]
 * @property {number} openFiles that this process may have; Infinity: not known
 */

/**
 * @param {Examined} settings
 * @returns {string[]} one sentence each
 */
export function warningsAbout(settings) {
  const { host, server, trustedProxies, maxConnections = 0, openFiles, redisUrl } = settings;
  /** @type {string[]} */
  const warnings = [];
  const needed = (maxConnections || 1024) + SPARE_FILES;
  // On a developer's machine the default is more than anybody needs.
  const meant = maxConnections !== DEFAULT_CONNECTIONS || !isLocal(host);
  if (meant && openFiles < needed) {
    warnings.push(
      `this process may open ${openFiles} files, and needs one for each connection: raise ulimit -n (systemd: LimitNOFILE) above ` +
        `${needed}, or lower --max-connections`,
    );
  }
  for (const text of trustedProxies) {
    const wide = (parseNetwork(text) ?? []).some(
      ([network, bits]) =>
        bits < (network.kind() === 'ipv4' ? WIDEST_IPV4 : WIDEST_IPV6) &&
        !(network.range() === 'uniqueLocal' && bits >= 7),
    );
    if (wide) {
      warnings.push(
        `--trusted-proxies ${text} trusts nearly everybody: any viewer can pretend to be at any address, so no limit by address holds`,
      );
    }
  }
  if (redisUrl !== undefined) {
    const { protocol, hostname } = new URL(redisUrl);
    if (protocol === 'redis:' && !isLocal(hostname)) {
      warnings.push(
        '--redis-url leaves this machine without encryption: who is on the way reads and writes what nodes say; use rediss://',
      );
    }
    const secret = settings.clusterSecret ?? settings.clusterSecretFile;
    if (secret === undefined) {
      warnings.push(
        'without --cluster-secret, whoever reaches Redis can speak in the name of any node and viewer',
      );
    }
  }
  const { pingIntervalMs = 0, deadAfterMs = Infinity } = settings;
  if (pingIntervalMs >= deadAfterMs) {
    warnings.push(
      '--idle-seconds is not above --ping-seconds: viewers who are silent are cut off without a ping, and come back, again and again',
    );
  }
  const { tokenSecret, tokenSecretFile, tokenKeys, allowedOrigins, allowedChannels } = settings;
  for (const text of allowedOrigins) {
    const sent = originOf(text);
    if (sent !== text) {
      warnings.push(`--allowed-origins ${text} is what no browser sends: it sends ${sent}`);
    }
  }
  for (const text of allowedChannels) {
    const sent = channelOf(text);
    if (sent !== text) {
      warnings.push(
        `--allowed-channels ${text} is what no player enters: players leave out fragment and credentials, and name that stream ${sent}`,
      );
    }
  }
  const open =
    tokenSecret === undefined &&
    tokenSecretFile === undefined &&
    [tokenKeys, allowedOrigins, allowedChannels].every((list) => list.length === 0);
  if (open && !server && !isLocal(host)) {
    warnings.push(
      'everybody may use this tracker, for any stream: set --allowed-origins, --allowed-channels, --token-secret-file or --token-keys',
    );
  }
  return warnings;
}

/**
 * @param {string} pattern
 * @returns {string} as browsers send it: without the usual port, and with a name in ASCII
 */
function originOf(pattern) {
  // A star is no part of a name.
  const wild = pattern.includes('://*.');
  try {
    const { origin } = new URL(pattern.replace('://*.', '://'));
    if (origin === 'null') return pattern;
    return wild ? origin.replace('://', '://*.') : origin;
  } catch {
    return pattern;
  }
}

/**
 * @param {string} pattern
 * @returns {string} as players name the stream of that address: without fragment and credentials, the parameters in order
 */
function channelOf(pattern) {
  if (!/^https?:/i.test(pattern)) return pattern;
  const sent = withoutCredentials(pattern);
  // A star may stand for parameters, and then has no place in their order.
  return sent.length === pattern.length && /\?.*\*/.test(pattern) ? pattern : sent;
}

/** @param {string} host */
function isLocal(host) {
  return /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);
}

/** @param {string} header @returns {string} told at the first request with it from a proxy that is not trusted */
export const strangersHeader = (header) =>
  `a request has the header ${header}, but comes from no trusted proxy: if it is your proxy, name it in --trusted-proxies, or all ` +
  'viewers behind it count as one address';

/** @param {string} trusted @param {string} site @returns {string} told when the file of --groups was read */
export const forgeableSites = (trusted, site) =>
  `--trusted-proxies ${trusted} trusts viewers of ${site} in --groups, not proxies alone: each may name any address, and so any ` +
  'site; name the addresses of the proxies';

/** @returns {number} the most files that this process may open; Infinity if that is not known */
export function openFileLimit() {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
