/** The panels in words and tables: key figures, alerts, the comparison, the audience, connections. */

import { byId, element, linked, shareBar, show } from './dom.js';
import * as format from './format.js';

/** @param {ReturnType<typeof import('./history.js').figuresOf>} figures @param {{ price: number, currency: string, hours: number, alone: boolean }} more */
export function showTiles(figures, { price, currency, hours, alone }) {
  const time = hours === 1 ? 'in the last hour' : 'in 24 hours';
  const tiles = [
    [
      '',
      'Viewers now',
      format.count(figures.viewers),
      `peak ${format.count(figures.most)} ${time}`,
    ],
    [
      'peers',
      'From other viewers',
      format.percent(figures.offload),
      `${format.bytes(figures.peersGb)} ${time}`,
    ],
    [
      '',
      'Saved',
      format.money(figures.peersGb * price, currency),
      `at ${format.money(price, currency)} per GB`,
    ],
    [
      '',
      'Copies the CDN sends',
      format.rough(figures.copies),
      alone ? 'of a segment, of live streams' : 'of a segment, if live',
    ],
    ['', 'Stalled', format.seconds(figures.stalledPerHour), 'in an hour of watching'],
    ['', 'First frame', format.seconds(figures.firstFrame), 'typical, as viewers report it'],
  ];
  show(
    byId('tiles'),
    ...tiles.map(([kind, label, value, note]) =>
      element(
        'div',
        { class: `tile ${kind}`.trim() },
        element('span', { class: 'label' }, label),
        element('strong', {}, value),
        element('span', { class: 'note' }, note),
      ),
    ),
  );
}

/** @param {{ id: string, level: string, title: string, advice: string }[]} alerts */
export function showAlerts(alerts) {
  const list = byId('alerts');
  list.hidden = alerts.length === 0;
  show(
    list,
    ...alerts.map(({ level, title, advice }) =>
      element(
        'p',
        { class: `alert ${level}` },
        element('strong', {}, `${title}.`),
        ...linked(advice),
      ),
    ),
  );
}

/** @type {Record<string, string>} */
const VERDICTS = {
  better: 'Yes: viewers with peers do better.',
  worse: 'No: viewers with peers do worse.',
  unclear: 'No difference has been seen so far.',
  'too few': 'Too few viewers yet to tell.',
};

/** @type {[key: string, name: string, write: (value: number | null) => string, ratio: boolean][]} */
const MEASURES = [
  ['stalledPerHour', 'Stalled in an hour', format.seconds, false],
  ['stallingShare', 'Viewers that stalled', format.percent, false],
  ['firstFrame', 'First frame', format.seconds, true],
];

/** What a silent test has shown, if there is one. @param {any} shadow of /api/overview */
export function showShadow({ viewers, loads, missed, wrong, offload, peers_gb }) {
  const some = viewers + loads > 0;
  byId('shadow-card').hidden = !some;
  if (!some) return;
  const rows = [
    ['Viewers who try it now', format.count(viewers)],
    ['Would have come from peers', `${format.percent(offload)}, ${format.bytes(peers_gb)}`],
    ['Loads that would have asked the CDN', `${format.count(missed)} of ${format.count(loads)}`],
    ['Loads with other bytes than the CDN’s', format.count(wrong)],
  ];
  show(
    byId('shadow'),
    element(
      'table',
      {},
      element(
        'caption',
        {},
        'These viewers exchange segments with peers and play from the CDN. None of this is in the offload above.',
      ),
      element(
        'tbody',
        {},
        ...rows.map(([name, value]) =>
          element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)),
        ),
      ),
    ),
  );
}

/** @param {any} comparison of /api/overview */
export function showComparison({ verdict, viewers, measures, confidence }) {
  const panel = byId('comparison');
  if (verdict === 'none') {
    show(
      panel,
      element(
        'p',
        { class: 'quiet' },
        'No viewers were drawn to play without peers. Where a site draws some, by the option control of attach, you see here whether peers help the others or hurt them.',
      ),
    );
    return;
  }
  const rows = MEASURES.map(([key, name, write, ratio]) => {
    const { peers, control, interval, verdict: judged } = measures[key];
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      element('td', {}, write(peers)),
      element('td', {}, write(control)),
      element('td', {}, differenceOf(interval, write, ratio)),
      element(
        'td',
        {},
        { better: 'better', worse: 'worse', unclear: 'no difference seen' }[
          /** @type {string} */ (judged)
        ] ?? 'too few viewers',
      ),
    );
  });
  const head = [
    '',
    `With peers (${format.count(viewers.peers)})`,
    `Without (${format.count(viewers.control)})`,
    'Difference',
    'Verdict',
  ];
  show(
    panel,
    element('p', { class: `verdict ${verdict}` }, VERDICTS[verdict]),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Comparison' },
      element(
        'table',
        {},
        element(
          'caption',
          {},
          `Viewers drawn by lot. All differences hold together with ${format.percent(confidence)} confidence, however often you look.`,
        ),
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            ...head.map((text) => (text ? element('th', { scope: 'col' }, text) : element('td'))),
          ),
        ),
        element('tbody', {}, ...rows),
      ),
    ),
  );
}

