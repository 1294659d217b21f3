/** The dashboard's page, as scripts/build.mjs bundles it. It holds no figure: it asks the API. */

import { readFile } from 'node:fs/promises';
import { DIST } from '../package.js';

/** @typedef {import('../http.js').Route} Route */

/** By path: the file in dist/, and its type. */
const FILES = {
  '/dashboard': ['hlsmesh-dashboard.html', 'text/html; charset=utf-8'],
  '/dashboard/dashboard.js': ['hlsmesh-dashboard.js', 'text/javascript; charset=utf-8'],
  '/dashboard/dashboard.css': ['hlsmesh-dashboard.css', 'text/css; charset=utf-8'],
  '/dashboard/charts.js': ['uplot.js', 'text/javascript; charset=utf-8'],
};

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** @returns {Map<string, Route>} by path */
export function pageRoutes() {
  return new Map(
    Object.entries(FILES).map(([path, [file, type]]) => {
      /** @type {Promise<string> | undefined} */
      let body;
      return [
        path,
        async () => {
          body ??= readFile(new URL(file, DIST), 'utf8');
          return { status: 200, text: await body, type, headers: HEADERS };
        },
      ];
    }),
  );
}
