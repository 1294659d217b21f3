/**
 * Nodes in one process over a bus in memory, for moments that real processes seldom meet.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../js/tracker/cluster/cluster.js';
import { readLimits } from '../../js/tracker/config.js';
import { TrackerEngine } from '../../js/tracker/engine.js';
import { Log } from '../../js/tracker/log.js';

/** @typedef {import('../../js/tracker/cluster/bus.js').Bus} Bus */

const WASM = new URL('../../dist/hlsmesh-tracker.wasm', import.meta.url);
const module = await WebAssembly.compile(await readFile(WASM));

/** @type {Cluster[]} */
const clusters = [];
after(() => Promise.all(clusters.map((cluster) => cluster.stop())));

/** The bus of the nodes. Claims and messages take a moment, as they do over a network. */
class Hub {
  /** @type {Map<string, MemoryBus>} */
  nodes = new Map();
  /** @type {Map<string, string>} */
  owners = new Map();
  /** Claims are held up until it settles. @type {Promise<void>} */
  held = Promise.resolve();
  claims = 0;

  tellMembers() {
    for (const [name, { events }] of this.nodes) {
      events?.members(new Set([...this.nodes.keys()].filter((other) => other !== name)));
    }
  }
}

/** @implements {Bus} */
class MemoryBus {
  endsAsOne = false;
  leaseMs = 400;
  /** True: it says that it lives, and hears nothing. */
  hearsNothing = false;
  /** @type {import('../../js/tracker/cluster/bus.js').BusEvents | null} */
  events = null;
  /** True: channels are not given up. */
  deaf = false;

  /** @param {Hub} hub @param {string} name */
  constructor(hub, name) {
    this.hub = hub;
    this.name = name;
  }

  /** @param {import('../../js/tracker/cluster/bus.js').BusEvents} events */
  async start(events) {
    this.events = events;
    this.hub.nodes.set(this.name, this);
    this.hub.tellMembers();
    events.up();
  }

  /** @param {string[]} channels */
  async claim(channels) {
    ++this.hub.claims;
    await Promise.all([sleep(1), this.hub.held]);
    return channels.map((channel) => {
      if (!this.hub.nodes.has(this.hub.owners.get(channel) ?? '')) {
        this.hub.owners.set(channel, this.name);
      }
      return /** @type {string} */ (this.hub.owners.get(channel));
    });
  }

  /** @param {string[]} channels */
  async unclaim(channels) {
    await sleep(1);
    if (this.deaf) return;
    for (const channel of channels) {
      if (this.hub.owners.get(channel) === this.name) this.hub.owners.delete(channel);
    }
  }

  /** @param {string} to @param {import('../../js/tracker/cluster/links.js').Batch} batch */
  post(to, batch) {
    const copy = structuredClone(batch);
    setTimeout(() => {
      const bus = this.hub.nodes.get(to);
      if (!bus?.hearsNothing) bus?.events?.message(this.name, copy);
    }, 1);
  }

  async stop() {
    this.hub.nodes.delete(this.name);
    this.events = null;
    this.hub.tellMembers();
  }
}

/** A node, and what its viewers hear. */
class Node {
  /** @type {Map<number, any[]>} */
  heard = new Map();
  #lastConn = 0;

  /** @param {Hub} hub @param {string} name */
  static async start(hub, name) {
    const node = new Node();
    const fail = (/** @type {Error} */ error) => assert.fail(error);
    const limits = { ...readLimits(), parentsWanted: 1, authorize: 1 };
    const engine = await TrackerEngine.create(module, limits, fail);
    node.bus = new MemoryBus(hub, name);
    node.cluster = new Cluster(
      engine,
      {
        send: (conn, text) =>
          void node.heard.get(conn)?.push(JSON.parse(Buffer.from(text).toString())),
        ping: () => {},
        close: (conn, code, reason) => assert.fail(`${conn} was closed: ${code} ${reason}`),
        authorize: (conn, request) =>
          node.cluster.authorized(conn, request, { granted: true, validMs: Infinity, reason: '' }),
      },
      node.bus,
      new Log(undefined, 'error'),
    );
    clusters.push(node.cluster);
    await node.cluster.start();
    return node;
  }

