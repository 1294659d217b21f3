import { plural } from './format.js';

/**
 * Who feeds whom: the CDN in the middle, the viewers around it, and a moving line wherever bytes have come within the last
 * seconds.
 */

/** @typedef {import('./swarm.mjs').Report} Report */

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [440, 300];
const CENTRE = { x: WIDTH / 2, y: HEIGHT / 2 };
const [ACROSS, DOWN] = [175, 108];

/** Segments come in lumps: between two of them a line goes on. */
const FLOWING_MS = 4500;

/** With more viewers than that, names would touch. */
const MOST_NAMES = 16;

export class SwarmGraph {
  #svg;
  /** @type {Map<string, SVGElement>} */
  #lines = new Map();
  /** @type {Map<string, SVGElement>} */
  #nodes = new Map();
  /** Bytes over each line, and when the last ones came. @type {Map<string, { bytes: number, at: number }>} */
  #flows = new Map();
  #linesGroup = make('g');
  #nodesGroup = make('g');

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#svg = make('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
    const cdn = make('g', { class: 'node-cdn' });
    cdn.append(
      make('rect', { x: CENTRE.x - 27, y: CENTRE.y - 17, width: 54, height: 34, rx: 8 }),
      text('CDN', CENTRE.x, CENTRE.y + 5),
    );
    this.#svg.append(this.#linesGroup, cdn, this.#nodesGroup);
    place.replaceChildren(this.#svg);
  }

  /**
   * @param {Report[]} viewers
   * @param {string} me the id of this one
   */
  show(viewers, me) {
    const order = [...viewers].sort((a, b) => (a.id < b.id ? -1 : 1));
    const places = new Map(order.map(({ id }, i) => [id, placeOf(i, order.length)]));
    /** @type {Set<string>} */
    const lines = new Set();
    let fed = 0;
    let sources = 0;
    for (const viewer of order) {
      const at = /** @type {Place} */ (places.get(viewer.id));
      this.#node(viewer, at, viewer.id === me, order.length <= MOST_NAMES);
      const line = `cdn ${viewer.id}`;
      lines.add(line);
      if (this.#line(line, straight(CENTRE, at), viewer.cdn, 'cdn')) sources++;
      let gets = false;
      for (const { id, received } of viewer.peers) {
        const from = places.get(id);
        if (!from) continue;
        const name = `${id} ${viewer.id}`;
        lines.add(name);
        if (this.#line(name, curve(from, at), received, 'peers')) gets = true;
      }
      if (gets) fed++;
    }
    prune(this.#lines, lines);
    prune(this.#nodes, new Set(places.keys()));
    this.#svg.setAttribute(
      'aria-label',
      `${plural(viewers.length, 'viewer', 'viewers')}; the CDN is sending to ${sources} of them, other viewers to ${fed}.`,
    );
  }

  /**
   * @param {Report} viewer
   * @param {Place} at
   * @param {boolean} mine
   * @param {boolean} named
   */
  #node({ id, plain }, at, mine, named) {
    let node = this.#nodes.get(id);
    if (!node) {
      node = make('g');
      node.append(make('circle', { r: 13 }), text('', 0, 28));
      this.#nodes.set(id, node);
      this.#nodesGroup.append(node);
    }
    node.setAttribute('class', `node ${plain ? 'node-plain' : ''} ${mine ? 'node-mine' : ''}`);
    node.setAttribute('transform', `translate(${at.x} ${at.y})`);
    const name = mine ? 'you' : plain ? 'alone' : id.slice(0, 4);
    const label = /** @type {Element} */ (node.lastElementChild);
    // Outside of the ring, where no line passes.
    label.setAttribute('y', at.y < CENTRE.y - 10 ? '-20' : '29');
    if (label.textContent !== (named ? name : '')) label.textContent = named ? name : '';
  }

  /**
   * @param {string} name
   * @param {string} path
   * @param {number} bytes in all
   * @param {string} kind
   * @returns {boolean} bytes have come of late
   */
  #line(name, path, bytes, kind) {
    const now = performance.now();
    const before = this.#flows.get(name);
    // What came before the first look is no news.
    const at = before && bytes > before.bytes ? now : (before?.at ?? -Infinity);
    this.#flows.set(name, { bytes, at });
    const flowing = now - at < FLOWING_MS;
    let line = this.#lines.get(name);
    if (!line) {
      line = make('path');
      this.#lines.set(name, line);
      this.#linesGroup.append(line);
    }
    line.setAttribute('d', path);
    line.setAttribute(
      'class',
      flowing ? `line line-${kind}` : `line line-still line-still-${kind}`,
    );
    return flowing;
  }
}

/** @typedef {{ x: number, y: number }} Place */

/** @param {number} index @param {number} count @returns {Place} on an ellipse, the first one on top */
function placeOf(index, count) {
  const angle = (index / Math.max(1, count)) * 2 * Math.PI - Math.PI / 2;
  return {
    x: Math.round(CENTRE.x + ACROSS * Math.cos(angle)),
    y: Math.round(CENTRE.y + DOWN * Math.sin(angle)),
  };
}

/** @param {Place} from @param {Place} to */
const straight = (from, to) => `M${from.x} ${from.y}L${to.x} ${to.y}`;

/** Bends to its left, so that the two directions of a pair, and the CDN between them, stay apart. @param {Place} from @param {Place} to */
function curve(from, to) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const bend = 0.22;
  const x = Math.round((from.x + to.x) / 2 - dy * bend);
  const y = Math.round((from.y + to.y) / 2 + dx * bend);
  return `M${from.x} ${from.y}Q${x} ${y} ${to.x} ${to.y}`;
}

/** @param {Map<string, SVGElement>} elements @param {Set<string>} kept */
function prune(elements, kept) {
  for (const [name, element] of elements) {
    if (kept.has(name)) continue;
    element.remove();
    elements.delete(name);
  }
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @returns {SVGElement}
 */
function make(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return /** @type {SVGElement} */ (element);
}

/** @param {string} words @param {number} x @param {number} y */
function text(words, x, y) {
  const element = make('text', { x, y });
  element.textContent = words;
  return element;
}
