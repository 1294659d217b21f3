/**
 * Viewers who are put together by their addresses, such as those of one office: the file of `--groups`.
 *
 * A line has a network and the name of its site, `10.1.0.0/16 berlin`; `#` begins a comment. A network is a CIDR range or an address.
 * Of several networks that hold an address the smallest counts.
 */
import { parseAddress, parseNetwork } from './addresses.js';

/** The site of viewers who get no peers; src/tracker/inputs.hpp has the same name. */
export const NO_PEERS = '-';

// As the engine's names in its statistics.
const MOST_NAME_BYTES = 64;

// Letters with marks, as of Hindi and Thai; none that nobody sees.
const NAME = /^(?!.*\p{DI})[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;

// What is wrong with a file can be seen by its first faults, and with a line by its beginning: a file may be another by mistake.
const MOST_FAULTS = 5;
const MOST_SHOWN = 80;

/** @typedef {{ line: number, site: string }} Entry */
/** @typedef {Map<number, Map<string, Entry>>} Table the entries by the bits of their networks, largest first, and by their keys */

export class Groups {
  /** @type {Record<'ipv4' | 'ipv6', Table>} */
  #tables = { ipv4: new Map(), ipv6: new Map() };

  /**
   * @param {string} text of the file
   * @param {string} path for messages
   * @throws {Error} that names path, line and fault; then the former contents stay in use
   */
  use(text, path) {
    const known = Object.values(this.#tables).some(({ size }) => size > 0);
    // Whoever enters now keeps its site for as long as it stays.
    if (known && text.trim() === '') {
      throw new Error(
        `${path} is empty: is it being written? For no sites at all, leave a comment`,
      );
    }
    this.#tables = parseGroups(text, path);
  }

  /**
   * @param {string} address an IPv4 address also as one mapped into IPv6
   * @returns {string} the name of its site, NO_PEERS, or an empty text if it is in no line
   */
  of(address) {
    const parsed = parseAddress(address);
    if (parsed === null) return '';
    const bytes = parsed.toByteArray();
    for (const [bits, entries] of this.#tables[parsed.kind()]) {
      const entry = entries.get(keyOf(bytes, bits));
      if (entry) return entry.site;
    }
    return '';
  }

  /**
   * @param {string} trusted one of --trusted-proxies
   * @returns {string | null} a site with a network in which everybody is trusted to name an address, and so any site
   */
  forgeable(trusted) {
    for (const [network, bits] of parseNetwork(trusted) ?? []) {
      const base = network.toByteArray();
      // A single one is a proxy, whatever site it stands in.
      if (bits === base.length * 8) continue;
      const key = keyOf(base, bits);
      for (const [most, entries] of this.#tables[network.kind()]) {
        if (most < bits) continue;
        for (const [each, { site }] of entries) {
          if (keyOf(each.split('.').map(Number), bits) === key) return site;
        }
      }
    }
    return null;
  }
}

/** @param {string} text @param {string} path @returns {Record<'ipv4' | 'ipv6', Table>} */
function parseGroups(text, path) {
  /** @type {Record<'ipv4' | 'ipv6', Table>} */
  const tables = { ipv4: new Map(), ipv6: new Map() };
  /** @type {string[]} */
  const faults = [];
  let more = -MOST_FAULTS;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  lines.forEach((line, index) => {
    const words = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (words.length === 0) return;
    const fault = readLine(words, index + 1, tables);
    if (fault !== null && ++more <= 0) faults.push(`${path}:${index + 1}: ${fault}`);
  });
  if (faults.length > 0) {
    const told = faults.join('\n');
    throw new Error(more > 0 ? `${told}\n${path}: and ${more} more` : told);
  }
  return { ipv4: bySize(tables.ipv4), ipv6: bySize(tables.ipv6) };
}

/**
 * @param {string[]} words of one line
 * @param {number} line
 * @param {Record<'ipv4' | 'ipv6', Table>} tables
 * @returns {string | null} what is wrong
 */
function readLine(words, line, tables) {
  // A letter with a mark is one character or two, by where it was typed.
  const [range, site] = [words[0], words[1]?.normalize()];
  if (words.length !== 2) {
    return `a line is a network and a site, such as '10.1.0.0/16 berlin', not ${shown(words.join(' '))}`;
  }
  const network = networkOf(range);
  if (network === null) {
    return `${shown(range)} is neither an address nor a CIDR range such as 10.1.0.0/16 or 2001:db8::/32`;
  }
  const { kind, bytes, bits } = network;
  const key = keyOf(bytes, bits);
  if (key !== keyOf(bytes, bytes.length * 8)) {
    return `${shown(range)} has bits beyond its prefix of ${bits}: write its first address, or another prefix`;
  }
  if (site !== NO_PEERS && !NAME.test(site)) {
    return `${shown(site)} is no name of a site: it has letters, digits, dots, underscores and hyphens; '${NO_PEERS}' alone means no peers`;
  }
  if (Buffer.byteLength(site) > MOST_NAME_BYTES) {
    return `the name of a site has at most ${MOST_NAME_BYTES} bytes`;
  }
  const entries = tables[kind].get(bits) ?? new Map();
  const known = entries.get(key);
  if (known) return `${shown(range)} is in line ${known.line} already`;
  tables[kind].set(bits, entries.set(key, { line, site }));
  return null;
}

/** @param {string} text */
const shown = (text) => `'${text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text}'`;

/** @param {string} range @returns {{ kind: 'ipv4' | 'ipv6', bytes: number[], bits: number } | null} */
function networkOf(range) {
  // No zone, as in fe80::1%eth0: it is a name of this machine's.
  const [, base, prefix] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  const address = parseAddress(base ?? '');
  if (address === null) return null;
  const bytes = address.toByteArray();
  const most = bytes.length * 8;
  // An IPv4 network that is written as one of addresses mapped into IPv6.
  const mapped = address.kind() === 'ipv4' && base.includes(':') ? 128 - most : 0;
  const bits = prefix === undefined ? most : Number(prefix) - mapped;
  return bits >= 0 && bits <= most ? { kind: address.kind(), bytes, bits } : null;
}

/** The first bits, as a text. @param {readonly number[]} bytes @param {number} bits */
function keyOf(bytes, bits) {
  return bytes
    .map((byte, at) => byte & (0xff00 >> Math.min(Math.max(bits - at * 8, 0), 8)) & 0xff)
    .join('.');
}

/** @param {Table} table @returns {Table} smallest networks first */
const bySize = (table) => new Map([...table].sort(([a], [b]) => b - a));
