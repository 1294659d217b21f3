/** A report: one HTML file that holds its figures and everything that shows them. */

import { readFileSync } from 'node:fs';

/** @param {string} name in dist/ */
const built = (name) => readFileSync(new URL(`../../dist/${name}`, import.meta.url), 'utf8');

/**
 * @param {any} summary of summarize()
 * @param {import('./summary.js').Run[]} runs
 * @returns {string} HTML
 */
export function reportPage(summary, runs) {
  // What could end the script element, or begin a comment in it, is written as JSON's escape.
  const data = JSON.stringify({ summary, runs }).replace(/</g, '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width" />
<title>hlsmesh-sim</title>
<link rel="icon" href="data:," />
<style>
${built('hlsmesh-sim-report.css')}
</style>
<main></main>
<script type="application/json" id="figures">${data}</script>
<script>
${built('hlsmesh-sim-report.js')}
</script>
</html>
`;
}
