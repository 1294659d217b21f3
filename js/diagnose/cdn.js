/** Whether a page may read the stream, and parts of its segments, from the CDN. */

import { mayFetch } from '../cdn-fetch.js';
import { withoutCredentials } from '../identity.js';

/** @typedef {import('./index.js').Finding} Finding */
/** @typedef {import('./inside.js').Inside} Inside */
/** @typedef {'range' | 'no-range' | 'range-cors' | 'cors' | 'cdn-unreachable' | 'cdn-refuses'} CdnCode */

const PATIENCE_MS = 8000;

/** Enough to see whether the CDN sends a part or all of it. */
const RANGE = 'bytes=0-1';

/**
 * @param {Inside} look
 * @returns {Promise<{ findings: Finding[], facts: Record<string, unknown> }>}
 */
export async function checkCdn({ hls }) {
  const url = aSegment(hls) || hls?.url || '';
  if (!/^https?:/.test(url)) return { findings: [], facts: {} };
  const code = await examine(url);
  const findings = [...about(code, withoutCredentials(url)), ...aboutLoader(hls, url)];
  return { findings, facts: { cdn: code } };
}

/** @param {any} hls @returns {string} the URL of a segment that the CDN has; empty if none is known */
function aSegment(hls) {
  const details =
    hls?.latestLevelDetails ?? hls?.levels?.find((/** @type {any} */ l) => l.details)?.details;
  return details?.fragments.at(-1)?.url ?? '';
}

/**
 * @param {string} url
 * @returns {Promise<CdnCode>}
 */
async function examine(url) {
  const part = await ask(url, { headers: { Range: RANGE } });
  if (part === 206) return 'range';
  if (part === 200) return 'no-range';
  if (part !== 0) return 'cdn-refuses';
  if ((await ask(url, {})) !== 0) return 'range-cors';
  return (await ask(url, { mode: 'no-cors' })) < 0 ? 'cors' : 'cdn-unreachable';
}

/**
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<number>} the status; -1: something answered, and the page may not see what; 0: nothing can be read
 */
async function ask(url, init) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(url, { cache: 'no-store', signal: controller.signal, ...init });
    return answer.type === 'opaque' ? -1 : answer.status;
  } catch {
    return 0;
  } finally {
    clearTimeout(timer);
    // The body is of no interest.
    controller.abort();
  }
}

/**
 * @param {CdnCode} code
 * @param {string} url
 * @returns {Finding[]}
 */
function about(code, url) {
  /** @type {Record<CdnCode, [Finding['severity'], string, string]>} */
  const texts = {
    range: ['good', 'The CDN answers requests for parts of a segment.', ''],
    'no-range': [
      'problem',
      `The CDN sends all of ${url} where a part was asked for.`,
      'Let origin and CDN answer the header Range with 206: otherwise bytes that peers lack cost a whole segment.',
    ],
    'range-cors': [
      'problem',
      `The CDN does not let a page ask for a part of ${url} (CORS refuses the header Range).`,
      'Answer OPTIONS with Access-Control-Allow-Headers: Range.',
    ],
    cors: [
      'problem',
      `The CDN does not let this page read ${url} (CORS).`,
      'Send Access-Control-Allow-Origin with playlists and segments; with credentials, the page’s own origin and not *.',
    ],
    'cdn-unreachable': [
      'problem',
      `${url} cannot be fetched.`,
      'Check name, certificate and network of the CDN, and connect-src of the Content Security Policy.',
    ],
    'cdn-refuses': [
      'note',
      `The CDN refuses a plain request for ${url}, so CORS and Range could not be checked.`,
      'If the site signs its requests (xhrSetup), ask the CDN by hand: curl -r 0-1 -H "Origin: …".',
    ],
  };
  const [severity, message, advice] = texts[code];
  return [{ code, severity, message, advice }];
}

/**
 * @param {any} hls
 * @param {string} url
 * @returns {Finding[]}
 */
function aboutLoader({ config }, url) {
  // The mesh's own loader stands in fLoader; what it stands for is what the site has set up.
  if (mayFetch(config.loader, config, url)) return [];
  return [
    {
      code: 'own-loader',
      severity: 'note',
      message:
        'The site has its own way of loading segments (xhrSetup, a loader, or a replaced fetch).',
      advice:
        'Segments are passed on only when they are whole. Where the site can do without, others get them sooner.',
    },
  ];
}
