import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The streams of the conformance tests, made by ffmpeg: twelve seconds each, of every packaging that hls.js knows. The
 * pictures are tiny, so that two cores decode several viewers at several times the speed.
 */

const DEFAULT_DIR = fileURLToPath(new URL('../../build/streams', import.meta.url));
const STAMP = 'recipe.json';

export const SECONDS = 12;
export const SEGMENT_SECONDS = 2;
/** Of the low-latency stream; a segment is made of four. */
export const PART_SECONDS = 0.5;
/** So many of them are one part of the streams with long parts. */
export const PARTS_A_SECOND = 1 / PART_SECONDS;
/** Of the ladder, which is long enough for a bandwidth estimate to settle. */
export const LADDER_SECONDS = 48;
/** The live streams are cut finer, so that a window slides within a short test. */
export const LIVE_SECONDS = 24;

const FRAMES_PER_SECOND = 12;

/** AES-128 as playlists mean it: 16 bytes, fetched by every viewer itself. */
export const KEY = Buffer.from('hlsmesh test key');

/**
 * @param {number} seconds
 * @param {{ video?: string, tone?: number, size?: string }} [look]
 */
function sources(seconds, { video = 'testsrc2', tone = 440, size = '192x108' } = {}) {
  return [
    ...['-f', 'lavfi', '-i', `${video}=size=${size}:rate=${FRAMES_PER_SECOND}`],
    ...['-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=48000`],
    ...['-t', String(seconds)],
  ];
}

/** Key frames every `seconds`, so that each segment can be decoded alone. */
function h264(/** @type {number} */ seconds, kbps = 200) {
  const frames = String(FRAMES_PER_SECOND * seconds);
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-threads', '1'],
    ...[
      '-profile:v',
      'baseline',
      '-pix_fmt',
      'yuv420p',
      '-b:v',
      `${kbps}k`,
      '-minrate',
      `${kbps}k`,
    ],
    ...['-maxrate', `${kbps}k`, '-bufsize', `${kbps}k`, '-x264-params', 'nal-hrd=cbr'],
    ...['-g', frames, '-keyint_min', frames, '-sc_threshold', '0'],
  ];
}

const AAC = ['-c:a', 'aac', '-b:a', '48k', '-ac', '1'];

/** @param {string} name @param {number} seconds @param {string[]} [more] */
function ts(name, seconds, more = []) {
  return [
    ...['-f', 'hls', '-hls_time', String(seconds), '-hls_playlist_type', 'vod'],
    ...[...more, '-hls_segment_filename', `${name}%d.ts`, `${name}.m3u8`],
  ];
}

/** @param {string} name @param {number} seconds @param {string[]} [more] */
function fmp4(name, seconds, more = []) {
  return [
    ...['-f', 'hls', '-hls_time', String(seconds), '-hls_playlist_type', 'vod'],
    ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', `${name}-init.mp4`],
    ...[...more, '-hls_segment_filename', `${name}%d.m4s`, `${name}.m3u8`],
  ];
}

const BOTH = ['-map', '0:v', '-map', '1:a'];

/** One run of ffmpeg each. @type {Record<string, string[]>} */
const RECIPES = {
  lo: [...sources(SECONDS), ...BOTH, ...h264(2), ...AAC, ...ts('lo', SEGMENT_SECONDS)],
  hi: [
    ...sources(SECONDS, { size: '256x144' }),
    ...[...BOTH, ...h264(2, 400), ...AAC, ...ts('hi', SEGMENT_SECONDS)],
  ],
  ladder: [
    ...sources(LADDER_SECONDS),
    ...[...BOTH, ...h264(2), ...AAC, ...ts('rung', SEGMENT_SECONDS)],
  ],
  // The part after a discontinuity: another picture, another size, times from zero again.
  other: [
    ...sources(6, { video: 'smptebars', tone: 660, size: '256x144' }),
    ...[...BOTH, ...h264(2), ...AAC, ...ts('other', SEGMENT_SECONDS)],
  ],
  fmp4: [...sources(SECONDS), ...BOTH, ...h264(2), ...AAC, ...fmp4('fmp4', SEGMENT_SECONDS)],
  range: [
    ...sources(SECONDS),
    ...[...BOTH, ...h264(2), ...AAC, '-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod'],
    ...['-hls_segment_type', 'fmp4', '-hls_flags', 'single_file'],
    ...['-hls_segment_filename', 'range.mp4', 'range.m3u8'],
  ],
  demuxed: [
    ...sources(SECONDS),
    ...['-map', '0:v', ...h264(2), ...fmp4('video', SEGMENT_SECONDS)],
    ...['-map', '1:a', '-t', String(SECONDS), ...AAC, ...fmp4('audio', SEGMENT_SECONDS)],
  ],
  dubbed: [
    ...sources(SECONDS, { tone: 880 }),
    ...['-map', '1:a', '-t', String(SECONDS), ...AAC, ...fmp4('dubbed', SEGMENT_SECONDS)],
  ],
  aes: [
    ...[...sources(SECONDS), ...BOTH, ...h264(2), ...AAC],
    ...ts('aes', SEGMENT_SECONDS, ['-hls_key_info_file', 'key-info']),
  ],
  live: [...sources(LIVE_SECONDS), ...BOTH, ...h264(1), ...AAC, ...ts('live', 1)],
  parts: [
    ...sources(LIVE_SECONDS),
    ...[...BOTH, ...h264(PART_SECONDS), ...AAC, ...fmp4('part', PART_SECONDS)],
  ],
};

/** By directory, so that tests that start together make them once. @type {Map<string, Promise<string>>} */
const ensuring = new Map();

/**
 * Makes the streams unless those in `dir` were made by these very recipes.
 * @param {string} [dir]
 * @returns {Promise<string>} the directory: playlists and segments of all streams side by side
 */
export function ensureTestStreams(dir = DEFAULT_DIR) {
  const made = ensuring.get(dir) ?? ensure(dir).finally(() => ensuring.delete(dir));
  ensuring.set(dir, made);
  return made;
}

/** @param {string} dir */
async function ensure(dir) {
  const recipe = createHash('sha256').update(JSON.stringify(RECIPES)).digest('hex');
  const stamp = await readFile(path.join(dir, STAMP), 'utf8').catch(() => '');
  if (stamp === recipe) return dir;
  const fresh = `${dir}.${process.pid}.part`;
  await mkdir(fresh, { recursive: true });
  try {
    await writeFile(path.join(fresh, 'aes.key'), KEY);
    await writeFile(path.join(fresh, 'key-info'), 'aes.key\naes.key\n');
    for (const args of Object.values(RECIPES)) await ffmpeg(args, fresh);
    await writeFile(path.join(fresh, STAMP), recipe);
    await rm(dir, { recursive: true, force: true });
    await rename(fresh, dir);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return dir;
}

/** @param {string[]} args @param {string} cwd @returns {Promise<void>} */
function ffmpeg(args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args], { cwd });
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`ffmpeg ${args.at(-1)}: ${said}`)),
    );
  });
}
