/**
 * A viewer in shadow: the player has everything from the CDN, as without hlsmesh, while the engine runs as it would. Each load of the
 * player has a ghost at the engine. What the engine answers is compared with what the CDN brought, and where the engine asks the CDN,
 * it gets the body that the player's load brings, as late as the CDN would have brought it.
 *
 * A file of its own, which only viewers in shadow load. Its properties have the short names of the bundle beside it.
 */

import { EventCode, Option } from '../abi.js';
import { version } from '../version.js';

/** @typedef {import('../driver.js').Driver} Driver */
/** @typedef {import('../driver.js').Shims} Shims */
/** @typedef {import('../driver.js').Taken} Taken */

/** Group of src/client/inputs.hpp. */
const SHADOW = -2;

/**
 * A load at the engine, and what is known of its segment.
 * @typedef {object} Ghost
 * @property {Taken} taken
 * @property {object} answer its name for the engine's verdict
 * @property {boolean} shareable
 * @property {Uint8Array[] | null} parts of the CDN's body, while it comes
 * @property {Uint8Array | null} body
 * @property {boolean} over the player's load has ended
 * @property {number} size
 * @property {[firstByteMs: number, bodyMs: number]} took NaN: unknown
 * @property {(() => void)[]} waiting what the engine has asked of the CDN
 * @property {boolean} asked the engine asked the CDN for something
 * @property {Uint8Array | null} brought the engine's answer
 */

/**
 * By version, since another one has other short names: it finds nothing here.
 * @type {Record<string, typeof shadow>}
 */
export const shadows = { [version]: shadow };

/**
 * Puts a driver in shadow, before it starts.
 * @param {Driver} driver
 * @param {Shims} shims of that driver
 * @param {any} past the mesh's figures of earlier engines: `shadow` is kept there
 */
