/** @typedef {import('./index.js').HlsMeshErrorCode} HlsMeshErrorCode */

/** The error that the SDK throws or reports; `code` is for programs, `message` for people. */
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

/**
 * A handler for the `catch` of a promise, which rethrows the error as an HlsMeshError.
 * @param {HlsMeshErrorCode} code
 * @param {string} text
 * @returns {(error: unknown) => never}
 */
export const failure = (code, text) => (error) => {
  throw new HlsMeshError(code, `${text}: ${messageOf(error)}`, error);
};
