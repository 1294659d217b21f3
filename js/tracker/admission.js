/**
 * Decides who may enter which channel: by origins, channels, and tokens that the operator's own service signs.
 */
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { Holders } from './holders.js';

/**
 * @typedef {object} Verdict
 * @property {boolean} granted
 * @property {number} validMs the time for which it holds; Infinity without a token
 * @property {string} reason sent to the viewer if not granted
 * @property {string} [cause] for the log: what exactly is wrong, without the token
 */

/** @typedef {'granted' | 'channel' | 'missing' | 'expired' | 'otherChannel' | 'shared' | 'invalid'} Outcome */

const REASONS = /** @type {Record<Exclude<Outcome, 'granted'>, string>} */ ({
  channel: 'this channel is not served here',
  missing: 'a token is needed',
  expired: 'the token has expired',
  otherChannel: 'the token is for another channel',
  shared: 'too many viewers use this token',
  invalid: 'the token is not valid',
});

// The most that the clock of the service that signs tokens may be off, in seconds.
const CLOCK_TOLERANCE_S = 5;

export class Admission {
  #origins;
  #channels;
  #issuer;
  #audience;
  #holders;
  /** Keys by the option that they come from. @type {Map<string, readonly import('./keys.js').TokenKey[]>} */
  #keys = new Map();

  /** @type {Record<Outcome, number> & { origin: number }} */
  counters = {
    granted: 0,
    channel: 0,
    missing: 0,
    expired: 0,
    otherChannel: 0,
    shared: 0,
    invalid: 0,
    origin: 0,
  };

  /**
   * @param {object} rules
   * @param {readonly string[]} rules.allowedOrigins none: all
   * @param {readonly string[]} rules.allowedChannels none: all
   * @param {string} [rules.tokenIssuer]
   * @param {string} [rules.tokenAudience]
   * @param {number} [rules.viewersPerToken] at once, by `sub`, `jti` or the token itself; 0: no limit
   */
  constructor(rules) {
    const { allowedOrigins, allowedChannels, tokenIssuer, tokenAudience, viewersPerToken } = rules;
    this.#origins = allowedOrigins;
    this.#channels = allowedChannels;
    this.#issuer = tokenIssuer;
    this.#audience = tokenAudience;
    this.#holders = new Holders(viewersPerToken ?? 0);
  }

  /**
   * After the first call, viewers need a token. Later calls with the same source replace its keys.
   * @param {string} source
   * @param {readonly import('./keys.js').TokenKey[]} keys
   */
  useKeys(source, keys) {
    this.#keys.set(source, keys);
  }

  /** True if viewers need anything to enter; otherwise check() grants everything. */
  get asks() {
    return this.#channels.length > 0 || this.#keys.size > 0;
  }

