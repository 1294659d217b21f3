/** The URL of the classic script that this is bundled into, or of the page when the script is inline. */
export const hlsmeshScriptUrl =
  /** @type {HTMLScriptElement | null} */ (globalThis.document?.currentScript)?.src ||
  globalThis.location?.href;
