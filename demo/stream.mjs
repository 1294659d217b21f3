import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The sample stream: a zoom into the Mandelbrot set with a burnt-in timecode and a soft chord that
 * ticks once a second. H.264/AAC in MPEG-TS, keyframes aligned across renditions.
 *
 * All media playlists lie in one directory and no two segments share a name, because peers of
 * protocol version 1 know a segment by its relative URL alone.
 */

/**
 * @typedef {object} Rendition
 * @property {string} name prefix of its playlist and segments
 * @property {number} width
 * @property {number} height
 * @property {number} videoKbps
 * @property {number} audioKbps
 */

/** @typedef {{ segmentSeconds: number, seconds: number, renditions: Rendition[] }} StreamShape */

// Two cores must make this, and then decode several viewers of it: hence the small pictures.
/** @type {Rendition[]} */
export const RENDITIONS = [
  { name: '240p', width: 426, height: 240, videoKbps: 300, audioKbps: 48 },
  { name: '360p', width: 640, height: 360, videoKbps: 700, audioKbps: 64 },
  { name: '360p-high', width: 640, height: 360, videoKbps: 1200, audioKbps: 96 },
];

export const SEGMENT_SECONDS = 2;
export const STREAM_SECONDS = 120;
const FRAMES_PER_SECOND = 25;
// The whole stream is a whole number of AAC frames (1024 samples) at this rate: the live channel
// loops without a gap in the sound.
const SAMPLE_RATE = 48_000;

const STAMP = 'recipe.json';
const DEFAULT_MEDIA_DIR = fileURLToPath(new URL('./media', import.meta.url));

// Monospaced first: a timecode whose digits keep their place is easier to read.
const FONTS = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf',
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
];

/** CODECS of a rendition: H.264 Main level 3.0 and AAC-LC. */
const CODECS = 'avc1.4d401e,mp4a.40.2';

/** By directory, so that those who ask at the same time make it once. @type {Map<string, Promise<string>>} */
const ensuring = new Map();

/**
 * Makes the sample stream unless the one in `dir` was made by this very recipe. An interrupted run
 * leaves the previous stream, or none.
 *
 * @param {{ dir?: string, seconds?: number, log?: (line: string) => void, ffmpeg?: string }} [options]
 * @returns {Promise<string>} the directory that holds `master.m3u8`
 */
export function ensureStream(options = {}) {
  const dir = options.dir ?? DEFAULT_MEDIA_DIR;
  const made = ensuring.get(dir) ?? ensure(dir, options).finally(() => ensuring.delete(dir));
  ensuring.set(dir, made);
  return made;
}

/**
 * @param {string} dir
 * @param {{ seconds?: number, log?: (line: string) => void, ffmpeg?: string }} options
 */
