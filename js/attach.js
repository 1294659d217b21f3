/** `attach`: gives a player a mesh or leaves it alone. The player plays, whatever mistake the page made. */

import { HlsMeshError, messageOf } from './errors.js';
import { createHandle } from './handle.js';
import { Mesh, meshOf } from './mesh.js';
import { readOptions, show } from './options.js';
import { Voice } from './voice.js';

/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/**
 * Keyed by player and by mesh. The player's configuration leads to the mesh if the player is in a Proxy.
 * @type {WeakMap<object, { handle: import('./index.js').Mesh, voice: Voice }>}
 */
const attachments = new WeakMap();
const NONE = {};

/**
 * Throws only if the option `strict` is true. Otherwise each problem is logged and reported as a `warning`, an invalid option has
 * its default value, and a player that cannot share is left alone.
 * @param {import('hls.js').default} hls
 * @param {import('./index.js').HlsMeshOptions} options
 * @returns {import('./index.js').Mesh}
 */
export function attach(hls, options) {
  const strict = wantsStrict(options);
  /** Problems that were found before there was a voice to report them. @type {[HlsMeshErrorCode, string][]} */
  const early = [];
  /** @type {Voice | null} */
  let voice = null;
  /** @type {import('./options.js').Complain} */
  const complain = (text, code = 'options') => {
    const message = `HlsMesh: ${text}`;
    if (strict) throw code === 'options' ? new TypeError(message) : new HlsMeshError(code, message);
    if (voice) voice.complain(code, text);
    else early.push([code, text]);
  };
  /** @template Result @param {() => Result} work @returns {Result | null} null if it threw */
  const attempt = (work) => {
    try {
      return work();
    } catch (error) {
      if (strict) throw error;
      complain(messageOf(error), 'internal');
      return null;
    }
  };

  // Vue's proxies name the object that they wrap. Loading uses the player's own objects, not the proxies around them.
  const player = attempt(() => /** @type {any} */ (hls)?.__v_raw ?? hls);
  const former = attempt(
    () => attachments.get(player) ?? attachments.get(meshOf(player?.config) ?? NONE),
  );
  if (former && !former.voice.silent) {
    const text = 'this Hls instance has a mesh; detach() that one first';
    if (strict) complain(text);
    former.voice.complain('options', text);
    return former.handle;
  }
  const settings = attempt(() => readOptions(options, complain)) ?? readOptions({}, () => {});
  voice = new Voice(settings);
  for (const [code, text] of early) voice.complain(code, text);
  const able = attempt(() => canShare(player, complain)) && settings.trackers.length > 0;
  const mesh = able
    ? attempt(() => new Mesh(player, settings, /** @type {Voice} */ (voice)))
    : null;
  const handle = createHandle(mesh, settings, voice, complain, player, attempt);
  if (mesh) {
    for (const key of [player, mesh]) attachments.set(key, { handle, voice });
  }
  return handle;
}

/** @param {any} options */
function wantsStrict(options) {
  try {
    return options?.strict === true;
  } catch {
    return false;
  }
}

/**
 * @param {any} hls
 * @param {import('./options.js').Complain} complain
 * @returns {boolean}
 */
function canShare(hls, complain) {
  const config = hls?.config;
  if (typeof hls?.on !== 'function' || typeof (config?.fLoader ?? config?.loader) !== 'function') {
    complain(`the first argument of attach is ${show(hls)}; it must be an Hls instance`);
    return false;
  }
  // Versions before 1.4 have no load policies, call their loaders differently, and expect other reports from them.
  const { version } = hls.constructor;
  const [, major, minor] = /^(?!0\.0\.)(\d+)\.(\d+)/.exec(version) ?? [];
  const good = major
    ? major === '1' && Number(minor) >= 4
    : config.fragLoadPolicy || !('fragLoadingTimeOut' in config);
  if (!good) {
    complain(
      `hls.js ${version ?? '(unknown version)'} is not supported; hlsmesh needs hls.js 1.4 to 1.7`,
      'hls-version',
    );
  }
  return Boolean(good);
}
