import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandKind, HmCommand } from '../../js/abi.js';
import { Core } from '../../js/core.js';
import { Driver } from '../../js/driver.js';

/** Commands as they stand in the engine's memory, and what the driver makes of them. */

const RECORD = 64;
const TEXT = 256;
const DATA = 512;

/** @param {{ kind: number, text?: Uint8Array, data?: Uint8Array }[]} commands of peer 7 */
function carriedOut(commands) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const waiting = [...commands];
  const poll = () => {
    const next = waiting.shift();
    if (!next) return 0;
    const { kind, text = new Uint8Array(), data = new Uint8Array() } = next;
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(text, TEXT);
    bytes.set(data, DATA);
    const record = new DataView(memory.buffer, RECORD);
    record.setInt32(HmCommand.kind, kind, true);
    record.setInt32(HmCommand.peer, 7, true);
    record.setInt32(HmCommand.text, TEXT, true);
    record.setInt32(HmCommand.text_size, text.length, true);
    record.setInt32(HmCommand.data, DATA, true);
    record.setInt32(HmCommand.data_size, data.length, true);
    return RECORD;
  };
  const exports = {
    memory,
    hm_poll: poll,
    hm_next_timeout: () => Infinity,
    hm_presentation: () => 0,
  };
  /** @type {any[][]} */
  const sent = [];
  const driver = new Driver(new Core(/** @type {any} */ (exports), 'hm_text'), {
    socket: /** @type {any} */ ({ close() {} }),
    peers: /** @type {any} */ ({
      sendText: (/** @type {number} */ peer, /** @type {string} */ text) => sent.push([peer, text]),
      sendBinary: (/** @type {number} */ peer, /** @type {Uint8Array[]} */ ...parts) =>
        sent.push([peer, ...parts.map((part) => [...part])]),
      settle() {},
      closeAll() {},
    }),
    digests: async () => null,
    segments: () => [],
    recover() {},
    event() {},
    trapped: assert.fail,
    broken: (error) => assert.fail(String(error)),
  });
  driver.engine.presentation();
  return sent;
}

test('the bytes in front of a message are no text: none of them is read as UTF-8', () => {
  const head = Uint8Array.of(
    1,
    0,
    0,
    0,
    0xff,
    0xfe,
    0x80,
    0x7f,
    0xc3,
    0x28,
    0,
    0,
    0xef,
    0xbb,
    0xbf,
    0,
  );
  const sent = carriedOut([
    { kind: CommandKind.channelSendBinary, text: head, data: Uint8Array.of(9, 8) },
    { kind: CommandKind.channelSendBinary, data: Uint8Array.of(7) },
    { kind: CommandKind.channelSendText, text: new TextEncoder().encode('{"a":"é"}') },
  ]);
  assert.deepEqual(sent, [
    [7, [...head], [9, 8]],
    [7, [], [7]],
    [7, '{"a":"é"}'],
  ]);
});
