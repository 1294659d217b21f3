/**
 * Names of properties that only the SDK's own modules use among themselves: the bundles spell them with a letter or two, 0.2 KB
 * of gzip less. By hand, because no tool can tell them from names that hls.js, browsers or the page use too.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

const NAMES = [
  ...['answer', 'dial', 'presentation', 'progress', 'renew', 'repeat', 'signal', 'statistics'],
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
  ...['fetchDone', 'fetchFailed', 'fetchFromCdn', 'figures', 'firstByte', 'loadAborted'],
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

/** What is said to others, and what scripts/lib/inline-abi.mjs puts numbers for. */
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
