/**
 * What a shared secret does for the entries that nodes exchange: nobody without it can write one, and an address is recognised by
 * those who have it, and told to nobody.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import ipaddr from 'ipaddr.js';

export class Seal {
  #secret;
  #keyOf;

  /**
   * @param {string | undefined} secret undefined: entries are not authenticated
   * @param {(address: string) => string} keyOf returns the /64 of an IPv6 address, and other addresses as they are
   */
  constructor(secret, keyOf) {
    this.#secret = secret;
    this.#keyOf = keyOf;
  }

  /** Clusters of different secrets are apart, also while one is rolled out. @param {string} prefix */
  prefix(prefix) {
    return this.#secret === undefined ? prefix : `${prefix}.${this.#mac('prefix').slice(0, 12)}`;
  }

  /** @param {string} subject @param {string} text */
  close(subject, text) {
    return this.#secret === undefined ? text : `${this.#mac(`${subject}\n${text}`)} ${text}`;
  }

  /** @param {string} subject where it was heard @param {string} sealed @returns {string | null} null: it is not authentic */
  open(subject, sealed) {
    if (this.#secret === undefined) return sealed;
    const end = sealed.indexOf(' ');
    const text = sealed.slice(end + 1);
    const given = Buffer.from(sealed.slice(0, Math.max(end, 0)));
    const right = Buffer.from(this.#mac(`${subject}\n${text}`));
    return given.length === right.length && timingSafeEqual(given, right) ? text : null;
  }

  /**
   * An address in place of another, always the same, of which nobody learns the other. Those of one /64, and of one /48, stay
   * together. @param {string} address
   */
  mask(address) {
    const key = this.#keyOf(address);
    const wide = ipaddr.IPv6.isValid(key)
      ? `${ipaddr.IPv6.networkAddressFromCIDR(`${key}/48`)}`
      : key;
    const hex =
      this.#mac(`wide ${wide}`, 'hex').slice(0, 12) + this.#mac(`near ${key}`, 'hex').slice(0, 4);
    return `${hex.match(/.{4}/g)?.join(':')}::`;
  }

  /** @param {string} text @param {'base64url' | 'hex'} [as] */
  #mac(text, as = 'base64url') {
    return createHmac('sha256', this.#secret ?? 'hlsmesh')
      .update(text)
      .digest(as);
  }
}
