/**
 * Asking a tracker on this machine how it is, as whatever watches over it does.
 */
import http from 'node:http';
import https from 'node:https';
import { authority } from './listener.js';

const PATIENCE_MS = 5000;

/** Where a tracker can be reached that listens on all addresses. @type {Record<string, string>} */
const REACHED_AT = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * @param {{ host: string, port: number, tlsCert?: string }} options of the tracker
 * @returns {Promise<string>} what its /healthz says. Rejects with an error that says why not, when it cannot be reached or is not
 *   well.
 */
export function checkHealth({ host, port, tlsCert }) {
  const { get } = tlsCert === undefined ? http : https;
  const scheme = tlsCert === undefined ? 'http' : 'https';
  const url = `${scheme}://${authority(REACHED_AT[host] ?? host, port)}/healthz`;
  // The certificate is for the name that viewers use.
  const options = { rejectUnauthorized: false, timeout: PATIENCE_MS, agent: false };
  return new Promise((resolve, reject) => {
    const request = get(url, options, async (response) => {
      let body = '';
      for await (const text of response.setEncoding('utf8')) body += text;
      if (response.statusCode === 200) resolve(body);
      else reject(new Error(`${url} answers ${response.statusCode}: ${body.trim()}`));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (error) => reject(new Error(`${url}: ${error.message}`)));
  });
}
