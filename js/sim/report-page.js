/** What a report shows: built from the figures that lie in the page as JSON. Bundled into dist/hlsmesh-sim-report.js. */

import uPlot from 'uplot';
import { ROWS, figureAt } from './summary.js';

/** @typedef {import('./summary.js').Run} Run */

const HEIGHT = 240;
const COLOURS = { cdn: '#c2410c', peers: '#0f766e', plain: '#94a3b8', viewers: '#4338ca' };

/** @param {string} tag @param {string} [text] @param {Node[]} [children] */
function element(tag, text, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** @param {any} summary @param {Run[]} runs */
export function show(summary, runs) {
  const main = document.querySelector('main') ?? document.body;
  const [{ scenario, figures }] = runs;
  document.title = `hlsmesh-sim: ${summary.scenario}`;
  main.append(
    element('h1', `Simulated: ${summary.scenario}`),
    element('p', headline(summary)),
    ...problems(summary),
    figuresTable(summary),
    element('h2', 'Where the bytes came from'),
    chart('Mbit/s', [
      { label: 'from the origin', ...rate(figures.series, 'cdnBytes'), stroke: COLOURS.cdn },
      { label: 'from peers', ...rate(figures.series, 'p2pBytes'), stroke: COLOURS.peers },
      {
        label: 'from the origin, without peers',
        ...rate(figures.twinSeries, 'cdnBytes'),
        stroke: COLOURS.plain,
      },
    ]),
    element('h2', 'Who feeds whom'),
    ...feedsTable(figures.feeds),
    element('h2', 'Viewers'),
    chart('viewers', [
      { label: 'watching', ...level(figures.series, 'viewers'), stroke: COLOURS.viewers },
    ]),
    element('h2', 'Stalls, all viewers together'),
    chart('seconds', [
      { label: 'with peers', ...level(figures.series, 'stallSeconds'), stroke: COLOURS.peers },
      { label: 'without', ...level(figures.twinSeries, 'stallSeconds'), stroke: COLOURS.plain },
    ]),
    ...(runs.length > 1 ? [element('h2', 'Each run'), runsTable(runs)] : []),
    element('details', undefined, [
      element('summary', 'The scenario, with every default'),
      element('pre', JSON.stringify(scenario, null, 2)),
    ]),
  );
}

/** @param {any} summary */
function headline({ offload, originCopies, viewers, stallSeconds, twinStallSeconds }) {
  const stalls =
    stallSeconds <= twinStallSeconds
      ? 'No viewer waited longer for it.'
      : `Viewers stalled ${(stallSeconds - twinStallSeconds).toFixed(1)} s more for it, all together.`;
  return (
    `${(offload * 100).toFixed(0)} % of what ${viewers.toFixed(0)} viewers played came from other viewers. ` +
    `The origin sent each segment ${originCopies.toFixed(1)} times. ${stalls}`
  );
}

/** @param {any} summary */
function problems({ violations }) {
  if (!violations.length) return [];
  const items = violations.map((/** @type {any} */ { what, seed }) =>
    element('li', seed === undefined ? what : `seed ${seed}: ${what}`),
  );
  const list = element('ul', undefined, items);
  list.className = 'problems';
  return [element('h2', 'What did not hold'), list];
}

/** @param {any} summary */
function figuresTable(summary) {
  const rows = ROWS.flatMap(([label, path, write]) => {
    const value = figureAt(summary, path);
    if (typeof value !== 'number') return [];
    const half = figureAt(summary.interval, path);
    const text = half ? `${write(value)} ± ${write(half)}` : write(value);
    return [element('tr', undefined, [element('th', label), element('td', text)])];
  });
  return element('table', undefined, rows);
}

/** @param {{ kinds: string[], bytes: number[][] }} feeds a row for each that sends, the origin last */
function feedsTable({ kinds, bytes }) {
  const sum = Math.max(
    1,
    bytes.flat().reduce((all, each) => all + each, 0),
  );
  const head = ['from', ...kinds, 'all'].map((name) => element('th', name));
  const rows = bytes.map((row, i) => {
    const shares = [...row, row.reduce((all, each) => all + each, 0)].map((each) => each / sum);
    const cells = shares.map((share, to) => {
      const cell = element('td', `${(share * 100).toFixed(1)} %`);
      const colour = i < kinds.length ? '15 118 110' : '194 65 12';
      if (to < kinds.length) cell.style.background = `rgb(${colour} / ${0.75 * Math.sqrt(share)})`;
      return cell;
    });
    return element('tr', undefined, [element('th', kinds[i] ?? 'the origin'), ...cells]);
  });
  const table = element('table', undefined, [element('tr', undefined, head), ...rows]);
  const holder = element('div', undefined, [table]);
  holder.className = 'chart';
  const note = 'Of all bytes of media that were sent, from the line on the left to that on top.';
  return [element('p', note), holder];
}

/** @param {Run[]} runs */
function runsTable(runs) {
  const columns = ['seed', 'offload', 'originCopies', 'stallSeconds', 'twinStallSeconds', 'digest'];
  const head = element(
    'tr',
    undefined,
    columns.map((name) => element('th', name)),
  );
  const rows = runs.map(({ figures }) =>
    element(
      'tr',
      undefined,
      columns.map((name) => element('td', String(figures[name]))),
    ),
  );
  return element('table', undefined, [head, ...rows]);
}

/** @param {any} series @param {string} name of counted bytes @returns {{ xs: number[], ys: number[] }} Mbit/s */
function rate(series, name) {
  const xs = series.at.slice(1);
  const ys = xs.map((/** @type {number} */ at, /** @type {number} */ i) => {
    const bytes = series[name][i + 1] - series[name][i];
    return (bytes * 8) / 1e6 / (at - series.at[i]);
  });
  return { xs, ys };
}

/** @param {any} series @param {string} name @returns {{ xs: number[], ys: number[] }} */
const level = (series, name) => ({ xs: series.at, ys: series[name] });

/**
 * @param {string} unit
 * @param {{ label: string, xs: number[], ys: number[], stroke: string }[]} lines over the same seconds
 */
function chart(unit, lines) {
  const holder = element('div');
  holder.className = 'chart';
  const options = {
    width: Math.min(900, document.documentElement.clientWidth - 32),
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [{ label: 'seconds' }, { label: unit, size: 60 }],
    series: [
      { label: 'second' },
      ...lines.map(({ label, stroke }) => ({ label, stroke, width: 2, fill: `${stroke}22` })),
    ],
  };
  new uPlot(options, [lines[0].xs, ...lines.map(({ ys }) => ys)], holder);
  return holder;
}

const data = document.getElementById('figures')?.textContent;
if (data) {
  const { summary, runs } = JSON.parse(data);
  show(summary, runs);
}
