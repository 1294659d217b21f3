/**
 * The packed tarball, installed as a site would: into a project outside of this repository, beside the bundlers and the versions
 * of hls.js that the tests need. The project's own lock pins them.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../scripts/lib/process.mjs';
import { PAGES } from '../browser/stage.mjs';

const FIXTURE = fileURLToPath(new URL('./fixture', import.meta.url));

/** One command of a build or an installation; the slowest, `npm ci` of Nuxt from a registry far away, takes two minutes. */
const LIMIT_MS = 600_000;

const QUIET = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];

export class Project {
  /**
   * @param {string} dir
   * @param {{ filename: string, files: { path: string, size: number }[] }} packed as `npm pack --json` tells it
   */
  constructor(dir, packed) {
    this.dir = dir;
    this.tarball = path.join(dir, packed.filename);
    /** The tarball of the simulator. */
    this.simulator = '';
    this.files = packed.files.map((file) => file.path).sort();
  }

  /** @param {string} [fixture] the folder with its package.json, and with its lock if that is small */
  static async create(fixture = FIXTURE) {
    const dir = await mkdtemp(path.join(tmpdir(), 'hlsmesh-packaging-'));
    try {
      await cp(fixture, dir, { recursive: true });
      await cp(path.join(PAGES, 'observe.js'), path.join(dir, 'public', 'observe.js'));
      await npm(dir, existsSync(path.join(dir, 'package-lock.json')) ? 'ci' : 'install');
      // dist/ is there already, and prepack would make it anew.
      const pack = async (/** @type {string[]} */ ...args) =>
        JSON.parse(await npm(ROOT, 'pack', ...args, '--json', `--pack-destination=${dir}`))[0];
      const project = new Project(dir, await pack());
      project.simulator = path.join(dir, (await pack('./dist/sim')).filename);
      // All that hlsmesh depends on is in the project's lock; the registry is asked only for what npm has forgotten of it.
      await npm(
        dir,
        'install',
        '--prefer-offline',
        '--no-save',
        project.tarball,
        project.simulator,
      );
      return project;
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Runs a script of the project, or of a package in it, with the Node that runs the tests.
   * @param {string} script
   * @param {...string} args
   * @returns {Promise<string>} what it printed
   */
  node(script, ...args) {
    return finished(this.start(script, ...args), `${script} ${args.join(' ')}`);
  }

  /**
   * @param {string} script
   * @param {...string} args
   */
  start(script, ...args) {
    return spawn(process.execPath, [script, ...args], {
      cwd: this.dir,
      env: environment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /**
   * Builds into dist/ and puts what came out aside.
   * @param {string} name
   * @param {string} script
   * @param {...string} args
   * @returns {Promise<string>} the folder
   */
  async build(name, script, ...args) {
    const dist = path.join(this.dir, 'dist');
    const built = path.join(this.dir, 'built', name);
    await rm(dist, { recursive: true, force: true });
    await this.node(script, ...args);
    await cp(dist, built, { recursive: true });
    return built;
  }

  /** @param {string} file */
  path(file) {
    return path.join(this.dir, file);
  }

  async remove() {
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** @param {string} file */
export async function json(file) {
  return JSON.parse(await readFile(file, 'utf8'));
}

/** npm's own settings, but not those that it hands to the script that runs the tests: they name another project. */
function environment() {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^npm_(lifecycle|package|config_local_prefix)/.test(name)) delete env[name];
  }
  return env;
}

/**
 * @param {string} cwd
 * @param {string} command
 * @param {...string} args
 * @returns {Promise<string>} what it printed
 */
export function npm(cwd, command, ...args) {
  const child = spawn('npm', [command, ...QUIET, ...args], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child, `npm ${command}`);
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} what
 * @returns {Promise<string>} what it printed; rejects with all of it when it failed
 */
export function finished(child, what) {
  return new Promise((resolve, reject) => {
    let printed = '';
    let complaint = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.stdout?.setEncoding('utf8').on('data', (text) => (printed += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (complaint += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(printed);
      else reject(new Error(`${what} ended with ${signal ?? code}:\n${printed}${complaint}`));
    });
  });
}
