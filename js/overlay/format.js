/** Quantities in words; units are decimal, as networks count. */

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** @param {number} bytesPerSecond */
export const formatRate = (bytesPerSecond) =>
  bytesPerSecond < 500 ? '0' : `${formatBytes(bytesPerSecond)}/s`;