  /** @type {Cluster} */
  cluster = /** @type {any} */ (undefined);
  /** @type {MemoryBus} */
  bus = /** @type {any} */ (undefined);

  /** @param {string} [channel] @returns {number} */
  enter(channel = 'c') {
    const conn = ++this.#lastConn;
    this.heard.set(conn, []);
    this.cluster.open(conn, { address: '192.0.2.1', isp: '', province: '', site: '' });
    this.enterAgain(conn, channel);
    return conn;
  }

  /** @param {number} conn @param {string} [channel] @param {object} [facts] */
  enterAgain(conn, channel = 'c', facts = {}) {
    this.say(conn, { action: 'enter', channel, device: 'PC', hlsmesh: 1, ...facts });
  }

  /** @param {number} conn @param {object} message */
  say(conn, message) {
    this.cluster.message(conn, Buffer.from(JSON.stringify(message)));
  }

  /** @param {number} conn @param {string} action */
  all(conn, action) {
    return (this.heard.get(conn) ?? []).filter((message) => message.action === action);
  }

  /** @param {number} conn */
  id(conn) {
    return this.all(conn, 'accept').at(-1).peer_id;
  }

  /** Whoever is told to dial does, with success. */
  dialAll() {
    for (const conn of this.heard.keys()) {
      for (const { to_peer_id } of this.all(conn, 'connect')) {
        this.say(conn, { action: 'dc_opened', dc_id: `${this.id(conn)}-${to_peer_id}` });
      }
    }
  }
}

/** @param {() => boolean} condition @param {string} what */
async function until(condition, what) {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await sleep(2);
  }
}

/** Two nodes, the first with one viewer, whose channel it runs. @param {number} guests at the other */
async function nodesWith(guests) {
  const hub = new Hub();
  const [a, b] = await Promise.all(['a', 'b'].map((name) => Node.start(hub, name)));
  const here = a.enter();
  await until(() => a.all(here, 'accept').length === 1, 'the first viewer to be in');
  const there = Array.from({ length: guests }, () => b.enter());
  await until(() => there.every((conn) => b.all(conn, 'accept').length === 1), 'all to be in');
  await until(() => there.every((conn) => b.all(conn, 'connect').length > 0), 'parents for all');
  b.dialAll();
  await until(() => a.cluster.stats()?.opened === guests, 'all to be connected');
  return { hub, a, b, there };
}

test('a node that retires hands over whole channels: guests are let in elsewhere, and introduced to nobody anew', async () => {
  const { hub, a, b, there } = await nodesWith(12);
  // A peer that has just been introduced to a parent gets no other for 1 s.
  await sleep(1100);
  await a.cluster.retire();
  await until(() => there.every((conn) => b.all(conn, 'accept').length === 2), 'all to be let in');
  assert.equal(hub.owners.get('c'), 'b');
  assert.ok(there.every((conn) => b.all(conn, 'connect').length === 1));
  assert.deepEqual([a.cluster.sizes.guests, b.cluster.sizes.forwarded], [0, 0]);
  const newcomer = b.enter();
  await until(() => b.all(newcomer, 'connect').length > 0, 'a parent for the newcomer');
  const [{ to_peer_id }] = b.all(newcomer, 'connect');
  assert.ok(there.some((conn) => b.id(conn) === to_peer_id));
});

test('a node that could not give up a channel when it retired does so when its guests come back', async () => {
  const { hub, a, b, there } = await nodesWith(12);
  a.bus.deaf = true;
  await a.cluster.retire();
  a.bus.deaf = false;
  await until(() => there.every((conn) => b.all(conn, 'accept').length === 2), 'all to be let in');
  assert.equal(hub.owners.get('c'), 'b');
  const { claims } = hub;
  await sleep(100);
  assert.equal(hub.claims, claims, 'they go to and fro');
  assert.equal(a.cluster.sizes.guests, 0);
});

