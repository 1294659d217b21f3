/**
 * The tracker engine in WebAssembly (wasm/tracker_abi.hpp) as an object.
 */
import { ABI_VERSION, HtCommand, HtStats, HtText, Option } from './abi.js';
import { Core, POISONED } from '../core.js';

/**
 * @typedef {import('./index.js').TrackerLimits & { authorize: number }} EngineLimits `authorize`: 1 if a viewer who enters waits
 *   for authorized()
 */

/**
 * @typedef {{ kind: number, conn: number, code: number, text: Uint8Array }} TrackerCommand `text` is a view, valid until the next
 *   call of the engine
 */

/** @typedef {Record<keyof typeof HtStats, number>} EngineStats */

export class TrackerEngine {
  #core;

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
  }

  /**
   * @param {WebAssembly.Module} module
   * @param {EngineLimits} limits
   * @param {(error: Error) => void} onFatal called once if the engine dies; its later results mean nothing
   */
  static async create(module, limits, onFatal) {
    const core = await Core.instantiate(module, 'ht_text');
    const version = core.call('ht_abi_version');
    if (version !== ABI_VERSION) {
      throw new Error(
        `hlsmesh-tracker.wasm speaks ABI ${version}, this code ${ABI_VERSION}: rebuild or reinstall`,
      );
    }
    for (const [name, value] of Object.entries(limits)) {
      const option = Option[/** @type {keyof typeof Option} */ (name)];
      if (option === undefined) throw new TypeError(`unknown tracker limit: ${name}`);
      // What is no number would become one, and an empty text or null 0, which is no limit.
      if (typeof value !== 'number' || core.call('ht_set', option, value) !== 0) {
        throw new RangeError(
          `tracker limit ${name} must be a whole number, 0 or more; got ${value}`,
        );
      }
    }
    core.call('ht_start');
    if (core.poison) throw core.poison;
    core.onPoison = onFatal;
    return new TrackerEngine(core);
  }

  get dead() {
    return this.#core.poison !== null;
  }

  /**
   * @param {number} now milliseconds, monotonic
   * @param {number} conn
   * @param {{ address: string, isp: string, province: string, site?: string }} origin unknown fields are empty. A node of an older
   *   version tells no site
   * @param {Uint32Array} entropy four words from a cryptographic source
   * @param {boolean} guest another engine has its socket and applies the limits
   */
  open(now, conn, origin, entropy, guest) {
    const { address, isp, province, site = '' } = origin;
    const lines = [address, isp, province, site].map((line) => line.replaceAll('\n', ' '));
    this.#core.callWithText('ht_open', lines.join('\n'), now, conn, guest ? 1 : 0, ...entropy);
  }

  /**
   * @param {number} now
   * @param {number} conn
   * @param {Uint8Array} text UTF-8
   */
  message(now, conn, text) {
    const pointer = this.#core.call('ht_text', text.length);
    if (pointer === POISONED) return;
    if (pointer === 0) throw new RangeError(`no room for a message of ${text.length} bytes`);
    this.#core.bytes(pointer, text.length).set(text);
    this.#core.call('ht_message', now, conn);
  }

  /** @param {number} now @param {number} conn */
  binary(now, conn) {
    this.#core.call('ht_binary', now, conn);
  }

  /** @param {number} now @param {number} conn */
  pong(now, conn) {
    this.#core.call('ht_pong', now, conn);
  }

  /** @param {number} now @param {number} conn */
  closed(now, conn) {
    this.#core.call('ht_closed', now, conn);
  }

  /**
   * Answers a command `authorize`; ignored if the connection no longer waits for it.
   * @param {number} now
   * @param {number} conn
   * @param {number} request the command's code
   * @param {boolean} granted
   * @param {number} validMs the time for which the token is valid; Infinity: no limit
   * @param {string} reason sent to a peer that is refused
   */
  authorized(now, conn, request, granted, validMs, reason) {
    const result = this.#core.callWithText(
      'ht_authorized',
      reason,
      now,
      conn,
      request,
      granted ? 1 : 0,
      validMs,
    );
    if (result !== 0 && result !== POISONED) {
      throw new RangeError(`no answer to an authorization: valid for ${validMs} ms`);
    }
  }

  /**
   * The other answer to a command `authorize`: another engine runs the channel.
   * @param {number} now
   * @param {number} conn
   * @param {number} request the command's code
   */
  elsewhere(now, conn, request) {
    this.#core.call('ht_elsewhere', now, conn, request);
  }

  /** @param {number} now @param {number} conn */
  askAgain(now, conn) {
    this.#core.call('ht_ask_again', now, conn);
  }

  /**
   * The engine that runs the peer's channel has sent it this text.
   * @param {number} now
   * @param {number} conn
   * @param {string} text
   */
  told(now, conn, text) {
    this.#core.callWithText('ht_told', text, now, conn);
  }

  /** @param {number} now */
  timeout(now) {
    this.#core.call('ht_timeout', now);
  }

  /** @returns {TrackerCommand | null} the next command, or null if there is none */
  poll() {
    const pointer = this.#core.call('ht_poll');
    if (pointer <= 0) return null;
    const view = this.#core.view();
    const text = view.getUint32(pointer + HtCommand.text, true);
    const size = view.getUint32(pointer + HtCommand.text_size, true);
    return {
      kind: view.getInt32(pointer + HtCommand.kind, true),
      conn: view.getInt32(pointer + HtCommand.conn, true),
      code: view.getInt32(pointer + HtCommand.code, true),
      text: this.#core.bytes(text, size),
    };
  }

  /** @returns {number} the time at which timeout() is due; Infinity: never */
  nextTimeout() {
    const due = this.#core.call('ht_next_timeout');
    return this.dead ? Infinity : due;
  }

  /** @returns {EngineStats | null} null once the engine is dead */
  stats() {
    const pointer = this.#core.call('ht_stats');
    if (pointer <= 0) return null;
    const view = this.#core.view();
    const entries = Object.entries(HtStats).map(([name, offset]) => [
      name,
      view.getFloat64(pointer + offset, true),
    ]);
    return /** @type {EngineStats} */ (Object.fromEntries(entries));
  }

  /**
   * @param {number} offset
   * @param {number} limit at most 10,000 are listed
   * @returns {string | null} JSON, as src/tracker/tracker.hpp describes it; null once the engine is dead
   */
  channels(offset, limit) {
    return this.#listed(this.#core.call('ht_channels', offset, limit));
  }

  /**
   * @param {string} channel
   * @param {number} offset
   * @param {number} limit at most 10,000 peers are listed
   * @returns {string | null} JSON, as src/tracker/tracker.hpp describes it; null if there is no such channel
   */
  topology(channel, offset, limit) {
    return this.#listed(this.#core.callWithText('ht_topology', channel, offset, limit));
  }

  /** @returns {[site: string | null, viewers: number][]} null: sites that were too many; none once the engine is dead */
  sites() {
    return JSON.parse(this.#listed(this.#core.call('ht_sites')) ?? '[]');
  }

  /**
   * @returns {string | null} JSON, as src/tracker/tracker.hpp describes it, of what came since the last call; null once the engine
   *   is dead
   */
  takeAudience() {
    return this.#listed(this.#core.call('ht_take_audience'));
  }

  /** @param {number} pointer */
  #listed(pointer) {
    if (pointer <= 0) return null;
    const view = this.#core.view();
    const text = view.getUint32(pointer + HtText.text, true);
    return this.#core.text(text, view.getUint32(pointer + HtText.size, true));
  }
}
