/**
 * Measures the engine on the receiving path: a 2-MB segment that arrives from a parent in packets of 60 KiB, from its header to
 * its last byte, compared with a bare `Uint8Array.set` of the same packets.
 *
 * First through the C ABI, as the driver calls it, twice. With the cache that viewers have, the machine takes most of the time:
 * the memory of the next segment was written 128 MB ago, so the bare copy uses as much memory in turn. With a cache of two
 * segments both stay within the processor's cache, and the rest is the engine's.
 *
 * Then through the driver, with the copy that hls.js gets, compared with the bare copy and a second one.
 *
 * Then the time to request a segment, from the player's load to the request; and the time that a page waits for its engine:
 * instantiation of the compiled module and creation of the engine.
 */
import { readFile } from 'node:fs/promises';
import {
  CommandKind,
  HEAD_BYTES,
  HmCommand,
  HmFrame,
  LoadFlag,
  LoadSource,
  Option,
  TrackKind,
} from '../js/abi.js';
import { Driver } from '../js/driver.js';
import { createCore } from '../js/engine.js';
import { isMain, median, print } from './report.mjs';

const SEGMENT_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 60 * 1024;
const SEGMENTS = 400;
const STARTS = 50;

const MASTER = 'http://origin/master.m3u8';
const KEEPALIVE = JSON.stringify({ event: 'KEEPALIVE', current: 1, hlsmesh: 1 });
const PLAYLIST = 'http://origin/240p.m3u8';

const wasm = new URL('../dist/hlsmesh.wasm', import.meta.url);

export async function run() {
  const module = await WebAssembly.compile(await readFile(wasm));
  const packets = makePackets();
  const what = 'receive a 2-MB segment in 60-KiB packets';
  const figures = [];

  for (const [cacheBytes, name] of /** @type {[number, string][]} */ ([
    [128 << 20, `${what}, 128 MB of cache (baseline: bare Uint8Array.set into as much memory)`],
    [
      2 * SEGMENT_BYTES,
      `${what}, 4 MB of cache (baseline: bare Uint8Array.set into as much memory)`,
    ],
  ])) {
    const engine = await Receiver.create(module, cacheBytes);
    const ring = new Ring(cacheBytes);
    figures.push(compare(name, engine, packets, () => ring.copy(packets)));
  }

  const page = await Page.create(module);
  const ring = new Ring(128 << 20);
  figures.push(
    compare(
      `${what} through the driver, for hls.js (baseline: two bare copies)`,
      page,
      packets,
      () => ring.copy(packets).slice(),
    ),
  );
  figures.push({ name: 'ask a parent for a segment', unit: 'ms', ours: median(page.asking) });
  page.close();

  const starts = [];
  for (let i = 0; i < STARTS; i++) {
    const from = clock();
    await Receiver.create(module, 128 << 20);
    starts.push(clock() - from);
  }
  figures.push({
    name: 'instantiate the wasm and create an engine',
    unit: 'ms',
    ours: median(starts),
  });
  return figures;
}

/**
 * Runs both in turn, so that a slow moment of the machine affects both.
 * @param {string} name
 * @param {Receiver | Page} engine
 * @param {Uint8Array<ArrayBuffer>[]} packets
 * @param {() => void} bareWork
 */
function compare(name, engine, packets, bareWork) {
  const rates = { ours: /** @type {number[]} */ ([]), bare: /** @type {number[]} */ ([]) };
  for (let i = 0; i < SEGMENTS; i++) {
    const header = engine.ask(packets.length);
    const ours = time(() => engine.receive(header, packets));
    const bare = time(bareWork);
    // The first rounds compile the code and touch memory for the first time, so they do not count.
    if (i >= SEGMENTS / 4) {
      rates.ours.push(SEGMENT_BYTES / 1e3 / ours);
      rates.bare.push(SEGMENT_BYTES / 1e3 / bare);
    }
  }
  const [ours, baseline] = [median(rates.ours), median(rates.bare)];
  return { name, unit: 'MB/s', ours, baseline, ratio: ours / baseline };
}

/** Memory that is written over and over, a segment at a time. */
class Ring {
  #memory;
  #at = 0;

  /** @param {number} bytes */
  constructor(bytes) {
    this.#memory = new Uint8Array(bytes);
  }

