// How the page writes quantities. Units are decimal, as networks count.

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** @param {number} bytesPerSecond */
export function formatRate(bytesPerSecond) {
  if (bytesPerSecond <= 0) return '0';
  if (bytesPerSecond < 1e6) return `${Math.round(bytesPerSecond / 1e3)} KB/s`;
  const megabytes = bytesPerSecond / 1e6;
  return `${Number.isInteger(megabytes) ? megabytes : megabytes.toFixed(1)} MB/s`;
}

/**
 * Never rounds up to a whole that it is not.
 * @param {number} part
 * @param {number} whole
 */
export function formatShare(part, whole) {
  return whole > 0 ? `${Math.floor((100 * part) / whole)}%` : '–';
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}
