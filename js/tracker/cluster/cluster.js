/**
 * Joins the engine of this process with those of others: each channel is run by one node, its owner, and a viewer who enters it
 * at another node is a guest of the owner. The node that has the viewer's socket keeps it alive and within its limits and
 * forwards its messages; the owner answers.
 *
 * This class reads no more of a message than its first bytes. The engine asks for the owner of a viewer's channel as it asks for authorization, and
 * outputs the messages for another engine (`forward`).
 */
import { performance } from 'node:perf_hooks';
import { LocalEngine } from '../local-engine.js';
import { RENEW_MS } from './bus.js';
import { Directory } from './directory.js';
import { Guests } from './guests.js';
import { Links } from './links.js';
import { Everywhere } from './questions.js';
import { Seats, validMsOf } from './seats.js';
import { Watch } from './watch.js';

/** @typedef {import('../local-engine.js').EnginePort} EnginePort */
/** @typedef {import('../local-engine.js').Outlet} Outlet */
/** @typedef {import('../local-engine.js').Visitor} Visitor */

/** @implements {EnginePort} */
export class Cluster {
  #bus;
  #outlet;
  #log;
  #engine;
  #links;
  #guests;
  #directory;
  #seats;
  /** The questions of the engine while it is made to ask. @type {[conn: number, request: number, channel: string][] | null} */
  #asking = null;
  #up = false;
  #retiring = false;
  /**
   * Channels whose claim could not be given up yet, and the guests who wait for that, with the engine's questions. @type
   * {Map<string, Map<number, number>>}
   */
  #disowning = new Map();
  /** @type {ReadonlySet<string>} */
  #others = new Set();
  #renewal;
  #watch;
  #everywhere;

  counters = { ownerChanges: 0, busDown: 0 };

