/** What `hlsmesh-sim` is asked for. */

import { accessSync, constants, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const SCENARIOS = new URL('./scenarios/', import.meta.url);

export const HELP = `hlsmesh-sim: what peers would save, by real engines on simulated lines

  hlsmesh-sim [--scenario NAME|FILE] [--viewers N] [--bitrate MBIT] [--segment S] [--seconds S]

  --scenario NAME|FILE  a scenario that comes with hlsmesh, or a JSON file; default: reference
  --list                names the scenarios that come with hlsmesh
  --audience FILE       JSON of an audience, in place of the scenario's
  --viewers N           how many watch
  --checks SHARE        the option of that name, 0 to 1, of all viewers
  --bitrate MBIT        of the stream, in Mbit/s
  --segment S           seconds of media in a segment
  --seconds S           how long the run is
  --seed N              of everything that is left to chance; default 1. Without --scenario every
                        parameter is drawn from it
  --seeds N             runs N seeds, from --seed on; figures are means, with 95 % intervals
  --flow N              says what N viewers, up to 10,000,000, would get, by a flow model that is fitted to
                        the exact run and checked by one with a third of its viewers
  --json                prints the figures as JSON
  --report FILE         writes the figures as one HTML page
  --help

Exit codes: 0 good; 2 wrong usage; 10 a player was given wrong bytes; 11 an engine or the tracker
contradicts itself; 12 a command for what is not there; 13 a viewer stalled longer than without
peers; 14 a figure lies outside what the scenario expects; 15 the swarm does not
come to rest once nothing goes wrong any more.
`;

export class UsageError extends Error {}

/**
 * @typedef {object} Request
 * @property {any | null} scenario null: each seed draws its own
 * @property {string[]} replay the arguments that make the same scenario again
 * @property {bigint} seed
 * @property {number} seeds
 * @property {number | null} flow viewers of a flow model
 * @property {boolean} json
 * @property {string | null} report
 */

/**
 * @param {string[]} args
 * @returns {Request | { print: string }}
 * @throws {UsageError}
 */
export function readArguments(args) {
  const { values } = parse(args);
  if (values.help) return { print: HELP };
  if (values.list) return { print: listScenarios() };
  const drawn = values.seed !== undefined && values.scenario === undefined;
  const scenario = drawn ? null : readScenario(values.scenario ?? 'reference');
  const replay = drawn ? [] : ['--scenario', values.scenario ?? 'reference'];
  const changes = /** @type {const} */ ([
    ['viewers', 'audience', 'viewers'],
    ['checks', 'audience', 'checks'],
    ['bitrate', 'stream', 'mbit'],
    ['segment', 'stream', 'segmentSeconds'],
    ['seconds', null, 'seconds'],
  ]);
  if (values.audience !== undefined) {
    if (!scenario) throw new UsageError('--audience needs --scenario');
    const { viewers } = scenario.audience ?? {};
    scenario.audience = { viewers, ...readJson(values.audience, '--audience') };
    replay.push('--audience', values.audience);
  }
  for (const [option, part, member] of changes) {
    const text = values[option];
    if (text === undefined) continue;
    if (!scenario) throw new UsageError(`--${option} needs --scenario`);
    const value = numberOf(option, text);
    if (part) scenario[part] = { ...scenario[part], [member]: value };
    else scenario[member] = value;
    replay.push(`--${option}`, text);
  }
  return {
    scenario,
    replay,
    seed: seedOf(values.seed ?? '1'),
    seeds: wholeOf('seeds', values.seeds ?? '1'),
    flow: values.flow === undefined ? null : flowOf(values.flow, scenario),
    json: values.json ?? false,
    report: values.report === undefined ? null : writable(values.report),
  };
}

/** @param {string[]} args */
function parse(args) {
  const text = /** @type {const} */ ({ type: 'string' });
  const flag = /** @type {const} */ ({ type: 'boolean' });
  try {
    return parseArgs({
      args,
      options: {
        ...{
          scenario: text,
          audience: text,
          viewers: text,
          checks: text,
          bitrate: text,
          segment: text,
        },
        ...{ seconds: text, seed: text, seeds: text, report: text, flow: text },
        ...{ list: flag, json: flag, help: flag },
      },
    });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

function listScenarios() {
  const names = readdirSync(SCENARIOS).filter((name) => name.endsWith('.json'));
  return names
    .sort()
    .map((file) => {
      const { name, about } = JSON.parse(readFileSync(new URL(file, SCENARIOS), 'utf8'));
      return `${name.padEnd(18)} ${about}\n`;
    })
    .join('');
}

/** @param {string} name of a scenario that comes with hlsmesh, or of a file */
function readScenario(name) {
  if (/^[\w-]+$/.test(name)) {
    try {
      return JSON.parse(readFileSync(new URL(`${name}.json`, SCENARIOS), 'utf8'));
    } catch {
      throw new UsageError(`--scenario: there is none named ${name}; --list names all`);
    }
  }
  return readJson(name, '--scenario');
}

/** @param {string} file @param {string} option */
function readJson(file, option) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${option}: ${/** @type {Error} */ (error).message}`);
  }
  try {
    const value = JSON.parse(text);
    if (value && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch (error) {
    throw new UsageError(`${option}: ${file} is not JSON: ${/** @type {Error} */ (error).message}`);
  }
  throw new UsageError(`${option}: ${file} must hold a JSON object`);
}

/** A run may take minutes; what it is to be written to is looked at before. @param {string} file */
function writable(file) {
  try {
    accessSync(path.dirname(path.resolve(file)), constants.W_OK);
    return file;
  } catch (error) {
    throw new UsageError(`--report: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} option @param {string} text */
function numberOf(option, text) {
  const value = Number(text);
  if (text.trim() && Number.isFinite(value)) return value;
  throw new UsageError(`--${option} must be a number, not ${JSON.stringify(text)}`);
}

/** @param {string} option @param {string} text */
function wholeOf(option, text) {
  const value = numberOf(option, text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new UsageError(`--${option} must be a whole number from 1 to 10000`);
}

/** @param {string} text @param {any} scenario */
function flowOf(text, scenario) {
  if (!scenario) throw new UsageError('--flow needs --scenario');
  const value = numberOf('flow', text);
  if (Number.isInteger(value) && value >= 2 && value <= 10_000_000) return value;
  throw new UsageError('--flow must be a whole number from 2 to 10000000');
}

/** @param {string} text */
function seedOf(text) {
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new UsageError(`--seed must be a whole number below 2^64, not ${JSON.stringify(text)}`);
}
