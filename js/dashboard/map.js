/** The live map of a channel: who feeds whom, by distance from the CDN. Readable with one viewer and with five thousand. */

import { byId, colour, element, show } from './dom.js';
import * as format from './format.js';
import { layOut } from './layout.js';
import { nameOf, showLegend } from './panels.js';

/** @typedef {import('./layout.js').Spot} Spot */

const HEIGHT = 520;
// With more viewers, all lines together would be a grey block.
const MANY = 400;

// For names: told apart with any kind of colour blindness (Okabe and Ito), and in light and dark.
const NAMED = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9'];
const OTHER = '#8a94a3';
const AMBER = '#d9a514';

export class TopologyMap {
  #canvas = /** @type {HTMLCanvasElement} */ (byId('map'));
  /** @type {any} */
  #topology = null;
  /** @type {ReturnType<typeof layOut> | null} */
  #layout = null;
  #chosen = '';
  #by = 'share';
  #drawn = { width: 0, ratio: 0 };

  constructor() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointermove', (event) => {
      canvas.style.cursor = this.#at(event) ? 'pointer' : '';
    });
    canvas.addEventListener('click', (event) => this.choose(this.#at(event)?.node.id ?? ''));
    byId('colour').addEventListener('change', (/** @type {any} */ { target }) => {
      this.#by = target.value;
      this.#paint();
    });
    byId('layers').addEventListener('click', (/** @type {any} */ { target }) => {
      if (target.dataset?.viewer !== undefined) this.choose(target.dataset.viewer);
    });
    new ResizeObserver(() => {
      if (canvas.clientWidth !== this.#drawn.width) this.#arrange();
    }).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
  }

  /** @param {any} topology of /api/topology; null: nobody watches */
  update(topology) {
    this.#topology = topology;
    this.#arrange();
  }

  /** @param {string} id of a viewer; empty: none */
  choose(id) {
    this.#chosen = this.#chosen === id ? '' : id;
    this.#paint();
  }

  /** @param {PointerEvent | MouseEvent} event @returns {Spot | undefined} */
  #at({ offsetX, offsetY }) {
    const reach = Math.max(this.#layout?.pitch ?? 0, 8);
    let nearest;
    let least = reach * reach;
    for (const spot of this.#layout?.spots ?? []) {
      const distance = (spot.x - offsetX) ** 2 + (spot.y - offsetY) ** 2;
      if (distance >= least) continue;
      least = distance;
      nearest = spot;
    }
    return nearest;
  }

  #arrange() {
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    this.#layout = layOut(this.#topology ?? { nodes: [], edges: [] }, width, HEIGHT);
    this.#paint();
    this.#tellLayers();
  }

  #paint() {
    const layout = this.#layout;
    if (!layout) return;
    const width = this.#canvas.clientWidth;
    const ratio = devicePixelRatio;
    this.#drawn = { width, ratio };
    this.#canvas.style.height = `${layout.height}px`;
    this.#canvas.width = width * ratio;
    this.#canvas.height = layout.height * ratio;
    const context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    context.scale(ratio, ratio);
    const fills = this.#fills();
    const family = this.#family();
    drawLines(context, layout, width, family);
    drawViewers(context, layout, fills.of, family);
    drawNames(context, layout);
    showLegend(fills.legend);
    this.#tellViewer();
    this.#canvas.setAttribute('aria-label', this.#inWords());
  }

  #inWords() {
    const bands = this.#layout?.bands ?? [];
    if (bands.length === 0) return 'No viewers';
    const counts = bands.map(({ level, spots }) => `${spots.length} in class ${level}`);
    return `Map of who feeds whom: ${counts.join(', ')}. The table beside it says the same.`;
  }

  /** The viewers above and below the chosen one, and itself. @returns {Set<Spot> | null} null: none is chosen */
  #family() {
    const chosen = this.#layout?.spots.find(({ node }) => node.id === this.#chosen);
    if (!chosen) return null;
    const family = new Set([chosen]);
    for (const relation of /** @type {const} */ (['parents', 'children'])) {
      const found = [chosen];
      for (let spot = found.pop(); spot; spot = found.pop()) {
        for (const next of spot[relation]) {
          if (!family.has(next)) found.push(next);
          family.add(next);
        }
      }
    }
    return family;
  }

  /** @returns {{ of: (node: any) => string, legend: { name: string, fill: string }[] }} */
  #fills() {
    if (this.#by === 'share') return sharesFill();
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const node of this.#topology?.nodes ?? []) {
      counts.set(node[this.#by], (counts.get(node[this.#by]) ?? 0) + 1);
    }
    const names = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
    const fills = new Map(names.slice(0, NAMED.length).map((name, at) => [name, NAMED[at]]));
    const legend = [...fills].map(([name, fill]) => ({ name: nameOf(this.#by, name), fill }));
    const rest = names.length > NAMED.length ? [{ name: 'others', fill: OTHER }] : [];
    return { of: (node) => fills.get(node[this.#by]) ?? OTHER, legend: [...legend, ...rest] };
  }

  #tellLayers() {
    const bands = this.#layout?.bands ?? [];
    const rows = bands.map(({ level, spots }) => {
      const parents = spots.reduce((sum, each) => sum + each.parents.length, 0) / spots.length;
      return element(
        'tr',
        {},
        element('th', { scope: 'row' }, level === 0 ? 'CDN (roots)' : `class ${level}`),
        element('td', {}, format.count(spots.length)),
        element('td', {}, format.decimal(parents)),
      );
    });
    const roots = bands.find(({ level }) => level === 0)?.spots ?? [];
    const strongest = [...roots].sort((a, b) => b.children.length - a.children.length).slice(0, 5);
    const heads = ['Fed by', 'Viewers', 'Parents each'].map((text) =>
      element('th', { scope: 'col' }, text),
    );
    show(
      byId('layers'),
      element(
        'table',
        {},
        element('thead', {}, element('tr', {}, ...heads)),
        element('tbody', {}, ...rows),
      ),
      ...(strongest.length > 0
        ? [element('p', { class: 'quiet' }, 'Roots with most children:')]
        : []),
      element(
        'ul',
        { class: 'legend' },
        ...strongest.map(({ node, children }) =>
          element(
            'li',
            {},
            element(
              'button',
              { type: 'button', 'data-viewer': node.id },
              `${node.id.slice(0, 6)} (${children.length})`,
            ),
          ),
        ),
      ),
    );
  }

  #tellViewer() {
    const spot = this.#layout?.spots.find(({ node }) => node.id === this.#chosen);
    const panel = byId('viewer');
    if (!spot) {
      const some = (this.#layout?.spots.length ?? 0) > 0;
      return show(
        panel,
        element(
          'p',
          { class: 'quiet' },
          some
            ? 'Choose a viewer on the map to see who feeds it and whom it feeds.'
            : 'Nobody is watching.',
        ),
      );
    }
    const { node, parents, children } = spot;
    const gb = 1024 / 1e9;
    const facts = [
      ['Viewer', node.id.slice(0, 12)],
      ['Class', String(node.class)],
      ['Provider', nameOf('isp', node.isp)],
      ['Region', nameOf('province', node.province)],
      ['Site', nameOf('site', node.site ?? '')],
      ['Device', [nameOf('device', node.device), node.browser, node.os].filter(Boolean).join(', ')],
      ['Watching', `${format.span(node.seconds)}${node.idle ? ', paused or without peers' : ''}`],
      ['From peers', format.bytes(node.p2p_kb * gb)],
      ['From the CDN', format.bytes(node.cdn_kb * gb)],
      ['Parents', String(parents.length)],
      ['Children', `${children.length} of ${node.child_limit}`],
    ];
    show(
      panel,
      element(
        'dl',
        {},
        ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
      ),
    );
  }
}

function sharesFill() {
  const [cdn, peers] = [colour('cdn'), colour('peers')];
  // By way of amber: a mixture of both ends would be the grey of those who have reported nothing.
  const mixed = (/** @type {number} */ share) => {
    const tenth = Math.round(share * 10);
    return tenth <= 5
      ? `color-mix(in oklab, ${AMBER} ${tenth * 20}%, ${cdn})`
      : `color-mix(in oklab, ${peers} ${(tenth - 5) * 20}%, ${AMBER})`;
  };
  return {
    of: (/** @type {any} */ { cdn_kb, p2p_kb }) =>
      cdn_kb + p2p_kb > 0 ? mixed(p2p_kb / (cdn_kb + p2p_kb)) : OTHER,
    legend: [
      { name: 'all from the CDN', fill: cdn },
      { name: 'half', fill: mixed(0.5) },
      { name: 'all from peers', fill: peers },
      { name: 'not reported yet', fill: OTHER },
      { name: 'ring: paused, or without peers', fill: '' },
    ],
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof layOut>} layout
 * @param {number} width
 * @param {Set<Spot> | null} family
 */
function drawLines(context, { spots, bands, pitch }, width, family) {
  const many = spots.length > MANY;
  context.lineWidth = many ? 0.7 : 1.2;
  context.strokeStyle = colour('peers');
  context.globalAlpha =
    (many ? Math.max(0.05, 0.35 * Math.sqrt(MANY / spots.length / 3)) : 0.45) * (family ? 0.3 : 1);
  const line = (/** @type {Spot} */ from, /** @type {Spot} */ to) => {
    const middle = (from.y + to.y) / 2;
    context.moveTo(from.x, from.y);
    context.bezierCurveTo(from.x, middle, to.x, middle, to.x, to.y);
  };
  context.beginPath();
  // Of thousands, the first parent shows the tree.
  for (const spot of spots)
    for (const parent of spot.parents.slice(0, many ? 1 : 8)) line(parent, spot);
  context.stroke();
  // The CDN is a bar on top of its roots.
  context.strokeStyle = colour('cdn');
  context.globalAlpha = family ? 0.25 : 0.6;
  context.beginPath();
  for (const root of bands[0]?.level === 0 ? bands[0].spots : []) {
    context.moveTo(root.x, 18);
    context.lineTo(root.x, root.y - pitch / 3);
  }
  context.stroke();
  context.globalAlpha = 1;
  if (spots.length > 0) {
    context.fillStyle = colour('cdn');
    context.fillRect(0, 16, width, 2);
  }
  if (!family) return;
  context.strokeStyle = colour('ink');
  context.lineWidth = 1.4;
  context.globalAlpha = 0.8;
  context.beginPath();
  for (const spot of family)
    for (const parent of spot.parents) if (family.has(parent)) line(parent, spot);
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof layOut>} layout
 * @param {(node: any) => string} fillOf
 * @param {Set<Spot> | null} family
 */
function drawViewers(context, { spots, pitch }, fillOf, family) {
  const radius = Math.min(Math.max(pitch * 0.4, 1.4), 8);
  // One path for each colour: changing it five thousand times would cost more than drawing.
  /** @type {Map<string, Spot[]>} */
  const byFill = new Map();
  for (const spot of spots) {
    const fill = fillOf(spot.node);
    const alike = byFill.get(fill);
    if (alike) alike.push(spot);
    else byFill.set(fill, [spot]);
  }
  for (const [fill, alike] of byFill) {
    context.fillStyle = fill;
    for (const faded of family ? [true, false] : [false]) {
      context.globalAlpha = faded ? 0.25 : 1;
      context.beginPath();
      for (const spot of alike) {
        if (family && family.has(spot) === faded) continue;
        context.moveTo(spot.x + radius, spot.y);
        context.arc(spot.x, spot.y, radius, 0, 2 * Math.PI);
      }
      context.fill();
    }
  }
  // Who needs no peers is a ring.
  context.globalAlpha = 1;
  context.fillStyle = colour('card');
  context.beginPath();
  for (const { node, x, y } of spots) {
    if (!node.idle) continue;
    context.moveTo(x + radius * 0.55, y);
    context.arc(x, y, radius * 0.55, 0, 2 * Math.PI);
  }
  context.fill();
}

/** @param {CanvasRenderingContext2D} context @param {ReturnType<typeof layOut>} layout */
function drawNames(context, { bands, spots }) {
  if (spots.length === 0) return;
  context.font = '11px system-ui, sans-serif';
  const write = (
    /** @type {string} */ text,
    /** @type {number} */ y,
    /** @type {string} */ ink,
  ) => {
    context.lineWidth = 4;
    context.strokeStyle = colour('card');
    context.strokeText(text, 2, y);
    context.fillStyle = colour(ink);
    context.fillText(text, 2, y);
  };
  write('CDN', 11, 'cdn');
  for (const { level, top, spots: here } of bands) {
    write(
      level === 0 ? `roots: ${here.length}` : `class ${level}: ${here.length}`,
      level === 0 ? top : top - 6,
      'soft',
    );
  }
}
