/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

const NONE = '–';

/** @typedef {number | null | undefined} Maybe */

/** @param {Maybe} value */
const missing = (value) => value === null || value === undefined || !Number.isFinite(value);

/** @param {Maybe} value */
export const count = (value) => (missing(value) ? NONE : whole.format(Number(value)));

/** @param {Maybe} value */
export const decimal = (value) => (missing(value) ? NONE : short.format(Number(value)));

const coarse = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

/** @param {Maybe} value */
export const rough = (value) => (missing(value) ? NONE : coarse.format(Number(value)));

/** @param {Maybe} value @returns {string} without an exaggerated 100 % */
export function percent(value) {
  if (missing(value)) return NONE;
  const share = Number(value) * 100;
  const digits = (share > 0 && share < 10) || (share > 99 && share < 100) ? 1 : 0;
  return `${(Math.floor(share * 10 ** digits) / 10 ** digits).toFixed(digits)} %`;
}

/** @param {Maybe} gb */
export function bytes(gb) {
  if (missing(gb)) return NONE;
  const value = Number(gb);
  if (value >= 1000) return `${short.format(value / 1000)} TB`;
  if (value >= 1 || value === 0) return `${short.format(value)} GB`;
  return value >= 0.001 ? `${whole.format(value * 1000)} MB` : `${short.format(value * 1000)} MB`;
}

/** @param {Maybe} value */
export function seconds(value) {
  if (missing(value)) return NONE;
  const time = Number(value);
  return time >= 100 ? `${whole.format(time)} s` : `${short.format(time)} s`;
}

/** @param {Maybe} amount @param {string} currency as in ISO 4217, or any word */
export function money(amount, currency) {
  if (missing(amount)) return NONE;
  const value = Number(amount);
  const digits = value > 0 && value < 1 ? { maximumSignificantDigits: 2 } : {};
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency, ...digits }).format(value);
  } catch {
    return `${short.format(value)} ${currency}`;
  }
}

/** @param {number} seconds */
export function span(seconds) {
  if (seconds < 120) return `${whole.format(seconds)} s`;
  if (seconds < 7200) return `${whole.format(seconds / 60)} min`;
  return `${whole.format(seconds / 3600)} h`;
}
