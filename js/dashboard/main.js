/** The operator's dashboard: asks the API of the tracker that served it, and shows the answers. */

import { Chart } from './charts.js';
import { byId, element, segments, show } from './dom.js';
import * as format from './format.js';
import { figuresOf, linesOf } from './history.js';
import { TopologyMap } from './map.js';
import {
  nameOf,
  showAlerts,
  showBreakdown,
  showComparison,
  showConnections,
  showShadow,
  showTiles,
} from './panels.js';

/** Between two questions: the tracker records every ten seconds. */
const EVERY_MS = 10_000;
/** The map of many viewers is a large answer. */
const MAP_EVERY_MS = 20_000;
const MOST_ON_MAP = 10_000;

const TOKEN = 'hlsmesh-api-token';
const PRICE = 'hlsmesh-price-per-gb';

const state = {
  hours: 1,
  channel: '',
  by: 'channel',
  /** @type {any} */
  overview: null,
  /** @type {any} */
  breakdown: null,
  mapVisible: false,
  mapAt: -Infinity,
};
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

const charts = {
  traffic: new Chart(
    byId('traffic'),
    [
      { label: 'From the CDN', colour: 'cdn', stacked: true },
      { label: 'From peers', colour: 'peers', stacked: false },
    ],
    format.decimal,
  ),
  viewers: new Chart(byId('viewers'), [{ label: 'Viewers', colour: 'people' }], format.count),
  stalls: new Chart(byId('stalls'), [{ label: 'Stalled', colour: 'cdn' }], format.seconds),
};
const map = new TopologyMap();

class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** @param {string} path @returns {Promise<Response>} */
async function ask(path) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(
    path,
    token ? { headers: { Authorization: `Bearer ${token}` } } : {},
  );
  if (!response.ok) throw new Refused(response.status);
  return response;
}