  /**
   * @param {Uint8Array[]} packets
   * @returns {Uint8Array} where they are now
   */
  copy(packets) {
    const begin = this.#at;
    let offset = begin;
    for (const packet of packets) {
      this.#memory.set(packet, offset);
      offset += packet.length;
    }
    this.#at = offset % this.#memory.length;
    return this.#memory.subarray(begin, offset);
  }
}

/** One player with one open parent: what js/mesh.js makes, without a browser. */
class Page {
  /** @type {Driver} */
  #driver;
  #sn = 0;
  /** The engine's latest message to its parent. */
  #sent = '';
  #peer = 0;
  #answered = false;
  /** The time of each request, in milliseconds. @type {number[]} */
  asking = [];

  /** @param {import('../js/core.js').Core} core */
  constructor(core) {
    const nothing = () => {};
    this.#driver = new Driver(core, {
      socket: { open: nothing, renew: nothing, send: nothing, close: nothing },
      peers: {
        dial: (peer) => (this.#peer = peer),
        sendText: (_, text) => (this.#sent = text),
        ...{ answer: nothing, signal: nothing, sendBinary: nothing, settle: nothing },
        ...{ close: nothing, closeAll: nothing },
      },
      digests: async () => null,
      segments: () => [],
      recover: nothing,
      event: nothing,
      trapped: fail,
      broken: fail,
    });
  }

  /** @param {WebAssembly.Module} module */
  static async create(module) {
    const page = new Page(await createCore(module));
    page.#open();
    return page;
  }

