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
/** @typedef {{ country?: Named, subdivisions?: Named[] }} CityRecord */

export class Places {
  /** @type {Reader<any> | null} */
  #networks = null;
  /** @type {Reader<any> | null} */
  #cities = null;

  /** @param {Buffer} database @throws {Error} if it is not in MaxMind format */
  useNetworks(database) {
    this.#networks = open(database);
  }

  /** @param {Buffer} database @throws {Error} if it is not in MaxMind format */
  useCities(database) {
    this.#cities = open(database);
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

/**
 * @param {Reader<any> | null} reader
 * @param {string} address
 */
function lookUp(reader, address) {
  if (reader === null) return null;
  try {
    return reader.get(address);
  } catch {
    // It is an IPv6 address in a database of IPv4, or no address at all.
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
  const country = text(record?.country?.iso_code);
  const [first] = Array.isArray(record?.subdivisions) ? record.subdivisions : [];
  const province = text(first?.iso_code) || text(first?.names?.en);
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
