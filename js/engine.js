/**
 * The client engine in WebAssembly (wasm/client_abi.hpp) as an object. Its exports, its records and the places that it names in
 * its memory are known here only.
 */

import {
  ABI_VERSION,
  CommandKind,
  HEAD_BYTES,
  HmCommand,
  HmFrame,
  HmPeer,
  HmStats,
  LoadFlag,
  PeerFlag,
  PlaylistFlag,
} from './abi.js';
import { Core, NO_ROOM } from './core.js';
import { HlsMeshError, failure } from './errors.js';
import { longNames } from './export-names.js';
import { withoutCredentials } from './identity.js';
import { emptyStats } from './stats.js';

/** @typedef {import('./stats.js').EngineStats} EngineStats */

/**
 * @typedef {object} LoadFacts
 * @property {number} kind TrackKind
 * @property {number} rendition
 * @property {number} sn -1 for what has none
 * @property {string} url as the playlist spells it
 * @property {string} cleanUrl the same without credentials
 * @property {number} start seconds
 * @property {number} duration seconds
 * @property {number} from its first byte in the file
 * @property {number} to the byte after its last; 0 for all of the file
 * @property {boolean} shareable
 * @property {boolean} [named] `url` is the site's own id
 * @property {number} [dateTime] milliseconds of the epoch by EXT-X-PROGRAM-DATE-TIME; 0: unknown
 * @property {boolean} [opaque] encrypted as a whole
 * @property {boolean} [part] a low-latency part
 * @property {boolean} [streams] a part of it may be asked for, and its bytes come as they arrive
 */

/**
 * @typedef {object} Command
 * @property {number} kind CommandKind
 * @property {number} peer
 * @property {number} load
 * @property {number} code
 * @property {number} aux
 * @property {number} t0
 * @property {number} t1
 * @property {string} text empty for a binary message
 * @property {Uint8Array<ArrayBuffer>} head what is in front of a binary message's data; like `data`, a view on the engine's memory,
 *   good until the engine is called again
 * @property {Uint8Array<ArrayBuffer>} data
 */

/**
 * A fresh engine instance of `module`, not started.
 * @param {WebAssembly.Module} module
 * @returns {Promise<Core>} rejects with an HlsMeshError
 */
export async function createCore(module) {
  const core = await Core.instantiate(module, 'hm_text', longNames).catch(
    failure('wasm-invalid', 'hlsmesh.wasm cannot be started'),
  );
  const version = core.call('hm_abi_version');
  if (version !== ABI_VERSION) {
    const found = core.poison?.message ?? `version ${version}`;
    throw new HlsMeshError(
      'wasm-invalid',
      `hlsmesh.wasm does not belong to this script: it has ${found}, version ${ABI_VERSION} is needed`,
    );
  }
  return core;
}

const now = () => performance.now();

export class Engine {
  #core;
  #gate;
  /** Where the record HmFrame is. */
  #frame = 0;

  /**
   * @param {Core} core
   * @param {(input: () => void) => void} gate runs an input once the commands of all inputs before it have been carried out
   */
  constructor(core, gate) {
    this.#core = core;
    this.#gate = gate;
  }

  // Inputs that wait for their turn at the gate.

  /** @param {string} token */
  socketOpened(token) {
    this.#say('hm_socket_open', token);
  }

  /** @param {string} text */
  socketText(text) {
    this.#say('hm_socket_text', text);
  }

  socketClosed() {
    this.#tell('hm_socket_closed');
  }

  /**
   * @param {number} peer
   * @param {string} json
   */
  peerSignal(peer, json) {
    this.#say('hm_peer_signal', json, peer);
  }

  /**
   * @param {number} peer
   * @param {number} maxMessageBytes
   */
  channelOpened(peer, maxMessageBytes) {
    this.#tell('hm_channel_open', peer, maxMessageBytes);
  }

  /**
   * @param {number} peer
   * @param {string} text
   */
  channelText(peer, text) {
    this.#say('hm_channel_text', text, peer);
  }