  #open() {
    const driver = this.#driver;
    driver.start({ numbers: [[Option.seedLow, 1]], texts: { [Option.channel]: MASTER } });
    const { engine } = driver;
    engine.socketOpened('');
    engine.socketText(JSON.stringify({ action: 'accept', live: false, peer_id: 'me' }));
    engine.socketText(JSON.stringify({ action: 'connect', to_peer_id: 'parent' }));
    engine.channelOpened(this.#peer, 262144);
    engine.channelText(this.#peer, KEEPALIVE);
    const texts = ['', '', '', '', '', ''];
    const rendition = { kind: TrackKind.main, index: 0, bitrate: 1, texts, url: PLAYLIST };
    engine.setRenditions([rendition], MASTER);
  }

  /**
   * @param {number} packets
   * @returns {string} the header of the parent's answer
   */
  ask(packets) {
    // A second for each segment: messages come no faster than from a real parent.
    passed += 1000;
    const sn = ++this.#sn;
    const url = `240p_${sn}.ts`;
    const start = sn * 4;
    const place = { start, duration: 4, from: 0, to: 0 };
    const facts = { kind: TrackKind.main, rendition: 0, sn, url, cleanUrl: url, shareable: true };
    this.#answered = false;
    const from = clock();
    this.#driver.engine.playheadMoved({ currentTime: start - 60, bufferedEnd: start, rate: 1 });
    const { fromCdn } = this.#driver.load(
      {
        url,
        answer: {},
        fetchRange: () => fail('a range'),
        fetchFromCdn: () => fail('to the CDN'),
        progress() {},
        done: (_data, source) => (this.#answered = source === LoadSource.peer),
      },
      { ...facts, ...place },
    );
    this.asking.push(clock() - from);
    if (fromCdn) fail('to the CDN');
    return headerFor(this.#sent, packets);
  }

  /**
   * @param {string} header
   * @param {Uint8Array<ArrayBuffer>[]} packets
   */
  receive(header, packets) {
    this.#driver.engine.channelText(this.#peer, header);
    for (const packet of packets) this.#driver.engine.channelBinary(this.#peer, packet.buffer);
    if (!this.#answered) fail(`segment ${this.#sn} did not come from the peer`);
  }

  close() {
    this.#driver.stop();
  }
}

/** One engine with one open parent, driven as js/driver.js drives it. */
class Receiver {
  #core;
  #frame;
  #now = 1000;
  #sn = 0;
  #peer = 0;

  /** @param {import('../js/core.js').Core} core */
  constructor(core) {
    this.#core = core;
    this.#frame = core.call('hm_frame');
  }

  /**
   * @param {WebAssembly.Module} module
   * @param {number} cacheBytes
   */
  static async create(module, cacheBytes) {
    const receiver = new Receiver(await createCore(module));
    receiver.#open(cacheBytes);
    return receiver;
  }

  /** @param {number} cacheBytes */
  #open(cacheBytes) {
    const core = this.#core;
    core.call('hm_set', Option.seedLow, 1);
    core.call('hm_set', Option.cacheBytes, cacheBytes);
    core.callWithText('hm_set_text', MASTER, Option.channel);
    core.call('hm_start', this.#now);
    core.call('hm_socket_open', this.#now);
    this.#socketText({ action: 'accept', live: false, peer_id: 'me' });
    this.#socketText({ action: 'connect', to_peer_id: 'parent' });
    this.#peer = this.#expect(CommandKind.peerDial).peer;
    core.call('hm_channel_open', this.#now, this.#peer, 262144);
    core.callWithText('hm_channel_text', KEEPALIVE, this.#now, this.#peer);
    core.callWithText('hm_add_rendition', `\n\n\n\n\n\n${PLAYLIST}`, TrackKind.main, 0, 1);
    this.#drain();
  }

  /**
   * @param {number} packets
   * @returns {string} the header of the parent's answer
   */
  ask(packets) {
    const core = this.#core;
    const sn = ++this.#sn;
    const start = sn * 4 + 60;
    this.#now += 1000;
    // A minute of buffer: the engine may wait for its parent.
    core.call('hm_playhead', this.#now, sn * 4, start, 1);
    const numbers = [sn, TrackKind.main, 0, sn, start, 4, 0, 0, LoadFlag.shareable];
    core.callWithText('hm_load', `240p_${sn}.ts`, this.#now, ...numbers);
    for (;;) {
      const { text } = this.#expect(CommandKind.channelSendText);
      if (JSON.parse(text).event === 'REQUEST') return headerFor(text, packets);
    }
  }

  /**
   * @param {string} header
   * @param {Uint8Array[]} packets
   */
  receive(header, packets) {
    const core = this.#core;
    core.callWithText('hm_channel_text', header, this.#now, this.#peer);
    for (const packet of packets) {
      core.write(this.#frame + HmFrame.head, packet.subarray(0, HEAD_BYTES));
      core.call('hm_channel_frame', this.#peer, packet.length);
      const view = core.view();
      const from = view.getInt32(this.#frame + HmFrame.from, true);
      core.write(view.getInt32(this.#frame + HmFrame.at, true), packet.subarray(from));
      core.call('hm_channel_binary', this.#now, this.#peer, packet.length);
    }
    this.#expect(CommandKind.loadDone);
  }

  /** @param {object} message */
  #socketText(message) {
    this.#core.callWithText('hm_socket_text', JSON.stringify(message), this.#now);
  }

  /** @param {number} kind */
  #expect(kind) {
    for (;;) {
      const command = this.#next();
      if (!command) throw new Error(`the engine never gave command ${kind}`);
      if (command.kind === kind) return command;
    }
  }

  #drain() {
    while (this.#next());
  }

  #next() {
    const at = this.#core.call('hm_poll');
    if (at === 0) return null;
    const view = this.#core.view();
    return {
      kind: view.getInt32(at + HmCommand.kind, true),
      peer: view.getInt32(at + HmCommand.peer, true),
      text: this.#core.text(
        view.getUint32(at + HmCommand.text, true),
        view.getUint32(at + HmCommand.text_size, true),
      ),
    };
  }
}

function makePackets() {
  const packets = [];
  for (let offset = 0; offset < SEGMENT_BYTES; offset += PACKET_BYTES) {
    const packet = new Uint8Array(Math.min(PACKET_BYTES, SEGMENT_BYTES - offset));
    packets.push(packet.map((_, i) => (offset + i) & 0xff));
  }
  // The engine refuses bytes that do not begin like media: this is ADTS's sync word.
  packets[0].set([0xff, 0xf1]);
  return packets;
}

/**
 * @param {string} request
 * @param {number} packets
 */
function headerFor(request, packets) {
  const asked = JSON.parse(request);
  return JSON.stringify({ ...asked, event: 'BINARY', attachments: packets, size: SEGMENT_BYTES });
}

/** The driver's time is ahead of the machine's by the simulated playback. */
let passed = 0;
const clock = performance.now.bind(performance);
performance.now = () => clock() + passed;

/** @param {() => void} work */
function time(work) {
  const from = clock();
  work();
  return clock() - from;
}

/**
 * @param {unknown} why
 * @returns {never}
 */
function fail(why) {
  throw why instanceof Error ? why : new Error(String(why));
}

if (isMain(import.meta.url)) print(await run());
