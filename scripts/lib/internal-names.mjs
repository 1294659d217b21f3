/**
 * Names of properties that only the SDK's own modules use: the bundles shorten them to one or two letters, 0.2 KB of gzip less.
 * The list is written by hand, because no tool can tell these names from those that hls.js, browsers or the page also use.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

const NAMES = [
  ...['answer', 'dial', 'presentation', 'progress', 'renew', 'repeat', 'statistics'],
  ...['broken', 'cacheAge', 'callWithText', 'channelBinary', 'channelOpened', 'channelText'],
  ...[
    'channelWritable',
    'cleanUrl',
    'closeAll',
    'complain',
    'conditions',
    'connectionRefused',
    'described',
    'facts',
    'handOver',
    'recover',
    'signalChars',
    'signalCount',
    'trackers',
    'verdict',
    'voice',
    'delivered',
    'driver',
    'dropLoads',
    'nextTimeout',
    'early',
  ],
  ...[
    'fetchDone',
    'fetchFailed',
    'fetchFromCdn',
    'fetchPart',
    'fetchRange',
    'figures',
    'firstByte',
  ],
  ...['loadAborted', 'onBytes', 'onDone', 'onFail', 'onStall'],
  ...['maxBuffer', 'memoryBytes', 'onPoison', 'poison'],
  ...['reportPlayhead', 'sendBinary', 'sendText', 'setLive', 'setRenditions', 'settle', 'signals'],
  ...['socketClosed', 'socketOpened', 'socketText', 'texts', 'tokenless', 'trapped'],
  ...[
    'anyAsked',
    'detailsLoaded',
    'fragmentsBetween',
    'gatheringOver',
    'isLive',
    'keepCopy',
    'listRenditions',
  ],
  ...[
    'listen',
    'liveKnown',
    'playerDestroyed',
    'playheadDue',
    'playheadMoved',
    'playlistFollowed',
    'sourceUrl',
  ],
  ...[
    'readPlayhead',
    'renditionsChanged',
    'segmentAsked',
    'silent',
    'sourceCount',
    'sourceLoading',
    'unlisten',
  ],
];

/** Names that leave the SDK, and names that scripts/lib/inline-abi.mjs replaces by numbers. */
const OTHERS = ['js/index.d.ts', 'js/abi.js', 'node_modules/hls.js/dist/hls.d.ts'];

/** @returns {RegExp} for esbuild's `mangleProps` */
export function internalNames() {
  for (const file of OTHERS) {
    const words = new Set(readFileSync(join(ROOT, file), 'utf8').match(/\w+/g));
    const shared = NAMES.filter((name) => words.has(name));
    if (shared.length > 0) throw new Error(`${file} has these names too: ${shared.join(', ')}`);
  }
  return new RegExp(`^(?:${NAMES.join('|')})$`);
}
