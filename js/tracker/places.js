/**
 * Network and province of an address, from databases in MaxMind format.
 */
import { Reader } from 'mmdb-lib';

/** @typedef {{ isp: string, province: string }} Place */

// The most decoded records that are kept: many viewers share a network. A record has some hundred bytes.
const CACHED_RECORDS = 10_000;

/** The fields that the usual databases have in their records; each may be missing. */
/** @typedef {{ isp?: string, autonomous_system_organization?: string, autonomous_system_number?: number }} NetworkRecord */
/** @typedef {{ iso_code?: string, names?: { en?: string } }} Named */
/** @typedef {{ country?: Named, subdivisions?: Named[], country_code?: string, state1?: string }} CityRecord */

export class Places {
  /** @type {Reader<any> | null} */
  #networks = null;
  /** @type {Reader<any> | null} */
  #cities = null;

  /**
   * @param {Buffer} database
   * @returns {string[]} what is odd about it
   * @throws {Error} if it is not in MaxMind format
   */
  useNetworks(database) {
    this.#networks = open(database);
    return doubtsAbout(this.#networks, ispOf, 'networks', provinceOf, 'provinces');
  }

  /**
   * @param {Buffer} database
   * @returns {string[]} what is odd about it
   * @throws {Error} if it is not in MaxMind format
   */
  useCities(database) {
    this.#cities = open(database);
    return doubtsAbout(this.#cities, provinceOf, 'provinces', ispOf, 'networks');
  }

  /**
   * @param {string} address
   * @returns {Place} empty where nothing is known
   */
  of(address) {
    return {
      isp: ispOf(/** @type {NetworkRecord | null} */ (lookUp(this.#networks, address))),
      province: provinceOf(/** @type {CityRecord | null} */ (lookUp(this.#cities, address))),
    };
  }
}

/** @param {Buffer} database */
function open(database) {
  const reader = new Reader(database, { cache: new BoundedMap() });
  // The library decodes nothing before the first query. This one finds a truncated file now, and not at the first viewer.
  reader.get('192.0.2.1');
  return reader;
}

// A provider is sold, and addresses move, within months.
const OLD_DAYS = 180;
const DAY_MS = 86_400_000;

/**
 * @param {Reader<any>} reader
 * @param {(record: any) => string} wanted returns what a record must have
 * @param {string} name of that
 * @param {(record: any) => string} other returns what a record of the other kind of database has
 * @param {string} otherName
 * @returns {string[]} what is odd about the database
 */
function doubtsAbout(reader, wanted, name, other, otherName) {
  const { ipVersion, buildEpoch, databaseType } = reader.metadata;
  /** @type {string[]} */
  const doubts = [];
  const records = sampleOf(reader);
  if (!records.some((record) => wanted(record) !== '')) {
    const swapped = records.some((record) => other(record) !== '');
    doubts.push(
      swapped
        ? `knows no ${name} but ${otherName}: are asn-db and city-db swapped?`
        : `knows no ${name}, in ${records.length} records of the type ${databaseType}`,
    );
  }
  if (ipVersion === 4)
    doubts.push('knows IPv4 only: of viewers with IPv6 addresses nothing is known');
  const days = Math.floor((Date.now() - Number(buildEpoch)) / DAY_MS);
  if (days > OLD_DAYS) doubts.push(`is ${days} days old: networks and addresses have moved since`);
  return doubts;
}

// Enough to meet a record of any real database, within some milliseconds.
const SAMPLES = 4096;
const ENOUGH_RECORDS = 64;

/** @param {Reader<any>} reader @returns {any[]} records of addresses all over IPv4 and of some of IPv6 */
function sampleOf(reader) {
  const records = [];
  for (let i = 0; i < SAMPLES && records.length < ENOUGH_RECORDS; ++i) {
    const spread = Math.imul(i + 1, 0x9e3779b1) >>> 0;
    const bytes = [24, 16, 8, 0].map((shift) => (spread >>> shift) & 255);
    const six = `2${(spread >>> 20).toString(16).padStart(3, '0')}:${((spread >>> 4) & 0xffff).toString(16)}::1`;
    const record = lookUp(reader, i % 8 === 7 ? six : bytes.join('.'));
    if (record !== null) records.push(record);
  }
  return records;
}

/**
 * @param {Reader<any> | null} reader
 * @param {string} address
 */
function lookUp(reader, address) {
  if (reader === null) return null;
  const plain = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address;
  // Of an IPv6 address the library would look up the first 32 bits as if they were IPv4.
  if (reader.metadata.ipVersion === 4 && plain.includes(':')) return null;
  try {
    return reader.get(plain);
  } catch {
    // It is no address at all.
    return null;
  }
}

/** @param {NetworkRecord | null} record */
function ispOf(record) {
  if (record === null) return '';
  const {
    isp,
    autonomous_system_organization: organization,
    autonomous_system_number: number,
  } = record;
  return text(isp) || text(organization) || (Number.isInteger(number) ? `AS${number}` : '');
}

/**
 * Provinces of two countries may have the same name, so the country is part of it.
 * @param {CityRecord | null} record
 */
function provinceOf(record) {
  const country = text(record?.country?.iso_code) || text(record?.country_code);
  const [first] = Array.isArray(record?.subdivisions) ? record.subdivisions : [];
  // The databases of npm's @ip-location-db are flat.
  const province = text(first?.iso_code) || text(first?.names?.en) || text(record?.state1);
  return [country, province].filter((part) => part !== '').join('-');
}

/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : '');

/** A map of limited size that drops its oldest entry. */
class BoundedMap {
  /** @type {Map<string | number, any>} */
  #map = new Map();

  /** @param {string | number} key */
  get(key) {
    return this.#map.get(key);
  }

  /** @param {string | number} key @param {any} value */
  set(key, value) {
    if (this.#map.size >= CACHED_RECORDS) {
      this.#map.delete(/** @type {string | number} */ (this.#map.keys().next().value));
    }
    this.#map.set(key, value);
  }
}
