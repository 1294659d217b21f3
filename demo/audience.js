import { plural } from './format.js';
import { SwarmGraph } from './graph.js';

/**
 * The audience of the stream: reports this viewer to the demo's server once a second, and shows what all of them say.
 */

/** @typedef {import('./swarm.mjs').Report} Report */

const REPORT_MS = 1000;

export class Audience {
  #report;
  #id = '';
  #timer;
  #graph = new SwarmGraph(element('graph'));

  /** @param {() => Omit<Report, 'id'>} report what is to be said of this viewer */
  constructor(report) {
    this.#report = report;
    this.#id = `new-${Math.random().toString(36).slice(2)}`;
    this.#timer = setInterval(() => void this.#talk(), REPORT_MS);
  }

  /** @param {string} id by which its peers know this viewer */
  named(id) {
    this.#id = id;
  }

  async #talk() {
    const me = { ...this.#report(), id: this.#id };
    try {
      const answer = await fetch(`/swarm?me=${encodeURIComponent(JSON.stringify(me))}`);
      if (answer.ok) this.#show(await answer.json(), me);
      // This server has only the page.
      else if (answer.status === 404) clearInterval(this.#timer);
    } catch {
      // The server has gone. The page says so already where it says what plays.
    }
  }

  /**
   * @param {{ viewers: Report[], copies: number | null }} audience
   * @param {Report} me
   */
  #show({ viewers, copies }, me) {
    const sharing = viewers.filter(({ plain }) => !plain);
    const alone = viewers.filter(({ plain }) => plain);
    write('viewers', plural(sharing.length, 'viewer', 'viewers'));
    const sent = copies ?? estimate(sharing);
    write(
      'copies',
      sent === null
        ? '– copies'
        : `${sent.toFixed(1)} ${sent.toFixed(1) === '1.0' ? 'copy' : 'copies'}`,
    );
    this.#graph.show(viewers, me.id);
    for (const [name, column] of /** @type {[string, Report[]][]} */ ([
      ['mesh', sharing],
      ['plain', alone],
    ])) {
      write(
        `${name}-head`,
        `${name === 'mesh' ? 'With hlsmesh' : 'hls.js alone'} (${column.length})`,
      );
      write(
        `${name}-first`,
        value(column, 'firstFrameMs', (ms) => `${Math.round(ms)} ms`),
      );
      write(
        `${name}-latency`,
        value(column, 'latency', (s) => `${s.toFixed(1)} s`),
      );
      const stalls = column.reduce((sum, each) => sum + each.stalls, 0);
      const seconds = column.reduce((sum, each) => sum + each.stalledMs, 0) / 1000;
      write(`${name}-stalls`, column.length ? `${stalls} (${seconds.toFixed(1)} s)` : '–');
    }
    element('latency-row').hidden = viewers.every(({ latency }) => latency === null);
  }
}

/**
 * The copies of a stream whose origin does not count them: each viewer would have cost one.
 * @param {Report[]} viewers
 */
function estimate(viewers) {
  const sum = (/** @type {'cdn' | 'p2p'} */ key) =>
    viewers.reduce((all, each) => all + each[key], 0);
  const all = sum('cdn') + sum('p2p');
  return all > 0 ? (viewers.length * sum('cdn')) / all : null;
}

/**
 * The median of what is known.
 * @param {Report[]} reports
 * @param {'firstFrameMs' | 'latency'} key
 * @param {(figure: number) => string} format
 */
function value(reports, key, format) {
  const known = reports.flatMap((report) => report[key] ?? []).sort((a, b) => a - b);
  return known.length ? format(known[(known.length - 1) >> 1]) : '–';
}

/** @param {string} id @param {string} text */
function write(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
