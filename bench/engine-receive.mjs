/**
 * What the engine costs on the receiving path: a 2-MB segment that arrives from a parent in packets of 60 KiB, through the C ABI as
 * the driver calls it, beside a bare `Uint8Array.set` of the same packets into one buffer. And how long a page waits for
 * its engine: instantiation of the compiled module and creation of the engine.
 */
import { readFile } from 'node:fs/promises';
import { CommandKind, HmCommand, LoadFlag, Option, TrackKind } from '../js/abi.js';
import { Core } from '../js/wasm.js';
import { isMain, median, print } from './report.mjs';

const SEGMENT_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 60 * 1024;
const SEGMENTS = 150;
const STARTS = 50;

const wasm = new URL('../dist/hlsmesh.wasm', import.meta.url);

export async function run() {
  const module = await WebAssembly.compile(await readFile(wasm));
  const packets = makePackets();

  // In turns, so that a slow moment of the machine hits both.
  const rates = { ours: /** @type {number[]} */ ([]), bare: /** @type {number[]} */ ([]) };
  const engine = await Receiver.create(module);
  const buffer = new Uint8Array(SEGMENT_BYTES);
  for (let i = 0; i < SEGMENTS; i++) {
    const ours = time(() => engine.receive(packets));
    const bare = time(() => {
      let offset = 0;
      for (const packet of packets) {
        buffer.set(packet, offset);
        offset += packet.length;
      }
    });
    // The first rounds compile.
    if (i >= SEGMENTS / 5) {
      rates.ours.push(SEGMENT_BYTES / 1e3 / ours);
      rates.bare.push(SEGMENT_BYTES / 1e3 / bare);
    }
  }

  const starts = [];
  for (let i = 0; i < STARTS; i++) {
    const from = performance.now();
    await Receiver.create(module);
    starts.push(performance.now() - from);
  }

  const [ours, baseline] = [median(rates.ours), median(rates.bare)];
  return [
    {
      name: 'receive a 2-MB segment in 60-KiB packets (baseline: bare Uint8Array.set)',
      unit: 'MB/s',
      ours,
      baseline,
      ratio: ours / baseline,
    },
    { name: 'instantiate the wasm and create an engine', unit: 'ms', ours: median(starts) },
  ];
}

/** One engine with one open parent, driven as js/driver.js drives it. */
class Receiver {
  #core;
  #now = 1000;
  #sn = 0;
  #peer = 0;

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
  }

  /** @param {WebAssembly.Module} module */
  static async create(module) {
    const receiver = new Receiver(await Core.instantiate(module, 'hm_text'));
    receiver.#open();
    return receiver;
  }

  #open() {
    const core = this.#core;
    core.call('hm_set', Option.seedLow, 1);
    core.callWithText('hm_set_text', 'http://origin/master.m3u8', Option.channel);
    core.call('hm_start', this.#now);
    core.call('hm_socket_open', this.#now);
    this.#socketText({ action: 'accept', live: false, peer_id: 'me' });
    this.#socketText({ action: 'connect', to_peer_id: 'parent' });
    this.#peer = this.#expect(CommandKind.peerDial).peer;
    core.call('hm_channel_open', this.#now, this.#peer, 262144);
    this.#channelText({ event: 'KEEPALIVE', current: 1, hlsmesh: 1 });
    core.callWithText(
      'hm_add_rendition',
      '\n\n\n\n\n\nhttp://origin/240p.m3u8',
      TrackKind.main,
      0,
      1,
    );
    this.#drain();
  }

  /** @param {Uint8Array[]} packets */
  receive(packets) {
    const core = this.#core;
    const sn = ++this.#sn;
    const url = `240p_${sn}.ts`;
    // A minute of buffer: the engine may wait for its parent.
    core.call('hm_playhead', this.#now, sn * 4, sn * 4 + 60, 1);
    core.callWithText(
      'hm_load',
      url,
      this.#now,
      sn,
      TrackKind.main,
      0,
      sn,
      sn * 4 + 60,
      4,
      0,
      0,
      LoadFlag.shareable,
    );
    const { rendition, url: asked } = this.#expectRequest();
    this.#channelText({
      event: 'BINARY',
      attachments: packets.length,
      url: asked,
      sn,
      size: SEGMENT_BYTES,
      rendition,
    });
    for (const packet of packets) {
      const pointer = core.call('hm_channel_reserve', this.#peer, packet.length);
      core.bytes(pointer, packet.length).set(packet);
      core.call('hm_channel_binary', this.#now, this.#peer, packet.length);
    }
    this.#expect(CommandKind.loadDone);
    this.#now += 1000;
  }

  /** @param {object} message */
  #socketText(message) {
    this.#core.callWithText('hm_socket_text', JSON.stringify(message), this.#now);
  }

  /** @param {object} message */
  #channelText(message) {
    this.#core.callWithText('hm_channel_text', JSON.stringify(message), this.#now, this.#peer);
  }

  #expectRequest() {
    for (;;) {
      const { text } = this.#expect(CommandKind.channelSendText);
      const message = JSON.parse(text);
      if (message.event === 'REQUEST') return message;
    }
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
  return packets;
}

/** @param {() => void} work */
function time(work) {
  const from = performance.now();
  work();
  return performance.now() - from;
}

if (isMain(import.meta.url)) print(await run());