/** @param {[number, number] | null} interval @param {(value: number) => string} write @param {boolean} ratio */
function differenceOf(interval, write, ratio) {
  if (interval === null) return '–';
  const sign = (/** @type {number} */ value) =>
    ratio
      ? `${value >= 1 ? '+' : '−'}${format.percent(Math.abs(value - 1))}`
      : `${value >= 0 ? '+' : '−'}${write(Math.abs(value))}`;
  return `${sign(interval[0])} to ${sign(interval[1])}`;
}

/** @type {[key: string, name: string, write: (row: any, more: any) => (Node | string)[]][]} */
const COLUMNS = [
  ['viewers', 'Viewers', ({ viewers }) => [format.count(viewers)]],
  ['offload', 'From peers', ({ offload }) => [format.percent(offload), shareBar(offload)]],
  ['peers_gb', 'Peers', ({ peers_gb }) => [format.bytes(peers_gb)]],
  ['cdn_gb', 'CDN', ({ cdn_gb }) => [format.bytes(cdn_gb)]],
  [
    'peers_gb',
    'Saved',
    ({ peers_gb }, { price, currency }) => [format.money(peers_gb * price, currency)],
  ],
  [
    'stalled_per_hour',
    'Stalled an hour',
    ({ stalled_per_hour }) => [format.seconds(stalled_per_hour)],
  ],
  [
    'first_frame_seconds',
    'First frame',
    ({ first_frame_seconds }) => [format.seconds(first_frame_seconds)],
  ],
];
const MOST_ROWS = 50;
const sorted = { by: 0, rising: false };

/** @type {Record<string, string>} */
const DIMENSIONS = {
  channel: 'Channel',
  isp: 'Provider',
  country: 'Country',
  device: 'Device',
  browser: 'Browser',
  site: 'Site',
};

/** @param {{ by: string, rows: any[] }} told @param {{ price: number, currency: string }} more @param {() => void} again */
export function showBreakdown({ by, rows }, more, again) {
  const [key] = COLUMNS[sorted.by];
  const order = [...rows].sort(
    (a, b) => ((a[key] ?? -1) - (b[key] ?? -1)) * (sorted.rising ? 1 : -1),
  );
  const heads = COLUMNS.map(([, name], at) => {
    const button = element('button', { type: 'button', 'data-column': String(at) }, name);
    const own = sorted.by === at;
    return element(
      'th',
      { scope: 'col', ...(own && { 'aria-sort': sorted.rising ? 'ascending' : 'descending' }) },
      button,
    );
  });
  const hidden = order.length - MOST_ROWS;
  const panel = byId('breakdown');
  show(
    panel,
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element('tr', {}, element('th', { scope: 'col' }, DIMENSIONS[by]), ...heads),
      ),
      element(
        'tbody',
        {},
        ...order
          .slice(0, MOST_ROWS)
          .map((row) =>
            element(
              'tr',
              {},
              element('th', { scope: 'row', title: row.name ?? '' }, nameOf(by, row.name)),
              ...COLUMNS.map(([, , write]) => element('td', {}, ...write(row, more))),
            ),
          ),
      ),
    ),
    ...(order.length === 0
      ? [element('p', { class: 'quiet' }, 'Nobody has watched in this time.')]
      : []),
    ...(hidden > 0 ? [element('p', { class: 'quiet' }, `and ${hidden} more, in the export`)] : []),
  );
  panel.onclick = (/** @type {any} */ { target }) => {
    const column = /** @type {HTMLElement} */ (target).dataset?.column;
    if (column === undefined) return;
    sorted.rising = sorted.by === Number(column) && !sorted.rising;
    sorted.by = Number(column);
    again();
    panel.querySelector(`[data-column='${column}']`)?.focus();
  };
}