test('a channel that a node claimed while it retired is not kept from others', async () => {
  const hub = new Hub();
  const [a, b] = await Promise.all(['a', 'b'].map((name) => Node.start(hub, name)));
  let release = () => {};
  hub.held = new Promise((resolve) => (release = resolve));
  const here = a.enter();
  await until(() => hub.claims === 1, 'the claim');
  await a.cluster.retire();
  release();
  await until(() => a.all(here, 'accept').length === 1, 'its own viewer to be in');
  assert.equal(hub.owners.get('c'), 'a');
  const there = [b.enter(), b.enter()];
  await until(() => there.every((conn) => b.all(conn, 'accept').length === 1), 'guests to be in');
  assert.equal(hub.owners.get('c'), 'b');
});

test('a connection that the owner ended is none that its viewer brings along when the owner is gone', async () => {
  const { a, b, there } = await nodesWith(2);
  // The parent of both takes no children any more.
  a.enterAgain(1, 'c', { slots: 0 });
  const ended = () => there.find((conn) => b.all(conn, 'disconnect').length > 0);
  await until(() => ended() !== undefined, 'a connection to be ended');
  const conn = Number(ended());
  await a.bus.stop();
  await until(() => b.cluster.sizes.forwarded === 0, 'both to be back');
  const before = b.all(conn, 'connect').length;
  await until(() => b.all(conn, 'connect').length > before, 'another parent');
});

test('a viewer that leaves before its node has heard of the owner leaves no guest behind', async () => {
  const hub = new Hub();
  const b = await Node.start(hub, 'b');
  // Members are told with the next beat.
  hub.tellMembers = () => {};
  const a = await Node.start(hub, 'a');
  const first = a.enter();
  await until(() => a.all(first, 'accept').length === 1, 'the owner');
  const guest = b.enter();
  await until(() => a.cluster.sizes.guests === 1, 'the guest');
  b.cluster.closed(guest);
  await until(() => a.cluster.sizes.guests === 0, 'the guest to be gone');
});

test('a node that stops tells others of its viewers before it is gone', async () => {
  const { a, b, there } = await nodesWith(3);
  assert.equal(a.cluster.stats()?.peers, 4);
  // Nobody hears that the node itself is gone.
  b.bus.stop = async () => {};
  await b.cluster.stop();
  await until(() => a.cluster.sizes.guests === 0, `${there.length} guests to be gone`);
  assert.equal(a.cluster.stats()?.peers, 1);
});

/** Two nodes: the one runs a channel, in which each has a viewer. */
async function ownerAndGuest() {
  const hub = new Hub();
  const [owner, other] = [await Node.start(hub, 'a'), await Node.start(hub, 'b')];
  const first = owner.enter();
  await until(() => owner.all(first, 'accept').length > 0, 'the first viewer');
  const guest = other.enter();
  await until(() => other.all(guest, 'accept').length > 0, 'a guest');
  return { owner, other };
}

test('E5: a node that lives and hears nothing is found out within its lease, and taken back', async () => {
  const { owner, other } = await ownerAndGuest();
  owner.bus.hearsNothing = true;
  // Counts no time for which this process was held up.
  let quarters = 0;
  const clock = setInterval(() => ++quarters, owner.bus.leaseMs / 4);
  const next = other.enter();
  await until(() => other.all(next, 'accept').length > 0, 'the next viewer to be served');
  clearInterval(clock);
  assert.ok(quarters < 16, `${quarters / 4} leases`);
  await until(() => other.all(next, 'connect').length > 0, 'viewers of the other node to meet');
  assert.equal(other.cluster.deaf, 1);
  owner.bus.hearsNothing = false;
  // It runs the channel again, as the directory says.
  await until(() => other.cluster.sizes.forwarded === 2, 'it to be taken back');
});

test('E5: a node that stood still itself takes nobody for deaf whose answers it has not read', async () => {
  const { owner, other } = await ownerAndGuest();
  // It has answered once, so that its silence is counted from then on.
  await sleep(owner.bus.leaseMs / 2);
  const end = performance.now() + 3 * owner.bus.leaseMs;
  while (performance.now() < end);
  await sleep(owner.bus.leaseMs / 2);
  assert.deepEqual([owner.cluster.deaf, other.cluster.deaf], [0, 0]);
});
