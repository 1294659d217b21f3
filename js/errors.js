/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/** What the SDK throws or reports; `code` is for programs, `message` for people. */
export class HlsMeshError extends Error {
  /**
   * @param {HlsMeshErrorCode} code
   * @param {string} message
   * @param {unknown} [cause]
   */
  constructor(code, message, cause) {
    super(message, { cause });
    this.name = 'HlsMeshError';
    this.code = code;
  }
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function messageOf(value) {
  return String(/** @type {any} */ (value)?.message || value);
}
