/** RTCPeerConnection and its one data channel, by the engine's peer handle. */

import { LOW_WATER_BYTES } from './abi.js';
import { messageOf } from './errors.js';
import { isDenied, withoutLocal } from './local-network.js';

/** What RFC 8841 section 6.1 lets every endpoint take when it names no maximum. */
const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * How long a description waits for candidates, to take them along: each that comes later is one more message through the
 * tracker, for which it costs as much as the description itself. Longer than finding addresses takes where all servers answer,
 * short beside what making the connection takes.
 */
const GATHERING_MS = 100;

/**
 * Signals of the other side that one connection takes, and characters in all of them; a connection for which more come is lost.
 * The same bounds as SignalAllowance in src/client/upload/peer_ledger.hpp, which has the reasons: candidates wait here for a description that may never come.
 */
const MOST_SIGNALS = 128;
const MOST_SIGNAL_CHARS = 64 * 1024;

/** A message with a rendition names a segment as both sides must (docs/IDENTITY.md). */
const NAMES_SEGMENT = /"rendition"/;

/** How long a closing channel may take to send what is queued (a CLOSE, at most the rest of a packet). */
const FLUSH_MS = 500;

/** The ends of connections that still do so. @type {Set<() => void>} */
const closing = new Set();

/** The page is about to be left. Browsers keep it for its user's return only if it has no connection then. */
let leaving = false;

/** @param {Event} event */
const pageTurned = ({ type }) => {
  leaving = type === 'pagehide';
  if (leaving) for (const end of closing) end();
};

// Before the page's own listeners, which may destroy the player.
for (const type of ['pagehide', 'pageshow']) globalThis.addEventListener?.(type, pageTurned, true);

/**
 * Who hears of connections. A handle that was closed here is never reported again.
 * @typedef {object} RtcEvents
 * @property {(peer: number, json: string) => void} peerSignal with an empty text: ICE has begun to try addresses
 * @property {(peer: number, maxMessageBytes: number) => void} channelOpened
 * @property {(peer: number, text: string) => void} channelText
 * @property {(peer: number, data: ArrayBuffer) => void} channelBinary
 * @property {(peer: number, bufferedAmount: number) => void} channelWritable
 * @property {(peer: number) => void} peerClosed ended, or could not be made
 * @property {() => void} connectionRefused the browser refused to make a connection; `peerClosed` follows
 */

/**
 * The last message of each side that names a segment, for `mesh.diagnose()`.
 * @typedef {{ ours: string, theirs: string }} Words
 */

/**
 * @typedef {object} Peer
 * @property {number} handle
 * @property {RTCPeerConnection} connection
 * @property {RTCDataChannel | null} channel
 * @property {boolean} opened
 * @property {() => void} gatheringOver called when all own candidates are found
 * @property {boolean} described own candidates found from now on are not in the description that was sent
 * @property {RTCIceCandidateInit[]} pending the other side's candidates that came before its description
 * @property {Promise<void>} signals the other side's signals, one after the other
 * @property {number} signalCount of the other side's signals
 * @property {number} signalChars in all of them
 */

export class PeerConnections {
  #settings;
  #events;
  #warn;
  #words;
  /** @type {Map<number, Peer>} */
  #peers = new Map();
  /**
   * Peers that were sent bytes since the last settle().
   * @type {Set<number>}
   */
  #sent = new Set();
  /** Where the two parts of a message become one. */
  #message = new Uint8Array(0);

  /**
   * @param {Pick<import('./options.js').Settings, 'rtcConfig' | 'lan'>} settings
   * @param {RtcEvents} events
   * @param {import('./voice.js').Warn} warn
   * @param {Words} [words] to be filled in
   */
  constructor(settings, events, warn, words = { ours: '', theirs: '' }) {
    this.#settings = settings;
    this.#events = events;
    this.#warn = warn;
    this.#words = words;
  }

  /** @returns {boolean} whether this browser has what is needed */
  static get available() {
    return typeof RTCPeerConnection === 'function';
  }

  /** @returns {number} connections that exist, open or not */
  get size() {
    return this.#peers.size;
  }

  /**
   * Makes a connection, its data channel and an offer.
   * @param {number} handle
   */
  dial(handle) {
    const peer = this.#create(handle);
    if (!peer) return;
    try {
      this.#adopt(peer, peer.connection.createDataChannel('hlsmesh', { ordered: true }));
    } catch {
      this.#lost(peer);
      return;
    }
    this.#describe(peer, () => peer.connection.createOffer()).catch(() => this.#lost(peer));
  }

