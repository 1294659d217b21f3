/** Sends a mesh's events to the page's listeners, and its messages to the log. */

import { log } from './options.js';

/** @typedef {import('./index.js').MeshEvents} MeshEvents */
/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/**
 * Reports a problem, once for each code.
 * @typedef {(code: HlsMeshErrorCode, message: string, cause?: unknown) => void} Warn
 */

/** The level at which each event is logged, except warnings and errors, which are logged as such. */
const EVENT_LEVELS = /** @type {Partial<Record<string, import('./index.js').LogLevel>>} */ ({
  tracker: 'info',
  peer: 'info',
  segment: 'debug',
  fallback: 'debug',
});

/** The time between two `stats` events, in milliseconds. */
const STATS_INTERVAL_MS = 1000;

export class Voice {
  /** Keyed by the events' names. @type {Map<string, { listener: (event: any) => void, once: boolean }[]>} */
  #listeners = new Map();
  #settings;
  /** @type {Set<HlsMeshErrorCode>} */
  #warned = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #statsTimer;
  silent = false;
  /**
   * How often each event came, and when the last one did, keyed by what tells them apart; for `mesh.diagnose()`.
   * @type {Record<string, { count: number, at: number }>}
   */
  seen = {};

  /** Returns the figures for the event `stats`. @type {() => import('./index.js').MeshStats} */
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
    // Counting costs time, so it is done only while there is a listener.
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

  /** No listener is called after this. */
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
   * If a listener throws, that is logged; other listeners and playback go on.
   * @template {keyof MeshEvents} Name
   * @param {Name} name
   * @param {MeshEvents[Name]} event
   */
  emit(name, event) {
    const { state, reason, code, message, source } = /** @type {any} */ (event);
    const kind = [name, state, reason, code, message, source].filter(Boolean).join(' ');
    this.seen[kind] = { count: (this.seen[kind]?.count ?? 0) + 1, at: performance.now() };
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

  /** Reports a problem only once: it would fill the page's console. @type {Warn} */
  warn = (code, message, cause) => {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    log('warn', this.#settings, message);
    const error = cause instanceof Error ? cause : undefined;
    this.emit('warning', { code, message, error });
  };

  /**
   * Reports a mistake of the page. Listeners are called in a later task, so that those added right after `attach` get it too.
   * @param {HlsMeshErrorCode} code
   * @param {string} message
   */
  complain(code, message) {
    log('error', this.#settings, message);
    setTimeout(() => this.emit('warning', { code, message }));
  }
}
