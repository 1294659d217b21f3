/** Checks that the files, sections and headings that comments and pages name exist. */

import { dirname, extname, join, normalize } from 'node:path';
import { isCpp, isJs } from './tree.mjs';

/** @typedef {import('./tree.mjs').Tree} Tree */

const PROTOCOL = 'docs/PROTOCOL.md';

/** Files that a build makes or fetches: pages name them, but the tree does not have them. */
const MADE = /^(dist|build|node_modules|demo\/media)\//;

/** A path of the project in running text. A path with a star names several files. */
const PATH =
  /(?<![\w./@-])(?:bench|demo|deploy|docs|findings|js|scripts|src|tests|wasm)\/[\w./*-]*\w\.(?:cmake|cpp|css|hpp|html|js|json|md|mjs|sh|trace|ts|txt)\b/g;

/**
 * @param {string} text
 * @returns {string[]} its comments, each in one line and without the marks that begin its lines; none that a string holds
 */
const comments = (text) =>
  [...text.matchAll(/(?<=^|\s)\/\*[^]*?\*\/|(?:^[ \t]*\/\/[^\n]*\n?)+|(?<=\s)\/\/[^\n]*/gm)].map(
    ([comment]) => comment.replace(/^[ \t]*(?:\/\/|\/\*+|\*(?!\/))/gm, '').replace(/\s+/g, ' '),
  );

/** @param {string} text of a page @returns {string} without its blocks of code */
const prose = (text) => text.replace(/^```[^]*?^```$/gm, '');

/** The name that GitHub gives a heading. @param {string} heading */
const anchor = (heading) =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/ /g, '-');

/** @param {string} text of a page @returns {Set<string>} names of its headings */
const anchors = (text) =>
  new Set([...prose(text).matchAll(/^#+ +(.+)$/gm)].map(([, heading]) => anchor(heading)));

/**
 * @param {Tree} tree
 * @returns {string[]} links of pages that lead nowhere
 */
export function checkLinks(tree) {
  /** @type {string[]} */
  const broken = [];
  for (const [path, text] of tree) {
    if (extname(path) !== '.md') continue;
    for (const [, link] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file, name] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      const folder = [...tree.keys()].some((other) =>
        other.startsWith(`${target.replace(/\/$/, '')}/`),
      );
      if (!tree.has(target) && !folder && target !== 'LICENSE')
        broken.push(`${path}: links to ${link}, which does not exist`);
      else if (name !== undefined && !anchors(tree.get(target) ?? '').has(name)) {
        broken.push(`${path}: links to ${link}, a heading that does not exist`);
      }
    }
  }
  return broken;
}

/**
 * @param {Tree} tree
 * @returns {string[]} files and sections that comments and pages name, and that do not exist
 */
export function checkNames(tree) {
  /** @type {string[]} */
  const broken = [];
  const sections = new Set(
    [...(tree.get(PROTOCOL) ?? '').matchAll(/^## (\d+)\. /gm)].map(([, number]) => number),
  );
  for (const [path, text] of tree) {
    const page = extname(path) === '.md';
    if (!page && !isCpp(path) && !isJs(path)) continue;
    const said = page ? prose(text) : comments(text).join('\n');
    for (const [name] of said.matchAll(PATH)) {
      if (name.includes('*') || MADE.test(name) || tree.has(name)) continue;
      broken.push(`${path}: names ${name}, which does not exist`);
    }
    // `protocol section 2`, and `section 2 of docs/PROTOCOL.md`. The RFCs' sections have an RFC before them.
    for (const [citation, number, other] of said.matchAll(
      /\bprotocol(?:\.md)?,? sections? (\d+)|\bsection (\d+) of (?:the protocol|docs\/PROTOCOL\.md)/gi,
    )) {
      if (!sections.has(number ?? other))
        broken.push(`${path}: cites "${citation}", which ${PROTOCOL} does not have`);
    }
  }
  return broken;
}
