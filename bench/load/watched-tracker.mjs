/** A tracker for bench/dashboard.mjs, in a process of its own: `true` with a dashboard. Tells its port. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTracker } from '../../js/tracker/index.js';
import { mmdb } from '../../tests/js/mmdb.mjs';

const PROVIDERS = [
  ['Deutsche Telekom', 'DE', 'BE'],
  ['Vodafone', 'DE', 'BY'],
  ['Orange', 'FR', 'IDF'],
  ['Telefónica', 'ES', 'MD'],
  ['Comcast', 'US', 'PA'],
  ['BT', 'GB', 'ENG'],
  ['Free', 'FR', 'ARA'],
  ['Telecom Italia', 'IT', '25'],
  ['KPN', 'NL', 'NH'],
  ['Swisscom', 'CH', 'ZH'],
  ['Telia', 'SE', 'AB'],
  ['NOS', 'PT', '11'],
];
const UNBOUNDED = 2 ** 31 - 1;

const dir = mkdtempSync(join(tmpdir(), 'hlsmesh-bench-'));
/** @param {string} name @param {(provider: string[]) => object} record */
const database = (name, record) => {
  const networks = PROVIDERS.map((provider, at) => [`100.${64 + at}.0.0/16`, record(provider)]);
  const file = join(dir, name);
  const buildEpoch = Math.floor(Date.now() / 1000);
  writeFileSync(file, mmdb(Object.fromEntries(networks), { buildEpoch }));
  return file;
};
const { port } = await createTracker({
  port: Number(process.argv[3] ?? 0),
  dashboard: process.argv[2] === 'true',
  trustedProxies: ['loopback'],
  asnDb: database('networks.mmdb', ([isp]) => ({ isp })),
  cityDb: database('cities.mmdb', ([, country, part]) => ({
    country: { iso_code: country },
    subdivisions: [{ iso_code: part }],
  })),
  handshakesPerAddress: UNBOUNDED,
  // Viewers and tracker may share two busy cores.
  handshakeSeconds: 60,
  pendingPerAddress: UNBOUNDED,
  limits: { maxConnections: UNBOUNDED, addressShare: 100 },
});
rmSync(dir, { recursive: true });
process.send?.({ port });
process.on('disconnect', () => process.exit(0));
