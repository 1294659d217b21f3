/** What the page holds of a mesh. */

import { changeOptions, refuseName } from './options.js';
import { emptyStats, publicStats } from './stats.js';

/** @typedef {import('./index.js').Mesh} Handle */

/** The names of the events, as constants for those who like them. */
export const Events = Object.freeze({
  TRACKER: 'tracker',
  PEER: 'peer',
  SEGMENT: 'segment',
  STATS: 'stats',
  FALLBACK: 'fallback',
  WARNING: 'warning',
  FATAL: 'fatal',
});
const EVENT_NAMES = Object.values(Events);

/**
 * What stands behind a handle.
 * @typedef {object} Inside
 * @property {import('./index.js').MeshStats} stats
 * @property {import('./index.js').PeerSnapshot[]} peers
 * @property {string} channel
 * @property {boolean} enabled
 * @property {(names: string[]) => void} changed these options have new values
 * @property {() => void} detach
 */

/** Behind the handle of a player that was left alone. @type {Inside} */
const NOTHING = {
  get stats() {
    return publicStats(emptyStats(), emptyStats(), { firstFrameMs: null, stalls: 0, stalledMs: 0 });
  },
  get peers() {
    return [];
  },
  channel: '',
  enabled: false,
  changed() {},
  detach() {},
};

/**
 * The members ignore `this`: frameworks call them on a Proxy around the handle, which has no private members. They lie on a
 * prototype, because a Proxy may give other functions in place of inherited ones.
 * @param {Inside | null} mesh null: the player is left alone
 * @param {import('./options.js').Settings} settings
 * @param {import('./voice.js').Voice} voice
 * @param {import('./options.js').Complain} complain told what the page does wrong
 * @returns {Handle}
 */
export function createHandle(mesh, settings, voice, complain) {
  const inside = mesh ?? NOTHING;
  voice.statistics = () => inside.stats;

  /** @param {any} name @param {any} listener @param {boolean} once */
  const listen = (name, listener, once) => {
    if (!EVENT_NAMES.includes(name)) refuseName('event', name, EVENT_NAMES, complain);
    else if (typeof listener !== 'function') complain(`the listener for ${name} is no function`);
    else voice.add(name, listener, once);
    return handle;
  };

  /** @type {Handle} */
  const handle = Object.create({
    // Tells Vue to leave it as it is.
    __v_skip: true,
    get stats() {
      return inside.stats;
    },
    get peers() {
      return inside.peers;
    },
    get channel() {
      return inside.channel;
    },
    get enabled() {
      return inside.enabled;
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
      voice.remove(name, listener);
      return handle;
    },
    update(/** @type {any} */ options) {
      inside.changed(changeOptions(settings, options, complain));
      return handle;
    },
    detach() {
      inside.detach();
      voice.end();
    },
  });
  return handle;
}
