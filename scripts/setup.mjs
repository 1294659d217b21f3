/**
 * Finds the packages that a purpose needs and this machine lacks, prints each with its reason, and installs them: Debian
 * packages, then npm packages. It uses only Node's own modules, and installs nothing unless it may install everything.
 *
 * `node scripts/setup.mjs [build|demo|test|packagers|deploy]`
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, UserError, findCommand, lastLines, run, runMain } from './lib/process.mjs';

/** @typedef {'build' | 'demo' | 'test' | 'packagers' | 'deploy'} Purpose */

/**
 * @typedef {object} Requirement
 * @property {string} name Debian's package
 * @property {string} why
 * @property {Purpose[]} purposes
 * @property {() => boolean} found true if it is installed, from any source
 */

const OLDEST_NODE = [18, 19];

/** @param {string[]} names one of them is enough */
const command =
  (...names) =>
  () =>
    names.some((name) => findCommand(name) !== null);

/** @param {string} path below an include folder */
const header = (path) => () =>
  ['/usr/include', '/usr/local/include'].some((folder) => existsSync(join(folder, path)));

/** True if clang's sanitizer and fuzzer libraries are installed: in Debian they are not part of the compiler's package. */
function hasSanitizers() {
  if (!findCommand('clang++')) return false;
  const resources = spawnSync('clang++', ['-print-resource-dir'], { encoding: 'utf8' });
  const libraries = join((resources.stdout ?? '').trim(), 'lib');
  if (resources.status !== 0 || !existsSync(libraries)) return false;
  return readdirSync(libraries).some((system) =>
    readdirSync(join(libraries, system)).some((file) => file.startsWith('libclang_rt.fuzzer')),
  );
}

/** Each purpose includes building, except the last two, which follow `test`. */
const ALL = /** @type {Purpose[]} */ (['build', 'demo', 'test']);

/** @type {Requirement[]} */
export const REQUIREMENTS = [
  { name: 'npm', why: 'installs the JavaScript packages', purposes: ALL, found: command('npm') },
  { name: 'cmake', why: 'configures the C++ build', purposes: ALL, found: command('cmake') },
  { name: 'ninja-build', why: 'runs the C++ build', purposes: ALL, found: command('ninja') },
  {
    name: 'emscripten',
    why: 'compiles the engines to WebAssembly',
    purposes: ALL,
    found: command('emcc'),
  },
  {
    name: 'nlohmann-json3-dev',
    why: 'reads JSON in the C++ tests',
    purposes: ALL,
    found: header('nlohmann/json.hpp'),
  },
  {
    name: 'catch2',
    why: 'C++ test framework; the build names the tests too',
    purposes: ALL,
    found: header('catch2/catch.hpp'),
  },
  {
    name: 'ffmpeg',
    why: 'makes the sample stream',
    purposes: ['demo', 'test'],
    found: command('ffmpeg'),
  },
  {
    name: 'fonts-dejavu-core',
    why: 'letters for the timecode in the sample stream',
    purposes: ['demo', 'test'],
    found: () => existsSync('/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf'),
  },
  { name: 'g++', why: 'compiles the native tests', purposes: ['test'], found: command('g++') },
  {
    name: 'clang',
    why: 'compiles the tests with sanitizers',
    purposes: ['test'],
    found: command('clang++'),
  },
  {
    name: 'libclang-rt-dev',
    why: 'AddressSanitizer, UndefinedBehaviorSanitizer and libFuzzer for clang',
    purposes: ['test'],
    found: hasSanitizers,
  },
  {
    name: 'clang-format',
    why: 'checks the C++ formatting',
    purposes: ['test'],
    found: command('clang-format'),
  },
  {
    name: 'chromium',
    why: 'plays the streams in the browser tests',
    purposes: ['test'],
    found: () => process.env.CHROMIUM_PATH !== undefined || findCommand('chromium') !== null,
  },
  {
    name: 'redis-server',
    why: 'is what several trackers have in common in the tests',
    purposes: ['test'],
    found: command('redis-server'),
  },
  {
    name: 'coturn',
    why: 'relays between viewers in the browser tests',
    purposes: ['test'],
    found: command('turnserver'),
  },
  {
    name: 'firefox-esr',
    why: 'shares with Chromium in the browser tests; decodes H.264 by the libavcodec that ffmpeg brings',
    purposes: ['test'],
    found: () => process.env.FIREFOX_PATH !== undefined || findCommand('firefox-esr') !== null,
  },
  {
    name: 'gstreamer1.0-tools',
    why: 'is a live packager with hlssink2',
    purposes: ['packagers'],
    found: command('gst-launch-1.0'),
  },
  ...[
    ['good', 'encodes and muxes'],
    ['bad', 'has hlssink2'],
    ['ugly', 'has x264enc'],
  ].map(([set, why]) => ({
    name: `gstreamer1.0-plugins-${set}`,
    why,
    purposes: /** @type {Purpose[]} */ (['packagers']),
    found: () => spawnSync('dpkg', ['-s', `gstreamer1.0-plugins-${set}`]).status === 0,
  })),
  {
    name: 'libnginx-mod-rtmp',
    why: 'is a live packager that broadcasts are published to',
    purposes: ['packagers'],
    found: () => existsSync('/usr/lib/nginx/modules/ngx_rtmp_module.so'),
  },
  ...[
    ['nginx-light', 'nginx', 'is a proxy before trackers'],
    ['haproxy', 'haproxy', 'is a proxy before trackers'],
    ['caddy', 'caddy', 'is a proxy before trackers'],
    ['apache2', 'apache2', 'is a proxy before trackers'],
    ['prometheus', 'promtool', 'checks metrics and alerts'],
    ['php-cli', 'php', 'runs a sample token service'],
    ['python3', 'python3', 'runs a sample token service'],
    ['docker-compose', 'docker-compose', 'checks docker-compose.yml'],
    ['systemd', 'systemd-analyze', 'checks the unit'],
    ['util-linux', 'setpriv', 'gives a process the capabilities of the unit alone'],
  ].map(([name, program, why]) => ({
    name,
    why,
    purposes: /** @type {Purpose[]} */ (['deploy']),
    found: command(program),
  })),
];

