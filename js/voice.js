/** What a mesh says: its events to the page's listeners, and its messages to the log. */

import { log } from './options.js';

/** @typedef {import('./index.js').MeshEvents} MeshEvents */
/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/**
 * Says what is wrong, once for each code.
 * @typedef {(code: HlsMeshErrorCode, message: string, cause?: unknown) => void} Warn
 */

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
  /** By the events' names. @type {Map<string, { listener: (event: any) => void, once: boolean }[]>} */
  #listeners = new Map();
  #settings;
  /** @type {Set<HlsMeshErrorCode>} */
  #warned = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #statsTimer;
  silent = false;

  /** What goes with the event `stats`. @type {() => import('./index.js').MeshStats} */
  statistics = () => /** @type {any} */ ({});

  /** @param {import('./options.js').Settings} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} listener
   * @param {boolean} once
   */
  listen(name, listener, once) {
    if (this.silent) return;
    this.#listeners.set(name, [...this.#of(name), { listener, once }]);
    // Counting costs a little, so it is done only for somebody who listens.
    if (name === 'stats') {
      this.#statsTimer ??= setInterval(
        () => this.emit('stats', this.statistics()),
        STATS_INTERVAL_MS,
      );
    }
  }

  /**
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {(event: MeshEvents[Name]) => void} [listener] absent: all of them
   */
  unlisten(name, listener) {
    const kept = this.#of(name).filter((entry) => listener && entry.listener !== listener);
    this.#listeners.set(name, kept);
    this.#rest();
  }

  /** Nothing is said to listeners any more. */
  end() {
    this.silent = true;
    this.#listeners.clear();
    this.#rest();
  }

  /** @param {string} name */
  #of(name) {
    return this.#listeners.get(name) ?? [];
  }

  #rest() {
    if (this.#of('stats').length > 0) return;
    clearInterval(this.#statsTimer);
    this.#statsTimer = undefined;
  }

  /**
   * A listener that throws is reported and never breaks the others, or playback.
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {MeshEvents[Name]} event
   */
  emit(name, event) {
    const level = EVENT_LEVELS[name];
    if (level) log(level, this.#settings, name, event);
    for (const { listener, once } of this.#of(name)) {
      if (once) this.unlisten(name, listener);
      try {
        listener(event);
      } catch (error) {
        log('error', this.#settings, error);
      }
    }
  }

  /** What is wrong stays wrong, and the page's console is not ours to fill. @type {Warn} */
  warn = (code, message, cause) => {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    log('warn', this.#settings, message);
    const error = cause instanceof Error ? cause : undefined;
    this.emit('warning', { code, message, error });
  };

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
