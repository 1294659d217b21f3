/**
 * The address that a request comes from, behind trusted proxies, and the part of it that may be shown.
 */
import ipaddr from 'ipaddr.js';

/** @typedef {ipaddr.IPv4 | ipaddr.IPv6} Address */
/** @typedef {[Address, number]} Network */

/** Words that stand for networks. */
const WORDS = /** @type {Record<string, string[]>} */ ({
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
});

/**
 * @param {string} text an address, a CIDR range or one of WORDS
 * @returns {Network[] | null} null if it is none of these
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
 * @returns {Address | null} an IPv4 address also if it is mapped into IPv6
 */
export function parseAddress(text) {
  // The library also accepts 127.1 and 0x7f000001, which no proxy writes, and which other software may read differently.
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

/** The hops in X-Forwarded-For, the nearest last. @param {string} header */
function forwardedFor(header) {
  return header.split(',').map((hop) => hop.trim());
}

/**
 * The hops in Forwarded (RFC 7239), the nearest last. An element without `for` is a hop without an address. The header is read by
 * characters, since a quoted value may contain anything, including text that looks like another `for`.
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
  // An unclosed quote may have swallowed what the proxy added, so nothing in this header can be trusted.
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
  #onStranger;
  #told = false;

  /**
   * @param {readonly string[]} trusted networks whose header is trusted
   * @param {string} header x-forwarded-for or forwarded. Only this one is read: a proxy that writes one forwards the other as the
   *   viewer wrote it.
   * @param {(proxy: string) => void} [onStranger] called once, at the first header from an address that is not trusted
   */
  constructor(trusted, header, onStranger = () => {}) {
    this.#trusted = trusted.flatMap((text) => parseNetwork(text) ?? []);
    this.#header = header;
    this.#onStranger = onStranger;
    this.#hopsOf = header === 'forwarded' ? forwarded : forwardedFor;
  }

  /**
   * The address of the viewer: the nearest hop that is not a trusted proxy. That hop may have invented the hops before it. If a
   * trusted proxy names no address, its own address stands for its viewers.
   * @param {import('node:http').IncomingMessage} request
   * @returns {string} as the library writes it; empty if the connection has none
   */
  of(request) {
    const peer = parseAddress(request.socket.remoteAddress ?? '');
    if (peer === null) return request.socket.remoteAddress ?? '';
    const header = request.headers[this.#header];
    if (header === undefined) return peer.toString();
    if (!this.#trusts(peer)) {
      if (!this.#told) this.#onStranger(peer.toString());
      this.#told = true;
      return peer.toString();
    }
    let viewer = peer;
    for (const hop of this.#hopsOf(String(header)).reverse()) {
      const address = parseAddress(withoutPort(hop));
      if (address === null) break;
      viewer = address;
      if (!this.#trusts(viewer)) break;
    }
    return viewer.toString();
  }

  /** @param {string} text @returns {boolean} true if it is a trusted proxy's */
  trusts(text) {
    const address = parseAddress(text);
    return address !== null && this.#trusts(address);
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
 * @returns {string | undefined} the address, its /24 or /48, or undefined
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
 * The key of an address for limits: the /64 of an IPv6 address, since a subscriber holds a whole /64.
 * @param {string} address
 */
export function addressKey(address) {
  const parsed = parseAddress(address);
  if (parsed === null || parsed.kind() === 'ipv4') return address;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/64`)}`;
}
