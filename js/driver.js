/**
 * Runs one client engine: gives it time and events, carries out its commands, wakes it when it asked to be.
 *
 * Events and commands are strictly ordered. An event that arrives while commands are being carried out (a browser object may
 * call back at once) waits until all of them are.
 */

import { CommandKind, EventCode } from './abi.js';
import { Engine } from './engine.js';
import { emptyStats } from './stats.js';

/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./engine.js').Command} Command */
/** @typedef {import('./engine.js').LoadFacts} LoadFacts */
/** @typedef {import('./stats.js').EngineStats} EngineStats */

/**
 * The browser objects that commands are for.
 * @typedef {object} Shims
 * @property {Pick<import('./socket.js').TrackerSocket, 'open' | 'renew' | 'send' | 'close'>} socket
 * @property {Pick<import('./rtc.js').PeerConnections,
 *   'dial' | 'answer' | 'signal' | 'sendText' | 'sendBinary' | 'settle' | 'close' | 'closeAll'>} peers
 * @property {(kind: number, from: number, until: number) => LoadFacts[]} segments those of the playlist that the player follows in
 *   the track of that kind, in its order, as far as they lie between two times of its timeline, in seconds
 * @property {(kind: number, rendition: number) => Promise<string | null>} digests the publisher's digests of that rendition's segments;
 *   null: they cannot be had
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
 * @property {object} answer stands for the answer in the player, as long as the player speaks of it
 * @property {() => void} fetchFromCdn called where load() did not say so already
 * @property {(from: number, to: number, told: import('./cdn-fetch.js').RangeCallbacks, fetch: number) => () => void} fetchRange fetches
 *   a part of the segment; returns what ends that. A negative `fetch` is a check of what a peer brought
 * @property {(loaded: number, total: number) => void} progress
 * @property {(data: ArrayBuffer, source: number, t0: number, t1: number) => void} done `data` is the sink's own
 */

/**
 * A load that the driver has taken.
 * @typedef {object} Taken
 * @property {number} load its name
 * @property {number} fetch the name of its fetch from the CDN; 0 before there is one, or where the engine knows of none
 * @property {boolean} fromCdn it is to be fetched at once; false: the sink will hear
 */

/** The longest wait that setTimeout understands. */
const MAX_TIMER_MS = 0x7fffffff;

const now = () => performance.now();

export class Driver {
  #shims;
  /** @type {Engine} inputs, for whoever has something to report */
  engine;
  /** The player has everything by its own loader (js/shadow). */
  plain = false;
  #ended = false;
  #busy = false;
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {Map<number, { sink: LoadSink, taken: Taken, ranges: (() => void)[] }>} */
  #loads = new Map();
  #lastLoad = 0;
  /** The load that ended last: the engine may check what the player was given. @type {{ sink: LoadSink, taken: Taken, ranges: (() => void)[] } | undefined} */
  #left;
  /** What load() is about to return. @type {Taken | null} */
  #taking = null;
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
    this.#shims = shims;
    this.engine = new Engine(core, (input) => this.#input(input));
    core.onPoison = (error) => this.#trapped(error);
  }

  /**
   * @param {object} settings
   * @param {[option: number, value: number][]} settings.numbers by Option
   * @param {Record<number, string>} settings.texts by Option
   * @param {import('./hls-events.js').Conditions} [settings.conditions] as of now
   */
  start({ numbers, texts, conditions }) {
    const { engine } = this;
    engine.set(numbers);
    if (conditions) engine.conditions(conditions);
    this.#input(() => engine.start(texts));
  }

