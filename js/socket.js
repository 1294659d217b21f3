import { messageOf } from './errors.js';
import { hashOf } from './identity.js';

/**
 * The callbacks of a tracker's socket. renew() may call them before it returns, if it has the token immediately.
 * @typedef {object} SocketEvents
 * @property {(token: string) => void} socketOpened the socket is open, or renew() got a fresh token
 * @property {(text: string) => void} socketText
 * @property {() => void} socketClosed the socket ended, could not be made, or got no token when it opened
 */

/** @typedef {import('./voice.js').Warn} Warn */
/** @typedef {import('./index.js').HlsMeshOptions['token']} TokenSource */

/** The tracker's WebSocket. It does not reconnect by itself: the engine decides when. */
export class TrackerSocket {
  #urls;
  #token;
  #room;
  #events;
  #warn;
  /** @type {WebSocket | null} */
  #socket = null;

  /**
   * @param {string[]} urls
   * @param {TokenSource} token
   * @param {SocketEvents} events
   * @param {Warn} warn
   * @param {string} [channel] viewers of one channel connect to URLs with the same `room`, by which a proxy in front of several
   *   trackers may send them to the same one
   */
  constructor(urls, token, events, warn, channel) {
    this.#room = channel === undefined ? '' : hashOf(channel);
    this.#urls = urls;
    this.#token = token;
    this.url = urls[0];
    this.#events = events;
    this.#warn = warn;
  }

  /**
   * Opens a socket; one that is already open is dropped without a report.
   * @param {number} index which URL
   */
  open(index) {
    this.close();
    this.url = this.#urls[index];
    const events = this.#events;
    let socket;
    try {
      socket = new WebSocket(withRoom(this.url, this.#room));
      // If the page's policy does not allow the connection, Firefox throws without a message, and Chromium returns a closed
      // socket.
      if (socket.readyState === WebSocket.CLOSED) throw new Error();
    } catch (error) {
      queueMicrotask(() => {
        const why =
          /** @type {any} */ (error).message ||
          'the Content Security Policy (connect-src) of the page';
        this.#warn('tracker-unreachable', `cannot open ${this.url}: ${why}`, error);
        events.socketClosed();
      });
      return;
    }
    this.#socket = socket;
    socket.onopen = () => this.#authorize(socket, true);
    socket.onmessage = ({ data }) => {
      // The protocol is text only; a binary frame is ignored.
      if (typeof data === 'string') events.socketText(data);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#drop();
      events.socketClosed();
    };
    // Fired only if the connection has failed; `close` usually follows, but not always.
    socket.onerror = () => {
      this.close();
      events.socketClosed();
    };
  }

  /** Gets a fresh token for the open socket. */
  renew() {
    if (this.#socket) this.#authorize(this.#socket, false);
  }

  /**
   * @param {WebSocket} socket
   * @param {boolean} first
   */
  async #authorize(socket, first) {
    const source = this.#token;
    let token = source ?? '';
    try {
      if (typeof source === 'function') token = await source();
      if (typeof token !== 'string') throw new TypeError(`token() gave ${messageOf(token)}`);
    } catch (error) {
      if (this.#socket !== socket) return;
      this.#warn('token', `no token: ${messageOf(error)}`, error);
      if (!first) return;
      this.close();
      this.#events.socketClosed();
      return;
    }
    if (this.#socket === socket) this.#events.socketOpened(token);
  }

  /** @param {string} text dropped unless the socket is open, in which case its end is reported anyway */
  send(text) {
    const socket = this.#socket;
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(text);
  }

  /** Closes the socket; nothing is reported for it after this. Text that was already sent still leaves. */
  close() {
    this.#drop()?.close();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    return socket;
  }
}

/**
 * @param {string} url of a tracker; one that names a room keeps it
 * @param {string} room
 */
function withRoom(url, room) {
  if (room === '' || /[?&]room=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}room=${room}`;
}
