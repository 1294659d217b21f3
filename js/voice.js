/** What a mesh says: its events to the page's listeners, and its messages to the log. */

import { Emitter } from './emitter.js';
import { log } from './options.js';

/** @typedef {import('./index.js').MeshEvents} MeshEvents */
/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/** At which level an event is logged; warnings and errors speak for themselves. */
const EVENT_LEVELS = /** @type {Partial<Record<string, import('./index.js').LogLevel>>} */ ({
  tracker: 'info',
  peer: 'info',
  segment: 'debug',
  fallback: 'debug',
});

/** How often `stats` is emitted, in milliseconds. */
const STATS_INTERVAL_MS = 1000;

export class Voice {
  /** @type {Emitter<MeshEvents>} */
  #emitter;
  #settings;
  /** @type {Set<HlsMeshErrorCode>} */
  #warned = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #statsTimer;
  ended = false;

  /** What goes with the event `stats`. @type {() => import('./index.js').MeshStats} */
  statistics = () => /** @type {any} */ ({});

  /** @param {import('./options.js').Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    this.#emitter = new Emitter((error) => log('error', settings, error));
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} listener
   * @param {boolean} once
   */
  add(name, listener, once) {
    if (this.ended) return;
    this.#emitter.add(name, listener, once);
    if (name === 'stats') this.#statsTimer ??= setInterval(this.#emitStats, STATS_INTERVAL_MS);
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} [listener] absent: all of them
   */
  remove(name, listener) {
    this.#emitter.remove(name, listener);
    this.#emitStats(false);
  }

  /** Nothing is said to listeners any more. */
  end() {
    this.ended = true;
    this.#emitter.clear();
    this.#emitStats(false);
  }

  /** Counting costs a little, so it is done only for somebody who listens. */
  #emitStats = (due = true) => {
    if (due) this.#emitter.emit('stats', this.statistics());
    if (this.#emitter.has('stats')) return;
    clearInterval(this.#statsTimer);
    this.#statsTimer = undefined;
  };

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {MeshEvents[Name]} event
   */
  emit(name, event) {
    const level = EVENT_LEVELS[name];
    if (level) log(level, this.#settings, name, event);
    this.#emitter.emit(name, event);
  }

  /**
   * Says it once: what is wrong stays wrong, and the page's console is not ours to fill.
   * @param {HlsMeshErrorCode} code
   * @param {string} message
   * @param {unknown} [cause]
   */
  warn(code, message, cause) {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    log('warn', this.#settings, message);
    const error = cause instanceof Error ? cause : undefined;
    this.emit('warning', { code, message, error });
  }

  /**
   * Says what the page did wrong. Listeners hear of it in a later task, so that those added right after `attach` do too.
   * @param {HlsMeshErrorCode} code
   * @param {string} message
   */
  complain(code, message) {
    log('error', this.#settings, message);
    setTimeout(() => this.emit('warning', { code, message }));
  }
}
