/** @typedef {import('hls.js').default} Hls */

/** HTMLMediaElement.HAVE_CURRENT_DATA: there is a frame at the playhead. */
export const HAS_FRAME = 2;

/**
 * Listens to a player and to the media element that it has.
 * @param {Hls} hls
 * @param {Record<string, (data: any) => void>} events of hls.js, keyed by name, so that hls.js itself is not imported
 * @param {Record<string, (event: any) => void>} mediaEvents of the element
 * @param {(media: any) => void} attached called with each element that the player gets, and with null when it has none any more
 * @returns {() => void} ends it
 */
export function follow(hls, events, mediaEvents, attached) {
  const player = /** @type {any} */ (hls);
  /** @type {any} */
  let media = null;
  const watch = (/** @type {any} */ next) => {
    if (next === media) return;
    for (const [name, listener] of Object.entries(mediaEvents)) {
      media?.removeEventListener(name, listener);
      next?.addEventListener(name, listener);
    }
    media = next;
    attached(media);
  };
  const listeners = Object.entries({
    ...events,
    hlsMediaAttached: (/** @type {any} */ data) => watch(data.media),
    hlsMediaDetaching: () => watch(null),
  }).map(
    ([name, listener]) =>
      /** @type {const} */ ([
        name,
        (/** @type {string} */ _, /** @type {any} */ data) => listener(data),
      ]),
  );
  for (const [name, listener] of listeners) player.on(name, listener);
  watch(hls.media);
  return () => {
    for (const [name, listener] of listeners) player.off(name, listener);
    watch(null);
  };
}

/**
 * One listener for several events.
 * @param {string} names
 * @param {(event: any) => void} listener
 */
export function all(names, listener) {
  return Object.fromEntries(names.split(' ').map((name) => [name, listener]));
}