  /** @param {string | undefined} origin the header of a request for a WebSocket; browsers always send it */
  allowsOrigin(origin) {
    if (this.#origins.length === 0) return true;
    if (origin !== undefined && this.#origins.some((pattern) => matches(pattern, origin))) {
      return true;
    }
    ++this.counters.origin;
    return false;
  }

  /**
   * @param {string} channel
   * @param {string} token empty: the viewer has none
   * @param {number} [viewer] counted as a holder of the token if granted, until left()
   * @returns {Promise<Verdict>} never rejects
   */
  async check(channel, token, viewer = 0) {
    const { outcome, validMs, cause } = await this.#judge(channel, token, viewer);
    ++this.counters[outcome];
    if (outcome === 'granted') return { granted: true, validMs, reason: '' };
    const reason = REASONS[outcome];
    return { granted: false, validMs: 0, reason, cause: cause ?? reason };
  }

  /** @param {number} viewer who has gone */
  left(viewer) {
    this.#holders.release(viewer);
  }

  /** The number of viewers that hold a token, if those are counted. */
  get holders() {
    return this.#holders.size;
  }

  /**
   * @param {string} channel
   * @param {string} token
   * @param {number} viewer
   * @returns {Promise<{ outcome: Outcome, validMs: number, cause?: string }>}
   */
  async #judge(channel, token, viewer) {
    // Channel and token come in one text, separated by a line feed: with a second line feed nobody could separate them.
    if (token.includes('\n')) return { outcome: 'invalid', validMs: 0 };
    if (this.#channels.length > 0 && !this.#channels.some((one) => matches(one, channel))) {
      return { outcome: 'channel', validMs: 0 };
    }
    if (this.#keys.size === 0) return { outcome: 'granted', validMs: Infinity };
    if (token === '') return { outcome: 'missing', validMs: 0 };
    const read = await this.#claimsOf(token);
    if (!('payload' in read)) return { ...read, validMs: 0 };
    const claims = read.payload;
    const allowed = [claims.channel].flat();
    if (!allowed.includes(channel)) {
      const cause = `the token is for ${shown(allowed.join(' '))}`;
      return { outcome: 'otherChannel', validMs: 0, cause };
    }
    if (!this.#holders.take(viewer, claims, token)) return { outcome: 'shared', validMs: 0 };
    const untilS = /** @type {number} */ (claims.exp) + CLOCK_TOLERANCE_S;
    return { outcome: 'granted', validMs: Math.max(0, untilS * 1000 - Date.now()) };
  }

  /**
   * @param {string} token
   * @returns {Promise<{ payload: import('jose').JWTPayload } | { outcome: 'expired' | 'invalid', cause: string }>}
   */
  async #claimsOf(token) {
    const { header, candidates } = this.#candidates(token);
    if (header === null) return { outcome: 'invalid', cause: 'it is no JWT' };
    if (candidates.length === 0) {
      const kid = header.kid === undefined ? '' : ` and kid ${shown(header.kid)}`;
      return { outcome: 'invalid', cause: `no key has alg ${shown(header.alg)}${kid}` };
    }
    let cause = 'the signature fits no key';
    for (const { algorithms, material } of candidates) {
      try {
        const { payload } = await jwtVerify(token, material, {
          algorithms: [...algorithms],
          issuer: this.#issuer,
          audience: this.#audience,
          requiredClaims: ['exp', 'channel'],
          clockTolerance: CLOCK_TOLERANCE_S,
        });
        return { payload };
      } catch (error) {
        // The signature is right, so no other key can give another result.
        if (error instanceof errors.JWTExpired) {
          const seconds = Math.round(Date.now() / 1000 - Number(error.payload.exp));
          return { outcome: 'expired', cause: `it expired ${seconds} s ago` };
        }
        if (error instanceof errors.JWTClaimValidationFailed) {
          const { claim, payload } = error;
          const was = claim in payload ? shown(payload[claim]) : 'missing';
          return { outcome: 'invalid', cause: `${claim} is ${was}: ${error.message}` };
        }
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) {
          cause = /** @type {Error} */ (error).message;
        }
      }
    }
    return { outcome: 'invalid', cause };
  }

  /** The keys that may have signed a token, by its algorithm and kid. @param {string} token */
  #candidates(token) {
    /** @type {import('jose').ProtectedHeaderParameters} */
    let header;
    try {
      header = decodeProtectedHeader(token);
    } catch {
      return { header: null, candidates: [] };
    }
    const candidates = [...this.#keys.values()]
      .flat()
      .filter(
        ({ algorithms, kid }) =>
          algorithms.includes(String(header.alg)) &&
          (kid === undefined || header.kid === undefined || kid === header.kid),
      );
    return { header, candidates };
  }
}

// What a stranger wrote may be long.
const MOST_SHOWN = 200;

/** @param {unknown} value of a token @returns {string} for the log */
const shown = (value) => String(JSON.stringify(value)).slice(0, MOST_SHOWN);

/**
 * True if the text matches the pattern, in which `*` stands for any characters. Takes time proportional to the product of both
 * lengths at worst, since the text comes from strangers.
 * @param {string} pattern
 * @param {string} text
 */
export function matches(pattern, text) {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++;
      resume = at;
    } else if (next < pattern.length && pattern[next] === text[at]) {
      ++next;
      ++at;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[next] === '*') ++next;
  return next === pattern.length;
}
