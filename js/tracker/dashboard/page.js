/** The dashboard's page, as scripts/build.mjs bundles it. It holds no figure: it asks the API. */

import { brotliDecompressSync } from 'node:zlib';
import { packedDashboard } from '../package.js';

/** @typedef {import('../http.js').Route} Route */

/** By path: its name in what is packed, and its type. */
const FILES = {
  '/dashboard': ['html', 'text/html; charset=utf-8'],
  '/dashboard/dashboard.js': ['script', 'text/javascript; charset=utf-8'],
  '/dashboard/dashboard.css': ['css', 'text/css; charset=utf-8'],
  '/dashboard/charts.js': ['charts', 'text/javascript; charset=utf-8'],
};

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** @returns {Record<string, string>} texts by name */
const unpacked = () => JSON.parse(String(brotliDecompressSync(packedDashboard())));

/** @returns {Map<string, Route>} by path */
export function pageRoutes() {
  /** @type {ReturnType<typeof unpacked> | undefined} */
  let files;
  return new Map(
    Object.entries(FILES).map(([path, [name, type]]) => [
      path,
      async () => {
        files ??= unpacked();
        return { status: 200, text: files[name], type, headers: HEADERS };
      },
    ]),
  );
}
