/**
 * The names of the client engine's exports. In dist/, module and bundles have one letter for each, which saves 0.4 KB of gzip
 * (scripts/lib/short-exports.mjs).
 */

/**
 * In the order of their letters: if a letter comes to mean another export, kHmAbiVersion must rise. `hm_abi_version` keeps its
 * name.
 */
const NAMES = `
  hm_text hm_set hm_set_text hm_start hm_stop hm_socket_open hm_socket_text hm_socket_closed hm_peer_signal hm_channel_open
  hm_channel_text hm_channel_frame hm_channel_binary hm_channel_writable hm_peer_closed hm_connection_refused
  hm_clear_renditions hm_add_rendition hm_set_live hm_presentation hm_playlist_loaded hm_playhead hm_conditions hm_playlist
  hm_list_segment hm_load hm_load_aborted hm_verdict hm_fetch_reserve hm_fetch_done hm_fetch_failed hm_timeout hm_poll
  hm_next_timeout hm_stats hm_peer_count hm_peer hm_frame hm_fetch_bytes hm_digests hm_playback`;

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** @returns {Map<string, string>} letters by names */
export const exportLetters = () =>
  new Map(
    NAMES.split(/\s+/)
      .slice(1)
      .map((name, index) => [name, LETTERS[index]]),
  );

/**
 * Returns a module's exports by their long names, whichever names it has. Bundles are built without this function.
 * @param {WebAssembly.Exports} exports
 * @returns {WebAssembly.Exports}
 */
export function longNames(exports) {
  const long = { ...exports };
  for (const [name, letter] of exportLetters()) {
    if (letter in exports) long[name] = exports[letter];
  }
  return long;
}