/**
 * @param {string} osRelease text of /etc/os-release
 * @returns {{ debian: boolean, title: string }}
 */
export function readSystem(osRelease) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const [, key, value] of osRelease.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)) {
    fields[key] = value;
  }
  return { debian: fields.ID === 'debian', title: fields.PRETTY_NAME ?? 'an unknown system' };
}

/**
 * The command by which this user becomes root.
 * @returns {string[] | null} words before the command, or null if there is no way
 */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const sudo = findCommand('sudo');
  if (!sudo) return null;
  if (spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0) return [sudo, '-n'];
  return process.stdin.isTTY && spawnSync(sudo, ['-v'], { stdio: 'inherit' }).status === 0
    ? [sudo, '-n']
    : null;
}

/**
 * The reason why the missing packages cannot be installed here, or null if they can.
 * @param {Pick<Requirement, 'name' | 'why'>[]} missing
 * @param {{ system: { debian: boolean, title: string }, apt: boolean, prefix: string[] | null }} machine
 * @returns {string | null}
 */
export function refusal(missing, { system, apt, prefix }) {
  const names = missing.map(({ name }) => name).join(' ');
  if (!system.debian || !apt) {
    const what = system.debian ? 'has no apt-get' : `runs ${system.title}, not Debian`;
    return `This machine ${what}, so nothing was installed. Install what the list above names by your
system's own means (the names are Debian's), then run this again.`;
  }
  if (prefix === null) {
    return `Installing takes root, and this user is neither root nor allowed to use sudo, so nothing was
installed. Ask an administrator to run

  apt-get install --no-install-recommends ${names}

then run this again.`;
  }
  return null;
}

/**
 * @param {string[]} prefix
 * @param {string[]} args of apt-get
 * @param {string} log
 * @param {string[]} [earlier] apt-get's complaints from before: `update` succeeds although a mirror is dead
 * @returns {Promise<string[]>} its complaints, although it succeeded
 */
