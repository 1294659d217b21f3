/**
 * Replays tests/traces against the module that ships and requires the very lines that the native engine gave
 * (docs/ARCHITECTURE.md, "Traces"; tests/replay does the same natively).
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { CommandKind, HEAD_BYTES, HmCommand, HmFrame, HmPeer, HmStats } from '../../js/abi.js';
import { POISONED } from '../../js/core.js';
import { createCore } from '../../js/engine.js';

const TRACES = new URL('../traces/', import.meta.url);
const FIRST_LINE = 'hlsmesh-trace 1';

/** Calls after which commands are not drained; see drains_after in tests/replay/transcript.cpp. */
const UNDRAINED = new Set([
  'hm_set',
  'hm_set_text',
  'hm_channel_frame',
  'hm_fetch_reserve',
  'hm_stats',
  'hm_peer_count',
  'hm_peer',
]);

const names = readdirSync(TRACES).filter((name) => name.endsWith('.trace'));

/** @returns {WebAssembly.Module} */
function shippedModule() {
  const places = ['../../dist/hlsmesh.wasm', '../../build/wasm/wasm/hlsmesh.wasm'];
  const found = places.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
  assert.ok(found, `no module to test: none of ${places.join(', ')}`);
  return new WebAssembly.Module(readFileSync(found));
}

/**
 * @param {string} encoded
 * @returns {Uint8Array}
 */
