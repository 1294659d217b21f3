/** `diagnose(mesh)`: asks the browser, the tracker, the CDN and the mesh why peers help or do not; its types are in index.d.ts. */

import { version } from '../version.js';
import { checkCdn } from './cdn.js';
import { inside } from './inside.js';
import { checkNetwork } from './network.js';
import { checkPeers } from './peers.js';
import { writeReport } from './report.js';
import { checkSettings } from './settings.js';
import { checkStream } from './stream.js';
import { checkTracker } from './tracker.js';

/** @typedef {import('./index.js').Finding} Finding */

/** How bad what a finding says is, the worst first. */
const ORDER = ['problem', 'note', 'good'];

/**
 * @param {import('../index.js').Mesh} mesh
 * @returns {Promise<import('./index.js').DiagnosisReport>}
 */
export async function diagnose(mesh) {
  const look = inside(mesh);
  const [tracker, network, cdn] = await Promise.all([
    checkTracker(look),
    checkNetwork(look),
    checkCdn(look),
  ]);
  // What the others say is judged last: they have had the time of the other checks to say something.
  const stream = checkStream(look);
  const peers = checkPeers(look, tracker, network);
  const parts = [checkSettings(look), tracker, network, cdn, stream, peers];
  const findings = parts
    .flatMap((part) => part.findings)
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const state = Object.assign({ hlsmesh: version }, ...parts.map((part) => part.facts));
  const text = writeReport(state, findings);
  return { findings, state, text, toString: () => text };
}
