import { createCipheriv } from 'node:crypto';

/** Encrypts test streams in the ways of RFC 8216 and of Apple's "MPEG-2 Stream Encryption Format for HTTP Live Streaming". */

const PACKET = 188;
const BLOCK = 16;
const STUFFING = 0xff;
const START_CODE = Buffer.from([0, 0, 0, 1]);

/** Types of elementary streams in a program map, plain and encrypted: H.264, and AAC in ADTS. */
const STREAM_TYPES = /** @type {Record<number, number>} */ ({ 0x1b: 0xdb, 0x0f: 0xcf });

/**
 * How a segment is encrypted.
 * @typedef {object} Way
 * @property {string} method of EXT-X-KEY
 * @property {string} [key] its name; none: as METHOD=NONE
 * @property {Buffer} [iv] none: the segment's number
 * @property {boolean} [inline] the key is in the playlist
 */

const iv = (/** @type {number} */ fill) => Buffer.alloc(BLOCK, fill);

/** As their files are named, with ".key" behind. @type {Record<string, Buffer>} */
export const KEYS = {
  one: Buffer.from('the first of all'),
  two: Buffer.from('and one after it'),
  long: Buffer.from('a key of two hundred and 56 bits'),
};

/** By the prefix of the segments' names: the way of each of them. @type {Record<string, Way[]>} */
export const WAYS = {
  // Each segment in a way of its own.
  rotated: [
    { method: 'AES-128', key: 'one', iv: iv(0x5a) },
    { method: 'AES-128', key: 'two', iv: iv(0xa5) },
    { method: 'AES-128', key: 'two' },
    { method: 'AES-256', key: 'long', iv: iv(0x11) },
    { method: 'AES-256-CTR', key: 'long', iv: iv(0x22) },
    { method: 'NONE' },
  ],
  sampled: [0, 1, 2, 3, 4, 5].map((sn) =>
    sn < 3
      ? { method: 'SAMPLE-AES', key: 'one', iv: iv(sn) }
      : { method: 'SAMPLE-AES', key: 'two', iv: iv(0x77), inline: true },
  ),
  sealed: Array(6).fill({ method: 'AES-128', key: 'one', iv: iv(0x33) }),
};

/** @param {Way} way @returns {string} the tag */
export function keyTag({ method, key, iv, inline }) {
  if (!key) return `#EXT-X-KEY:METHOD=${method}`;
  const uri = inline ? `data:text/plain;base64,${KEYS[key].toString('base64')}` : `${key}.key`;
  const vector = iv ? `,IV=0x${iv.toString('hex')}` : '';
  return `#EXT-X-KEY:METHOD=${method},URI="${uri}"${vector}`;
}

/** @param {Buffer} body @param {Way} way @param {number} sn */
export function encrypt(body, { method, key, iv: vector }, sn) {
  if (!key) return body;
  if (!vector) (vector = iv(0)).writeUInt32BE(sn, 12);
  if (method === 'SAMPLE-AES') return encryptSamples(body, KEYS[key], vector);
  const cipher = method.endsWith('CTR') ? method : `${method}-CBC`;
  const whole = createCipheriv(cipher.toLowerCase(), KEYS[key], vector);
  return Buffer.concat([whole.update(body), whole.final()]);
}

/**
 * The samples of a transport stream of one program, with H.264 or AAC or both.
 * @param {Buffer} body
 * @param {Buffer} key
 * @param {Buffer} iv
 */
function encryptSamples(body, key, iv) {
  /** What is written, in the order of its first packets. @type {(Buffer | Pes)[]} */
  const out = [];
  /** @type {Map<number, Pes>} */
  const open = new Map();
  /** @type {Map<number, number>} */
  const types = new Map();
  let programMap = -1;
  for (let at = 0; at + PACKET <= body.length; at += PACKET) {
    const packet = body.subarray(at, at + PACKET);
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const begins = (packet[1] & 0x40) !== 0;
    const { adaptation, payload } = partsOf(packet);
    if (pid === 0 && begins) programMap = payload.readUInt16BE(1 + payload[0] + 10) & 0x1fff;
    if (pid === programMap && begins) {
      const map = Buffer.from(packet);
      retype(map.subarray(PACKET - payload.length + 1 + payload[0]), types);
      out.push(map);
    } else if (types.has(pid)) {
      if (begins) {
        const pes = { pid, adaptation, payloads: [] };
        open.set(pid, pes);
        out.push(pes);
      }
      open.get(pid)?.payloads.push(payload);
    } else {
      out.push(packet);
    }
  }
  /** @type {Map<number, number>} */
  const counters = new Map();
  return Buffer.concat(
    out.flatMap((each) => {
      if (Buffer.isBuffer(each)) return [each];
      const type = /** @type {number} */ (types.get(each.pid));
      return packetsOf(each, encryptPes(Buffer.concat(each.payloads), type, key, iv), counters);
    }),
  );
}

/**
 * @typedef {object} Pes
 * @property {number} pid
 * @property {Buffer} adaptation of its first packet, with the clock
 * @property {Buffer[]} payloads
 */

