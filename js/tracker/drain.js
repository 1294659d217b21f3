/**
 * Closes the viewers' sockets before the process ends: in waves, so that not all of them reach the next tracker at the same time.
 */

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

// RFC 6455's registry: "Service Restart".
const SERVICE_RESTART = 1012;
const REASON = 'the tracker restarts: go to another one, or come back';

const WAVE_MS = 250;
// The fewest viewers of a wave, except the last one.
const LEAST_IN_WAVE = 50;
// The part of the time that the last wave has to answer its close frames.
const GRACE_SHARE = 0.2;
const LONGEST_GRACE_MS = 2000;

/**
 * @param {import('./sockets.js').Sockets} sockets
 * @param {number} withinMs
 * @param {import('./log.js').Log} log
 * @returns {Promise<void>} resolves when all sockets are gone, within the time
 */
export async function drain(sockets, withinMs, log) {
  log.info('draining', { sockets: sockets.size, seconds: withinMs / 1000 });
  const graceMs = Math.min(withinMs * GRACE_SHARE, LONGEST_GRACE_MS);
  const started = performance.now();
  // First, so that viewers of other trackers are not introduced to those who are gone.
  await Promise.race([sockets.engine.retire(), sleep(graceMs)]);
  const left = withinMs - graceMs - (performance.now() - started);
  const waves = Math.floor(left / WAVE_MS);
  for (let wave = waves; wave > 1 && sockets.size > LEAST_IN_WAVE; --wave) {
    const count = Math.max(Math.ceil(sockets.size / wave), LEAST_IN_WAVE);
    sockets.closeSome(count, SERVICE_RESTART, REASON);
    await sleep(WAVE_MS);
  }
  await sockets.end(SERVICE_RESTART, REASON, graceMs);
  log.info('drained');
}
