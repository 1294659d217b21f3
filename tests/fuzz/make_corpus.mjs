// Writes the seed corpora from the vectors: node tests/fuzz/make_corpus.mjs. Inputs that fuzzing has added under other
// names stay. Long texts are left out: the mutations that matter happen in short ones.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

const MAX_SEED_BYTES = 1024;
const MAX_SEEDS = 200;

const load = (/** @type {string} */ name) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'));

/** @param {any} value a string or a list of [part, times] */
const text = (value) =>
  typeof value === 'string'
    ? value
    : value.map((/** @type {[string, number]} */ [part, times]) => part.repeat(times)).join('');

/** @param {any} vector */
const bytes = (vector) =>
  vector.wire_hex
    ? Buffer.from(text(vector.wire_hex), 'hex')
    : Buffer.from(text(vector.wire ?? vector.data ?? vector.text ?? ''));

const peer = load('peer');
const tracker = load('tracker');
const corpora = {
  peer: peer.messages,
  pieces: peer.pieces,
  frame: peer.frames,
  tracker_from_peer: tracker.from_peer,
  tracker_from_tracker: tracker.from_tracker,
  signal: tracker.signals,
};

for (const [target, vectors] of Object.entries(corpora)) {
  const folder = new URL(`corpus/${target}/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    if (file.startsWith('vector-')) rmSync(new URL(file, folder));
  }
  // Well-formed ones first: they reach deepest.
  const ordered = [
    ...vectors.filter((/** @type {any} */ vector) => !vector.error),
    ...vectors.filter((/** @type {any} */ vector) => vector.error),
  ];
  const seeds = ordered.map(bytes).filter((seed) => seed.length <= MAX_SEED_BYTES);
  for (const seed of seeds.slice(0, MAX_SEEDS)) {
    const name = createHash('sha256').update(seed).digest('hex').slice(0, 12);
    writeFileSync(new URL(`vector-${name}`, folder), seed);
  }
}