/** @param {Buffer} packet */
function partsOf(packet) {
  const has = packet[3] >> 4;
  const from = has & 2 ? 5 + packet[4] : 4;
  // What follows the flags and the clock is stuffing.
  const fields = has & 2 && packet[4] > 0 ? 1 + (packet[5] & 0x10 ? 6 : 0) : 0;
  return {
    adaptation: packet.subarray(5, 5 + fields),
    payload: has & 1 ? packet.subarray(from) : packet.subarray(0, 0),
  };
}

/**
 * Marks the streams of a program map as encrypted.
 * @param {Buffer} section
 * @param {Map<number, number>} types to be filled in: the plain type of each stream, by its PID
 */
function retype(section, types) {
  const end = 3 + (section.readUInt16BE(1) & 0xfff) - 4;
  let at = 12 + (section.readUInt16BE(10) & 0xfff);
  while (at < end) {
    const encrypted = STREAM_TYPES[section[at]];
    if (encrypted) {
      types.set(section.readUInt16BE(at + 1) & 0x1fff, section[at]);
      section[at] = encrypted;
    }
    at += 5 + (section.readUInt16BE(at + 3) & 0xfff);
  }
  section.writeUInt32BE(crc32(section.subarray(0, end)), end);
}

/** As ISO/IEC 13818-1 has it in Annex A. @param {Buffer} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/**
 * @param {Buffer} pes
 * @param {number} type plain
 * @param {Buffer} key
 * @param {Buffer} iv
 */
function encryptPes(pes, type, key, iv) {
  const header = Buffer.from(pes.subarray(0, 9 + pes[8]));
  const data = Buffer.from(pes.subarray(header.length));
  const encrypted = type === 0x1b ? encryptH264(data, key, iv) : encryptAac(data, key, iv);
  // 0 says that a PES packet of video has any length.
  if (type === 0x1b) header.writeUInt16BE(0, 4);
  return Buffer.concat([header, encrypted]);
}

/**
 * Of each frame all whole blocks behind the header and the first 16 bytes.
 * @param {Buffer} data
 * @param {Buffer} key
 * @param {Buffer} iv
 */
function encryptAac(data, key, iv) {
  for (let at = 0; at < data.length;) {
    const length = ((data[at + 3] & 3) << 11) | (data[at + 4] << 3) | (data[at + 5] >> 5);
    const from = at + (data[at + 1] & 1 ? 7 : 9) + BLOCK;
    const blocks = Math.max(0, Math.floor((at + length - from) / BLOCK));
    chain(
      Array.from({ length: blocks }, (_, i) => data.subarray(from + i * BLOCK).subarray(0, BLOCK)),
      key,
      iv,
    );
    at += length;
  }
  return data;
}

/**
 * Of each slice of more than 48 bytes one block in ten, from its 32nd byte on, and not its last 16 bytes.
 * @param {Buffer} data
 * @param {Buffer} key
 * @param {Buffer} iv
 */
function encryptH264(data, key, iv) {
  return Buffer.concat(
    nalUnits(data).flatMap((unit) => {
      const type = unit[0] & 31;
      if ((type !== 1 && type !== 5) || unit.length <= 48) return [START_CODE, unit];
      const blocks = [];
      for (let at = 32; at < unit.length - BLOCK; at += 10 * BLOCK) {
        blocks.push(unit.subarray(at, at + BLOCK));
      }
      chain(blocks, key, iv);
      return [START_CODE, withoutStartCodes(unit)];
    }),
  );
}

/**
 * Encrypts blocks in place, as one message.
 * @param {Buffer[]} blocks
 * @param {Buffer} key
 * @param {Buffer} iv
 */
function chain(blocks, key, iv) {
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  for (const block of blocks) cipher.update(block).copy(block);
}

/** @param {Buffer} data what lies between start codes, of three bytes or four */
function nalUnits(data) {
  const units = [];
  for (let at = data.indexOf('000001', 0, 'hex'); at >= 0;) {
    const next = data.indexOf('000001', at + 3, 'hex');
    let end = next < 0 ? data.length : next;
    if (next > 0 && data[end - 1] === 0) end--;
    units.push(data.subarray(at + 3, end));
    at = next;
  }
  return units;
}

/** @param {Buffer} unit */
function withoutStartCodes(unit) {
  const out = [];
  let zeros = 0;
  for (const byte of unit) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from(out);
}

/**
 * @param {Pes} pes
 * @param {Buffer} data
 * @param {Map<number, number>} counters of packets, by PID
 */
function packetsOf({ pid, adaptation }, data, counters) {
  const packets = [];
  for (let at = 0; at < data.length;) {
    const fields = at === 0 ? adaptation : adaptation.subarray(0, 0);
    const most = PACKET - 4 - (fields.length ? 1 + fields.length : 0);
    const payload = data.subarray(at, at + most);
    const packet = Buffer.alloc(PACKET, STUFFING);
    const counter = counters.get(pid) ?? 0;
    counters.set(pid, (counter + 1) & 15);
    packet[0] = 0x47;
    packet.writeUInt16BE((at === 0 ? 0x4000 : 0) | pid, 1);
    const length = PACKET - 4 - payload.length;
    packet[3] = (length ? 0x30 : 0x10) | counter;
    if (length) packet[4] = length - 1;
    if (length > 1) packet[5] = 0;
    fields.copy(packet, 5);
    payload.copy(packet, PACKET - payload.length);
    packets.push(packet);
    at += payload.length;
  }
  return packets;
}
