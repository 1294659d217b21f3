/** The overlay's elements, in a shadow tree of their own, so that neither the page's styles nor these reach the other. */

import { formatBytes, formatRate } from './format.js';
import { History } from './history.js';
import { STYLES } from './styles.js';

/** @typedef {import('./figures.js').Reading} Reading */

const LOG_LINES = 60;

export class Panel {
  element = document.createElement('div');
  #parts;
  #history;

  /**
   * @param {object} page
   * @param {boolean} page.open
   * @param {() => void} page.close
   * @param {() => Promise<import('../index.js').DiagnosisReport>} page.diagnose
   */
  constructor({ open, close, diagnose }) {
    const root = this.element.attachShadow({ mode: 'open' });
    addStyles(root);
    const share = make('strong', { textContent: '–' });
    const title = make(
      'button',
      { className: 'title', type: 'button' },
      make('b', { textContent: 'hlsmesh' }),
      share,
    );
    const shut = make('button', { className: 'shut', type: 'button', textContent: '✕' });
    shut.setAttribute('aria-label', 'Close the hlsmesh overlay');
    const canvas = make('canvas');
    canvas.setAttribute('role', 'img');
    const bar = make('span', { className: 'fill' });
    const parts = {
      share,
      canvas,
      bar,
      peersRate: make('dd'),
      cdnRate: make('dd'),
      uploadRate: make('dd'),
      buffer: make('p', { className: 'buffer-text' }),
      peers: make('tbody'),
      noPeers: make('p', { className: 'quiet' }),
      peerCount: make('summary', { textContent: 'Peers' }),
      instead: make('p', { className: 'quiet' }),
      identity: make('dl', { className: 'pairs' }),
      log: make('ol', { className: 'log', tabIndex: 0 }),
    };
    this.#parts = parts;
    const body = make(
      'div',
      { className: 'body' },
      canvas,
      make(
        'dl',
        { className: 'rates' },
        figure('peer', 'From peers', parts.peersRate),
        figure('cdn', 'From the CDN', parts.cdnRate),
        figure('up', 'Uploaded', parts.uploadRate),
      ),
      make('div', { className: 'buffer' }, parts.buffer, make('span', { className: 'track' }, bar)),
      make(
        'details',
        { open: true },
        parts.peerCount,
        parts.noPeers,
        peerTable(parts.peers),
        parts.instead,
      ),
      make('details', {}, make('summary', { textContent: 'Identity' }), parts.identity),
      make('details', {}, make('summary', { textContent: 'Log' }), parts.log),
      diagnosis(diagnose),
    );
    parts.log.setAttribute('aria-label', 'Log');
    const section = make('section', {}, make('header', {}, title, shut), body);
    section.setAttribute('aria-label', 'hlsmesh overlay');
    root.append(section);
    const toggle = (/** @type {unknown} */ wanted) => {
      body.hidden = !wanted;
      title.setAttribute('aria-expanded', String(wanted));
    };
    toggle(open);
    title.onclick = () => toggle(body.hidden);
    shut.onclick = close;
    section.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape' || body.hidden) return;
      toggle(false);
      title.focus();
    });
    // A player in the page takes keys such as the space bar for its own.
    for (const name of ['keydown', 'keyup', 'keypress']) {
      root.addEventListener(name, (event) => event.stopPropagation());
    }
    this.#history = new History(canvas);
  }

  /** @param {Reading} reading */
  show({ share, bytes, rates, buffer, peers, noPeers, instead, identity }) {
    const parts = this.#parts;
    const some = bytes.peers + bytes.cdn > 0;
    write(parts.share, some ? `${Math.floor(share * 100)} % from peers` : 'nothing yet');
    write(parts.peersRate, `${formatRate(rates.peers)} · ${formatBytes(bytes.peers)}`);
    write(parts.cdnRate, `${formatRate(rates.cdn)} · ${formatBytes(bytes.cdn)}`);
    write(parts.uploadRate, `${formatRate(rates.upload)} · ${formatBytes(bytes.upload)}`);
    write(
      parts.buffer,
      buffer
        ? `Buffer ${buffer.seconds.toFixed(1)} s, target ${buffer.target} s`
        : 'No media element yet',
    );
    const part = buffer ? Math.min(1, buffer.seconds / (buffer.target || 1)) : 0;
    parts.bar.style.width = `${Math.round(part * 100)}%`;
    const open = peers.filter((peer) => peer.open).length;
    write(parts.peerCount, `Peers (${open})`);
    write(parts.noPeers, `None: ${noPeers}.`);
    parts.noPeers.hidden = peers.length > 0;
    const table = /** @type {HTMLElement} */ (parts.peers.parentElement);
    table.hidden = peers.length === 0;
    parts.peers.replaceChildren(...peers.map(peerRow));
    write(parts.instead, `Asked the CDN instead: ${instead}.`);
    parts.instead.hidden = !instead;
    parts.identity.replaceChildren(
      ...identity.flatMap(([name, value]) => [
        make('dt', { textContent: name }),
        make('dd', { textContent: value }),
      ]),
    );
    this.#history.push(rates);
  }

  /** @param {{ text: string, tone: string }} line */
  log({ text, tone }) {
    const { log } = this.#parts;
    const time = new Date().toTimeString().slice(0, 8);
    log.prepend(make('li', { textContent: `${time} ${text}`, className: tone }));
    while (log.children.length > LOG_LINES) log.lastElementChild?.remove();
  }
}

/**
 * @param {string} key of the colour
 * @param {string} name
 * @param {HTMLElement} value
 */
const figure = (key, name, value) =>
  make('div', {}, make('dt', {}, make('i', { className: key }), name), value);

/** @param {HTMLElement} rows */
function peerTable(rows) {
  const heads = ['Viewer', 'Role', 'Received', 'Sent', 'Delay'].map((name) => {
    const head = make('th', { textContent: name });
    head.scope = 'col';
    return head;
  });
  return make('table', {}, make('thead', {}, make('tr', {}, ...heads)), rows);
}

/** @param {import('../index.js').PeerSnapshot} peer */
function peerRow({ id, role, open, receivedBytes, sentBytes, rttMs }) {
  const cells = [
    id.slice(0, 8),
    open ? role : 'connecting',
    formatBytes(receivedBytes),
    formatBytes(sentBytes),
    rttMs === null ? '–' : `${Math.round(rttMs)} ms`,
  ];
  return make('tr', { title: id }, ...cells.map((text) => make('td', { textContent: text })));
}

/** @param {() => Promise<import('../index.js').DiagnosisReport>} diagnose */
function diagnosis(diagnose) {
  const start = make('button', { type: 'button', textContent: 'Diagnose' });
  const copy = make('button', { type: 'button', textContent: 'Copy', hidden: true });
  const report = make('pre', { hidden: true, tabIndex: 0 });
  report.setAttribute('role', 'status');
  report.setAttribute('aria-label', 'Diagnosis');
  start.onclick = async () => {
    start.disabled = true;
    write(start, 'Looking …');
    write(report, await diagnose().then(String, (error) => `No diagnosis: ${error.message}`));
    report.hidden = copy.hidden = false;
    start.disabled = false;
    write(start, 'Diagnose again');
  };
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(report.textContent ?? '');
      write(copy, 'Copied');
    } catch {
      // The page may not use the clipboard: the text is selected, for the viewer to copy it.
      getSelection()?.selectAllChildren(report);
    }
  };
  return make('div', { className: 'diagnosis' }, start, copy, report);
}

/** @param {ShadowRoot} root */
function addStyles(root) {
  try {
    // No policy of the page forbids such a sheet.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(make('style', { textContent: STYLES }));
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
