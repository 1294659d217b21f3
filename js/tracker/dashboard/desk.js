/**
 * What the operator sees: the records of all processes, added up, with prices and alerts.
 */
import { alertsAbout } from './alerts.js';
import { compare } from './comparison.js';
import { added, addCounts } from './ledger.js';
import { sumOfSeries } from './series.js';

/** @typedef {import('./ledger.js').Dimension} Dimension */
/** @typedef {import('./series.js').Told} Told */

const KB_IN_GB = 1e9 / 1024;

/**
 * @typedef {object} DeskSources
 * @property {(question: any[]) => Promise<any[]>} ask returns the answers of the recorders of all processes
 * @property {() => Promise<import('../index.js').TrackerStats & { nodes: number }>} totals of all processes
 * @property {(offset: number, limit: number) => Promise<string | null>} channels
 * @property {() => boolean} cutOff true: this process does not reach the others
 * @property {number} pricePerGb
 * @property {string} currency
 */

export class Desk {
  #sources;

  /** @param {DeskSources} sources */
  constructor(sources) {
    this.#sources = sources;
  }

  /** @param {number} hours */
  async overview(hours) {
    const { ask, totals, channels, cutOff, pricePerGb, currency } = this.#sources;
    const [now, all, recent, split, past] = await Promise.all([
      totals(),
      ask(['summary', hours]),
      ask(['series', 10, null]),
      channels(0, 1),
      ask(['series', hours * 60, null]),
    ]);
    const sums = sumOfAmounts(sumOfSeries(past));
    const summary = summed(all);
    const { peers: viewers, nodes, connections, orphans: roots } = now;
    const overview = {
      hours,
      nodes,
      viewers,
      channels: now.channels,
      connections,
      roots,
      uptime: Math.max(0, ...all.map(({ uptime }) => uptime)),
      price_per_gb: pricePerGb,
      currency,
      ...traffic(sums, pricePerGb),
      introductions: sums.introductions ?? 0,
      opened: sums.opened ?? 0,
      ends: summary.ends,
      unreached: summary.unreached,
      unfed: summary.unfed,
      classes: summary.classes,
      comparison: compare(summary.compared),
      shadow: silentTest(summary.shadow),
    };
    const split_by = split === null ? [] : JSON.parse(split).split_by;
    const recentSums = sumOfAmounts(sumOfSeries(recent));
    const recently = traffic(recentSums, pricePerGb);
    const { excluded } = now;
    const more = { recently, recentSums, split_by, cutOff: cutOff(), sums, excluded };
    const alerts = alertsAbout({ ...overview, ...more });
    return { ...overview, alerts };
  }

  /** @param {number} minutes @param {string | null} channel @returns {Promise<Told | null>} */
  async history(minutes, channel) {
    const all = await this.#sources.ask(['series', minutes, channel]);
    return all.length === 0 ? null : sumOfSeries(all);
  }

  /** @param {Dimension} by @param {number} hours largest first */
  async breakdown(by, hours) {
    const { ask, pricePerGb } = this.#sources;
    const lists = await ask(['tallies', by, hours]);
    /** @type {Map<string | null, number[]>} */
    const sums = new Map();
    for (const [name, ...values] of lists.flat()) {
      sums.set(name, added(sums.get(name), values));
    }
    const rows = [...sums].map(([name, values]) => {
      const [viewers, cdn_kb, p2p_kb, up_kb, played, stalled, stalls, firsts, first_log] = values;
      const amounts = { cdn_kb, p2p_kb, up_kb, played, stalled, stalls, firsts, first_log };
      return { name, viewers, ...traffic(amounts, pricePerGb) };
    });
    rows.sort((a, b) => b.viewers - a.viewers || bytesOf(b) - bytesOf(a));
    return { by, hours, rows };
  }
}

/**
 * @param {Record<string, number>} sums by column of the recorder
 * @param {number} price of a GB
 */
export function traffic(sums, price) {
  const { cdn_kb = 0, p2p_kb = 0, up_kb = 0, played = 0, stalled = 0, stalls = 0 } = sums;
  const { firsts = 0, first_log = 0, live_cdn_kb = 0, live_copy_kb = 0 } = sums;
  return {
    cdn_gb: cdn_kb / KB_IN_GB,
    peers_gb: p2p_kb / KB_IN_GB,
    uploaded_gb: up_kb / KB_IN_GB,
    saved: (p2p_kb / KB_IN_GB) * price,
    offload: cdn_kb + p2p_kb > 0 ? p2p_kb / (cdn_kb + p2p_kb) : null,
    origin_copies: live_copy_kb > 0 ? live_cdn_kb / live_copy_kb : null,
    watched_hours: played / 3600,
    stalled_seconds: stalled,
    stalls,
    stalled_per_hour: played > 0 ? (stalled / played) * 3600 : null,
    first_frame_seconds: firsts > 0 ? Math.exp(first_log / firsts) : null,
  };
}

/** What would have come from peers to those who tried it. @param {number[]} sums SHADOW of src/tracker/tracker.hpp */
function silentTest([viewers = 0, cdn_kb = 0, p2p_kb = 0, loads = 0, missed = 0, wrong = 0]) {
  const { cdn_gb, peers_gb, offload } = traffic({ cdn_kb, p2p_kb }, 0);
  return { viewers, cdn_gb, peers_gb, offload, loads, missed, wrong };
}

/** @param {{ cdn_gb: number, peers_gb: number }} row */
const bytesOf = ({ cdn_gb, peers_gb }) => cdn_gb + peers_gb;

/** @param {Told} told @returns {Record<string, number>} */
function sumOfAmounts({ columns }) {
  const sums = Object.entries(columns).map(([name, values]) => [
    name,
    values.reduce((/** @type {number} */ sum, value) => sum + (value ?? 0), 0),
  ]);
  return Object.fromEntries(sums);
}

/** @param {any[]} all summaries of processes */
function summed(all) {
  const sum = {
    ends: { unopened: {}, opened: {} },
    compared: { peers: /** @type {number[]} */ ([]), control: /** @type {number[]} */ ([]) },
    shadow: /** @type {number[]} */ ([]),
    unreached: 0,
    unfed: 0,
    classes: /** @type {number[]} */ ([]),
  };
  // A node of an older version knows of no shadows.
  for (const { ends, compared, shadow = [], unreached, unfed, classes } of all) {
    addCounts(sum.ends.unopened, ends.unopened);
    addCounts(sum.ends.opened, ends.opened);
    sum.compared.peers = added(sum.compared.peers, compared.peers);
    sum.compared.control = added(sum.compared.control, compared.control);
    sum.shadow = added(sum.shadow, shadow);
    sum.unreached += unreached;
    sum.unfed += unfed;
    sum.classes = added(sum.classes, classes);
  }
  return sum;
}