function decodeText(encoded) {
  const out = [];
  for (let i = 0; i < encoded.length; i += 1) {
    if (encoded[i] === '%') {
      out.push(parseInt(encoded.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      out.push(encoded.charCodeAt(i));
    }
  }
  return Uint8Array.from(out);
}

/** @param {Uint8Array} bytes */
function encodeText(bytes) {
  let out = '';
  for (const byte of bytes) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

/**
 * The bytes of src/sim/body_words.hpp.
 * @param {number} tag
 * @param {number} offset
 * @param {number} size
 */
function body(tag, offset, size) {
  const first = Math.floor(offset / 8);
  const words = new Uint32Array(2 * (Math.ceil((offset + size) / 8) - first));
  for (let i = 0; i < words.length; i += 2) {
    words[i] = (first + i / 2) ^ 0xf1ff;
    words[i + 1] = tag;
  }
  return new Uint8Array(words.buffer, offset - first * 8, size);
}

/**
 * FNV-1a, 32 bits.
 * @param {Uint8Array} bytes
 */
function hash(bytes) {
  let out = 0x811c9dc5;
  for (const byte of bytes) out = Math.imul(out ^ byte, 0x01000193);
  return (out >>> 0).toString(16).padStart(8, '0');
}

/** @param {number} number */
function value(number) {
  if (Number.isInteger(number) && Math.abs(number) < 1e15) return String(number);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return `x${view.getBigUint64(0).toString(16).padStart(16, '0')}`;
}

/** One engine, driven by the lines of a trace. */
class Replayer {
  #core;

  /** @param {import('../../js/core.js').Core} core */
  constructor(core) {
    this.#core = core;
  }

  /**
   * The lines that follow a call line.
   * @param {string} line
   * @returns {string[]}
   */
  carryOut(line) {
    const [name, ...tokens] = line.split(' ');
    /** @type {number[]} */
    const args = [];
    let text = new Uint8Array();
    /** @type {Uint8Array[]} */
    const parts = [];
    for (const token of tokens) {
      const colon = token.indexOf(':');
      const rest = token.slice(colon + 1);
      if (token.startsWith('text:')) {
        text = Uint8Array.from(decodeText(rest));
      } else if (token.startsWith('body:')) {
        const [tag, offset, size] = rest.split(':').map(Number);
        parts.push(body(tag, offset, size));
      } else if (token.startsWith('hex:')) {
        parts.push(Uint8Array.from(rest.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
      } else {
        args.push(Number(token));
      }
    }
    const payload = Buffer.concat(parts);
    if (name === 'hm_stats') return [this.#stats()];
    if (name === 'hm_peer') return [this.#peer(args[0])];

    const core = this.#core;
    const room = core.call('hm_text', text.length);
    assert.ok(room > 0, `no room for a text of ${text.length} bytes`);
    core.bytes(room, text.length).set(text);
    const frame = core.call('hm_frame');
    if (name === 'hm_channel_frame') {
      core.write(frame + HmFrame.head, payload.subarray(0, HEAD_BYTES));
    }
    let result = core.call(name, ...args);
    assert.notEqual(result, POISONED, `${line}: ${core.poison}`);
    if (name === 'hm_channel_frame' && result !== 0) {
      const view = core.view();
      const from = view.getInt32(frame + HmFrame.from, true);
      core.write(view.getInt32(frame + HmFrame.at, true), payload.subarray(from));
    }
    if (name === 'hm_fetch_reserve' && result !== 0) {
      core.write(result, payload);
      result = 1;
    }
    const lines = [`= ${value(result)}`];
    if (UNDRAINED.has(name)) return lines;
    for (let at = core.call('hm_poll'); at !== 0; at = core.call('hm_poll')) {
      assert.notEqual(at, POISONED, `${line}: ${core.poison}`);
      lines.push(this.#command(at));
    }
    const next = core.call('hm_next_timeout');
    lines.push(next === Infinity ? '. never' : `. ${value(next)}`);
    return lines;
  }

  /** @param {number} at */
  #command(at) {
    const view = this.#core.view();
    const { kind, peer, load, code, aux, t0, t1, text, text_size, data, data_size } = HmCommand;
    const fields = [
      ...[kind, peer, load, code].map((field) => view.getInt32(at + field, true)),
      ...[aux, t0, t1].map((field) => value(view.getFloat64(at + field, true))),
    ];
    const textSize = view.getUint32(at + text_size, true);
    if (textSize > 0) {
      const bytes = this.#core.bytes(view.getUint32(at + text, true), textSize);
      fields.push(`text:${encodeText(bytes)}`);
    }
    const dataSize = view.getUint32(at + data_size, true);
    if (dataSize > 0) {
      const bytes = this.#core.bytes(view.getUint32(at + data, true), dataSize);
      fields.push(`data:${dataSize}:${hash(bytes)}`);
    }
    return `+ ${fields.join(' ')}`;
  }

  #stats() {
    const at = this.#core.call('hm_stats');
    const view = this.#core.view();
    // In the order of the record.
    const offsets = Object.values(HmStats).sort((a, b) => a - b);
    return `= ${offsets.map((offset) => value(view.getFloat64(at + offset, true))).join(' ')}`;
  }

  /** @param {number} index */
  #peer(index) {
    const at = this.#core.call('hm_peer', index);
    if (at === 0) return '= none';
    const view = this.#core.view();
    const { handle, flags, received_bytes, sent_bytes, rtt_ms, id, id_size } = HmPeer;
    const fields = [
      ...[handle, flags].map((field) => value(view.getInt32(at + field, true))),
      ...[received_bytes, sent_bytes, rtt_ms].map((field) =>
        value(view.getFloat64(at + field, true)),
      ),
    ];
    const bytes = this.#core.bytes(
      view.getUint32(at + id, true),
      view.getUint32(at + id_size, true),
    );
    return `= ${fields.join(' ')} text:${encodeText(bytes)}`;
  }
}

for (const name of names) {
  test(`the shipped module answers ${name} as the native engine did`, async () => {
    const expected = readFileSync(new URL(name, TRACES), 'utf8').split('\n');
    assert.equal(expected.pop(), '', 'the trace ends with a line feed');
    assert.equal(expected[0], FIRST_LINE);
    const replayer = new Replayer(await createCore(shippedModule()));
    let number = 1;
    while (number < expected.length) {
      const call = expected[number];
      const lines = [call, ...replayer.carryOut(call)];
      const wanted = expected.slice(number, number + lines.length);
      assert.deepEqual(lines, wanted, `from line ${number + 1} of ${name}`);
      number += lines.length;
    }
    assert.ok(number > 100, 'the trace holds a session');
  });
}

test('the traces between them make every call of the ABI and draw every command from it', () => {
  const lines = names.flatMap((name) => readFileSync(new URL(name, TRACES), 'utf8').split('\n'));
  const made = new Set(lines.filter((line) => line.startsWith('hm_')).map((l) => l.split(' ')[0]));
  const asked = new Set(['hm_abi_version', 'hm_text', 'hm_poll', 'hm_next_timeout', 'hm_frame']);
  const inputs = WebAssembly.Module.exports(shippedModule())
    .map((entry) => entry.name)
    .filter((name) => name.startsWith('hm_') && !asked.has(name));
  assert.deepEqual(
    inputs.filter((name) => !made.has(name)),
    [],
  );
  const drawn = new Set(
    lines.filter((line) => line.startsWith('+ ')).map((line) => Number(line.split(' ')[1])),
  );
  assert.deepEqual(
    Object.entries(CommandKind).filter(([, kind]) => !drawn.has(kind)),
    [],
  );
});