async function aptGet(prefix, args, log, earlier = []) {
  // env, because sudo drops the caller's variables.
  const words = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-q',
    '-y',
    '-o',
    'DPkg::Lock::Timeout=120',
    '-o',
    'Acquire::Retries=3',
    ...args,
  ];
  const started = Date.now();
  console.log(`  apt-get ${args.join(' ')}`);
  const { code, output } = await run(words[0], words.slice(1), { log, env: process.env });
  const reasons = [...earlier, ...output.split('\n').filter((line) => /^[EW]:/.test(line))];
  if (code !== 0) {
    throw new UserError(`apt-get ${args[0]} failed:

${reasons.length > 0 ? reasons.slice(-12).join('\n') : lastLines(output, 15)}

The whole output is in build/logs/${log}. Check the network and the package sources in /etc/apt,
run the command above by hand as root, then run this again.`);
  }
  console.log(`  done in ${Math.round((Date.now() - started) / 1000)} s`);
  return reasons;
}

/** @param {Purpose} purpose */
async function installDebianPackages(purpose) {
  const missing = REQUIREMENTS.filter(
    ({ purposes, found }) => purposes.includes(purpose) && !found(),
  );
  if (missing.length === 0) return;
  console.log('Missing on this machine:');
  for (const { name, why } of missing) console.log(`  ${name.padEnd(20)} ${why}`);
  const releaseFile = process.env.HLSMESH_OS_RELEASE ?? '/etc/os-release';
  const system = readSystem(existsSync(releaseFile) ? readFileSync(releaseFile, 'utf8') : '');
  const apt = findCommand('apt-get') !== null;
  const prefix = system.debian && apt ? rootPrefix() : null;
  const reason = refusal(missing, { system, apt, prefix });
  if (reason !== null || prefix === null) throw new UserError(reason ?? '');
  console.log('Installing, which takes a few minutes the first time:');
  const warnings = await aptGet(prefix, ['update'], 'apt-update.log');
  const names = missing.map(({ name }) => name);
  const install = ['install', '--no-install-recommends', ...names];
  await aptGet(prefix, install, 'apt-install.log', warnings);
  const stillMissing = missing.filter(({ found }) => !found()).map(({ name }) => name);
  if (stillMissing.length > 0) {
    throw new UserError(
      `apt-get installed ${stillMissing.join(', ')}, but what was looked for is still not there.`,
    );
  }
}

/**
 * A digest of what determines the installed packages: the lock, and the system for which optional binary packages were chosen.
 */
function lockDigest() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  return createHash('sha256')
    .update(lock)
    .update(`${process.platform} ${process.arch}`)
    .digest('hex');
}

async function installNpmPackages() {
  const stamp = join(ROOT, 'node_modules', '.hlsmesh-lock');
  const digest = lockDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  const why = existsSync(stamp) ? 'package-lock.json has changed' : 'not installed yet';
  console.log(`npm packages: ${why}\n  npm ci`);
  const started = Date.now();
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const { code, output } = await run('npm', args, { log: 'npm-ci.log', env: process.env });
  if (code !== 0) {
    throw new UserError(`npm ci failed:

${lastLines(output, 15)}

The whole output is in build/logs/npm-ci.log. Check the network and npm's configuration (npm config
list), then run this again.`);
  }
  writeFileSync(stamp, digest);
  console.log(`  done in ${Math.round((Date.now() - started) / 1000)} s`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new UserError(
    `Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version}. Debian 12 has it.`,
  );
}

/**
 * @param {Purpose} purpose
 * @throws {UserError} if a missing package cannot be installed
 */
export async function setup(purpose) {
  checkNode();
  await installDebianPackages(purpose);
  await installNpmPackages();
}

await runMain(import.meta, async () => {
  const purpose = process.argv[2] ?? 'test';
  const known = [...ALL, 'packagers', 'deploy'];
  if (!known.includes(purpose)) {
    throw new UserError(`usage: node scripts/setup.mjs [${known.join('|')}]`);
  }
  const started = Date.now();
  await setup(/** @type {Purpose} */ (purpose));
  console.log(`Everything for ${purpose} is here (${Date.now() - started} ms).`);
});