/** @param {string} path @param {Record<string, string | number>} [query] @returns {Promise<any>} null: nothing is known of that */
async function read(path, query = {}) {
  const search = new URLSearchParams(/** @type {any} */ (query));
  try {
    return await (await ask(`${path}?${search}`)).json();
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** @returns {Record<string, string>} */
const channelQuery = () => (state.channel === '' ? {} : { channel: state.channel });

async function refresh() {
  clearTimeout(timer);
  try {
    const { hours, by } = state;
    const [overview, told, breakdown, channels] = await Promise.all([
      read('/api/overview', { hours }),
      read('/api/history', { minutes: hours * 60, ...channelQuery() }),
      read('/api/breakdown', { by, hours }),
      by === 'channel' ? null : read('/api/breakdown', { by: 'channel', hours }),
    ]);
    state.overview = overview;
    state.breakdown = breakdown;
    byId('desk').hidden = false;
    byId('token-form').hidden = true;
    byId('refused').hidden = true;
    listChannels((channels ?? breakdown).rows);
    showAll(told);
    tell(`updated ${clockWithSeconds()}`, false);
    await refreshMap((channels ?? breakdown).rows);
  } catch (error) {
    failed(error);
  }
  if (byId('token-form').hidden) timer = setTimeout(again, EVERY_MS);
}

/** A page that nobody sees asks nothing. */
function again() {
  if (document.hidden) timer = setTimeout(again, 1000);
  else void refresh();
}

/** @param {any} told of /api/history */
function showAll(told) {
  const { overview, breakdown, hours, channel } = state;
  const more = { price: price(), currency: overview.currency, hours, alone: channel === '' };
  const { nodes } = overview;
  byId('nodes').textContent = nodes > 1 ? `${nodes} trackers` : 'tracker';
  byId('currency').textContent = overview.currency;
  if (document.activeElement !== byId('price')) byId('price').value = String(price());
  showAlerts(overview.alerts);
  showComparison(overview.comparison);
  showShadow(overview.shadow);
  showConnections(overview);
  showBreakdown(breakdown, more, () => showAll(told));
  if (!told) return;
  showTiles(figuresOf(told), more);
  const lines = linesOf(told, Date.now() / 1000);
  charts.traffic.update(lines.times, [lines.cdn, lines.peers]);
  charts.viewers.update(lines.times, [lines.viewers]);
  charts.stalls.update(lines.times, [lines.stalls]);
}

/** @param {{ name: string | null, viewers: number }[]} rows */
async function refreshMap(rows) {
  const now = performance.now();
  const due = state.overview.viewers > 1000 ? MAP_EVERY_MS : EVERY_MS - 1000;
  if (!state.mapVisible || now - state.mapAt < due) return;
  state.mapAt = now;
  const channel =
    state.channel || rows.find(({ name, viewers }) => name !== null && viewers > 0)?.name;
  const topology = channel ? await read('/api/topology', { channel, limit: MOST_ON_MAP }) : null;
  map.update(topology);
}

/** @param {{ name: string | null, viewers: number }[]} rows */
function listChannels(rows) {
  const select = byId('channel');
  if (document.activeElement === select) return;
  const options = rows.flatMap(({ name, viewers }) => {
    if (name === null) return [];
    return [
      element('option', { value: name }, `${nameOf('channel', name)} (${format.count(viewers)})`),
    ];
  });
  show(select, element('option', { value: '' }, 'All channels'), ...options);
  select.value = rows.some(({ name }) => name === state.channel) ? state.channel : '';
  state.channel = select.value;
}

/** @param {unknown} error */
function failed(error) {
  const status = error instanceof Refused ? error.status : 0;
  if (status === 401) {
    const tried = sessionStorage.getItem(TOKEN) !== null;
    sessionStorage.removeItem(TOKEN);
    byId('desk').hidden = true;
    byId('token-form').hidden = false;
    byId('token-error').textContent = tried ? 'That is not the token of this tracker.' : '';
    tell('', false);
    byId('token').focus();
  } else if (status === 403) {
    byId('desk').hidden = true;
    const refused = byId('refused');
    refused.hidden = false;
    refused.textContent =
      'Without --api-token this tracker shows its figures only to browsers on its own machine, at http://localhost. Start it with --api-token to see them from here.';
    tell('', false);
  } else {
    tell(status === 429 ? 'asked too often' : 'the tracker does not answer', true);
  }
}

/** @param {string} text @param {boolean} late */
function tell(text, late) {
  const status = byId('status');
  status.textContent = text;
  status.classList.toggle('late', late);
}

const clockWithSeconds = () => new Date().toLocaleTimeString('en-GB');

function price() {
  const own = localStorage.getItem(PRICE);
  return own === null ? state.overview.price_per_gb : Number(own);
}

/** @param {string} name with its format */
async function download(name) {
  const [what, kind] = name.split('.');
  const query = {
    ...(what === 'history'
      ? { minutes: state.hours * 60, ...channelQuery() }
      : { by: state.by, hours: state.hours }),
    format: kind,
  };
  const response = await ask(`/api/${what}?${new URLSearchParams(/** @type {any} */ (query))}`);
  const link = /** @type {HTMLAnchorElement} */ (element('a', { download: `hlsmesh-${name}` }));
  link.href = URL.createObjectURL(await response.blob());
  link.click();
  URL.revokeObjectURL(link.href);
}

/** @param {() => void} change */
function change(change) {
  change();
  state.mapAt = -Infinity;
  void refresh();
}

segments(
  /** @type {HTMLElement} */ (document.querySelector('.controls .segments')),
  ({ dataset }) => change(() => (state.hours = Number(dataset.hours))),
);
segments(byId('dimensions'), ({ dataset }) => change(() => (state.by = dataset.by ?? 'channel')));
byId('channel').addEventListener('change', (/** @type {any} */ { target }) => {
  target.blur();
  change(() => (state.channel = target.value));
});
byId('price').addEventListener('change', (/** @type {any} */ { target }) => {
  if (target.value === '' || !(Number(target.value) >= 0)) localStorage.removeItem(PRICE);
  else localStorage.setItem(PRICE, String(Number(target.value)));
  void refresh();
});
byId('token-form').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId('token').value);
  byId('token').value = '';
  void refresh();
});
for (const button of /** @type {NodeListOf<HTMLElement>} */ (
  document.querySelectorAll('[data-export]')
)) {
  button.addEventListener('click', () => void download(button.dataset.export ?? '').catch(failed));
}
byId('openapi').addEventListener('click', async (/** @type {Event} */ event) => {
  event.preventDefault();
  const text = await (await ask('/api/openapi.json')).text();
  const link = /** @type {HTMLAnchorElement} */ (
    element('a', { download: 'hlsmesh-openapi.json' })
  );
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.click();
});
new IntersectionObserver(([{ isIntersecting }]) => {
  state.mapVisible = isIntersecting;
  if (isIntersecting && state.breakdown) void refresh();
}).observe(byId('map'));
void refresh();