  /**
   * @param {number} peer
   * @param {ArrayBuffer} data
   */
  channelBinary(peer, data) {
    const core = this.#core;
    this.#gate(() => {
      const bytes = new Uint8Array(data);
      this.#frame ||= core.call('hm_frame');
      core.write(this.#frame + HmFrame.head, bytes.subarray(0, HEAD_BYTES));
      if (core.call('hm_channel_frame', peer, bytes.length) > 0) {
        const [int] = this.#reader(this.#frame);
        core.write(int(HmFrame.at), bytes.subarray(int(HmFrame.from)));
      }
      core.call('hm_channel_binary', now(), peer, bytes.length);
    });
  }

  /**
   * @param {number} peer
   * @param {number} bufferedAmount
   */
  channelWritable(peer, bufferedAmount) {
    this.#tell('hm_channel_writable', peer, bufferedAmount);
  }

  /** @param {number} peer */
  peerClosed(peer) {
    this.#tell('hm_peer_closed', peer);
  }

  connectionRefused() {
    this.#tell('hm_connection_refused');
  }

  /**
   * @param {import('./hls-events.js').Rendition[]} renditions
   * @param {string} source the URL of the playlist that lists them
   */
  setRenditions(renditions, source) {
    const core = this.#core;
    this.#gate(() => {
      core.callWithText('hm_clear_renditions', withoutCredentials(source));
      for (const { kind, index, bitrate, texts, url } of renditions) {
        const text = [...texts.map(oneLine), withoutCredentials(url)].join('\n');
        core.callWithText('hm_add_rendition', text, kind, index, bitrate);
      }
    });
  }

  /** @param {boolean} live */
  setLive(live) {
    this.#gate(() => this.#core.call('hm_set_live', Number(live)));
  }

  /** The player begins to load a source. */
  presentation() {
    this.#tell('hm_presentation');
  }

  /** @type {(kind: number, rendition: number, details: import('hls.js').LevelDetails, digests: boolean) => void} `digests`: it has any */
  detailsLoaded(kind, rendition, { startSN, endSN, targetduration, live }, digests) {
    const flags = (live ? PlaylistFlag.live : 0) | (digests ? PlaylistFlag.digests : 0);
    this.#tell('hm_playlist_loaded', kind, rendition, startSN, endSN, targetduration, flags);
  }

  /** @type {(kind: number, rendition: number, text: string | null) => void} `text`: answers `fetchDigests`; null: there is none */
  digests(kind, rendition, text) {
    this.#say('hm_digests', text ?? '', kind, rendition, Number(text !== null));
  }

  /** @param {import('./hls-events.js').Playhead} playhead */
  playheadMoved({ currentTime, bufferedEnd, rate }) {
    this.#tell('hm_playhead', currentTime, bufferedEnd, rate);
  }

  /** @param {import('./playback.js').PlaybackFigures['figures']} figures */
  playback({ firstFrameMs, stalls, stalledMs }) {
    this.#tell('hm_playback', (firstFrameMs ?? -1) / 1000, stalls, stalledMs / 1000);
  }

  /** @param {import('./hls-events.js').Conditions} conditions */
  conditions({ flags, maxBuffer }) {
    this.#tell('hm_conditions', flags, maxBuffer);
  }

  /**
   * @param {number} kind TrackKind
   * @param {number} rendition -1: none
   */
  playlistFollowed(kind, rendition) {
    this.#tell('hm_playlist', kind, rendition);
  }

  /**
   * Answers a command `listSegments`.
   * @param {LoadFacts[]} segments
   */
  listSegments(segments) {
    this.#gate(() => {
      for (const facts of segments) this.#segment('hm_list_segment', facts, false);
    });
  }

  /** @param {[option: number, value: number][]} numbers by Option; while running, those that may change then */
  set(numbers) {
    this.#gate(() => {
      for (const [option, value] of numbers) this.#core.call('hm_set', option, value);
    });
  }

  // Calls that are made at once: the driver makes them when it is their turn.

  /** @param {Record<number, string>} texts by Option */
  start(texts) {
    for (const [option, value] of Object.entries(texts)) {
      this.#core.callWithText('hm_set_text', value, Number(option));
    }
    this.#core.call('hm_start', now());
  }

  stop() {
    this.#core.call('hm_stop', now());
  }

  /**
   * @param {number} load
   * @param {LoadFacts} facts
   * @param {boolean} fromCdn it is being fetched already; only its bytes are offered
   * @returns {number} the name of its fetch if it is being fetched; 0; or negative: the engine refuses it and knows nothing of it
   */
  load(load, facts, fromCdn) {
    return this.#segment('hm_load', facts, fromCdn, load);
  }

  /** @param {number} load */
  loadAborted(load) {
    this.#core.call('hm_load_aborted', now(), load);
  }

  /**
   * @param {number} load 0: the media element could not decode what it has around `seconds` of the timeline
   * @param {number} seconds of media that the player found in its answer; negative: it refused the bytes
   * @returns {boolean} a peer is to blame
   */
  verdict(load, seconds) {
    return this.#core.call('hm_verdict', now(), load, seconds) > 0;
  }

  /**
   * A part of the body that a fetch brings. Parts follow each other without a gap; one at 0 begins the body anew.
   * @param {number} fetch
   * @param {number} offset
   * @param {Uint8Array} bytes
   * @param {number} total of the whole body; 0: unknown
   * @returns {boolean} false if the bytes are not wanted
   */
  fetchPart(fetch, offset, bytes, total) {
    const at = this.#core.call('hm_fetch_reserve', fetch, offset, bytes.length, total);
    if (at <= 0) return false;
    this.#core.write(at, bytes);
    this.#core.call('hm_fetch_bytes', now(), fetch, bytes.length);
    return true;
  }

  /**
   * @param {number} fetch
   * @param {number} size of the body
   * @param {number} firstByteMs from the start of the fetch to its first byte; NaN: unknown
   * @param {number} bodyMs from there to its end
   */
  fetchDone(fetch, size, firstByteMs, bodyMs) {
    this.#core.call('hm_fetch_done', now(), fetch, size, firstByteMs, bodyMs);
  }

  /** @param {number} fetch */
  fetchFailed(fetch) {
    this.#core.call('hm_fetch_failed', now(), fetch);
  }

  timeout() {
    this.#core.call('hm_timeout', now());
  }

  /** @returns {number} when timeout() is due; Infinity: never */
  nextTimeout() {
    const due = this.#core.call('hm_next_timeout');
    return this.#core.poison ? Infinity : due;
  }

  /** @returns {Command | null} null: there is none left */
  poll() {
    const core = this.#core;
    const at = core.call('hm_poll');
    if (at <= 0) return null;
    const [int, double] = this.#reader(at);
    const kind = int(HmCommand.kind);
    // Memory ends far below what a signed number can say.
    const [text, textSize] = [int(HmCommand.text), int(HmCommand.text_size)];
    return {
      kind,
      peer: int(HmCommand.peer),
      load: int(HmCommand.load),
      code: int(HmCommand.code),
      aux: double(HmCommand.aux),
      t0: double(HmCommand.t0),
      t1: double(HmCommand.t1),
      text: kind === CommandKind.channelSendBinary ? '' : core.text(text, textSize),
      head: core.bytes(text, textSize),
      data: core.bytes(int(HmCommand.data), int(HmCommand.data_size)),
    };
  }

  /** @returns {EngineStats | null} null once the engine is dead */
  stats() {
    const at = this.#core.call('hm_stats');
    if (at <= 0) return null;
    const [, double] = this.#reader(at);
    const stats = emptyStats();
    for (const name of /** @type {(keyof EngineStats)[]} */ (Object.keys(stats))) {
      stats[name] = double(HmStats[name]);
    }
    return stats;
  }

  /** @returns {import('./index.js').PeerSnapshot[]} by handle; empty once the engine is dead */
  peers() {
    const core = this.#core;
    const count = core.call('hm_peer_count');
    const peers = [];
    for (let index = 0; index < count; index++) {
      const at = core.call('hm_peer', index);
      if (at <= 0) break;
      const [int, double] = this.#reader(at);
      const flags = int(HmPeer.flags);
      const rtt = double(HmPeer.rtt_ms);
      peers.push({
        id: core.text(int(HmPeer.id), int(HmPeer.id_size)),
        role: /** @type {import('./index.js').PeerRole} */ (
          flags & PeerFlag.parent ? 'parent' : 'child'
        ),
        open: (flags & PeerFlag.open) !== 0,
        version1: (flags & PeerFlag.version1) !== 0,
        receivedBytes: double(HmPeer.received_bytes),
        sentBytes: double(HmPeer.sent_bytes),
        rttMs: rtt < 0 ? null : rtt,
      });
    }
    return peers;
  }

  /**
   * @param {number} at where a record begins
   * @returns {[int: (field: number) => number, double: (field: number) => number]} read fields of it, until the next call
   */
  #reader(at) {
    const view = this.#core.view();
    return [
      (field) => view.getInt32(at + field, true),
      (field) => view.getFloat64(at + field, true),
    ];
  }

  /**
   * An input without text.
   * @param {string} name
   * @param {...number} args after the time
   */
  #tell(name, ...args) {
    this.#gate(() => this.#core.call(name, now(), ...args));
  }

  /**
   * An input with text.
   * @param {string} name
   * @param {string} text
   * @param {...number} args after the time
   */
  #say(name, text, ...args) {
    this.#gate(() => {
      const result = this.#core.callWithText(name, text, now(), ...args);
      // A text too long for the engine's buffer goes in as nothing, which is no message either.
      if (result === NO_ROOM) this.#core.callWithText(name, '', now(), ...args);
    });
  }

  /**
   * A call that describes a segment.
   * @param {string} name
   * @param {LoadFacts} facts
   * @param {boolean} fromCdn
   * @param {...number} args after the time
   */
  #segment(name, facts, fromCdn, ...args) {
    const { kind, rendition, sn, start, duration, from, to, dateTime = 0 } = facts;
    const flags =
      (facts.shareable ? LoadFlag.shareable : 0) |
      (fromCdn ? LoadFlag.fromCdn : 0) |
      (facts.named ? LoadFlag.named : 0) |
      (facts.opaque ? LoadFlag.opaque : 0) |
      (facts.part ? LoadFlag.part : 0) |
      (facts.streams ? LoadFlag.streams : 0);
    const place = [kind, rendition, sn, start, duration, from, to, flags, dateTime];
    return this.#core.callWithText(name, textOf(facts), now(), ...args, ...place);
  }
}

/** @param {LoadFacts} facts */
const textOf = ({ url, cleanUrl }) => [...new Set([url, cleanUrl])].map(oneLine).join('\n');

/** @param {string} text */
function oneLine(text) {
  return text.replace(/[\r\n]+/g, ' ');
}
