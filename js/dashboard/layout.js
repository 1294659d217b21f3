/**
 * Where the viewers of a channel stand on the map: a band for each class, nearest to the CDN on top, and in it the children of one
 * parent side by side.
 */

/**
 * @typedef {object} Spot
 * @property {any} node of /api/topology
 * @property {number} x
 * @property {number} y
 * @property {Spot[]} parents whose connection is open, the first one first
 * @property {Spot[]} children
 */

/** @typedef {{ level: number, top: number, spots: Spot[] }} Band */

const WIDEST = 34;
const NARROWEST = 3.2;
const GAP = 34;
const TOP = 30;

/**
 * @param {{ nodes: any[], edges: { child: string, parent: string, opened: boolean }[] }} topology
 * @param {number} width
 * @param {number} height that the map should not exceed
 * @returns {{ bands: Band[], spots: Spot[], pitch: number, height: number }}
 */
export function layOut({ nodes, edges }, width, height) {
  /** @type {Map<string, Spot>} */
  const byId = new Map(
    nodes.map((node) => [node.id, { node, x: 0, y: 0, parents: [], children: [] }]),
  );
  for (const { child, parent, opened } of edges) {
    const [from, to] = [byId.get(parent), byId.get(child)];
    if (!opened || !from || !to) continue;
    to.parents.push(from);
    from.children.push(to);
  }
  /** @type {Spot[][]} */
  const levels = [];
  for (const spot of byId.values()) (levels[spot.node.class] ??= []).push(spot);
  const present = [...levels].flatMap((spots, level) => (spots ? [{ level, top: 0, spots }] : []));
  const pitch = pitchFor(present, width, height);
  let top = TOP;
  for (const band of present) {
    band.top = top;
    place(band, width, pitch);
    const rows = rowsOf(band.spots.length, width, pitch);
    top += rows * pitch + GAP;
  }
  return {
    bands: present,
    spots: [...byId.values()],
    pitch,
    height: Math.max(top - GAP + pitch, 80),
  };
}

/** @param {number} count @param {number} width @param {number} pitch */
const rowsOf = (count, width, pitch) => Math.ceil(count / Math.max(Math.floor(width / pitch), 1));

/** The largest distance between viewers with which all bands fit. @param {Band[]} bands @param {number} width @param {number} height */
function pitchFor(bands, width, height) {
  const room = Math.max(height - TOP - bands.length * GAP, 100);
  for (let pitch = WIDEST; pitch > NARROWEST; pitch *= 0.94) {
    const needed = bands.reduce(
      (sum, { spots }) => sum + rowsOf(spots.length, width, pitch) * pitch,
      0,
    );
    if (needed <= room) return pitch;
  }
  return NARROWEST;
}

/** @param {Band} band @param {number} width @param {number} pitch */
function place({ spots, top }, width, pitch) {
  // By the mean of the parents, so that lines are short and families stand together.
  const wish = new Map(
    spots.map((spot) => {
      const { parents } = spot;
      const sum = parents.reduce((all, { x }) => all + x, 0);
      return [spot, parents.length > 0 ? sum / parents.length : width / 2];
    }),
  );
  spots.sort((a, b) => Number(wish.get(a)) - Number(wish.get(b)));
  const rows = rowsOf(spots.length, width, pitch);
  const columns = Math.ceil(spots.length / rows);
  const step = Math.min(width / columns, 4 * pitch);
  const left = (width - columns * step) / 2;
  spots.forEach((spot, at) => {
    spot.x = left + (Math.floor(at / rows) + 0.5) * step;
    spot.y = top + ((at % rows) + 0.5) * pitch;
  });
}
