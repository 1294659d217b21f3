/** Answers to hls.js, and what of the CDN's answer is the segment. */

/** @typedef {import('hls.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('hls.js').LoaderStats} LoaderStats */

/**
 * The shortest transfer hls.js is told of, in milliseconds. Its bandwidth estimate divides by the time; a segment out of memory
 * must not read as an infinitely fast network.
 */
const MIN_TRANSFER_MS = 5;

/**
 * What hls.js hands on as `networkDetails`, for pages that read status and headers: what an XMLHttpRequest and a Response have of
 * those.
 * @param {Pick<Response, 'url' | 'status' | 'statusText' | 'headers'>} answer
 * @param {ArrayBuffer} [data]
 * @returns {any}
 */
export function detailsOf({ url, status, statusText, headers }, data) {
  return {
    url,
    responseURL: url,
    status,
    statusText,
    ok: status > 199 && status < 300,
    readyState: 4,
    response: data ?? null,
    headers,
    getResponseHeader: (/** @type {string} */ name) => headers.get(name),
    getAllResponseHeaders: () => [...headers].map((pair) => `${pair.join(': ')}\r\n`).join(''),
  };
}

/**
 * An answer that no server gave.
 * @param {string} url
 * @param {number} status
 * @param {ArrayBuffer} [data]
 */
export function unasked(url, status, data) {
  const headers = new Headers(data && { 'content-length': String(data.byteLength) });
  return detailsOf({ url, status, statusText: data ? 'OK' : '', headers }, data);
}

/**
 * @param {unknown[]} pieces
 * @param {FragmentLoaderContext} context
 * @returns {ArrayBuffer | null} null unless it is what was asked for: a server may ignore a range and send the whole file
 */
export function wholeBody(pieces, { rangeStart = 0, rangeEnd }) {
  const parts = pieces.flatMap((piece) => viewOf(piece) ?? []);
  if (parts.length < pieces.length) return null;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length === 0 || (rangeEnd && length !== rangeEnd - rangeStart)) return null;
  return joined(parts);
}

/**
 * @param {Uint8Array[]} parts
 * @returns {ArrayBuffer} of a part that is all of its buffer, and the only one, that buffer
 */
export function joined(parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const [first] = parts;
  if (parts.length === 1 && length === first.buffer.byteLength) {
    return /** @type {ArrayBuffer} */ (first.buffer);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body.buffer;
}

/**
 * What hls.js takes for a body: a buffer, or from its own fetch loader until 1.5 and from a site's loader, a view on one.
 * @param {unknown} data
 * @returns {Uint8Array | null} null for anything else, a text say
 */
export function viewOf(data) {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return data instanceof ArrayBuffer ? new Uint8Array(data) : null;
}

/**
 * The times of the actual transfer, first byte t0 to end t1. A transfer from before the request is moved to end now, so that its
 * length, from which hls.js estimates bandwidth, stays true. A segment that waited for a peer, because playback had time for
 * that, says nothing of the network: the request is dated no longer before the first byte than the CDN would have taken.
 * @param {LoaderStats} stats
 * @param {number} t0
 * @param {number} t1
 * @param {number} firstByteMs
 */
export function fillTimes({ loading }, t0, t1, firstByteMs) {
  const asked = loading.start;
  loading.end = t0 >= asked ? t1 : performance.now();
  loading.first = loading.end - Math.max(t1 - t0, MIN_TRANSFER_MS);
  loading.start = loading.first - firstByteMs;
  if (t0 >= asked) loading.start = Math.min(Math.max(loading.start, asked), loading.first);
}
