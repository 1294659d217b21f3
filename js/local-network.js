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

/** @returns {boolean} true if the viewer would have to give it */
export const isDenied = () => Boolean(status && status.state !== 'granted');
