/** The browser's permission for the local network, which may gate connections to peers of the same network. */

/** Names of the permission, the present one first. */
export const PERMISSIONS = ['local-network', 'local-network-access'];

/** As it is at any moment; undefined if the browser has none. @type {PermissionStatus | undefined} */
let status;

/** Asks the browser, not the viewer. */
export async function readPermission() {
  for (const name of PERMISSIONS) {
    try {
      status ??= await navigator.permissions.query({ name: /** @type {any} */ (name) });
    } catch {
      // This browser does not know it by that name.
    }
  }
}

/**
 * Candidates of the local network (RFC 8839 section 5.1): mDNS names, and addresses of RFC 1918, 3927, 4193, 4291 and 6598,
 * those of IPv4 in IPv6 among them.
 */
const LOCAL_CANDIDATES =
  /^(a=)?candidate:(\S+ ){4}(10\.|127\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|::1 |::ffff:|f[cde]|\S+\.local ).*(\r\n)?/gim;

/** @param {string} text a session description, or one candidate, as a peer may have sent it */
export const withoutLocal = (text) => String(text).replace(LOCAL_CANDIDATES, '');

/** @returns {boolean} true if the viewer would have to give it */
export const isDenied = () => Boolean(status && status.state !== 'granted');
