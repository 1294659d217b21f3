/**
 * Finds workers that stand still: they do not answer, and neither they nor the primary lacked the processor meanwhile. A worker
 * that is merely slow to be scheduled has viewers, who would lose their connections for nothing.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * What the kernel says of a process, all threads together.
 * @typedef {object} Scheduling
 * @property {number} usedMs processor time so far
 * @property {number} waitedMs time so far that it was ready to run and did not
 * @property {boolean} ready it runs, or waits for a processor, now
 */

/**
 * @typedef {object} Watched
 * @property {number} pid
 * @property {boolean} asked it has a question, and has not answered
 * @property {number} silentMs since the first question that it has not answered
 * @property {number} stoodMs of these, those in which it could have answered
 * @property {boolean} told its silence was reported
 * @property {Scheduling | undefined} before as of the latest beat, if it was silent then
 */

// A beat that comes this much later than it should, in beats, says that this process lacked the processor: answers may have come
// that it has not read.
const LATE_BEATS = 0.5;

export class Standstill {
  #beatMs;
  #patienceMs;
  #now;
  #look;
  /** @type {number | undefined} */
  #beatAt;
  /** @type {Map<string, Watched>} */
  #workers = new Map();

  /**
   * @param {{ beatMs: number, leaseMs: number }} times between two questions to a worker, and that it may stand still
   * @param {() => number} [now] milliseconds
   * @param {(pid: number) => Scheduling | undefined} [look] nothing where the kernel does not say it
   */
  constructor({ beatMs, leaseMs }, now = () => performance.now(), look = schedulingOf) {
    this.#beatMs = beatMs;
    this.#patienceMs = Math.max(leaseMs, 2 * beatMs);
    this.#now = now;
    this.#look = look;
  }

  /** @param {string} name @param {number} pid */
  add(name, pid) {
    const silent = { asked: false, silentMs: 0, stoodMs: 0, told: false, before: undefined };
    this.#workers.set(name, { pid, ...silent });
  }

  /** @param {string} name */
  remove(name) {
    this.#workers.delete(name);
  }

  /** @param {string} name */
  answered(name) {
    const worker = this.#workers.get(name);
    if (worker) this.add(name, worker.pid);
  }

  /**
   * Each worker is asked with this beat, except those that are found to stand still, which are found once.
   * @returns {{ still: { name: string, ms: number }[], slow: { name: string, ms: number }[] }} those that stand still, and those
   *   that are silent for as long since they lack the processor, each told once in a silence
   */
  beat() {
    const now = this.#now();
    const elapsed = now - (this.#beatAt ?? now);
    this.#beatAt = now;
    const late = elapsed > (1 + LATE_BEATS) * this.#beatMs;
    /** @type {{ name: string, ms: number }[]} */
    const still = [];
    /** @type {{ name: string, ms: number }[]} */
    const slow = [];
    for (const [name, worker] of this.#workers) {
      if (!worker.asked) {
        worker.asked = true;
        continue;
      }
      const after = this.#look(worker.pid);
      worker.silentMs += elapsed;
      if (!late) worker.stoodMs += couldAnswer(elapsed, worker.before, after);
      worker.before = after;
      if (worker.stoodMs >= this.#patienceMs) {
        still.push({ name, ms: worker.silentMs });
        this.remove(name);
      } else if (worker.silentMs >= 2 * this.#patienceMs && !worker.told) {
        slow.push({ name, ms: worker.silentMs });
        worker.told = true;
      }
    }
    return { still, slow };
  }
}

/**
 * The part of `elapsed` in which the process could have answered. One that is ready, and has not, did so much of its work as its
 * processor time; one that is not ready had all the time except what it waited. Nothing while there is nothing to compare with, and
 * all of it where the kernel does not say.
 * @param {number} elapsed milliseconds
 * @param {Scheduling | undefined} before
 * @param {Scheduling | undefined} after
 */
function couldAnswer(elapsed, before, after) {
  if (!after) return elapsed;
  if (!before) return 0;
  const lacked = after.waitedMs - before.waitedMs;
  const had = after.ready ? after.usedMs - before.usedMs : elapsed - lacked;
  return Math.min(Math.max(had, 0), elapsed);
}

/** From /proc, where there is one (Linux). @param {number} pid @returns {Scheduling | undefined} */
export function schedulingOf(pid) {
  const all = { usedMs: 0, waitedMs: 0, ready: false };
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const folder = `/proc/${pid}/task/${thread}`;
      const [used, waited] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ').map(Number);
      all.usedMs += used / 1e6;
      all.waitedMs += waited / 1e6;
      // "<id> (<name>) <state> …"; a name may hold anything.
      const stat = readFileSync(`${folder}/stat`, 'utf8');
      all.ready ||= stat[stat.lastIndexOf(')') + 2] === 'R';
    }
  } catch {
    return undefined;
  }
  return all;
}
