/**
 * Runs one client engine: gives it time and events, carries out its commands, wakes it when it asked to be.
 *
 * Events and commands are strictly ordered. An event that arrives while commands are being carried out (a browser object may
 * call back at once) waits until all of them are.
 */

import { CommandKind, EventCode, LoadFlag } from './abi.js';
import { readCommand, readPeers } from './core.js';
import { withoutCredentials } from './identity.js';
import { emptyStats, readStats } from './stats.js';
import { NO_ROOM, POISONED } from './wasm.js';

/** @typedef {import('./wasm.js').Core} Core */
/** @typedef {import('./core.js').Command} Command */
/** @typedef {import('./stats.js').EngineStats} EngineStats */

/**
 * The browser objects that commands are for.
 * @typedef {object} Shims
 * @property {Pick<import('./socket.js').TrackerSocket, 'open' | 'renew' | 'send' | 'close'>} socket
 * @property {Pick<import('./rtc.js').PeerConnections,
 *   'dial' | 'answer' | 'signal' | 'sendText' | 'sendBinary' | 'settle' | 'close' | 'closeAll'>} peers
 * @property {(kind: number, from: number, until: number) => LoadFacts[]} segments those of the playlist that the player follows in
 *   the track of that kind, in its order, as far as they lie between two times of its timeline, in seconds
 * @property {() => void} recover what a peer sent may have ended the player
 * @property {(event: EngineEvent) => void} event
 * @property {(error: Error) => void} trapped the engine is dead; its loads are on their way to the CDN
 * @property {(error: unknown) => void} broken a shim or a listener threw; the driver goes on
 */

/**
 * @typedef {object} EngineEvent
 * @property {number} code EventCode
 * @property {number} aux
 * @property {string} text
 * @property {'parent' | 'child'} role of the peer it is about
 * @property {string} url of the load it is about
 */

/**
 * Who waits for a load.
 * @typedef {object} LoadSink
 * @property {string} url
 * @property {object} answer what stands for the answer in the player, as long as the player speaks of it
 * @property {() => void} fetchFromCdn
 * @property {(loaded: number, total: number) => void} progress
 * @property {(data: ArrayBuffer, source: number, t0: number, t1: number) => void} done `data` is the sink's own
 */

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
 */

/** The longest wait that setTimeout understands. */
const MAX_TIMER_MS = 0x7fffffff;

const now = () => performance.now();

export class Driver {
  #core;
  #shims;
  #ended = false;
  #busy = false;
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {Map<number, LoadSink>} */
  #loads = new Map();
  #lastLoad = 0;
  /** Loads by what stands for their answers. @type {WeakMap<object, number>} */
  #answers = new WeakMap();
  /**
   * Peers that we dialled: the one that dials is the child (protocol section 3).
   * @type {Set<number>}
   */
  #parents = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #due = Infinity;
  #stats = emptyStats();

  /**
   * @param {Core} core not started
   * @param {Shims} shims
   */
  constructor(core, shims) {
    this.#core = core;
    this.#shims = shims;
    core.onPoison = (error) => this.#trapped(error);
  }

  /**
   * @param {object} settings
   * @param {[option: number, value: number][]} settings.numbers by Option
   * @param {Record<number, string>} settings.texts by Option
   * @param {import('./hls-events.js').Conditions} [settings.conditions] as of now
   */
  start({ numbers, texts, conditions }) {
    for (const [option, value] of numbers) this.#core.call('hm_set', option, value);
    for (const [option, value] of Object.entries(texts)) {
      this.#core.callWithText('hm_set_text', value, Number(option));
    }
    if (conditions) this.conditions(conditions);
    this.#tell('hm_start');
  }

