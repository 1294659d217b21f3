/** Describes fragments of hls.js to the engine. */

import { TrackKind } from './abi.js';
import { withoutCredentials } from './identity.js';

/** @typedef {import('hls.js').FragmentLoaderContext} FragmentLoaderContext */
/** @typedef {import('./engine.js').LoadFacts} LoadFacts */

/**
 * What a fragment's description needs of player and site.
 * @typedef {object} FragmentHost
 * @property {(frag: import('hls.js').Fragment) => boolean} moved returns true if its playlist was redirected to another folder
 * @property {(segment: import('./index.js').SegmentInfo) => string | null | undefined} segmentId returns the site's own id, if it
 *   names segments; null: not to be shared; undefined: as usual
 */

const TRACKS = /** @type {Record<string, number>} */ ({
  main: TrackKind.main,
  audio: TrackKind.audio,
  subtitle: TrackKind.subtitle,
});

/** What hls.js keeps of the media of each load, by its statistics. @type {WeakMap<object, object>} */
export const asked = new WeakMap();

/**
 * True if peers may carry it: it is a media segment or a low-latency part, as its playlist lists it, and not in the playlist itself.
 * @param {Pick<FragmentLoaderContext, 'frag' | 'part' | 'responseType' | 'url'>} context
 */
export function isSegment({ frag, part, responseType, url }) {
  return isMedia(frag, part) && responseType === 'arraybuffer' && !isInline(url);
}

/** @param {string} url */
const isInline = (url) => /^data:/i.test(url);

/**
 * @param {FragmentLoaderContext['frag']} frag
 * @param {FragmentLoaderContext['part']} part
 */
function isMedia(frag, part) {
  const { sn } = frag;
  // Beyond 2^53 - 1 several segments have one number.
  return Number.isSafeInteger(sn) && Number(sn) >= 0 && Boolean((part ?? frag).relurl);
}

/**
 * True if all of its bytes are encrypted, as by the methods AES-128, AES-256 and AES-256-CTR.
 * @param {FragmentLoaderContext['frag']} frag
 */
function isOpaque({ levelkeys }) {
  return Object.values(levelkeys ?? {}).some((key) => key?.method?.startsWith('AES-'));
}

/**
 * Describes a fragment, or a part of one, as hls.js would load it.
 * @param {any} listed a Fragment or a Part
 * @param {FragmentHost} host
 * @returns {LoadFacts}
 */
export function describeFragment(listed, host) {
  const { fragment, url, byteRangeStartOffset: rangeStart, byteRangeEndOffset: rangeEnd } = listed;
  const [frag, part] = fragment ? [fragment, listed] : [listed, null];
  return describe({ frag, part, url, responseType: 'arraybuffer', rangeStart, rangeEnd }, host);
}

/**
 * @param {Pick<FragmentLoaderContext, 'frag' | 'part' | 'url' | 'responseType' | 'rangeStart' | 'rangeEnd'>} context
 * @param {FragmentHost} host
 * @returns {LoadFacts}
 */
export function describe(context, host) {
  const { frag, part, url, rangeStart, rangeEnd } = context;
  const { level, type } = frag;
  const listed = part ?? frag;
  const sn = isMedia(frag, part) ? Number(frag.sn) : -1;
  const shared = isSegment(context);
  const id = shared ? host.segmentId({ url, sn, level, type }) : undefined;
  // What is in the playlist may have megabytes.
  const name = isInline(url) ? '' : (id ?? (host.moved(frag) ? url : listed.relurl) ?? '');
  return {
    kind: TRACKS[type] ?? TrackKind.main,
    rendition: level,
    sn,
    url: name,
    cleanUrl: id ? name : withoutCredentials(name),
    start: finite(listed.start),
    duration: part ? part.duration : listedDuration(frag),
    from: rangeEnd ? (rangeStart ?? 0) : 0,
    to: rangeEnd ?? 0,
    // A site may give all parts of a segment the same id.
    shareable: shared && id !== null && !(id && part),
    part: !!part,
    named: typeof id === 'string',
    dateTime: frag.programDateTime ?? 0,
    opaque: isOpaque(frag),
  };
}

/**
 * Seconds of the tag EXTINF. hls.js puts what it found in the media into `duration`, and that of half a segment would be found
 * whole.
 * @param {FragmentLoaderContext['frag']} frag
 */
function listedDuration({ tagList, duration }) {
  const listed = tagList?.find(([tag]) => tag === 'INF');
  return finite(listed ? Number(listed[1]) : duration);
}

/** @param {number} value */
function finite(value) {
  return Number.isFinite(value) ? value : 0;
}
