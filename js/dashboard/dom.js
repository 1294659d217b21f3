/** Elements, made and found. */

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * A text whose addresses of HTTPS are links, named by the last part of their path. An address ends before a space or a bracket.
 * @param {string} text
 */
export const linked = (text) =>
  text
    .split(/(https:\/\/[^\s()]+)/)
    .map((part, at) =>
      at % 2 === 0
        ? part
        : element(
            'a',
            { href: part, target: '_blank', rel: 'noopener noreferrer' },
            part.slice(part.lastIndexOf('/') + 1),
          ),
    );

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * Replaces what an element shows only if that differs: what is the same keeps its focus, and is not announced again.
 * @param {Element} parent
 * @param {...(Node | string)} children
 */
export function show(parent, ...children) {
  const next = element('div', {}, ...children);
  if (parent.innerHTML !== next.innerHTML) parent.replaceChildren(...next.childNodes);
}

/** A bar of a share. @param {number | null} share @param {string} [kind] */
export function shareBar(share, kind = '') {
  const filled = element('span');
  filled.style.width = `${(share ?? 0) * 100}%`;
  return element('span', { class: `share ${kind}`.trim(), 'aria-hidden': 'true' }, filled);
}

/** @param {string} name of a custom property of style.css @returns {string} a colour */
export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * Buttons of which one is pressed.
 * @param {HTMLElement} group
 * @param {(button: HTMLElement) => void} chosen
 */
export function segments(group, chosen) {
  const buttons = /** @type {HTMLElement[]} */ ([...group.querySelectorAll('button')]);
  for (const button of buttons) {
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      chosen(button);
    });
  }
}