  /**
   * @param {import('../engine.js').TrackerEngine} engine which must ask for authorization
   * @param {Outlet} outlet
   * @param {import('./bus.js').Bus} bus not yet started
   * @param {import('../log.js').Log} log
   */
  constructor(engine, outlet, bus, log) {
    this.#bus = bus;
    this.#outlet = outlet;
    this.#log = log;
    const post = bus.post.bind(bus);
    /** @type {import('./links.js').LinkEvents} */
    const events = {
      entry: (from, entry) => this.#heard(from, entry),
      reset: (node) => this.#reset(node),
    };
    this.#links = new Links(post, events, bus.authentic);
    this.#engine = new LocalEngine(engine, {
      send: (conn, text) => {
        if (!this.#guests.send(conn, text)) outlet.send(conn, text);
      },
      ping: (conn) => outlet.ping(conn),
      split: (parameter) => outlet.split?.(parameter),
      close: (conn, code, reason) => {
        if (this.#guests.close(conn, code, reason)) return;
        this.#forget(conn);
        outlet.close(conn, code, reason);
      },
      authorize: (conn, request, channel, token) => this.#asked(conn, request, channel, token),
      forward: (conn, text) => this.#seats.forward(conn, text),
    });
    this.#seats = new Seats(
      (to, entry) => this.#links.send(to, entry),
      // A node that runs a channel may not have been listed yet.
      (node) => this.#others.has(node) || this.#links.has(node),
    );
    this.#guests = new Guests(this.#engine, (to, entry) => this.#links.send(to, entry));
    this.#directory = new Directory(bus.name, (channels) =>
      this.#up && !this.#retiring ? this.#claim(channels) : Promise.reject(new Error('alone')),
    );
    this.#everywhere = new Everywhere(
      this.#engine,
      () => [...this.#others].filter((node) => !this.#watch.isDeaf(node)),
      (to, entry) => this.#links.send(to, entry),
    );
    this.#watch = new Watch(bus.leaseMs, this.#links, log, {
      busy: () => new Set(this.#up ? [...this.#directory.owners, ...this.#guests.nodes] : []),
      listed: () => this.#others,
      back: () => void this.#renew(),
    });
    this.#renewal = setInterval(() => void this.#renew(), RENEW_MS);
    this.#renewal.unref();
  }

  async start() {
    await this.#bus.start({
      message: (from, batch) => {
        if (!this.#up) return;
        this.#watch.heard(from, '');
        this.#links.receive(from, batch);
      },
      unreadable: (from) => this.#links.unreadable(from),
      members: (others) => this.#membersChanged(others),
      up: () => this.#wentUp(),
      down: () => this.#wentDown(),
      gap: () => this.#beginAnew(),
    });
  }

  get dead() {
    return this.#engine.dead;
  }

  /** The present sizes, for metrics. */
  get sizes() {
    return {
      up: this.#up,
      nodes: this.#others.size + 1,
      forwarded: this.#seats.away,
      guests: this.#guests.size,
      owned: this.#directory.owned,
    };
  }

  /** Times that another node was found not to answer. */
  get deaf() {
    return this.#watch.found;
  }

  /** @returns {Partial<NonNullable<import('./bus.js').Bus['counters']>>} */
  get bus() {
    return this.#bus.counters ?? {};
  }

  get traffic() {
    return this.#links.counters;
  }

  /** @param {number} conn @param {Visitor} visitor */
  open(conn, visitor) {
    // What is compared with the addresses of guests must be masked as theirs are.
    const address = this.#bus.mask?.(visitor.address) ?? visitor.address;
    const told = { ...visitor, address };
    const { entropy } = this.#seats.add(conn, told);
    this.#engine.open(conn, told, entropy);
  }

  /** @param {number} conn @param {Uint8Array} text */
  message(conn, text) {
    this.#engine.message(conn, text);
  }

  /** @param {number} conn */
  binary(conn) {
    this.#engine.binary(conn);
  }

  /** @param {number} conn */
  alive(conn) {
    this.#engine.alive(conn);
  }

  /** @param {number} conn */
  closed(conn) {
    this.#forget(conn);
    this.#engine.closed(conn);
  }

  /** @param {number} conn @param {number} request @param {import('../admission.js').Verdict} verdict */
  authorized(conn, request, verdict) {
    const seat = this.#seats.get(conn);
    if (!seat || seat.asked?.request !== request) return;
    if (!verdict.granted) {
      this.#engine.authorized(conn, request, verdict);
      return;
    }
    seat.validUntil = performance.now() + verdict.validMs;
    this.#place(conn, request, seat.asked.channel);
  }

  /** Those of all nodes. @param {number} offset @param {number} limit */
  channels(offset, limit) {
    return this.#everywhere.channels(offset, limit);
  }

  /** @param {string} channel @param {number} offset @param {number} limit */
  topology(channel, offset, limit) {
    return this.#everywhere.topology(channel, offset, limit);
  }

  /** Questions that all nodes answer. */
  get everywhere() {
    return this.#everywhere;
  }

  stats() {
    return this.#engine.stats();
  }

  // Viewers whose sockets are here stay with this engine until they are closed. The guests find another node that runs their
  // channel, and nobody there is introduced to a viewer who is about to leave.
  async retire() {
    if (this.#bus.endsAsOne) return;
    this.#retiring = true;
    const channels = this.#directory.ownedBy(null);
    await this.#bus.unclaim(channels);
    for (const channel of channels) this.#turnAway(channel);
    this.#links.flush();
  }

  /** @param {number} conn */
  part(conn) {
    if (this.#retiring) this.#forget(conn);
  }

  async stop() {
    clearInterval(this.#renewal);
    this.#watch.stop();
    this.#everywhere.stop();
    this.#engine.stop();
    if (!this.#bus.endsAsOne) for (const conn of this.#seats.conns) this.#comeBack(conn);
    this.#links.flush();
    this.#links.stop();
    this.#directory.stop();
    await this.#bus.stop();
  }

  /** @param {number} conn @param {number} request @param {string} channel @param {string} token */
  #asked(conn, request, channel, token) {
    if (this.#asking) {
      this.#asking.push([conn, request, channel]);
    } else if (this.#guests.has(conn)) {
      // Its own node has admitted it. This node may still not be the owner.
      this.#directory.ownerOf(channel, (owner) => this.#placeGuest(conn, request, channel, owner));
    } else {
      const seat = this.#seats.get(conn);
      if (!seat) return;
      seat.asked = { request, channel };
      this.#outlet.authorize(conn, request, channel, token);
    }
  }

  /** @param {number} conn @param {number} request @param {string} channel @param {string | null} owner */
  #placeGuest(conn, request, channel, owner) {
    if (!this.#guests.has(conn)) return;
    if (owner !== null) return this.#sendBack(conn, request);
    this.#directory.use(channel, conn);
    if (this.#retiring) void this.#disown(channel, conn, request);
    else this.#guests.enters(conn, request);
  }

  /** Its node must look for the owner of the channel again. @param {number} conn @param {number} request */
  #sendBack(conn, request) {
    this.#engine.elsewhere(conn, request);
    this.#directory.leave(conn);
    this.#guests.turnAway(conn);
  }

  /** @param {number} conn @param {number} request @param {string} channel */
  #place(conn, request, channel) {
    const seat = this.#seats.get(conn);
    if (!seat) return;
    seat.asked = { request, channel };
    this.#directory.ownerOf(channel, (owner) => {
      // The viewer may have left, or entered another channel, meanwhile.
      if (this.#seats.get(conn) !== seat || seat.asked?.request !== request) return;
      seat.asked = null;
      const stays = owner !== null && seat.owner === owner && seat.channel === channel;
      if (!stays) this.#comeBack(conn);
      this.#directory.use(channel, conn);
      seat.channel = channel;
      if (owner === null) {
        const validMs = validMsOf(seat) ?? Infinity;
        this.#engine.authorized(conn, request, { granted: true, validMs, reason: '' });
        return;
      }
      seat.owner = owner;
      if (stays) this.#seats.tellValid(seat);
      this.#engine.elsewhere(conn, request);
    });
  }

  /** @param {string} from @param {import('./links.js').Entry} entry */
  #heard(from, [kind, guest, ...rest]) {
    if (kind === 'ask' || kind === 'told') this.#watch.heard(from, kind);
    if (this.#everywhere.heard(from, kind, guest, rest)) return;
    if (this.#guests.heard(from, kind, guest, rest)) return;
    const conn = this.#seats.find(from, guest);
    const seat = conn === undefined ? undefined : this.#seats.get(conn);
    if (conn === undefined || !seat) return;
    const [first, second] = rest;
    switch (kind) {
      case 'send':
        // The engine here counts the viewer's connections, and the viewer need not report the end of this one.
        if (first.startsWith('{"action":"disconnect"')) this.#engine.told(conn, first);
        this.#outlet.send(conn, Buffer.from(first));
        break;
      case 'close':
        this.#seats.letGo(seat);
        this.#forget(conn);
        this.#engine.closed(conn);
        this.#outlet.close(conn, first, second);
        break;
      case 'moved':
        // Each viewer of the channel gets this message; the first one moves all of them.
        this.#lost(from, seat.channel ?? '');
        break;
    }
  }

  /** The peer leaves its present node. @param {number} conn */
  #comeBack(conn) {
    const seat = this.#seats.get(conn);
    if (!seat) return;
    this.#seats.comeBack(seat);
    this.#directory.leave(conn);
  }

  /** @param {number} conn */
  #forget(conn) {
    this.#comeBack(conn);
    this.#seats.delete(conn);
  }

  /** @param {ReadonlySet<string>} others */
  #membersChanged(others) {
    const gone = [...this.#others].filter((node) => !others.has(node));
    const fresh = [...others].filter((node) => !this.#others.has(node));
    this.#others = others;
    if (gone.length > 0) this.#log.warn('nodes are gone', { nodes: gone.join(' ') });
    if (fresh.length > 0) this.#log.info('nodes are there', { nodes: fresh.join(' ') });
    this.#dropOthers();
    if (!this.#up) return;
    // Its messages may have been dropped because it was not listed yet: then it must send everything again.
    for (const node of fresh) if (!this.#links.has(node)) this.#links.reset(node);
  }

  /** @param {string[]} channels @returns {Promise<string[]>} */
  async #claim(channels) {
    const owners = await this.#bus.claim(channels);
    return owners.map((owner) => (this.#watch.isDeaf(owner) ? this.#bus.name : owner));
  }

  // An owner may have ended before it was ever listed.
  #dropOthers() {
    for (const node of new Set([...this.#links.nodes, ...this.#directory.owners])) {
      if (this.#others.has(node)) continue;
      this.#links.drop(node);
      this.#reset(node);
    }
  }

  #wentUp() {
    this.#up = true;
    this.#beginAnew();
  }

  #wentDown() {
    this.#up = false;
    ++this.counters.busDown;
    this.#others = new Set();
    this.#dropOthers();
  }

  // Messages were lost, and other nodes may have taken channels meanwhile.
  #beginAnew() {
    for (const node of new Set([...this.#others, ...this.#links.nodes])) this.#links.reset(node);
    void this.#renew();
  }

  // All entries between this node and that one are void.
  /** @param {string} node */
  #reset(node) {
    for (const conn of this.#guests.of(node)) this.#directory.leave(conn);
    this.#guests.drop(node);
    for (const channel of this.#directory.ownedBy(node)) this.#lost(node, channel);
  }

  /** The node does not run the channel, or no longer does. @param {string} node @param {string} channel */
  #lost(node, channel) {
    if (!this.#directory.forget(channel, node)) return;
    ++this.counters.ownerChanges;
    for (const conn of this.#directory.usersOf(channel)) {
      const seat = this.#seats.get(conn);
      if (seat) this.#seats.letGo(seat);
    }
    this.#askAgain(channel);
  }

  /** Makes the engine ask again for the owner, for every viewer of a channel. @param {string} channel */
  #askAgain(channel) {
    const questions = this.#questionsAbout(this.#directory.usersOf(channel));
    for (const [conn, request, asked] of questions) {
      if (this.#seats.has(conn)) this.#place(conn, request, asked);
      else this.#directory.ownerOf(asked, (owner) => this.#placeGuest(conn, request, asked, owner));
    }
  }

  // A claim of this node was under way when it gave its channels up, or could not be given up then. A guest that is sent away
  // before the channel is free would come here again.
  /** @param {string} channel @param {number} conn a guest that wants to enter @param {number} request */
  async #disown(channel, conn, request) {
    const waiting = this.#disowning.get(channel);
    if (waiting) {
      waiting.set(conn, request);
      return;
    }
    const all = new Map([[conn, request]]);
    this.#disowning.set(channel, all);
    await this.#bus.unclaim([channel]);
    this.#disowning.delete(channel);
    for (const [guest, asked] of all) if (this.#guests.has(guest)) this.#sendBack(guest, asked);
  }

  /** Sends all guests of a channel back to their nodes together. @param {string} channel */
  #turnAway(channel) {
    const guests = this.#directory.usersOf(channel).filter((conn) => this.#guests.has(conn));
    for (const [conn, request] of this.#questionsAbout(guests)) this.#sendBack(conn, request);
  }

  /** Returns the engine's questions when it asks again about each connection. @param {number[]} conns */
  #questionsAbout(conns) {
    this.#asking = [];
    for (const conn of conns) this.#engine.askAgain(conn);
    const questions = this.#asking;
    this.#asking = null;
    return questions;
  }

  async #renew() {
    if (!this.#up || this.#retiring) return;
    void this.#bus.unclaim(this.#directory.dropUnused());
    for (const channel of await this.#directory.renew()) {
      // Another node runs it.
      ++this.counters.ownerChanges;
      this.#log.info('another node runs a channel of this one', { channel });
      this.#askAgain(channel);
    }
  }
}