  /**
   * Says goodbye to tracker and peers, sends unfinished loads to the CDN and lets go of everything.
   */
  stop() {
    if (this.#ended) return;
    this.#input(() => {
      this.engine.stop();
      this.#drain();
      this.stats();
      this.#end();
    });
  }

  /** Forgets the loads: their sinks are going away by themselves. */
  dropLoads() {
    for (const load of this.#loads.keys()) this.#leave(load);
  }

  /** @returns {boolean} whether the engine answers */
  get alive() {
    return !this.#ended;
  }

  /** @returns {EngineStats} as of now, or of the end when the engine has gone */
  stats() {
    if (!this.#ended) this.#stats = this.engine.stats() ?? this.#stats;
    return this.#stats;
  }

  /** @returns {import('./index.js').PeerSnapshot[]} */
  peers() {
    return this.#ended ? [] : this.engine.peers();
  }

  /**
   * @param {LoadSink} sink
   * @param {LoadFacts} facts
   * @param {boolean} [fetching] it is being fetched already; only its bytes are offered
   * @returns {Taken}
   */
  load(sink, facts, fetching = false) {
    // Positive 32 bits; by the time they run out the old ones are long done.
    const load = (this.#lastLoad = (this.#lastLoad % MAX_TIMER_MS) + 1);
    const taken = { load, fetch: 0, fromCdn: this.#ended };
    this.#loads.set(load, { sink, taken, ranges: [] });
    this.#answers.set(sink.answer, load);
    const outer = this.#taking;
    this.#taking = taken;
    this.#input(() => {
      if (!this.#loads.has(load)) return;
      const fetch = this.engine.load(load, facts, fetching);
      if (fetch < 0) this.#giveUp(load);
      else taken.fetch = fetch;
    });
    this.#taking = outer;
    return taken;
  }

  /** @param {Taken} taken */
  loadAborted({ load }) {
    this.#leave(load);
    this.#input(() => this.engine.loadAborted(load));
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
      if (this.engine.verdict(load, seconds)) this.#shims.recover();
    });
  }

  /**
   * A part of what the CDN answers to a load, or all of it. Parts follow each other without a gap; one at 0 begins the body anew.
   * @param {Taken} taken
   * @param {number} offset
   * @param {Uint8Array} bytes have been read when this returns
   * @param {number} total of the whole body; 0: unknown
   */
  fetchPart(taken, offset, bytes, total) {
    // The player transfers the buffer away once this returns, so what has to wait keeps a copy.
    const part = this.#busy ? bytes.slice() : bytes;
    this.#input(() => this.engine.fetchPart(taken.fetch, offset, part, total));
  }

  /**
   * The CDN has answered a load, and the player has the body.
   * @param {Taken} taken
   * @param {number} size
   * @param {number} [firstByteMs] from the start of the fetch to its first byte
   * @param {number} [bodyMs] from there to its end
   * @returns {boolean} whether the engine counts it
   */
  fetchDone(taken, size, firstByteMs = NaN, bodyMs = NaN) {
    if (this.#ended || !this.#leave(taken.load)) return false;
    this.#input(() => this.engine.fetchDone(taken.fetch, size, firstByteMs, bodyMs));
    return true;
  }

  /** @param {Taken} taken */
  fetchFailed(taken) {
    if (this.#leave(taken.load)) this.#input(() => this.engine.fetchFailed(taken.fetch));
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
    for (let command; !this.#ended && (command = this.engine.poll());) {
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
        return socket.send(command.text);
      case CommandKind.socketClose:
        return socket.close();
      case CommandKind.peerDial:
        this.#parents.add(command.peer);
        return peers.dial(command.peer);
      case CommandKind.peerAnswer:
        return peers.answer(command.peer);
      case CommandKind.peerSignal:
        return peers.signal(command.peer, command.text);
      case CommandKind.peerClose:
        return peers.close(command.peer);
      case CommandKind.channelSendText:
        return peers.sendText(command.peer, command.text);
      case CommandKind.channelSendBinary:
        return peers.sendBinary(command.peer, command.head, command.data);
      case CommandKind.fetch:
        return this.#fetch(command);
      case CommandKind.loadProgress:
        return this.#loads.get(command.load)?.sink.progress(command.code, command.aux);
      case CommandKind.loadDone:
        return this.#loadDone(command);
      case CommandKind.event:
        return this.#event(command);
      case CommandKind.listSegments:
        return this.engine.listSegments(this.#shims.segments(command.code, command.t0, command.t1));
      case CommandKind.renewToken:
        return socket.renew();
      case CommandKind.fetchDigests:
        return this.#fetchDigests(command);
    }
  }

  /** @param {Command} command */
  #fetchDigests({ code, aux }) {
    const { engine } = this;
    this.#shims.digests(code, aux).then((text) => engine.digests(code, aux, text));
  }

  /** @param {Command} command */
  #event({ code, aux, peer, load, text }) {
    const role = this.#parents.has(peer) ? 'parent' : 'child';
    if (code === EventCode.peerClosed) this.#parents.delete(peer);
    this.#shims.event({ code, aux, text, role, url: this.#loads.get(load)?.sink.url ?? '' });
  }

  /** @param {Command} command */
  #loadDone({ load, code, data, t0, t1 }) {
    // A load that was fetched from the CDN has its answer already, and its sink is gone.
    const asked = this.#leave(load);
    if (!asked) return;
    // The player transfers its buffer to a worker, so it gets one of its own.
    asked.sink.done(data.slice().buffer, code, t0, t1);
  }

  /** @param {Command} command */
  #fetch({ load, code, t0, t1 }) {
    const left = this.#left?.taken.load === load ? this.#left : undefined;
    const asked = this.#loads.get(load) ?? left;
    if (!asked) return;
    if (t0 || t1) {
      const { engine } = this;
      const told = {
        onBytes: (
          /** @type {number} */ offset,
          /** @type {Uint8Array} */ bytes,
          /** @type {number} */ total,
        ) => {
          let wanted = false;
          this.#input(() => (wanted = engine.fetchPart(code, offset, bytes, total)));
          return wanted;
        },
        onDone: (/** @type {number} */ size, /** @type {number} */ bodyMs) =>
          this.#input(() => engine.fetchDone(code, size, NaN, bodyMs)),
        onFail: () => this.#input(() => engine.fetchFailed(code)),
      };
      const end = asked.sink.fetchRange(t0, t1, told, code);
      // A negative one is a check, which the load's end does not end.
      if (code > 0) asked.ranges.push(end);
      return;
    }
    this.#endRanges(asked);
    asked.taken.fetch = code;
    this.#toCdn(asked);
  }

  /** @param {{ ranges: (() => void)[] }} [asked] */
  #endRanges(asked) {
    asked?.ranges.forEach((end) => end());
  }

  /**
   * The load is over.
   * @param {number} load
   */
  #leave(load) {
    const asked = this.#loads.get(load);
    this.#loads.delete(load);
    this.#endRanges(asked);
    this.#left = asked;
    return asked;
  }

  /** @param {{ sink: LoadSink, taken: Taken }} asked */
  #toCdn({ sink, taken }) {
    if (this.#taking === taken) taken.fromCdn = true;
    else sink.fetchFromCdn();
  }

  /**
   * The engine has nothing to do with the load any more.
   * @param {number} load
   */
  #giveUp(load) {
    const asked = this.#leave(load);
    try {
      if (asked) this.#toCdn(asked);
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
    if (this.#nextTimeout() <= now()) this.#input(() => this.engine.timeout());
    else this.#arm();
  };

  #nextTimeout() {
    return this.#ended ? Infinity : this.engine.nextTimeout();
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
    for (const load of [...this.#loads.keys()]) this.#giveUp(load);
  }
}
