/** The way to this page for a phone in the same network: its address, and a QR code of it. */

const LOOPBACK = /^(localhost|127\.|\[::1])/;

/** @param {string[]} addresses by which the demo's server is reached, without a path */
export async function showPhone(addresses) {
  const hosts = addresses.filter((address) => !LOOPBACK.test(new URL(address).host));
  const place = /** @type {HTMLElement} */ (document.getElementById('phone'));
  if (hosts.length === 0) return;
  const links = hosts.map((address) => {
    const here = new URL(location.pathname + location.search, address).href;
    const link = Object.assign(document.createElement('a'), { href: here, textContent: here });
    const item = document.createElement('li');
    item.append(link);
    return item;
  });
  const list = document.createElement('ul');
  list.append(...links);
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `QR code of ${links[0].textContent}`);
  place.replaceChildren(canvas, list);
  const file = '/vendor/lean-qr/index.mjs';
  const { generate } = await import(file);
  // Black on white in the dark too: not every camera reads the inverse.
  generate(links[0].textContent).toCanvas(canvas, {
    on: [0, 0, 0, 255],
    off: [255, 255, 255, 255],
  });
}
