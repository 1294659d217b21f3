import type { Mesh } from '../index.js';

export interface OverlayOptions {
  /** Where the overlay goes: the element that goes full screen, if it is to be seen there. Default `document.body`. */
  parent?: Element;
  /** false: only its title, until somebody opens it. Default true. */
  open?: boolean;
}

export interface Overlay {
  /** Its element; everything else is in its shadow tree. */
  readonly element: HTMLElement;
  /** Takes it out of the page. */
  close(): void;
}

/**
 * Shows in the page what a mesh does: sources and rates, the buffer, peers or why there are none, identity, and a log. The script
 * `hlsmesh-overlay.js` adds it to the global `HlsMesh`. Throws a TypeError if the first argument is no mesh.
 */
export function overlay(mesh: Mesh, options?: OverlayOptions): Overlay;
