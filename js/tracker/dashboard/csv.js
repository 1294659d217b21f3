/** Figures as comma-separated values (RFC 4180), for spreadsheets. */

export const CSV_TYPE = 'text/csv; charset=utf-8';

/**
 * @param {import('./series.js').Told} told
 * @param {number} now milliseconds of the epoch
 * @returns {string} a line for each step, with the time at which it ended
 */
export function csvOfSeries({ step, columns }, now) {
  const names = Object.keys(columns);
  const count = columns[names[0]].length;
  const lines = Array.from({ length: count }, (_, at) => {
    const time = new Date(now - (count - 1 - at) * step * 1000).toISOString();
    return [time, ...names.map((name) => columns[name][at])];
  });
  return csv([['time', ...names], ...lines]);
}

/**
 * @param {string} by
 * @param {Record<string, unknown>[]} rows
 * @returns {string}
 */
export function csvOfRows(by, rows) {
  const names = Object.keys(rows[0] ?? { name: '' }).filter((name) => name !== 'name');
  return csv([[by, ...names], ...rows.map((row) => [row.name, ...names.map((name) => row[name])])]);
}

/** @param {unknown[][]} lines */
const csv = (lines) => lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');

/** @param {unknown} value */
function cell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  // A spreadsheet would compute what begins like a formula; names are chosen by viewers.
  const text = String(value).replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
