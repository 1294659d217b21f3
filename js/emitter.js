/**
 * Listeners by event name. One that throws is reported and never breaks the others, or playback.
 * @template {Record<string, any>} Events
 */
export class Emitter {
  /** @type {Map<keyof Events, { listener: (event: any) => void, once: boolean }[]>} */
  #listeners = new Map();
  #report;

  /** @param {(error: unknown) => void} report */
  constructor(report) {
    this.#report = report;
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} listener
   * @param {boolean} once
   */
  add(name, listener, once) {
    if (typeof listener !== 'function') throw new TypeError('listener must be a function');
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), { listener, once }]);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} [listener] absent: all of them
   */
  remove(name, listener) {
    const kept = (this.#listeners.get(name) ?? []).filter(
      (entry) => listener && entry.listener !== listener,
    );
    this.#listeners.set(name, kept);
  }

  clear() {
    this.#listeners.clear();
  }

  /** @param {keyof Events} name */
  has(name) {
    return Boolean(this.#listeners.get(name)?.length);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} event
   */
  emit(name, event) {
    for (const { listener, once } of this.#listeners.get(name) ?? []) {
      if (once) this.remove(name, listener);
      try {
        listener(event);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
