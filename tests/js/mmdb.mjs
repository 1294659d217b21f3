/**
 * Databases in MaxMind format, version 2.0, as small as a test needs them.
 */
import ipaddr from 'ipaddr.js';

const METADATA_MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const EMPTY = -1;

/** @param {number} type @param {number} size */
function control(type, size) {
  const extended = type > 7 ? [type - 7] : [];
  const inByte = type > 7 ? 0 : type << 5;
  if (size < 29) return Buffer.from([inByte | size, ...extended]);
  if (size < 29 + 256) return Buffer.from([inByte | 29, ...extended, size - 29]);
  return Buffer.from([inByte | 30, ...extended, (size - 285) >> 8, (size - 285) & 255]);
}

/** @param {any} value @returns {Buffer} */
function encoded(value) {
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([control(2, text.length), text]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([control(11, value.length), ...value.map(encoded)]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, of]) => [encoded(key), encoded(of)]),
  ]);
}

/** The bits of a network in the tree of IPv6 addresses, where IPv4 lives in ::/96. @param {string} range */
function bitsOf(range) {
  const [address, length] = ipaddr.parseCIDR(range);
  const bytes = address.toByteArray();
  const bits = bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((at) => (byte >> at) & 1));
  return bytes.length === 4
    ? [...Array(96).fill(0), ...bits.slice(0, length)]
    : bits.slice(0, length);
}

/**
 * @param {Record<string, object>} networks record by CIDR range; no range may hold another
 * @param {{ ipVersion?: 4 | 6, buildEpoch?: number }} [more] `buildEpoch` in seconds
 * @returns {Buffer}
 */
export function mmdb(networks, { ipVersion = 6, buildEpoch = 1 } = {}) {
  /** Each node: what 0 and 1 lead to, a node, minus two minus an offset of data, or EMPTY. @type {[number, number][]} */
  const nodes = [[EMPTY, EMPTY]];
  let data = Buffer.alloc(0);
  for (const [range, record] of Object.entries(networks)) {
    const bits = bitsOf(range).slice(ipVersion === 4 ? 96 : 0);
    let at = 0;
    bits.slice(0, -1).forEach((bit) => {
      if (nodes[at][bit] === EMPTY) nodes[at][bit] = nodes.push([EMPTY, EMPTY]) - 1;
      at = nodes[at][bit];
    });
    nodes[at][bits[bits.length - 1]] = -2 - data.length;
    data = Buffer.concat([data, encoded(record)]);
  }
  const tree = Buffer.alloc(nodes.length * 8);
  nodes.flat().forEach((to, index) => {
    const value = to === EMPTY ? nodes.length : to < 0 ? nodes.length + 16 + (-2 - to) : to;
    tree.writeUInt32BE(value, index * 4);
  });
  const metadata = encoded({
    node_count: nodes.length,
    record_size: 32,
    ip_version: ipVersion,
    database_type: 'Test',
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: buildEpoch,
    description: { en: 'test' },
  });
  return Buffer.concat([tree, Buffer.alloc(16), data, METADATA_MARK, metadata]);
}
