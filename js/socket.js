import { messageOf } from './errors.js';
import { hashOf } from './identity.js';

/**
 * Who hears of a tracker's socket; from inside renew() too, where the token is there at once.
 * @typedef {object} SocketEvents
 * @property {(token: string) => void} socketOpened it is open; or renew() brought a fresh token
 * @property {(text: string) => void} socketText
 * @property {() => void} socketClosed it ended, could not be made, or got no token when it opened
 */

/** @typedef {import('./voice.js').Warn} Warn */
/** @typedef {import('./index.js').HlsMeshOptions['token']} TokenSource */

/** The tracker's WebSocket. It does not reconnect: the engine says when. */
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
   * @param {string} [channel] viewers of one channel connect to URLs with one `room`, by which a proxy in front of several
   *   trackers may bring them to the same one
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
   * Opens a socket; one that is open is dropped without a word.
   * @param {number} index which URL
   */
  open(index) {
    this.close();
    this.url = this.#urls[index];
    const events = this.#events;
    let socket;
    try {
      socket = new WebSocket(withRoom(this.url, this.#room));
      // Where the page's policy does not allow it, Firefox throws without a message, and Chromium gives one that is closed.
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
      // The protocol is text only; a binary frame means nothing.
      if (typeof data === 'string') events.socketText(data);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#drop();
      events.socketClosed();
    };
    // Fired only when the connection has failed; `close` follows, but not in every case.
    socket.onerror = () => {
      this.close();
      events.socketClosed();
    };
  }

  /** Gets a fresh token for the socket that is open. */
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

  /** @param {string} text dropped unless the socket is open; its closing is reported anyway */
  send(text) {
    const socket = this.#socket;
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(text);
  }

  /** Closes it; nothing is reported for it any more. Text already sent still leaves. */
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
