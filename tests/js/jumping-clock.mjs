/**
 * Loaded before a program, makes its time of day leap: a year back, a year on, and so forth, every 50 ms.
 */
const YEAR_MS = 365 * 24 * 3600 * 1000;
const started = Date.now();
const monotonic = performance.now();
const years = [0, -1, 1, 20, -20];

Date.now = () => {
  const passed = performance.now() - monotonic;
  return started + passed + years[Math.floor(passed / 50) % years.length] * YEAR_MS;
};
