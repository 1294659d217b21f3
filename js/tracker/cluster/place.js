/**
 * Which of the processes of a machine takes a viewer. Viewers of one room go to one process, so that what they say to each other
 * stays in it.
 */
import { createHash } from 'node:crypto';

/**
 * By rendezvous hashing of the request's `room`: where processes come and go, few rooms change theirs.
 * @param {import('node:http').IncomingMessage} request
 * @param {readonly string[]} names of workers, `<place>.<generation>`: one that is started anew has the place of the one before
 * @returns {string | null} null when the request has no room, and any will do
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
