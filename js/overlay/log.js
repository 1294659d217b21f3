/** Lines of the log. */

import { formatBytes } from './format.js';

/**
 * @param {string} name of an event of a mesh
 * @param {any} event
 * @returns {{ text: string, tone: 'plain' | 'peer' | 'bad' }}
 */
export function lineOf(name, event) {
  const { state, reason, code, message, role, id, url, source, bytes, durationMs, error } = event;
  switch (name) {
    case 'segment':
      return {
        text: `${fileOf(url)} from ${source === 'peer' ? 'a peer' : 'the CDN'}, ${formatBytes(bytes)} in ${Math.round(durationMs)} ms`,
        tone: source === 'peer' ? 'peer' : 'plain',
      };
    case 'peer':
      return {
        text: `${role} ${id.slice(0, 8)} ${state}${reason ? `: ${reason}` : ''}`,
        tone: 'plain',
      };
    case 'tracker':
      return {
        text: `tracker ${state}${reason ? `: ${reason}` : ''}`,
        tone: state === 'connected' ? 'plain' : 'bad',
      };
    case 'fallback':
      return { text: `${fileOf(url)} from the CDN instead: ${reason}`, tone: 'bad' };
  }
  return { text: code ? `${code}: ${message}` : String(error), tone: 'bad' };
}

/** @param {string} url */
const fileOf = (url) => url.split(/[?#]/, 1)[0].split('/').at(-1) || url;
