/**
 * What happened within a day, in quarters of an hour: amounts by channel, provider, country, device, browser and site; why connections
 * ended; and the viewers that a comparison has.
 */

export const QUARTER_SECONDS = 900;
const QUARTERS = 86_400 / QUARTER_SECONDS;

export const DIMENSIONS = /** @type {const} */ ([
  'channel',
  'isp',
  'country',
  'device',
  'browser',
  'site',
]);

// The most names of one dimension in one quarter; those with the fewest bytes become one.
const MOST_NAMES = 100;

/**
 * cdn_kb, p2p_kb, up_kb, played, stalled, stalls, firsts, first_log: as in the TALLY of src/tracker/tracker.hpp.
 * @typedef {number[]} Amounts
 */
const AMOUNTS = 8;

/** @typedef {typeof DIMENSIONS[number]} Dimension */
/** @typedef {[name: string | null, viewers: number, ...amounts: number[]]} Tally */
/** @typedef {{ ended: number[], present: number[] }} Side */
/** @typedef {{ unopened: Record<string, number>, opened: Record<string, number> }} Ends */

/**
 * What the engine tells: src/tracker/tracker.hpp.
 * @typedef {object} Audience
 * @property {Record<Dimension, Tally[]>} tallies
 * @property {{ peers: Side, control: Side }} compared
 * @property {[viewers: number, ...amounts: number[]]} shadow
 * @property {Ends} ends
 * @property {number} unreached
 * @property {number} unfed
 * @property {number[]} classes
 */

/**
 * @typedef {object} Quarter
 * @property {number} number
 * @property {Record<Dimension, Map<string | null, Amounts>>} tallies
 * @property {{ peers: number[], control: number[] }} ended
 * @property {number[]} shadow amounts of SHADOW in src/tracker/tracker.hpp
 * @property {Ends} ends
 */

export class Ledger {
  /** Newest last. @type {Quarter[]} */
  #quarters = [];
  /** @type {Audience | null} */
  #present = null;

  /** @param {number} seconds on a clock that never goes back @param {Audience} audience */
  record(seconds, audience) {
    this.#present = audience;
    const quarter = this.#quarterAt(Math.floor(seconds / QUARTER_SECONDS));
    for (const dimension of DIMENSIONS) {
      const names = quarter.tallies[dimension];
      for (const [name, , ...amounts] of audience.tallies[dimension]) {
        const all = amounts.slice(0, AMOUNTS);
        if (all.some((amount) => amount !== 0)) names.set(name, added(names.get(name), all));
      }
      keepLargest(names);
    }
    quarter.ended.peers = added(quarter.ended.peers, audience.compared.peers.ended);
    quarter.ended.control = added(quarter.ended.control, audience.compared.control.ended);
    quarter.shadow = added(quarter.shadow, audience.shadow.slice(1));
    addCounts(quarter.ends.unopened, audience.ends.unopened);
    addCounts(quarter.ends.opened, audience.ends.opened);
  }

  /**
   * @param {number} seconds
   * @param {Dimension} dimension
   * @param {number} hours
   * @returns {Tally[]} the names of that time, and those that have viewers now
   */
  tallies(seconds, dimension, hours) {
    /** @type {Map<string | null, Amounts>} */
    const sums = new Map();
    for (const { tallies } of this.#since(seconds, hours)) {
      for (const [name, amounts] of tallies[dimension])
        sums.set(name, added(sums.get(name), amounts));
    }
    /** @type {Map<string | null, number>} */
    const viewers = new Map();
    for (const [name, present] of this.#present?.tallies[dimension] ?? []) {
      if (present > 0) viewers.set(name, present);
    }
    const names = new Set([...viewers.keys(), ...sums.keys()]);
    return [...names].map((name) => [
      name,
      viewers.get(name) ?? 0,
      ...(sums.get(name) ?? new Array(AMOUNTS).fill(0)),
    ]);
  }

  /** @param {number} seconds @param {number} hours @returns {{ peers: number[], control: number[] }} with those that are here */
  compared(seconds, hours) {
    const { peers, control } = this.#present?.compared ?? { peers: null, control: null };
    const all = this.#since(seconds, hours);
    return {
      peers: all.reduce((sum, { ended }) => added(sum, ended.peers), [...(peers?.present ?? [])]),
      control: all.reduce(
        (sum, { ended }) => added(sum, ended.control),
        [...(control?.present ?? [])],
      ),
    };
  }

  /** @param {number} seconds @param {number} hours @returns {number[]} SHADOW of src/tracker/tracker.hpp; its viewers are those of now */
  shadow(seconds, hours) {
    const amounts = this.#since(seconds, hours).reduce(
      (sum, { shadow }) => added(sum, shadow),
      /** @type {number[]} */ ([]),
    );
    return [this.#present?.shadow[0] ?? 0, ...amounts];
  }

  /** @param {number} seconds @param {number} hours @returns {Ends} */
  ends(seconds, hours) {
    /** @type {Ends} */
    const sum = { unopened: {}, opened: {} };
    for (const { ends } of this.#since(seconds, hours)) {
      addCounts(sum.unopened, ends.unopened);
      addCounts(sum.opened, ends.opened);
    }
    return sum;
  }

  /** @returns {{ unreached: number, unfed: number, classes: number[] }} */
  get present() {
    const { unreached = 0, unfed = 0, classes = [] } = this.#present ?? {};
    return { unreached, unfed, classes };
  }

  /** @param {number} number @returns {Quarter} */
  #quarterAt(number) {
    const last = this.#quarters.at(-1);
    if (last?.number === number) return last;
    const names = DIMENSIONS.map((dimension) => [dimension, new Map()]);
    const quarter = {
      number,
      tallies: Object.fromEntries(names),
      ended: { peers: [], control: [] },
      shadow: [],
      ends: { unopened: {}, opened: {} },
    };
    this.#quarters.push(quarter);
    while (this.#quarters[0].number <= number - QUARTERS) this.#quarters.shift();
    return quarter;
  }

  /** @param {number} seconds @param {number} hours */
  #since(seconds, hours) {
    const first = Math.floor((seconds - hours * 3600) / QUARTER_SECONDS);
    return this.#quarters.filter(({ number }) => number >= first);
  }
}

/** @param {number[] | undefined} sum @param {readonly number[]} more @returns {number[]} the same array if there is one */
export function added(sum, more) {
  if (sum === undefined || sum.length === 0) return [...more];
  more.forEach((value, at) => (sum[at] = (sum[at] ?? 0) + value));
  return sum;
}

/** @param {Record<string, number>} sums @param {Record<string, number>} more */
export function addCounts(sums, more) {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}

/** @param {Map<string | null, Amounts>} names */
function keepLargest(names) {
  if (names.size <= MOST_NAMES + 1) return;
  const bytes = (/** @type {Amounts} */ [cdn, p2p]) => cdn + p2p;
  const smallest = [...names]
    .filter(([name]) => name !== null)
    .sort(([, a], [, b]) => bytes(b) - bytes(a))
    .slice(MOST_NAMES);
  for (const [name, amounts] of smallest) {
    names.delete(name);
    names.set(null, added(names.get(null), amounts));
  }
}
