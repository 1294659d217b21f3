/**
 * Who a request comes from: the address behind trusted proxies, and what of it may be shown.
 */
import ipaddr from 'ipaddr.js';

/** @typedef {ipaddr.IPv4 | ipaddr.IPv6} Address */
/** @typedef {[Address, number]} Network */

/** Words that an operator may use for networks. */
const WORDS = /** @type {Record<string, string[]>} */ ({
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
});

/**
 * @param {string} text an address, a CIDR range or one of WORDS
 * @returns {Network[] | null} null when it is none of these
 */
export function parseNetwork(text) {
  if (Object.hasOwn(WORDS, text)) return WORDS[text].map((range) => ipaddr.parseCIDR(range));
  try {
    if (text.includes('/')) return [ipaddr.parseCIDR(text)];
  } catch {
    return null;
  }
  const address = parseAddress(text);
  return address && [[address, address.kind() === 'ipv4' ? 32 : 128]];
}

/**
 * @param {string} text
 * @returns {Address | null} an IPv4 address also where it came mapped into IPv6
 */
function parseAddress(text) {
  // The library also reads 127.1 and 0x7f000001, which no proxy writes and some filter reads otherwise.
  if (
    !/^[\d.]+$|:/.test(text) ||
    (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text))
  ) {
    return null;
  }
  try {
    return ipaddr.process(text);
  } catch {
    return null;
  }
}

/** The hops that X-Forwarded-For names, the nearest last. @param {string} header */
function forwardedFor(header) {
  return header.split(',').map((hop) => hop.trim());
}

/**
 * The hops that Forwarded (RFC 7239) names, the nearest last. An element without `for` is a hop that said nothing. Read by
 * characters: a quoted value may hold anything, what looks like another `for` included.
 * @param {string} header
 */
function forwarded(header) {
  const hops = [''];
  let pair = '';
  let quoted = false;
  const endPair = () => {
    const [name, value] = splitAt(pair, '=');
    if (name.trim().toLowerCase() === 'for') hops[hops.length - 1] = value.trim();
    pair = '';
  };
  for (let at = 0; at < header.length; ++at) {
    const char = header[at];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === '\\') pair += header[++at] ?? '';
    else if (quoted || (char !== ';' && char !== ',')) pair += char;
    else {
      endPair();
      if (char === ',') hops.push('');
    }
  }
  endPair();
  // A quote that nobody closed may have swallowed what the proxy added: then nothing here says anything.
  return quoted ? [''] : hops;
}

/** @param {string} text @param {string} mark */
function splitAt(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** A hop without its port: `192.0.2.1:80`, `[2001:db8::1]:80`, or bare. @param {string} hop */
function withoutPort(hop) {
  return /^\[([^\]]*)\](?::\w+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\w+$/.exec(hop)?.[1] ?? hop;
}

export class Addresses {
  #trusted;
  #header;
  #hopsOf;

  /**
   * @param {readonly string[]} trusted networks whose header is believed
   * @param {string} header x-forwarded-for or forwarded. Only one of them: a proxy that writes one passes the other on as the
   *   viewer wrote it.
   */
  constructor(trusted, header) {
    this.#trusted = trusted.flatMap((text) => parseNetwork(text) ?? []);
    this.#header = header;
    this.#hopsOf = header === 'forwarded' ? forwarded : forwardedFor;
  }

  /**
   * The address of the viewer: the nearest hop that is not a trusted proxy. What that hop claims about others before it is its
   * own invention. A trusted proxy that does not name an address stands for its viewers itself.
   * @param {import('node:http').IncomingMessage} request
   * @returns {string} as the library writes it; empty where the connection has none
   */
  of(request) {
    const peer = parseAddress(request.socket.remoteAddress ?? '');
    if (peer === null) return request.socket.remoteAddress ?? '';
    const header = request.headers[this.#header];
    if (header === undefined || !this.#trusts(peer)) return peer.toString();
    let viewer = peer;
    for (const hop of this.#hopsOf(String(header)).reverse()) {
      const address = parseAddress(withoutPort(hop));
      if (address === null) break;
      viewer = address;
      if (!this.#trusts(viewer)) break;
    }
    return viewer.toString();
  }

  /** @param {Address} address */
  #trusts(address) {
    return this.#trusted.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
  }
}

/**
 * @param {string} address
 * @param {'truncated' | 'full' | 'none'} how
 * @returns {string | undefined} the address, its /24 or /48, or nothing
 */
export function shownAddress(address, how) {
  if (how === 'none') return undefined;
  if (how === 'full') return address;
  const parsed = parseAddress(address);
  if (parsed === null) return undefined;
  if (parsed.kind() === 'ipv4') return `${ipaddr.IPv4.networkAddressFromCIDR(`${parsed}/24`)}/24`;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/48`)}/48`;
}

/**
 * What counts as one address when limits are kept: an IPv6 subscriber holds a whole /64.
 * @param {string} address
 */
export function addressKey(address) {
  const parsed = parseAddress(address);
  if (parsed === null || parsed.kind() === 'ipv4') return address;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/64`)}`;
}
