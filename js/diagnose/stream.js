/** What this viewer calls the stream, and whether the others call theirs the same. */

import { hashOf, withoutCredentials } from '../identity.js';
import { count, timesSeen } from './inside.js';

/** @typedef {import('./index.js').Finding} Finding */
/** @typedef {import('./inside.js').Inside} Inside */

/** The attributes of a rendition that identify it (docs/IDENTITY.md). */
const ATTRIBUTES = ['CODECS', 'RESOLUTION', 'LANGUAGE', 'GROUP-ID', 'NAME', 'STABLE-VARIANT-ID'];

/**
 * @param {Inside} look
 * @returns {{ findings: Finding[], facts: Record<string, unknown> }}
 */
export function checkStream(look) {
  const { mesh, hls } = look;
  const level = hls?.levels?.[hls.loadLevel];
  const fragment = level?.details?.fragments.at(-1);
  const facts = {
    channel: mesh.channel,
    rendition: level && nameOf(level, hls.url),
    segment: fragment && `${fragment.sn} ${withoutCredentials(fragment.relurl ?? '')}`,
    // Of the page's own making: two people compare it at a glance.
    fingerprint: hashOf(
      JSON.stringify([
        mesh.channel,
        (hls?.levels ?? []).map((/** @type {any} */ one) => nameOf(one, hls.url)),
      ]),
    ),
  };
  return { facts, findings: [...aboutSource(look), ...aboutOthers(look)] };
}

/**
 * What identifies a rendition: the author's words, and the playlist's place below that of the source.
 * @param {any} level of hls.js
 * @param {string} source
 */
function nameOf({ attrs = {}, uri, url = '' }, source) {
  const written = ATTRIBUTES.map((name) => attrs[name]).filter(Boolean);
  const [path, folder] = [uri ?? [url].flat()[0], source.replace(/[?#].*/, '')].map((each) =>
    withoutCredentials(each).replace(/^\w+:\/\/[^/]*/, ''),
  );
  const below = folder.replace(/[^/]*$/, '');
  return [...written, path.startsWith(below) ? path.slice(below.length) : path].join(' ');
}

/** @param {Inside} look @returns {Finding[]} */
function aboutSource(look) {
  const { mesh, hls } = look;
  if (!mesh.channel) {
    return [
      {
        code: 'no-channel',
        severity: 'problem',
        message: hls?.url
          ? 'The source has no name that another viewer could have.'
          : 'hls.js has no source yet.',
        advice: hls?.url ? 'Set the option channel.' : 'Call diagnose() while the stream plays.',
      },
    ];
  }
  if (timesSeen(look, 'warning parts-only') === 0) return [];
  return [
    {
      code: 'parts-only',
      severity: 'problem',
      message:
        'hls.js loads low-latency parts that are not shared: too short, ranges of a file, or of a stream with digests.',
      advice:
        'Make parts of a second that are files, or set lowLatencyMode: false, and viewers share whole segments.',
    },
  ];
}

/** @param {Inside} look @returns {Finding[]} */
function aboutOthers(look) {
  const peers = look.mesh.peers.filter(({ open }) => open);
  if (peers.length === 0) return [];
  const some = peers.filter(({ receivedBytes, sentBytes }) => receivedBytes + sentBytes > 0);
  if (some.length > 0) {
    return [
      {
        code: 'streams-match',
        severity: 'good',
        message: `Segments are exchanged with ${some.length} of ${count(peers.length, 'peer')}: the stream is the same.`,
        advice: '',
      },
    ];
  }
  const [ours, theirs] = [look.words?.ours, look.words?.theirs].map(segmentOf);
  const lacked = timesSeen(look, 'fallback lack') > 0;
  if (!lacked && (!theirs || ours === theirs)) {
    return [
      {
        code: 'nothing-exchanged',
        severity: 'note',
        message: `Connected with ${count(peers.length, 'peer')}; nothing has been exchanged yet.`,
        advice: 'Let the stream play for some segments, and call diagnose() again.',
      },
    ];
  }
  const said = [
    ours && `This viewer asks for ${ours}.`,
    theirs && `The others speak of ${theirs}.`,
  ].filter(Boolean);
  return [
    {
      code: 'streams-differ',
      severity: 'problem',
      message: [
        `Connected with ${count(peers.length, 'peer')}, and nothing is exchanged: the streams differ, or all are elsewhere in it.`,
        ...said,
      ].join(' '),
      advice:
        'Compare "rendition" and "segment" in both viewers’ reports: all viewers of a channel need the same playlists. Where only names differ, set segmentId; where the videos differ, set channel (https://github.com/hlsmesh/hlsmesh/blob/main/docs/IDENTITY.md).',
    },
  ];
}

/** @param {string | undefined} message of the peers' protocol @returns {string} what it names */
function segmentOf(message) {
  try {
    const { rendition, url, sn } = JSON.parse(message || '{}');
    return rendition === undefined ? '' : `“${rendition}” ${sn} ${url}`;
  } catch {
    return '';
  }
}
