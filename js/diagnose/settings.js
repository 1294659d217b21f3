/** Settings of the page, of hls.js and of the browser that keep viewers from sharing. */

import { timesSeen } from './inside.js';

/** @typedef {import('./index.js').Finding} Finding */
/** @typedef {import('./inside.js').Inside} Inside */

/** @typedef {[code: import('./index.js').FindingCode, holds: unknown, message: string, advice: string, severity?: Finding['severity']]} Rule */

/** A cache below that holds little more than the player's own buffer, in bytes. */
const SMALL_CACHE = 16 * 1024 * 1024;

/**
 * @param {Inside} look
 * @returns {{ findings: Finding[], facts: Record<string, unknown> }}
 */
export function checkSettings(look) {
  const findings = rulesFor(look)
    .filter(([, holds]) => holds)
    .map(([code, , message, advice, severity = 'problem']) => ({
      code,
      severity,
      message,
      advice,
    }));
  const { hls, settings } = look;
  const { browser, os } = settings.platform;
  return {
    findings,
    facts: { hlsJs: hls?.constructor?.version ?? 'none', browser: `${browser}, ${os}` },
  };
}

/**
 * @param {Inside} look
 * @returns {Rule[]}
 */
function rulesFor(look) {
  const { hls, settings, mesh, trackers } = look;
  const { version } = hls?.constructor ?? {};
  const rate = (hls?.levels?.[hls.loadLevel]?.bitrate ?? 0) / 8;
  const ice = (settings.rtcConfig.iceServers ?? []).flatMap(({ urls }) => urls);
  const turn = ice.some((url) => /^turns?:/i.test(url));
  const engine = Object.keys(look.seen).find((key) => /^(fatal|warning wasm-)/.test(key));
  return [
    [
      'hls-version',
      timesSeen(look, 'warning hls-version') || /^(0\.(?!0\.0)|1\.[0-3]\.)/.test(version),
      `hls.js ${version} is too old: hlsmesh leaves the player alone.`,
      'Use hls.js 1.4 to 1.7; a player that brings its own needs a newer version of that player.',
    ],
    [
      'no-tracker',
      trackers.length === 0,
      'No tracker is set, so the player is left alone.',
      'Set the option tracker to a ws:// or wss:// URL.',
    ],
    [
      'engine',
      engine,
      `The engine does not run: ${engine?.replace(/^\S+ /, '') ?? ''}.`,
      'Serve hlsmesh.wasm of the same version where the script looks for it, and allow wasm-unsafe-eval in script-src.',
    ],
    [
      'disabled',
      trackers.length > 0 && !settings.enabled,
      'The option enabled is false: everything comes from the CDN.',
      'Set it to true.',
    ],
    [
      'control',
      mesh.control,
      'This viewer was drawn to play without peers, for comparison (the option control).',
      'Load the page again, or leave the option out where you look for a fault.',
    ],
    [
      'shadow',
      settings.shadow,
      'This viewer was drawn to try peers and to play everything from the CDN (the option shadow).',
      'Load the page again, or leave the option out where you look for a fault.',
      'note',
    ],
    [
      'no-upload',
      !settings.upload || settings.maxChildren === 0 || settings.uploadBytesPerSecond === 0,
      'This viewer serves nobody (upload, maxChildren or uploadBytesPerSecond).',
      'If all viewers do so, nobody gets anything.',
    ],
    [
      'slow-upload',
      rate > settings.uploadBytesPerSecond && settings.uploadBytesPerSecond > 0,
      `uploadBytesPerSecond is ${settings.uploadBytesPerSecond}, and the stream has ${Math.round(rate)} bytes a second.`,
      'A viewer that cannot upload as fast as the stream feeds nobody in time.',
      'note',
    ],
    [
      'upload-used-up',
      mesh.stats.uploadBytes >= settings.uploadBytesPerSession,
      'uploadBytesPerSession is used up.',
      'Raise it, or leave it out.',
      'note',
    ],
    [
      'no-prefetch',
      settings.prefetchSeconds === 0,
      'prefetchSeconds is 0: peers are asked only when the player asks.',
      'Leave it out.',
      'note',
    ],
    [
      'small-cache',
      settings.cacheBytes < SMALL_CACHE,
      `cacheBytes is ${settings.cacheBytes}: little can be kept for others.`,
      'Leave it out.',
      'note',
    ],
    [
      'relay-only',
      settings.rtcConfig.iceTransportPolicy === 'relay',
      turn
        ? 'All connections go through a TURN server, which you pay for.'
        : 'Only relayed connections are allowed, and no TURN server is set: none can be made.',
      turn
        ? 'If viewers may know each other’s addresses, leave relayOnly and iceTransportPolicy out.'
        : 'Name a TURN server in iceServers, or leave relayOnly and iceTransportPolicy out.',
      turn ? 'note' : 'problem',
    ],
  ];
}
