/**
 * The node that runs each channel with a connection of this node, and those connections.
 */

/**
 * @typedef {object} Channel
 * @property {string | null | undefined} owner null: this node; undefined: not known yet
 * @property {Set<number>} users connections
 * @property {((owner: string | null) => void)[]} waiting
 */

export class Directory {
  #self;
  #claim;
  /** @type {Map<string, Channel>} */
  #channels = new Map();
  /** @type {Map<number, string>} */
  #channelOf = new Map();
  /** Channels that the next claim will contain. @type {Set<string>} */
  #toAsk = new Set();
  #stopped = false;

  /**
   * @param {string} self
   * @param {(channels: string[]) => Promise<string[]>} claim returns the owner of each channel, which becomes this node if there
   *   is none. If it rejects, this node runs the channels for its own viewers.
   */
  constructor(self, claim) {
    this.#self = self;
    this.#claim = claim;
  }

  /** The channels that this node runs. */
  get owned() {
    let count = 0;
    for (const { owner } of this.#channels.values()) if (owner === null) ++count;
    return count;
  }

  /** Other nodes that run channels of connections here. @returns {Set<string>} */
  get owners() {
    /** @type {Set<string>} */
    const owners = new Set();
    for (const { owner } of this.#channels.values()) if (owner) owners.add(owner);
    return owners;
  }

  /**
   * @param {string} channel
   * @param {(owner: string | null) => void} found called immediately if the owner is known; null: this node
   */
  ownerOf(channel, found) {
    const entry = this.#entry(channel);
    if (entry.owner !== undefined) {
      found(entry.owner);
      return;
    }
    entry.waiting.push(found);
    if (entry.waiting.length > 1) return;
    if (this.#toAsk.size === 0) queueMicrotask(() => void this.#ask());
    this.#toAsk.add(channel);
  }

  /** @param {string} channel @param {number} conn */
  use(channel, conn) {
    this.#entry(channel).users.add(conn);
    this.#channelOf.set(conn, channel);
  }

  /** @param {number} conn */
  leave(conn) {
    const channel = this.#channelOf.get(conn);
    if (channel === undefined) return;
    this.#channelOf.delete(conn);
    const entry = this.#entry(channel);
    entry.users.delete(conn);
    // A channel that this node runs is kept until the next renewal, and then given up.
    if (entry.users.size === 0 && entry.owner) this.#channels.delete(channel);
  }

  /** @param {string} channel @returns {number[]} */
  usersOf(channel) {
    return [...(this.#channels.get(channel)?.users ?? [])];
  }

  /** The channels of a node that are known here. @param {string | null} node null: this one @returns {string[]} */
  ownedBy(node) {
    return [...this.#channels].flatMap(([channel, { owner }]) => (owner === node ? [channel] : []));
  }

  /** @param {string} channel @param {string} node @returns {boolean} true if the node was the owner, as far as was known */
  forget(channel, node) {
    const entry = this.#channels.get(channel);
    if (entry?.owner !== node) return false;
    entry.owner = undefined;
    return true;
  }

  /** @returns {string[]} channels of this node without a viewer, which it no longer runs */
  dropUnused() {
    const unused = [...this.#channels].flatMap(([channel, { owner, users }]) =>
      owner === null && users.size === 0 ? [channel] : [],
    );
    for (const channel of unused) this.#channels.delete(channel);
    return unused;
  }

  /**
   * Claims all channels that this node runs.
   * @returns {Promise<string[]>} the channels that another node runs, and this one no longer does
   */
  async renew() {
    const mine = this.ownedBy(null);
    if (mine.length === 0) return [];
    /** @type {string[]} */
    let owners;
    try {
      owners = await this.#claim(mine);
    } catch {
      return [];
    }
    return mine.filter((channel, index) => {
      const entry = this.#channels.get(channel);
      if (!entry || entry.owner !== null || owners[index] === this.#self) return false;
      entry.owner = owners[index];
      return true;
    });
  }

  stop() {
    this.#stopped = true;
  }

  async #ask() {
    const channels = [...this.#toAsk];
    this.#toAsk.clear();
    /** @type {(string | null)[]} */
    let owners;
    try {
      owners = await this.#claim(channels);
    } catch {
      owners = channels.map(() => null);
    }
    if (this.#stopped) return;
    channels.forEach((channel, index) => {
      const entry = this.#entry(channel);
      const owner = owners[index];
      entry.owner = owner === this.#self ? null : owner;
      const waiting = entry.waiting;
      entry.waiting = [];
      for (const found of waiting) found(entry.owner);
      if (entry.users.size === 0 && entry.owner) this.#channels.delete(channel);
    });
  }

  /** @param {string} channel @returns {Channel} */
  #entry(channel) {
    let entry = this.#channels.get(channel);
    if (!entry)
      this.#channels.set(channel, (entry = { owner: undefined, users: new Set(), waiting: [] }));
    return entry;
  }
}
