/**
 * The bus of a cluster over Redis: a sorted set of nodes with the times until which they count as alive, a key with the owner of
 * each channel, and one subject for each node, to which only that node subscribes. All times are those of Redis's clock.
 *
 * The data in Redis may be lost: the next beats fill an empty Redis again.
 */
import { createHash, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { CLAIM_TTL_MS } from './bus.js';
import { isBatch } from './links.js';
import { Seal } from './seal.js';

/** @typedef {import('./bus.js').Bus} Bus */
/** @typedef {import('@redis/client').RedisClientType<{}, {}, {}, 2>} Client */

const NOW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

// Returns '1' if the node was alive until now, otherwise '0'; then the names of all living nodes.
const BEAT = `${NOW}
local alive_until = redis.call('ZSCORE', KEYS[1], ARGV[1])
local lived = alive_until and tonumber(alive_until) >= now
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
return {lived and '1' or '0', unpack(redis.call('ZRANGE', KEYS[1], 0, -1))}
`;

const CLAIM = `${NOW}
local owners = {}
for i = 2, #KEYS do
  local owner = redis.call('GET', KEYS[i])
  if owner and owner ~= ARGV[1] then
    local alive_until = redis.call('ZSCORE', KEYS[1], owner)
    if not alive_until or tonumber(alive_until) < now then owner = false end
  end
  if not owner or owner == ARGV[1] then
    owner = ARGV[1]
    redis.call('SET', KEYS[i], owner, 'PX', ARGV[2])
  end
  owners[i - 1] = owner
end
return owners
`;

const UNCLAIM = `
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
`;

// The most channels in one call: a script blocks all of Redis while it runs.
const MOST_AT_ONCE = 256;

// The time that the tracker waits for Redis before it listens without it.
const START_MS = 3000;

const LONGEST_RETRY_MS = 1000;

// A log that a flood can fill helps nobody.
const TELL_EVERY_MS = 10_000;

/**
 * @typedef {object} RedisBusOptions
 * @property {string} url
 * @property {string} prefix of every key and subject
 * @property {string} nodeId this node's name for people
 * @property {string} [secret] that authenticates messages
 * @property {(address: string) => string} keyOf returns the /64 of an IPv6 address, and other addresses as they are
 * @property {number} beatMs between two signs of life
 * @property {number} leaseMs without a sign of life, after which a node counts as dead
 */

/** @implements {Bus} */
export class RedisBus {
  endsAsOne = false;
  counters = { unreadable: 0, forged: 0, refused: 0, reconnects: 0, deaf: 0 };
  #options;
  #log;
  #seal;
  #prefix;
  #subject;
  #connect;
  /** @type {Client} */
  #commands;
  /** @type {Client} */
  #subscriber;
  /** When this node last heard itself. */
  #echo = -Infinity;
  /** Why Redis was of no use lately; '': no reason is known. */
  #reason = '';
  /** What it refused last. */
  #refusal = '';
  #connectedAt = -Infinity;
  #toldAt = -Infinity;
  #nodes;
  /** @type {import('./bus.js').BusEvents | null} */
  #events = null;
  #up = false;
  #subscribed = false;
  #lastBeat = -Infinity;
  #beating = false;
  #gap = false;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {() => void} */
  #firstUp = () => {};

  /**
   * @param {RedisBusOptions} options
   * @param {import('../log.js').Log} log
   * @returns {Promise<RedisBus>}
   */
  static async create(options, log) {
    /** @type {typeof import('@redis/client')} */
    let library;
    try {
      library = await import('@redis/client');
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
      throw new Error('redis-url needs the package @redis/client: npm install @redis/client');
    }
    return new RedisBus(library, options, log);
  }

  /**
   * @param {typeof import('@redis/client')} library
   * @param {RedisBusOptions} options
   * @param {import('../log.js').Log} log
   */
  constructor({ createClient }, options, log) {
    this.#options = options;
    this.#log = log;
    this.name = `${options.nodeId}.${randomBytes(6).toString('hex')}`;
    this.#seal = new Seal(options.secret, options.keyOf);
    this.#prefix = this.#seal.prefix(options.prefix);
    this.#nodes = `${this.#prefix}:nodes`;
    this.#subject = `${this.#prefix}:node:${this.name}`;
    this.#connect = () =>
      /** @type {Client} */ (
        createClient({
          url: options.url,
          RESP: 2,
          disableOfflineQueue: true,
          // So that the client notices a connection whose other end has vanished.
          pingInterval: options.beatMs,
          socket: {
            connectTimeout: options.leaseMs,
            socketTimeout: options.leaseMs,
            reconnectStrategy: (retries) =>
              Math.random() * Math.min(50 * 2 ** retries, LONGEST_RETRY_MS),
          },
        })
      );
    this.#commands = this.#connect();
    this.#subscriber = this.#connect();
  }

  /** @param {import('./bus.js').BusEvents} events */
  async start(events) {
    this.#events = events;
    const { beatMs } = this.#options;
    this.#open();
    this.#timer = setInterval(() => void this.#beat(), beatMs);
    /** @type {Promise<void>} */
    const firstUp = new Promise((resolve) => (this.#firstUp = resolve));
    const patience = setTimeout(this.#firstUp, START_MS);
    await firstUp;
    clearTimeout(patience);
    if (this.#up) return;
    this.#log.warn('redis cannot be reached: matching within this process alone', {
      reason: this.#reason || 'no answer',
    });
  }

  /** @param {string[]} channels */
  async claim(channels) {
    const keys = channels.map((channel) => this.#keyOf(channel));
    /** @type {string[]} */
    const owners = [];
    for (let at = 0; at < keys.length; at += MOST_AT_ONCE) {
      const reply = await this.#within(
        this.#commands.eval(CLAIM, {
          keys: [this.#nodes, ...keys.slice(at, at + MOST_AT_ONCE)],
          arguments: [this.name, String(CLAIM_TTL_MS)],
        }),
      );
      owners.push(.../** @type {string[]} */ (reply));
    }
    return owners;
  }

  /** @param {string[]} channels */
  async unclaim(channels) {
    const keys = channels.map((channel) => this.#keyOf(channel));
    const replies = [];
    for (let at = 0; at < keys.length; at += MOST_AT_ONCE) {
      const some = { keys: keys.slice(at, at + MOST_AT_ONCE), arguments: [this.name] };
      replies.push(this.#within(this.#commands.eval(UNCLAIM, some)));
    }
    // A claim that could not be given up expires.
    await Promise.allSettled(replies);
  }

  /** @param {string} to @param {import('./links.js').Batch} batch */
  post(to, batch) {
    const subject = `${this.#prefix}:node:${to}`;
    const text = this.#seal.close(subject, JSON.stringify([this.name, batch]));
    // A lost connection is a gap, which the handler of `ready` reports.
    this.#commands.publish(subject, text).catch(() => {});
  }

  get authentic() {
    return this.#options.secret !== undefined;
  }

  get leaseMs() {
    return this.#options.leaseMs;
  }

  /** @param {string} address @returns {string} what other nodes are told in its place */
  mask(address) {
    return this.#seal.mask(address);
  }

  async stop() {
    clearInterval(this.#timer);
    this.#events = null;
    if (this.#commands.isReady) {
      await this.#within(this.#commands.zRem(this.#nodes, this.name)).catch(() => {});
    }
    for (const client of [this.#commands, this.#subscriber]) {
      if (client.isOpen) client.destroy();
    }
  }

  // Messages that were published while the connection was lost are gone.
  async #connected() {
    this.#gap = true;
    if (!this.#subscribed && this.#subscriber.isReady) {
      try {
        await this.#subscriber.subscribe(this.#subject, this.#hear);
        this.#echo = performance.now();
        this.#subscribed = true;
      } catch (error) {
        // The next beat tries again, if the connection stays.
        this.#failed(/** @type {Error} */ (error));
        return;
      }
    }
    await this.#beat();
  }

  async #beat() {
    if (!this.#events) return;
    const now = performance.now();
    if (now - this.#lastBeat > this.#options.leaseMs) this.#goDown();
    if (this.#beating || !this.#commands.isReady || !this.#subscriber.isReady) return;
    if (!this.#subscribed) return this.#connected();
    this.#beating = true;
    try {
      const reply = await this.#within(
        this.#commands.eval(BEAT, {
          keys: [this.#nodes],
          arguments: [this.name, String(this.#options.leaseMs)],
        }),
      );
      const [lived, ...nodes] = /** @type {string[]} */ (reply);
      this.#confirmed(now, lived === '1', nodes);
      this.#listenToItself();
    } catch (error) {
      this.#failed(/** @type {Error} */ (error));
    } finally {
      this.#beating = false;
    }
  }

  /**
   * @param {number} sentAt
   * @param {boolean} lived true if this node counted as alive all the time
   * @param {string[]} nodes
   */
  #confirmed(sentAt, lived, nodes) {
    if (!this.#events) return;
    this.#lastBeat = sentAt;
    const gap = this.#gap || !lived;
    this.#gap = false;
    const others = new Set(nodes.filter((node) => node !== this.name));
    this.#events.members(others);
    if (!this.#up) {
      this.#up = true;
      this.#log.info('redis is there', { node: this.name, others: others.size });
      this.#firstUp();
      this.#events.up();
    } else if (gap) {
      this.#log.info('redis was away for a moment');
      this.#events.gap();
    }
  }

  #goDown() {
    if (!this.#up) return;
    this.#up = false;
    this.#log.warn('redis is away: matching within this process alone', {
      reason: this.#reason || 'no answer',
    });
    this.#events?.down();
  }

  #open() {
    this.#connectedAt = performance.now();
    this.#subscribed = false;
    for (const client of [this.#commands, this.#subscriber]) {
      client.on('error', (error) => this.#failed(error));
      client.on('ready', () => void this.#connected());
      // Rejects only after the client is destroyed; until then it goes on trying.
      client.connect().catch(() => {});
    }
  }

  /** Connects again: behind the same name there may be another Redis by now. */
  #reconnect() {
    if (!this.#events || performance.now() - this.#connectedAt < this.#options.beatMs) return;
    ++this.counters.reconnects;
    for (const client of [this.#commands, this.#subscriber]) if (client.isOpen) client.destroy();
    this.#commands = this.#connect();
    this.#subscriber = this.#connect();
    this.#open();
  }

  /** Redis cannot be reached, or did not do what it was asked to. @param {Error & { code?: string }} error */
  #failed({ message, code = 'no answer' }) {
    this.#reason = message || code;
    this.#log.debug('redis', { error: this.#reason });
    const refusal = /^[A-Z]{2,}\b/.exec(message)?.[0];
    if (refusal === undefined) return;
    ++this.counters.refused;
    if (message !== this.#refusal) this.#log.warn('redis refuses', { reason: message });
    this.#refusal = message;
    // It was made a replica: the connection stays, and the name leads to another one.
    if (refusal === 'READONLY' || refusal === 'MASTERDOWN') this.#reconnect();
  }

  // A subscription may be lost while both connections answer.
  #listenToItself() {
    const silentMs = performance.now() - this.#echo;
    if (silentMs > this.#options.leaseMs) {
      ++this.counters.deaf;
      this.#log.warn('this node does not hear its own subject: it subscribes again');
      this.#gap = true;
      this.#echo = performance.now();
      this.#reconnect();
      return;
    }
    const text = this.#seal.close(this.#subject, JSON.stringify([this.name, null]));
    this.#commands.publish(this.#subject, text).catch((error) => this.#failed(error));
  }

  /** @param {string} sealed */
  #hear = (sealed) => {
    const text = this.#seal.open(this.#subject, sealed);
    if (text === null) {
      ++this.counters.forged;
      this.#tell('a message without the secret of this cluster was dropped');
      return;
    }
    /** @type {[unknown, unknown]} */
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      message = [undefined, undefined];
    }
    const [from, batch] = Array.isArray(message) ? message : [];
    if (from === this.name && batch === null) {
      this.#echo = performance.now();
      this.#reason = this.#refusal = '';
    } else if (typeof from === 'string' && from !== this.name && isBatch(batch)) {
      this.#events?.message(from, batch);
    } else {
      ++this.counters.unreadable;
      this.#tell('an unreadable message was dropped', String(from ?? ''));
      if (typeof from === 'string' && from !== this.name) this.#events?.unreadable(from);
    }
  };

  /** At most once in ten seconds. @param {string} event @param {string} [from] */
  #tell(event, from) {
    if (performance.now() - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = performance.now();
    this.#log.warn(event, { from });
  }

  /** @template T @param {Promise<T>} reply @returns {Promise<T>} */
  async #within(reply) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), this.#options.leaseMs);
    });
    try {
      return /** @type {T} */ (await Promise.race([reply, late]));
    } finally {
      clearTimeout(timer);
    }
  }

  // A channel's name may be long and contain any character.
  /** @param {string} channel */
  #keyOf(channel) {
    const digest = createHash('sha256').update(channel).digest('base64url');
    return `${this.#prefix}:channel:${digest}`;
  }
}
