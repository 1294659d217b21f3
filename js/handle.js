/** The page's object for a mesh. */

import { diagnoseLocation } from './beside.js';
import { changeOptions, refuseName } from './options.js';
import { publicStats } from './stats.js';

/** @typedef {import('./index.js').Mesh} Handle */

const EVENT_NAMES = ['tracker', 'peer', 'segment', 'stats', 'fallback', 'warning', 'fatal'];

/** The names of the events as constants. */
export const Events = /** @type {typeof import('./index.js').Events} */ (
  Object.freeze(Object.fromEntries(EVENT_NAMES.map((name) => [name.toUpperCase(), name])))
);

/**
 * The members ignore `this`, since frameworks call them on a Proxy around the handle, which has no private members. They are on a
 * prototype, because a Proxy must return own members unchanged, but may replace inherited ones.
 * @param {import('./mesh.js').Mesh | null} mesh null: the player is left alone
 * @param {import('./options.js').Settings} settings
 * @param {import('./voice.js').Voice} voice
 * @param {import('./options.js').Complain} complain called for each mistake of the page
 * @param {any} hls
 * @param {<Result>(work: () => Result) => Result | null} attempt calls what may throw, and complains if it does
 * @returns {Handle}
 */
export function createHandle(mesh, settings, voice, complain, hls, attempt) {
  voice.statistics = () => handle.stats;

  /** @param {any} name @param {any} listener @param {boolean} once */
  const listen = (name, listener, once) => {
    if (!EVENT_NAMES.includes(name)) refuseName('event', name, EVENT_NAMES, complain);
    else if (typeof listener !== 'function') complain(`the listener for ${name} is no function`);
    else voice.listen(name, listener, once);
    return handle;
  };

  /** @type {Handle} */
  const handle = Object.create({
    // Tells Vue not to make it reactive.
    __v_skip: true,
    get stats() {
      return mesh?.stats ?? publicStats();
    },
    get peers() {
      return mesh?.peers ?? [];
    },
    get channel() {
      return mesh?.channel ?? '';
    },
    get control() {
      return settings.control === true;
    },
    get enabled() {
      return mesh !== null && settings.enabled;
    },
    set enabled(enabled) {
      handle.update({ enabled });
    },
    get upload() {
      return settings.upload;
    },
    set upload(upload) {
      handle.update({ upload });
    },
    on: (/** @type {any} */ name, /** @type {any} */ listener) => listen(name, listener, false),
    once: (/** @type {any} */ name, /** @type {any} */ listener) => listen(name, listener, true),
    off(/** @type {any} */ name, /** @type {any} */ listener) {
      voice.unlisten(name, listener);
      return handle;
    },
    update(/** @type {any} */ options) {
      const changed = attempt(() => changeOptions(settings, options, complain));
      mesh?.changed(changed ?? []);
      return handle;
    },
    // A file of its own, which bundlers must leave alone: most pages never load it.
    diagnose: async () =>
      (
        await import(/* webpackIgnore: true */ /* @vite-ignore */ String(diagnoseLocation()))
      ).diagnose(handle),
    // For the package's own files beside this one (js/diagnose/inside.js).
    [Symbol.for('hlsmesh')]: () => [hls, settings, settings.trackers, voice.seen, mesh?.words],
    detach() {
      mesh?.detach();
      voice.end();
    },
  });
  return handle;
}
