/** The addresses of a server that others can use: 0.0.0.0, on which it may listen, is none. */
import { networkInterfaces } from 'node:os';

/** The values with which `listen` uses every address of the machine. */
const EVERYWHERE = ['0.0.0.0', '::', ''];

/**
 * @param {string} host that a server listens on
 * @param {ReturnType<typeof networkInterfaces>} [interfaces]
 * @returns {string[]} by which it is reached: first the addresses that other machines can use, IPv4 before IPv6, and 127.0.0.1
 *   last. An IPv6 address is in brackets, as in URLs.
 */
export function reachableHosts(host, interfaces = cards()) {
  if (!EVERYWHERE.includes(host)) return [inUrl(host)];
  const addresses = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab]|169\.254\.)/i.test(address))
    .map(({ address }) => address);
  const of = (/** @type {boolean} */ six) => addresses.filter((text) => text.includes(':') === six);
  return [...of(false), ...(host === '0.0.0.0' ? [] : of(true)), '127.0.0.1'].map(inUrl);
}

/**
 * @param {typeof networkInterfaces} [list]
 * @returns {ReturnType<typeof networkInterfaces>} none if this process may not see them
 */
export function cards(list = networkInterfaces) {
  try {
    return list();
  } catch {
    // Linux tells them by AF_NETLINK, which sandboxes often lack.
    return {};
  }
}

/** @param {string} host */
const inUrl = (host) => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

/**
 * @param {string} url
 * @param {string} host as reachableHosts() returns it
 * @returns {string} the URL with that host
 */
export function withHost(url, host) {
  const other = new URL(url);
  other.hostname = host;
  return other.href;
}