async function ensure(dir, options) {
  const seconds = options.seconds ?? STREAM_SECONDS;
  const log = options.log ?? (() => {});
  const ffmpeg = options.ffmpeg ?? 'ffmpeg';
  const font = FONTS.find((file) => existsSync(file));
  const args = ffmpegArguments(seconds, font);
  const recipe = createHash('sha256')
    .update(JSON.stringify([args, RENDITIONS, CODECS]))
    .digest('hex');

  if ((await readStamp(dir)) === recipe) return dir;

  log('Making the sample stream (once; about half a minute) ...');
  const started = Date.now();
  const fresh = `${dir}.${process.pid}.part`;
  await removeLeftovers(dir);
  await mkdir(fresh, { recursive: true });
  try {
    await run(ffmpeg, args, fresh);
    await writeFile(path.join(fresh, 'master.m3u8'), await masterPlaylist(fresh, seconds));
    await writeFile(path.join(fresh, STAMP), `${JSON.stringify({ recipe })}\n`);
    await rm(dir, { recursive: true, force: true });
    await rename(fresh, dir);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  log(`The sample stream is ready (${((Date.now() - started) / 1000).toFixed(0)} s).`);
  return dir;
}

/** @param {string} dir */
async function readStamp(dir) {
  try {
    return JSON.parse(await readFile(path.join(dir, STAMP), 'utf8')).recipe;
  } catch {
    return undefined;
  }
}

/**
 * Removes what runs that were killed left beside `dir`; a run still at work keeps its own.
 * @param {string} dir
 */
async function removeLeftovers(dir) {
  const parent = path.dirname(dir);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const match = new RegExp(`^${path.basename(dir)}\\.(\\d+)\\.part$`).exec(name);
    if (match && !isRunning(Number(match[1]))) {
      await rm(path.join(parent, name), { recursive: true, force: true });
    }
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * @param {number} seconds
 * @param {string | undefined} font
 */
function ffmpegArguments(seconds, font) {
  const frames = seconds * FRAMES_PER_SECOND;
  // Computed at 428x240 and blurred while it is enlarged: a third of the cost, and none of the
  // pixel noise that would eat the bit rate.
  const zoom = [
    'mandelbrot=s=428x240',
    `r=${FRAMES_PER_SECOND}`,
    'start_scale=0.022',
    'end_scale=0.0012',
    `end_pts=${frames}`,
    'maxiter=300',
    'inner=black',
    'start_x=-0.743643887037158704752',
    'start_y=-0.131825904205311970493',
  ].join(':');
  // A chord that breathes, and a tick at each full second.
  const sound = [
    '0.035*(sin(2*PI*220*t)+sin(2*PI*277*t)+sin(2*PI*330*t))*(0.7+0.3*sin(2*PI*t/4))',
    '0.22*sin(2*PI*1320*t)*exp(-45*mod(t,1))',
  ].join('+');

  const picture = [
    'format=gray,gblur=sigma=1.2,format=yuv444p,pseudocolor=preset=magma',
    'scale=640:360:flags=bicubic,setsar=1,format=yuv420p',
  ].join(',');
  const graph = [
    `[0:v]${picture}[plain]`,
    // The bar fills once a segment.
    `[plain][1:v]overlay=x='-w+w*mod(t,${SEGMENT_SECONDS})/${SEGMENT_SECONDS}':y=H-h:shortest=1[bar]`,
    `[bar]${timecode(font)}split=${RENDITIONS.length}${RENDITIONS.map((_, i) => `[v${i}]`).join('')}`,
    ...RENDITIONS.map(
      (r, i) => `[v${i}]scale=${r.width}:${r.height},setsar=1${label(r, font)}[out${i}]`,
    ),
  ].join(';');

  return [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'],
    ...['-f', 'lavfi', '-i', zoom],
    ...['-f', 'lavfi', '-i', `color=c=0xfcfdbf:s=640x5:r=${FRAMES_PER_SECOND}`],
    ...['-f', 'lavfi', '-i', `aevalsrc='${sound}':s=${SAMPLE_RATE}:c=mono`],
    ...['-filter_complex', graph],
    ...RENDITIONS.flatMap((rendition, i) => outputArguments(rendition, i, seconds)),
  ];
}

/** @param {string | undefined} font */
function timecode(font) {
  if (!font) return '';
  // minutes:seconds:frames
  const digits = [`n/${FRAMES_PER_SECOND * 60}`, `mod(n/${FRAMES_PER_SECOND},60)`]
    .map((value) => `%{eif\\:${value}\\:d\\:2}`)
    .concat(`%{eif\\:mod(n,${FRAMES_PER_SECOND})\\:d\\:2}`)
    .join('\\:');
  const text = [
    `fontfile=${font}`,
    `text='${digits}'`,
    'fontsize=44:fontcolor=white',
    'box=1:boxcolor=black@0.55:boxborderw=14',
    'x=(w-tw)/2:y=h-th-44',
  ].join(':');
  return `drawtext=${text},`;
}

/**
 * @param {Rendition} rendition
 * @param {string | undefined} font
 */
function label(rendition, font) {
  if (!font) return '';
  const size = Math.round(rendition.height / 20);
  const text = [
    `fontfile=${font}`,
    `text='${rendition.width}x${rendition.height}  ${rendition.videoKbps} kbit/s'`,
    `fontsize=${size}:fontcolor=white@0.9`,
    `box=1:boxcolor=black@0.45:boxborderw=${Math.round(size / 2)}`,
    `x=${size}:y=${size}`,
  ].join(':');
  return `,drawtext=${text}`;
}

/**
 * @param {Rendition} rendition
 * @param {number} index
 * @param {number} seconds
 */
function outputArguments(rendition, index, seconds) {
  const gop = FRAMES_PER_SECOND * SEGMENT_SECONDS;
  return [
    ...['-map', `[out${index}]`, '-map', '2:a', '-t', `${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'superfast', '-profile:v', 'main', '-level', '3.0'],
    ...['-pix_fmt', 'yuv420p', '-g', `${gop}`, '-keyint_min', `${gop}`, '-sc_threshold', '0'],
    // Without B-frames a picture is shown when it is decoded, so segments join without overlap.
    ...['-bf', '0'],
    ...['-b:v', `${rendition.videoKbps}k`, '-maxrate', `${rendition.videoKbps}k`],
    ...['-bufsize', `${rendition.videoKbps * 2}k`],
    ...['-c:a', 'aac', '-b:a', `${rendition.audioKbps}k`, '-ac', '2', '-ar', `${SAMPLE_RATE}`],
    ...['-f', 'hls', '-hls_time', `${SEGMENT_SECONDS}`, '-hls_playlist_type', 'vod'],
    ...['-hls_flags', 'independent_segments'],
    ...['-hls_segment_filename', `${rendition.name}_%05d.ts`, `${rendition.name}.m3u8`],
  ];
}

/**
 * @param {string} dir
 * @param {number} seconds
 */
async function masterPlaylist(dir, seconds) {
  const names = await readdir(dir);
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS'];
  for (const rendition of RENDITIONS) {
    const segments = names.filter(
      (name) => name.startsWith(`${rendition.name}_`) && name.endsWith('.ts'),
    );
    const sizes = await Promise.all(
      segments.map(async (name) => (await stat(path.join(dir, name))).size),
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const peak = Math.ceil((Math.max(...sizes) * 8) / SEGMENT_SECONDS);
    const average = Math.ceil((total * 8) / seconds);
    const attributes = [
      `BANDWIDTH=${peak}`,
      `AVERAGE-BANDWIDTH=${average}`,
      `RESOLUTION=${rendition.width}x${rendition.height}`,
      `FRAME-RATE=${FRAMES_PER_SECOND}.000`,
      `CODECS="${CODECS}"`,
    ].join(',');
    lines.push(`#EXT-X-STREAM-INF:${attributes}`, `${rendition.name}.m3u8`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<void>}
 */
function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk) => (complaint = (complaint + chunk).slice(-4000)));
    child.on('error', (error) => {
      const missing = /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT';
      reject(
        missing ? new Error(`${command} is not installed (Debian: apt install ffmpeg)`) : error,
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${signal ?? code}: ${complaint.trim()}`));
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dir = await ensureStream({ log: console.log });
  console.log(path.join(dir, 'master.m3u8'));
}
