/**
 * Asks a tracker on this machine for its health, for a supervisor or a container's health check.
 */
import http from 'node:http';
import https from 'node:https';
import { authority } from './listener.js';

const PATIENCE_MS = 5000;

/**
 * @param {{ host: string, port: number, tlsCert?: string }} options of the tracker
 * @returns {Promise<string>} the answer of its /healthz. Rejects with an error that gives the reason, if the tracker cannot be
 *   reached or is not well.
 */
export function checkHealth({ host, port, tlsCert }) {
  const { get } = tlsCert === undefined ? http : https;
  const scheme = tlsCert === undefined ? 'http' : 'https';
  const url = `${scheme}://${authority(reachedAt(host), port)}/healthz`;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return new Promise((resolve, reject) => {
    const fail = (/** @type {Error} */ { message }) =>
      reject(new Error(`${url}: ${signal.aborted ? 'no answer in time' : message}`));
    // The certificate is for the name that viewers use, not for this address.
    const options = { rejectUnauthorized: false, agent: false, signal };
    const request = get(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('error', fail).on('end', () => {
        if (response.statusCode === 200) resolve(body);
        else fail(new Error(`answers ${response.statusCode}: ${body.trim()}`));
      });
    });
    request.on('error', fail);
  });
}

/** An address of a tracker that may listen on all addresses. @param {string} host */
function reachedAt(host) {
  if (host === '0.0.0.0') return '127.0.0.1';
  return /^[0:]*:[0:]*$/.test(host) ? '::1' : host;
}
