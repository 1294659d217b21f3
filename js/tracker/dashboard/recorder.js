/**
 * Records what one tracker process sees, for the dashboard and the API: a day, in bounded memory.
 */
import { performance } from 'node:perf_hooks';
import { FINE_SECONDS, Series } from './series.js';
import { DIMENSIONS, Ledger } from './ledger.js';

/** @typedef {import('../engine.js').EngineStats} EngineStats */
/** @typedef {import('./ledger.js').Audience} Audience */

/** What is recorded of all channels together: sizes, then amounts. */
export const COLUMNS = /** @type {const} */ ([
  'viewers',
  'channels',
  'connections',
  'roots',
  'cdn_kb',
  'p2p_kb',
  'up_kb',
  'played',
  'stalled',
  'stalls',
  'firsts',
  'first_log',
  // Of live channels: KB from the CDN, and the KB of one copy of what was played.
  'live_cdn_kb',
  'live_copy_kb',
  'enters',
  'introductions',
  'opened',
  'failed',
  'rejected',
  'limited',
  // Seconds of CPU.
  'cpu',
]);

const OF_CHANNEL = COLUMNS.filter((name) => !COLUMNS.slice(14).includes(name));

// The channels that have a history of their own: those that were largest when they appeared.
const MOST_CHANNELS = 50;

/** The engine's counters, by column. @type {Record<string, keyof EngineStats>} */
const COUNTERS = {
  enters: 'enters',
  introductions: 'connects',
  opened: 'opened',
  failed: 'failed',
  rejected: 'rejected',
  limited: 'rate_limited',
};

// A channel keeps its history for a day after its last viewer.
const KEPT_STEPS = 86_400 / FINE_SECONDS;

/**
 * What is recorded from.
 * @typedef {object} Source
 * @property {() => EngineStats | null} stats
 * @property {() => Audience | null} takeAudience
 */

export class Recorder {
  #source;
  #all = new Series(COLUMNS);
  /** @type {Map<string, { series: Series, usedAt: number }>} */
  #channels = new Map();
  #ledger = new Ledger();
  /** @type {EngineStats | null} */
  #before = null;
  #cpuBefore = process.cpuUsage();
  #step = stepNow();
  #startedAt = performance.now();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {Source} source */
  constructor(source) {
    this.#source = source;
    this.#before = source.stats();
    this.#arm();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /**
   * The figures of the last minutes.
   * @param {number} minutes
   * @param {string | null} channel null: all of them
   * @returns {import('./series.js').Told | null} null: nothing is known of that channel
   */
  series(minutes, channel) {
    const series = channel === null ? this.#all : this.#channels.get(channel)?.series;
    return series?.tell(this.#step, minutes) ?? null;
  }

  /** @param {import('./ledger.js').Dimension} dimension @param {number} hours */
  tallies(dimension, hours) {
    this.#catchUp();
    return this.#ledger.tallies(now(), dimension, hours);
  }

  /** @param {number} hours */
  summary(hours) {
    this.#catchUp();
    return {
      uptime: (performance.now() - this.#startedAt) / 1000,
      ends: this.#ledger.ends(now(), hours),
      compared: this.#ledger.compared(now(), hours),
      shadow: this.#ledger.shadow(now(), hours),
      ...this.#ledger.present,
    };
  }

  /** Answers the question of another process. @param {any[]} question @returns {any} */
  answer([what, ...args]) {
    switch (what) {
      case 'series':
        return this.series(minutesIn(args[0]), args[1] === null ? null : String(args[1]));
      case 'tallies':
        return DIMENSIONS.includes(args[0]) ? this.tallies(args[0], hoursIn(args[1])) : null;
      case 'summary':
        return this.summary(hoursIn(args[0]));
      default:
        return null;
    }
  }

  // A sample covers what came since the last one, so a process that was late loses nothing.
  #arm() {
    const due = (this.#step + 1) * FINE_SECONDS * 1000;
    this.#timer = setTimeout(
      () => {
        this.#sample(stepNow());
        this.#arm();
      },
      Math.max(due - performance.now(), 1),
    );
    this.#timer.unref();
  }

  // Viewers that came a moment ago are there already.
  #catchUp() {
    this.#take(this.#step);
  }

  /** @param {number} step */
  #sample(step) {
    this.#step = step;
    this.#take(step);
  }

  /** @param {number} step */
  #take(step) {
    const stats = this.#source.stats();
    const audience = this.#source.takeAudience();
    if (!stats || !audience) return;
    this.#ledger.record(now(), audience);
    const { tallies } = audience;
    const all = sumOf(tallies.channel);
    for (const tally of tallies.channel) this.#recordChannel(step, tally);
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    this.#cpuBefore = process.cpuUsage();
    const counted = Object.entries(COUNTERS).map(([column, name]) => [
      column,
      stats[name] - (this.#before?.[name] ?? 0),
    ]);
    this.#before = stats;
    this.#all.record(step, {
      ...all,
      ...Object.fromEntries(counted),
      viewers: stats.peers,
      channels: stats.channels,
      connections: stats.connections,
      roots: stats.orphans,
      cpu: (user + system) / 1e6,
    });
    for (const [channel, { usedAt }] of this.#channels) {
      if (usedAt < step - KEPT_STEPS) this.#channels.delete(channel);
    }
  }

  /** @param {number} step @param {import('./ledger.js').Tally} tally */
  #recordChannel(step, tally) {
    const [name, viewers] = tally;
    if (name === null) return;
    let kept = this.#channels.get(name);
    if (!kept) {
      if (viewers === 0) return;
      if (this.#channels.size >= MOST_CHANNELS && !this.#dropUnused(step)) return;
      kept = { series: new Series(OF_CHANNEL), usedAt: step };
      this.#channels.set(name, kept);
    }
    if (viewers > 0) kept.usedAt = step;
    kept.series.record(step, { ...amountsOf(tally), viewers, channels: 1 });
  }

  /** Makes room for another channel. @param {number} step @returns {boolean} false: all have viewers */
  #dropUnused(step) {
    const [oldest] = [...this.#channels].sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (oldest[1].usedAt >= step - 1) return false;
    return this.#channels.delete(oldest[0]);
  }
}

const now = () => performance.now() / 1000;
const stepNow = () => Math.floor(now() / FINE_SECONDS);

/** Nodes may be of another version, so what they ask is checked. @param {unknown} hours */
const hoursIn = (hours) => Math.min(Math.max(Number(hours) || 1, 0.25), 24);
/** @param {unknown} minutes */
const minutesIn = (minutes) => Math.min(Math.max(Number(minutes) || 60, 1), 1440);

/** @param {import('./ledger.js').Tally} tally @returns {Record<string, number>} */
function amountsOf([, viewers, cdn, p2p, up, played, stalled, stalls, firsts, first_log, live]) {
  return {
    cdn_kb: cdn,
    p2p_kb: p2p,
    up_kb: up,
    played,
    stalled,
    stalls,
    firsts,
    first_log,
    live_cdn_kb: live ? cdn : 0,
    live_copy_kb: live ? (cdn + p2p) / Math.max(viewers, 1) : 0,
  };
}

/** @param {import('./ledger.js').Tally[]} tallies */
function sumOf(tallies) {
  /** @type {Record<string, number>} */
  const sum = {};
  for (const tally of tallies) {
    for (const [name, amount] of Object.entries(amountsOf(tally))) {
      sum[name] = (sum[name] ?? 0) + amount;
    }
  }
  return sum;
}
