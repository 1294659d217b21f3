/**
 * What is tried of players, frameworks and bundlers, and with which packages. docs/COMPATIBILITY.md has their versions and when
 * they were last tried; scripts/test-sites.mjs writes it there.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

/** Of the results of one run. */
const FOLDER = join(ROOT, 'build', 'sites');

const PAGE = join(ROOT, 'docs/COMPATIBILITY.md');

/**
 * @typedef {object} Site
 * @property {string} name
 * @property {string[]} packages whose versions are told; as the folder's package.json names them
 * @property {string} folder of tests/sites
 */

/** @type {Site[]} */
export const PLAYERS = [
  { name: 'hls.js', packages: ['hls.js'], folder: 'players' },
  { name: 'Plyr', packages: ['plyr'], folder: 'players' },
  { name: 'Media Chrome', packages: ['media-chrome'], folder: 'players' },
  { name: 'hls-video-element', packages: ['hls-video-element'], folder: 'players' },
  { name: 'Video.js 10', packages: ['@videojs/html'], folder: 'players' },
  { name: 'Video.js 8', packages: ['video.js'], folder: 'players' },
  { name: 'Vidstack', packages: ['vidstack'], folder: 'players' },
  { name: 'Clappr', packages: ['@clappr/core', '@clappr/hlsjs-playback'], folder: 'players' },
  { name: 'DPlayer', packages: ['dplayer'], folder: 'players' },
  { name: 'ArtPlayer', packages: ['artplayer'], folder: 'players' },
  { name: 'xgplayer', packages: ['xgplayer', 'xgplayer-hls.js'], folder: 'players' },
  { name: 'OpenPlayerJS', packages: ['openplayerjs'], folder: 'players' },
  { name: 'MediaElement.js', packages: ['mediaelement'], folder: 'players' },
  { name: 'A web component', packages: ['hls.js'], folder: 'players' },
  { name: 'Interstitials', packages: ['hls.js'], folder: 'players' },
  { name: 'Two players on a page', packages: ['hls.js'], folder: 'players' },
];

/** @type {Site[]} */
export const FRAMEWORKS = [
  { name: 'React', packages: ['react', 'vite'], folder: 'players' },
  { name: 'Vue', packages: ['vue', 'vite'], folder: 'players' },
  { name: 'Svelte', packages: ['svelte', 'vite'], folder: 'players' },
  { name: 'Next.js', packages: ['next', 'react'], folder: 'next' },
  { name: 'Nuxt', packages: ['nuxt'], folder: 'nuxt' },
  { name: 'Angular', packages: ['@angular/core', '@angular/build'], folder: 'angular' },
];

/** @param {string} name @param {...string} packages @returns {Site} */
const bundler = (name, ...packages) => ({ name, packages, folder: 'bundlers' });

/** @type {Site[]} */
export const BUNDLERS = [
  ...['7', '8'].flatMap((version) =>
    [
      '',
      ', its server',
      ', its server in a workspace',
      ', a library',
      ', a library as a script',
    ].map((what) => bundler(`Vite ${version}${what}`, `vite-${version}`)),
  ),
  bundler('webpack 5', 'webpack'),
  bundler('Rspack', '@rspack/core'),
  bundler('Rollup', 'rollup'),
  bundler('Rolldown', 'rolldown'),
  bundler('esbuild, a module', 'esbuild'),
  bundler('esbuild, a script', 'esbuild'),
  bundler('Parcel 2', 'parcel'),
];

/** By the first word of their table's head. @type {[title: string, sites: Site[]][]} */
export const SITES = [
  ['player or framework', [...PLAYERS, ...FRAMEWORKS]],
  ['bundler', BUNDLERS],
];

/** @param {Site} site @returns {string} its packages with their versions */
export function versions({ packages, folder }) {
  const file = join(ROOT, 'tests/sites', folder, 'package.json');
  const { devDependencies } = JSON.parse(readFileSync(file, 'utf8'));
  const told = packages.map((name) => {
    const [, alias, version] = /^(?:npm:(.*)@)?(.*)$/.exec(devDependencies[name]) ?? [];
    return `${alias ?? name} ${version}`;
  });
  return told.join(', ');
}

/**
 * Runs a test and keeps whether it passed.
 * @param {string} name of a site
 * @param {() => Promise<void>} run
 */
export async function remember(name, run) {
  const keep = (/** @type {boolean} */ passed) => {
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `${name.replace(/\W+/g, '-')}.json`);
    writeFileSync(file, JSON.stringify({ name, passed }));
  };
  keep(false);
  await run();
  keep(true);
}

/** @returns {Record<string, boolean>} passed or not, by name */
export function results() {
  mkdirSync(FOLDER, { recursive: true });
  const kept = readdirSync(FOLDER).map((file) =>
    JSON.parse(readFileSync(join(FOLDER, file), 'utf8')),
  );
  return Object.fromEntries(kept.map(({ name, passed }) => [name, passed]));
}

/**
 * Writes the rows of what was tried today; the others stay.
 * @param {Record<string, boolean>} outcome
 */
export function record(outcome) {
  const day = new Date().toISOString().slice(0, 10);
  let page = readFileSync(PAGE, 'utf8');
  for (const [title, sites] of SITES) {
    const head = new RegExp(`(\\| ${title} \\|.*\\n\\|[-|]+\\|\\n)((?:\\|.*\\n)*)`);
    const [, , old = ''] = head.exec(page) ?? [];
    const rows = sites.map((site) => {
      const row = old.split('\n').find((line) => line.startsWith(`| ${site.name} |`));
      if (!(site.name in outcome)) return row;
      return `| ${site.name} | ${versions(site)} | ${outcome[site.name] ? 'yes' : '**no**'} | ${day} |`;
    });
    const table = rows.filter((row) => row !== undefined).join('\n');
    page = page.replace(head, (_, start) => `${start}${table}\n`);
  }
  writeFileSync(PAGE, page);
}
