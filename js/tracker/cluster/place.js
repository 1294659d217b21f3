/**
 * Chooses the worker that takes a viewer. Viewers of one room go to one worker, so that their messages stay in it.
 */
import { createHash } from 'node:crypto';

/**
 * Uses rendezvous hashing of the request's `room`: when workers come and go, few rooms change theirs.
 * @param {import('node:http').IncomingMessage} request
 * @param {readonly string[]} names of workers, `<place>.<generation>`: a worker that is restarted has the place of its
 *   predecessor
 * @returns {string | null} null: the request has no room, so any worker may take it
 */
export function placeOf(request, names) {
  const room = /[?&]room=([^&#]+)/.exec(request.url ?? '')?.[1];
  if (room === undefined) return null;
  let best = null;
  let highest = '';
  for (const name of names) {
    const place = name.slice(0, name.lastIndexOf('.'));
    const weight = createHash('sha1').update(`${place} ${room}`).digest('hex');
    if (weight > highest) [best, highest] = [name, weight];
  }
  return best;
}
