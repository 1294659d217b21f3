/**
 * Reads sockets into a buffer that all of them share. Node's streams take 64 KiB for each read, shrink them to what came, and pass
 * that on as an event with a further turn for each. The option `onread` of `net.Socket` does without, but Node has it only for
 * sockets that a program opens itself; so this sets what the option would have set.
 */
import { Socket } from 'node:net';

// As much as Node reads at once.
const READ_BYTES = 65_536;

/** The properties of a socket in which Node keeps the option. Another version may have others: then there are none. */
const [BUFFER, HEARD, NEXT] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) =>
  Object.getOwnPropertySymbols(new Socket()).find(({ description }) => description === name),
);

/**
 * @param {(raw: any, bytes: Buffer) => void} heard the bytes are valid until the call returns
 * @returns {(raw: any) => boolean} to be called once for a socket that nothing has been read from since the last event. False if this
 *   is no socket of Node's, or of a version that keeps the option elsewhere, or if what came before has not been passed on, which must
 *   come first: it is read as before
 */
export function readingInto(heard) {
  const buffer = Buffer.alloc(READ_BYTES);
  /** @this {any} @param {number} size */
  function took(size) {
    heard(this, buffer.subarray(0, size));
  }
  return (raw) => {
    const handle = raw._handle;
    if (!BUFFER || !HEARD || !NEXT || !handle?.useUserBuffer || raw[BUFFER] !== null) return false;
    // More may come in the turn in which the stream has the rest of an upgrade request: of TLS over a stream that is no socket.
    if (raw.readableLength > 0) return false;
    raw[BUFFER] = buffer;
    raw[HEARD] = took;
    raw[NEXT] = null;
    handle.useUserBuffer(buffer);
    return true;
  };
}
