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
 * @property {(loaded: number, total: number) => void} progress
 * @property {(data: ArrayBuffer, source: number, t0: number, t1: number) => void} done `data` is the sink's own
 */

/**
 * A load that the driver has taken.
 * @typedef {object} Taken
 * @property {number} load its name
 * @property {boolean} fromCdn it is to be fetched from the CDN at once; false: the sink will hear
 */

/** The longest wait that setTimeout understands. */
const MAX_TIMER_MS = 0x7fffffff;

const now = () => performance.now();

export class Driver {
  #shims;
  /** @type {Engine} inputs, for whoever has something to report */
  engine;
  #ended = false;
  #busy = false;
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {Map<number, LoadSink>} */
  #loads = new Map();
  #lastLoad = 0;
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
    this.#loads.clear();
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
    const taken = { load, fromCdn: this.#ended };
    this.#loads.set(load, sink);
    this.#answers.set(sink.answer, load);
    const outer = this.#taking;
    this.#taking = taken;
    this.#input(() => {
      // The engine knows nothing of a load it refused.
      if (this.#loads.has(load) && !this.engine.load(load, facts, fetching)) this.#giveUp(load);
    });
    this.#taking = outer;
    return taken;
  }

  /** @param {number} load */
  loadAborted(load) {
    this.#loads.delete(load);
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
    this.#input(() => this.engine.fetchDone(load, body, size, firstByteMs, bodyMs));
    return true;
  }

  /** @param {number} load */
  fetchFailed(load) {
    if (this.#loads.delete(load)) this.#input(() => this.engine.fetchFailed(load));
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
        return peers.sendBinary(command.peer, command.data);
      case CommandKind.loadFromCdn:
        return this.#toCdn(command.load, this.#loads.get(command.load));
      case CommandKind.loadProgress:
        return this.#loads.get(command.load)?.progress(command.code, command.aux);
      case CommandKind.loadDone:
        return this.#loadDone(command);
      case CommandKind.event:
        return this.#event(command);
      case CommandKind.listSegments:
        return this.engine.listSegments(this.#shims.segments(command.code, command.t0, command.t1));
      case CommandKind.renewToken:
        return socket.renew();
    }
  }

  /** @param {Command} command */
  #event({ code, aux, peer, load, text }) {
    const role = this.#parents.has(peer) ? 'parent' : 'child';
    if (code === EventCode.peerClosed) this.#parents.delete(peer);
    this.#shims.event({ code, aux, text, role, url: this.#loads.get(load)?.url ?? '' });
  }

  /** @param {Command} command */
  #loadDone({ load, code, data, t0, t1 }) {
    // A load that was fetched from the CDN has its answer already, and its sink is gone.
    const sink = this.#loads.get(load);
    if (!sink) return;
    this.#loads.delete(load);
    // The player transfers its buffer to a worker, so it gets one of its own.
    sink.done(data.slice().buffer, code, t0, t1);
  }

  /**
   * @param {number} load
   * @param {LoadSink} [sink]
   */
  #toCdn(load, sink) {
    if (this.#taking?.load === load) this.#taking.fromCdn = true;
    else sink?.fetchFromCdn();
  }

  /**
   * The engine has nothing to do with the load any more.
   * @param {number} load
   */
  #giveUp(load) {
    const sink = this.#loads.get(load);
    this.#loads.delete(load);
    try {
      if (sink) this.#toCdn(load, sink);
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