  /**
   * Says goodbye to tracker and peers, sends unfinished loads to the CDN and lets go of everything.
   */
  stop() {
    if (this.#ended) return;
    this.#input(() => {
      this.#core.call('hm_stop', now());
      this.#drain();
      this.stats();
      this.#end();
    });
  }

  /** Forgets the loads: their sinks are going away by themselves. */
  dropLoads() {
    this.#loads.clear();
  }

  /** @returns {boolean} whether the engine answers */
  get alive() {
    return !this.#ended;
  }

  /** @param {[option: number, value: number][]} numbers by Option, of those that may change while running */
  set(numbers) {
    this.#input(() => {
      for (const [option, value] of numbers) this.#core.call('hm_set', option, value);
    });
  }

  /** @returns {EngineStats} as of now, or of the end when the engine has gone */
  stats() {
    if (!this.#ended) this.#stats = readStats(this.#core) ?? this.#stats;
    return this.#stats;
  }

  /** @returns {import('./index.js').PeerSnapshot[]} */
  peers() {
    return this.#ended ? [] : readPeers(this.#core);
  }

  // Tracker socket.

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

  // Peer connections.

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
    this.#input(() => {
      const at = this.#core.call('hm_channel_reserve', peer, data.byteLength);
      if (at > 0) this.#core.write(at, new Uint8Array(data));
      this.#core.call('hm_channel_binary', now(), peer, data.byteLength);
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

  // Player.

  /**
   * @param {import('./hls-events.js').Rendition[]} renditions
   * @param {string} source the URL of the playlist that lists them
   */
  setRenditions(renditions, source) {
    this.#input(() => {
      this.#core.callWithText('hm_clear_renditions', withoutCredentials(source));
      for (const { kind, index, bitrate, texts, url } of renditions) {
        const text = [...texts.map(oneLine), withoutCredentials(url)].join('\n');
        this.#core.callWithText('hm_add_rendition', text, kind, index, bitrate);
      }
    });
  }

  /** @param {boolean} live */
  setLive(live) {
    this.#input(() => this.#core.call('hm_set_live', Number(live)));
  }

  /** The player begins to load a source. */
  presentation() {
    this.#tell('hm_presentation');
  }

  /**
   * @param {number} kind TrackKind
   * @param {number} rendition
   * @param {import('hls.js').LevelDetails} details of its playlist, as just loaded
   */
  detailsLoaded(kind, rendition, { startSN, endSN, targetduration, live }) {
    const last = Number(live);
    this.#tell('hm_playlist_loaded', kind, rendition, startSN, endSN, targetduration, last);
  }

  /** @param {import('./hls-events.js').Playhead} playhead */
  playheadMoved({ currentTime, bufferedEnd, rate }) {
    this.#tell('hm_playhead', currentTime, bufferedEnd, rate);
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
   * @param {LoadSink} sink
   * @returns {number} the load's name
   */
  register(sink) {
    // Positive 32 bits; by the time they run out the old ones are long done.
    this.#lastLoad = (this.#lastLoad % MAX_TIMER_MS) + 1;
    this.#loads.set(this.#lastLoad, sink);
    this.#answers.set(sink.answer, this.#lastLoad);
    return this.#lastLoad;
  }

  /**
   * Asks for a registered load. The sink is told what to do, perhaps before this returns.
   * @param {number} load
   * @param {LoadFacts} facts
   * @param {boolean} [fromCdn] it is being fetched already; only its bytes are offered
   */
  load(load, facts, fromCdn = false) {
    this.#input(() => {
      if (!this.#loads.has(load)) return;
      const numbers = numbersOf(facts, fromCdn);
      const result = this.#core.callWithText('hm_load', textOf(facts), now(), load, ...numbers);
      // The engine knows nothing of a load it refused.
      if (result < 0 && result !== POISONED) this.#toCdn(load);
    });
  }

  /** @param {number} load */
  loadAborted(load) {
    this.#loads.delete(load);
    this.#tell('hm_load_aborted', load);
  }

  /**
   * What the player made of an answer.
   * @param {object | null} answer null: the media element could not decode what it has around `seconds` of the timeline
   * @param {number} seconds of media that it found; negative: it refused the bytes
   */
  verdict(answer, seconds) {
    const load = answer ? this.#answers.get(answer) : 0;
    if (load === undefined) return;
    this.#input(() => {
      if (this.#core.call('hm_verdict', now(), load, seconds) > 0) this.#shims.recover();
    });
  }

  /**
   * The CDN's answer to a load. The bytes have been read when this returns.
   * @param {number} load
   * @param {ArrayBuffer | null} data null: not to be shared
   * @param {number} size
   * @param {number} [firstByteMs] from the start of the fetch to its first byte
   * @param {number} [bodyMs] from there to its end
   * @returns {boolean} whether the engine counts it
   */
  fetchDone(load, data, size, firstByteMs = NaN, bodyMs = NaN) {
    if (this.#ended || !this.#loads.delete(load)) return false;
    // The player transfers the buffer away once this returns, so what has to wait keeps a copy.
    const body = data && this.#busy ? data.slice(0) : data;
    this.#input(() => {
      const at = body ? this.#core.call('hm_fetch_reserve', load, size) : 0;
      if (at > 0) this.#core.write(at, new Uint8Array(/** @type {ArrayBuffer} */ (body)));
      this.#core.call('hm_fetch_done', now(), load, size, firstByteMs, bodyMs);
    });
    return true;
  }

  /** @param {number} load */
  fetchFailed(load) {
    if (this.#loads.delete(load)) this.#tell('hm_fetch_failed', load);
  }

  /**
   * An input without text.
   * @param {string} name
   * @param {...number} args after the time
   */
  #tell(name, ...args) {
    this.#input(() => this.#core.call(name, now(), ...args));
  }

  /**
   * An input with text.
   * @param {string} name
   * @param {string} text
   * @param {...number} args after the time
   */
  #say(name, text, ...args) {
    this.#input(() => {
      const result = this.#core.callWithText(name, text, now(), ...args);
      // A text too long for the engine's buffer goes in as nothing, which is no message either.
      if (result === NO_ROOM) this.#core.callWithText(name, '', now(), ...args);
    });
  }

  /** @param {() => void} input */
  #input(input) {
    if (this.#ended) return;
    this.#waiting.push(input);
    if (this.#busy) return;
    this.#busy = true;
    while (!this.#ended && this.#waiting.length > 0) {
      for (let next; !this.#ended && (next = this.#waiting.shift());) {
        next();
        this.#drain();
      }
      this.#shims.peers.settle();
    }
    this.#busy = false;
    this.#arm();
  }

  #drain() {
    while (!this.#ended) {
      const at = this.#core.call('hm_poll');
      if (at <= 0) return;
      const command = readCommand(this.#core, at);
      try {
        this.#carryOut(command);
      } catch (error) {
        this.#shims.broken(error);
      }
    }
  }

  /** @param {Command} command */
  #carryOut(command) {
    const { socket, peers } = this.#shims;
    switch (command.kind) {
      case CommandKind.socketOpen:
        return socket.open(command.code);
      case CommandKind.socketSend:
        return socket.send(this.#text(command));
      case CommandKind.socketClose:
        return socket.close();
      case CommandKind.peerDial:
        this.#parents.add(command.peer);
        return peers.dial(command.peer);
      case CommandKind.peerAnswer:
        return peers.answer(command.peer);
      case CommandKind.peerSignal:
        return peers.signal(command.peer, this.#text(command));
      case CommandKind.peerClose:
        return peers.close(command.peer);
      case CommandKind.channelSendText:
        return peers.sendText(command.peer, this.#text(command));
      case CommandKind.channelSendBinary:
        return peers.sendBinary(command.peer, this.#core.bytes(command.data, command.dataSize));
      case CommandKind.loadFromCdn:
        return this.#loads.get(command.load)?.fetchFromCdn();
      case CommandKind.loadProgress:
        return this.#loads.get(command.load)?.progress(command.code, command.aux);
      case CommandKind.loadDone:
        return this.#loadDone(command);
      case CommandKind.event:
        return this.#event(command);
      case CommandKind.listSegments:
        return this.#list(command);
      case CommandKind.renewToken:
        return socket.renew();
    }
  }

  /** @param {Command} command */
  #list({ code, t0, t1 }) {
    const segments = this.#shims.segments(code, t0, t1);
    this.#input(() => {
      for (const facts of segments) {
        this.#core.callWithText('hm_list_segment', textOf(facts), now(), ...numbersOf(facts));
      }
    });
  }

  /** @param {Command} command */
  #event(command) {
    const { code, aux, peer } = command;
    const role = this.#parents.has(peer) ? 'parent' : 'child';
    if (code === EventCode.peerClosed) this.#parents.delete(peer);
    const url = this.#loads.get(command.load)?.url ?? '';
    this.#shims.event({ code, aux, text: this.#text(command), role, url });
  }

  /** @param {Command} command */
  #loadDone({ load, code, data, dataSize, t0, t1 }) {
    // A load that was fetched from the CDN has its answer already, and its sink is gone.
    const sink = this.#loads.get(load);
    if (!sink) return;
    this.#loads.delete(load);
    // The player transfers its buffer to a worker, so it gets one of its own.
    const { buffer } = this.#core.bytes(data, dataSize).slice();
    sink.done(buffer, code, t0, t1);
  }

  /** @param {Command} command */
  #text({ text, textSize }) {
    return this.#core.text(text, textSize);
  }

  /** @param {number} load */
  #toCdn(load) {
    const sink = this.#loads.get(load);
    this.#loads.delete(load);
    try {
      sink?.fetchFromCdn();
    } catch (error) {
      this.#shims.broken(error);
    }
  }

  /** A timer that is set for an earlier moment stays: each packet moves the engine's next wake-up, and timers cost more. */
  #arm() {
    const due = this.#nextTimeout();
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    const wait = Math.min(Math.max(0, Math.ceil(due - now())), MAX_TIMER_MS);
    this.#timer = setTimeout(this.#wake, wait);
  }

  #wake = () => {
    this.#due = Infinity;
    if (this.#nextTimeout() <= now()) this.#tell('hm_timeout');
    else this.#arm();
  };

  #nextTimeout() {
    const due = this.#ended ? Infinity : this.#core.call('hm_next_timeout');
    return due === POISONED ? Infinity : due;
  }

  /** @param {Error} error */
  #trapped(error) {
    if (this.#ended) return;
    this.#end();
    this.#shims.trapped(error);
  }

  #end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting.length = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#shims.socket.close();
    this.#shims.peers.closeAll();
    for (const load of [...this.#loads.keys()]) this.#toCdn(load);
  }
}

/**
 * Of a segment, as hm_load and hm_list_segment take it.
 * @param {LoadFacts} facts
 * @param {boolean} [fromCdn]
 * @returns {number[]}
 */
function numbersOf(facts, fromCdn = false) {
  const { shareable, named, opaque, dateTime = 0 } = facts;
  const flags =
    (shareable ? LoadFlag.shareable : 0) |
    (fromCdn ? LoadFlag.fromCdn : 0) |
    (named ? LoadFlag.named : 0) |
    (opaque ? LoadFlag.opaque : 0);
  const { kind, rendition, sn } = facts;
  return [kind, rendition, sn, facts.start, facts.duration, facts.from, facts.to, flags, dateTime];
}

/** @param {LoadFacts} facts */
function textOf({ url, cleanUrl }) {
  const line = oneLine(url);
  return cleanUrl === url ? line : `${line}\n${oneLine(cleanUrl)}`;
}

/** @param {string} text */
function oneLine(text) {
  return text.replace(/[\r\n]+/g, ' ');
}