function shadow(driver, shims, past) {
  const load = driver.load.bind(driver);
  const aborted = driver.loadAborted.bind(driver);
  const part = driver.fetchPart.bind(driver);
  const done = driver.fetchDone.bind(driver);
  const failed = driver.fetchFailed.bind(driver);
  const verdict = driver.verdict.bind(driver);
  const stats = driver.stats.bind(driver);
  const before = { ...NOTHING, ...past.shadow };
  const seen = { loads: 0, missed: 0, compared: 0, wrong: 0 };
  /** The ghosts of loads that the player has not ended. @type {WeakMap<Taken, Ghost>} */
  const ghosts = new WeakMap();

  /** @param {Ghost} ghost */
  const compare = (ghost) => {
    const { brought, body } = ghost;
    if (!brought || !body) return;
    ++seen.compared;
    if (!same(brought, body)) {
      ++seen.wrong;
      // As if the player had refused it: who gave it is dropped, and nobody gets it from here.
      verdict(ghost.answer, -1);
    }
    ghost.brought = null;
  };

  /**
   * @param {Ghost} ghost
   * @param {() => void} give to be called when the CDN would have answered
   * @param {boolean} [checks] what peers have brought
   * @returns {() => void} ends it
   */
  const ask = (ghost, give, checks = false) => {
    if (ghost.shareable && !ghost.asked && !checks) ++seen.missed;
    ghost.asked ||= !checks;
    const at = performance.now();
    let wanted = true;
    const later = () => {
      const [first, body] = ghost.took;
      const due = at + (first + body || 0);
      setTimeout(() => wanted && give(), Math.max(0, due - performance.now()));
    };
    if (ghost.over) later();
    else ghost.waiting.push(later);
    return () => (wanted = false);
  };

  /** Ghosts whose loads have ended, and which are still to be compared. @type {Ghost[]} */
  const ended = [];
  const compareEnded = () => ended.splice(0).forEach(compare);

  /** The player's load has ended: it gets its answer before anything is compared. @param {Ghost} ghost */
  const settle = (ghost) => {
    ghost.over = true;
    ghost.parts = null;
    ghost.waiting.splice(0).forEach((later) => later());
    if (!ghost.brought) return;
    ended.push(ghost);
    setTimeout(compareEnded);
  };

  const start = driver.start.bind(driver);
  // All that peers bring is compared with the CDN's, which is to be asked for nothing more, digests included.
  driver.start = ({ numbers, ...others }) =>
    start({ ...others, numbers: [...numbers, [Option.control, SHADOW], [Option.digests, 0]] });
  const stop = driver.stop.bind(driver);
  driver.stop = () => {
    compareEnded();
    stop();
  };
  const { event } = shims;
  // Nothing fell back to the CDN.
  shims.event = (told) => told.code !== EventCode.fallback && event(told);
  driver.plain = true;
  // The player has nothing of a peer's: what it says is about the CDN's bytes.
  driver.verdict = () => {};
  shims.recover = () => {};

  driver.load = (sink, facts, fetching) => {
    if (fetching) return load(sink, facts, true);
    const { shareable } = facts;
    /** @type {Ghost} */
    const ghost = {
      ...{ taken: { load: 0, fetch: 0, fromCdn: true }, answer: {}, shareable, parts: [] },
      ...{ body: null, over: false, size: 0, took: [NaN, NaN], waiting: [] },
      ...{ asked: false, brought: null },
    };
    const fetchWhole = () =>
      ask(ghost, () => {
        const { taken, body, size, took } = ghost;
        if (!size) return failed(taken);
        if (body) part(taken, 0, body, size);
        done(taken, size, ...took);
      });
    if (shareable) ++seen.loads;
    ghost.taken = load(
      {
        url: sink.url,
        answer: ghost.answer,
        fetchFromCdn: fetchWhole,
        fetchRange: (from, to, told, fetch) => {
          const give = () => {
            const { body } = ghost;
            const piece = body?.subarray(from, to || undefined);
            if (body && piece && told.onBytes(from, piece, body.length)) {
              told.onDone(piece.length, ghost.took[1]);
            } else told.onFail();
          };
          return ask(ghost, give, fetch < 0);
        },
        progress() {},
        done(data) {
          ghost.brought = new Uint8Array(data);
          compare(ghost);
        },
      },
      facts,
    );
    if (ghost.taken.fromCdn) fetchWhole();
    const taken = { load: ghost.taken.load, fetch: 0, fromCdn: true };
    ghosts.set(taken, ghost);
    return taken;
  };

  driver.fetchPart = (taken, offset, bytes, total) => {
    const ghost = ghosts.get(taken);
    if (!ghost) return part(taken, offset, bytes, total);
    if (offset === 0) ghost.parts = [];
    try {
      ghost.parts?.push(bytes.slice());
    } catch {
      // No memory is left: nothing is compared, and the player goes on.
      ghost.parts = null;
    }
  };

  // The page's figures count what the player had, so the engine counts none of it.
  driver.fetchDone = (taken, size, ...took) => {
    const ghost = ghosts.get(taken);
    if (!ghost) {
      done(taken, size, ...took);
      return false;
    }
    try {
      ghost.body = ghost.parts && joined(ghost.parts);
    } catch {
      // As above.
    }
    ghost.size = size;
    ghost.took = /** @type {[number, number]} */ (took);
    settle(ghost);
    return false;
  };

  driver.fetchFailed = (taken) => {
    const ghost = ghosts.get(taken);
    if (ghost) settle(ghost);
    else failed(taken);
  };

  driver.loadAborted = (taken) => {
    const ghost = ghosts.get(taken);
    aborted(ghost ? ghost.taken : taken);
    if (!ghost) return;
    // A check of what peers have brought outlives the load: it hears that its part does not come.
    settle(ghost);
  };

  driver.stats = () => {
    const would = stats();
    const { cdnBytes, p2pBytes, cdnSegments, p2pSegments } = would;
    const now = { cdnBytes, p2pBytes, cdnSegments, p2pSegments, ...seen };
    const sum = Object.fromEntries(FIGURES.map((name) => [name, before[name] + now[name]]));
    past.shadow = { ...sum, offload: sum.p2pBytes / (sum.cdnBytes + sum.p2pBytes || 1) };
    return { ...would, ...NONE_PLAYED };
  };
  driver.stats();
}

/** What an engine in shadow counts and the player has not played. */
const NONE_PLAYED = {
  cdnBytes: 0,
  p2pBytes: 0,
  cdnSegments: 0,
  p2pSegments: 0,
  streamedSegments: 0,
  fallbacks: 0,
};

const FIGURES = /** @type {const} */ ([
  ...['cdnBytes', 'p2pBytes', 'cdnSegments', 'p2pSegments', 'loads', 'missed'],
  ...['compared', 'wrong'],
]);
const NOTHING = /** @type {Record<typeof FIGURES[number], number>} */ (
  Object.fromEntries(FIGURES.map((name) => [name, 0]))
);

/** @param {Uint8Array[]} parts @returns {Uint8Array | null} */
function joined(parts) {
  if (parts.length < 2) return parts[0] ?? null;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of parts) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}

/** @param {Uint8Array} a @param {Uint8Array} b both begin where their buffers do */
function same(a, b) {
  if (a.length !== b.length) return false;
  const words = a.length >> 2;
  const [x, y] = [a, b].map(({ buffer }) => new Int32Array(buffer, 0, words));
  for (let at = 0; at < words; ++at) if (x[at] !== y[at]) return false;
  for (let at = words << 2; at < a.length; ++at) if (a[at] !== b[at]) return false;
  return true;
}