  /**
   * Makes a connection that waits for the other side's offer and channel.
   * @param {number} handle
   */
  answer(handle) {
    const peer = this.#create(handle);
    if (!peer) return;
    peer.connection.ondatachannel = ({ channel }) => {
      peer.connection.ondatachannel = null;
      this.#adopt(peer, channel);
    };
  }

  /**
   * A description or candidate of the other side. One that cannot be read is passed over; one too many ends the connection.
   * @param {number} handle
   * @param {string} json
   */
  signal(handle, json) {
    const peer = this.#peers.get(handle);
    if (!peer) return;
    peer.signalCount += 1;
    peer.signalChars += json.length;
    if (peer.signalCount > MOST_SIGNALS || peer.signalChars > MOST_SIGNAL_CHARS) {
      this.#lost(peer);
      return;
    }
    /** @type {any} */
    let message;
    try {
      message = JSON.parse(json);
    } catch {
      return;
    }
    if (!message || typeof message !== 'object') return;
    peer.signals = peer.signals
      .then(() => this.#receive(peer, message))
      .catch(() => this.#lost(peer));
  }

  /**
   * @param {number} handle
   * @param {string} text
   */
  sendText(handle, text) {
    if (NAMES_SEGMENT.test(text)) this.#words.ours = text;
    this.#send(handle, (channel) => channel.send(text));
  }

  /**
   * One message, of two parts, which are read before this returns.
   * @param {number} handle
   * @param {Uint8Array<ArrayBuffer>} head may be empty
   * @param {Uint8Array<ArrayBuffer>} data
   */
  sendBinary(handle, head, data) {
    const message = head.length > 0 ? this.#join(head, data) : data;
    this.#send(handle, (channel) => channel.send(message));
    this.#sent.add(handle);
  }

  /**
   * To be called when a run of sends is over. The low-water event comes only when a queue crosses the mark; where it stays
   * below, the amount is told here, so that the engine's own count cannot drift upwards.
   */
  settle() {
    if (this.#sent.size === 0) return;
    const sent = [...this.#sent];
    this.#sent.clear();
    for (const handle of sent) {
      const amount = this.#peers.get(handle)?.channel?.bufferedAmount;
      if (amount !== undefined && amount <= LOW_WATER_BYTES)
        this.#events.channelWritable(handle, amount);
    }
  }

  /**
   * Closes channel and connection once the text that is queued has left, or at once if the page is left. Nothing is reported about
   * the handle any more.
   * @param {number} handle
   */
  close(handle) {
    const peer = this.#peers.get(handle);
    if (!peer) return;
    const { connection, channel } = peer;
    this.#forget(peer);
    const end = () => {
      closing.delete(end);
      connection.close();
    };
    if (
      leaving ||
      !channel ||
      channel.readyState !== 'open' ||
      connection.connectionState !== 'connected'
    ) {
      end();
      return;
    }
    closing.add(end);
    setTimeout(end, FLUSH_MS);
    channel.onclose = end;
    channel.close();
  }

  closeAll() {
    for (const handle of [...this.#peers.keys()]) this.close(handle);
  }

  /**
   * @param {number} handle
   * @returns {Peer | null}
   */
  #create(handle) {
    this.close(handle);
    let connection;
    try {
      connection = new RTCPeerConnection(this.#settings.rtcConfig);
    } catch (error) {
      this.#refused(messageOf(error), error);
      this.#events.peerClosed(handle);
      return null;
    }
    /** @type {Peer} */
    const peer = {
      handle,
      connection,
      channel: null,
      opened: false,
      gatheringOver() {},
      described: false,
      pending: [],
      signals: Promise.resolve(),
      signalCount: 0,
      signalChars: 0,
    };
    this.#peers.set(handle, peer);
    connection.onicecandidate = ({ candidate }) => {
      // What ends gathering, null or an empty candidate, has no place on the wire (protocol section 3).
      if (!candidate?.candidate) peer.gatheringOver();
      else if (peer.described && this.#usable(candidate.candidate))
        this.#events.peerSignal(handle, JSON.stringify({ candidate }));
    };
    connection.oniceconnectionstatechange = () => {
      const state = connection.iceConnectionState;
      if (state === 'checking') this.#events.peerSignal(handle, '');
      // Before anybody has answered, only a policy can end it.
      if (state !== 'failed') return;
      if (!connection.remoteDescription) this.#refused('a policy, such as Connection-Allowlist');
      this.#lost(peer);
    };
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      if (state === 'failed' || state === 'closed') this.#lost(peer);
    };
    return peer;
  }

  /**
   * @param {string} why
   * @param {unknown} [error]
   */
  #refused(why, error) {
    this.#events.connectionRefused();
    this.#warn('rtc-unavailable', `no peer connection for now: ${why}`, error);
  }

  /**
   * Sends a description with the candidates that are soon found.
   * @param {Peer} peer
   * @param {() => Promise<RTCSessionDescriptionInit>} make
   */
  async #describe(peer, make) {
    const { handle, connection } = peer;
    /** @type {Promise<void>} */
    const gathered = new Promise((resolve) => (peer.gatheringOver = resolve));
    await connection.setLocalDescription(await make());
    setTimeout(peer.gatheringOver, GATHERING_MS);
    await gathered;
    if (!this.#has(peer)) return;
    peer.described = true;
    const { type, sdp = '' } = connection.localDescription ?? {};
    this.#events.peerSignal(handle, JSON.stringify({ type, sdp: this.#usable(sdp) }));
  }

  /**
   * What may be told and used of a description or a candidate.
   * @param {string} text
   */
  #usable(text) {
    const { lan } = this.#settings;
    const hides = lan === 'never' || (lan === 'if-granted' && isDenied());
    return hides ? withoutLocal(text) : text;
  }

  /**
   * @param {Peer} peer
   * @param {any} message
   */
  async #receive(peer, message) {
    if (!this.#has(peer)) return;
    const { connection } = peer;
    if (message.type === 'offer' || message.type === 'answer') {
      await connection.setRemoteDescription({ type: message.type, sdp: this.#usable(message.sdp) });
      for (const candidate of peer.pending.splice(0)) await addCandidate(connection, candidate);
      if (message.type === 'offer' && this.#has(peer)) {
        await this.#describe(peer, () => connection.createAnswer());
      }
    } else if (message.candidate) {
      const candidate = typeof message.candidate === 'string' ? message : message.candidate;
      if (!this.#usable(candidate.candidate)) return;
      if (connection.remoteDescription) await addCandidate(connection, candidate);
      else peer.pending.push(candidate);
    }
  }

  /**
   * @param {Peer} peer
   * @param {RTCDataChannel} channel
   */
  #adopt(peer, channel) {
    const { handle, connection } = peer;
    peer.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    const opened = () => {
      if (peer.opened) return;
      peer.opened = true;
      const limit = connection.sctp?.maxMessageSize || DEFAULT_MAX_MESSAGE_BYTES;
      // No limit at all is reported as infinity; the ABI takes 32 bits.
      this.#events.channelOpened(handle, Math.min(limit, 0xffffffff));
    };
    channel.onopen = opened;
    channel.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        if (NAMES_SEGMENT.test(data)) this.#words.theirs = data;
        this.#events.channelText(handle, data);
      } else if (data instanceof ArrayBuffer) this.#events.channelBinary(handle, data);
    };
    channel.onbufferedamountlow = () =>
      this.#events.channelWritable(handle, channel.bufferedAmount);
    channel.onclose = () => this.#lost(peer);
    // A channel that was announced may be open already, and then has no open event to come.
    if (channel.readyState === 'open') opened();
  }

  /**
   * @param {number} handle
   * @param {(channel: RTCDataChannel) => void} send
   */
  #send(handle, send) {
    const peer = this.#peers.get(handle);
    if (!peer?.channel) return;
    try {
      send(peer.channel);
    } catch {
      // Not open, or the browser's queue is full: a reliable channel with a hole in it is of no use.
      this.#lost(peer);
    }
  }

  /**
   * @param {Uint8Array} head
   * @param {Uint8Array} data
   */
  #join(head, data) {
    const size = head.length + data.length;
    if (this.#message.length < size) this.#message = new Uint8Array(size);
    this.#message.set(head);
    this.#message.set(data, head.length);
    return this.#message.subarray(0, size);
  }

  /** @param {Peer} peer */
  #has(peer) {
    return this.#peers.get(peer.handle) === peer;
  }

  /** @param {Peer} peer */
  #lost(peer) {
    if (!this.#has(peer)) return;
    this.#forget(peer);
    peer.connection.close();
    this.#events.peerClosed(peer.handle);
  }

  /** @param {Peer} peer */
  #forget(peer) {
    this.#peers.delete(peer.handle);
    const { connection, channel } = peer;
    connection.onicecandidate = connection.onconnectionstatechange = null;
    connection.oniceconnectionstatechange = null;
    connection.ondatachannel = null;
    if (channel) {
      channel.onopen = channel.onmessage = channel.onbufferedamountlow = channel.onclose = null;
    }
  }
}

/**
 * A candidate that this browser cannot use is no reason to give up on the others.
 * @param {RTCPeerConnection} connection
 * @param {RTCIceCandidateInit} candidate
 */
function addCandidate(connection, candidate) {
  return connection.addIceCandidate(candidate).catch(() => {});
}