/** @param {string} by @param {string | null} name */
export function nameOf(by, name) {
  if (name === null) return 'others';
  if (by === 'site' && name === '') return 'no site';
  if (by === 'site' && name === '-') return 'without peers';
  if (name === '') return 'unknown';
  if (by === 'device') return name === 'mobile' ? 'phone or tablet' : 'computer or TV';
  if (by === 'channel') return shortChannel(name);
  if (by !== 'country') return name;
  try {
    return new Intl.DisplayNames('en', { type: 'region' }).of(name) ?? name;
  } catch {
    return name;
  }
}

const LONGEST_CHANNEL = 46;

/** Its host and the end of its path: that is where channels differ. @param {string} name */
function shortChannel(name) {
  const bare = name.replace(/^https?:\/\//, '');
  if (bare.length <= LONGEST_CHANNEL) return bare;
  const [host] = bare.split('/', 1);
  return `${host.slice(0, 20)}/…${bare.slice(-(LONGEST_CHANNEL - Math.min(host.length, 20)))}`;
}

/** Why connections end, in the words of an operator. @type {[when: 'unopened' | 'opened', word: string, name: string, means: string][]} */
const ENDS = [
  [
    'unopened',
    'none',
    'No way through the network',
    'Strict NAT, a firewall without UDP, or no permission for local connections. A TURN server in iceServers helps.',
  ],
  ['unopened', 'nat', 'No way between two NATs', 'A TURN server in iceServers helps.'],
  [
    'unopened',
    'udp',
    'No STUN server answers',
    'A firewall blocks UDP, or iceServers has no STUN server that answers.',
  ],
  [
    'unopened',
    'permission',
    'No permission for the local network',
    'Browsers ask before a page may use the local network. These viewers refused, or have not answered.',
  ],
  [
    'unopened',
    'policy',
    'The browser makes no connection',
    'A policy of the page or of the browser forbids WebRTC.',
  ],
  [
    'unopened',
    'silent',
    'The other viewer did not answer',
    'It has just left, or its page sleeps.',
  ],
  [
    'unopened',
    'refused',
    'The other viewer was full',
    'It serves as many as it may. Another one is named at once.',
  ],
  [
    'opened',
    'useless',
    'Nothing to exchange',
    'One of them was paused, or they play different streams: see https://github.com/hlsmesh/hlsmesh/blob/main/docs/IDENTITY.md',
  ],
  ['opened', 'silent', 'Too slow', 'The other viewer’s line or computer did not keep up.'],
  [
    'opened',
    'misbehaved',
    'Wrong bytes',
    'The segment was not the CDN’s. Do all edges serve the same bytes?',
  ],
  [
    'opened',
    'polluted',
    'Wrong pieces',
    'Of a viewer that had found the segment right: somebody attacks the stream.',
  ],
  ['opened', 'none', 'A viewer left', 'The usual end.'],
];

/** @param {any} overview */
export function showConnections({ ends, introductions, opened, unreached, unfed, viewers }) {
  const rows = ENDS.map(([when, word, name, means]) => ({
    name,
    means,
    count: ends[when][word] ?? 0,
    bad: word !== 'none' || when === 'unopened',
  }));
  const most = Math.max(1, ...rows.map(({ count }) => count));
  show(
    byId('connections'),
    element(
      'p',
      {},
      `${format.count(introductions)} introductions, ${format.count(opened)} opened (${format.percent(introductions > 0 ? opened / introductions : null)}). `,
      `${format.count(unreached)} of ${format.count(viewers)} viewers reach nobody; the peers of ${format.count(unfed)} have nothing for them.`,
    ),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Why connections ended' },
      element(
        'table',
        {},
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            element('th', { scope: 'col', class: 'left' }, 'Why they ended'),
            element('th', { scope: 'col' }, 'Times'),
          ),
        ),
        element(
          'tbody',
          {},
          ...rows.map(({ name, means, count, bad }) =>
            element(
              'tr',
              {},
              element(
                'th',
                { scope: 'row', class: 'left' },
                name,
                element('span', { class: 'means' }, ...linked(means)),
              ),
              element('td', {}, format.count(count), shareBar(count / most, bad ? 'bad' : '')),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {{ name: string, fill: string }[]} entries */
export function showLegend(entries) {
  show(
    byId('legend'),
    ...entries.map(({ name, fill }) => {
      const dot = element('span');
      dot.style.background = fill;
      return element('li', {}, ...(fill ? [dot] : []), name);
    }),
  );
}
