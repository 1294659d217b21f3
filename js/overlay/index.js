/** `overlay(mesh)`: shows in the page what a mesh does. It looks once a second and changes nothing; its types are in index.d.ts. */

import { inside } from '../diagnose/inside.js';
import { Figures } from './figures.js';
import { lineOf } from './log.js';
import { Panel } from './panel.js';

/** The events that are lines of the log. */
const LOGGED = /** @type {const} */ ([
  'tracker',
  'peer',
  'segment',
  'fallback',
  'warning',
  'fatal',
]);

const LOOK_MS = 1000;

/**
 * @param {import('../index.js').Mesh} mesh
 * @param {import('./index.js').OverlayOptions} [options]
 * @returns {import('./index.js').Overlay}
 */
export function overlay(mesh, { parent = document.body, open = true } = {}) {
  const figures = new Figures(inside(mesh));
  const panel = new Panel({ open, close, diagnose: () => mesh.diagnose() });
  const listeners = LOGGED.map((name) => {
    const listener = (/** @type {any} */ event) => panel.log(lineOf(name, event));
    mesh.on(name, listener);
    return { name, listener };
  });
  const look = () => panel.show(figures.read());
  const timer = setInterval(look, LOOK_MS);
  parent.append(panel.element);
  look();

  function close() {
    clearInterval(timer);
    for (const { name, listener } of listeners) mesh.off(name, listener);
    panel.element.remove();
  }
  return { element: panel.element, close };
}
