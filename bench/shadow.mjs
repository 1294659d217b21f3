import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';
import { Stage } from '../tests/browser/stage.mjs';
import { isMain } from './report.mjs';

/**
 * How near a silent test (the option `shadow`) comes to what peers bring: the same viewers of the demo's live stream, first with peers,
 * then all in shadow. Prints the share of bytes from peers, real and as it would have been, and how often the CDN was asked.
 *
 *     node bench/shadow.mjs [--viewers 3] [--seconds 40]
 */

/**
 * @param {number} viewers
 * @param {number} seconds
 * @param {object} options of attach
 */
async function measure(viewers, seconds, options) {
  const stage = await Stage.open();
  try {
    const all = [];
    for (let i = 0; i < viewers; ++i) {
      all.push(await stage.viewer({ name: `viewer-${i}`, src: '/live/master.m3u8', options }));
    }
    await Promise.all(all.map((viewer) => viewer.plays(seconds)));
    const stats = await Promise.all(all.map((viewer) => viewer.stats()));
    const counted = stats.map(({ shadow, ...real }) => shadow ?? real);
    const sum = (/** @type {string} */ name) =>
      counted.reduce((total, figures) => total + figures[name], 0);
    return {
      offload: sum('p2pBytes') / (sum('p2pBytes') + sum('cdnBytes')),
      fetches: stage.fetches.length,
      stalls: stats.reduce((total, { stalls }) => total + stalls, 0),
      wrong: sum('wrong') || 0,
    };
  } finally {
    await stage.close();
  }
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      viewers: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '40' },
    },
  });
  await setup('build');
  for (const options of [{}, { shadow: 1 }]) {
    const { offload, ...rest } = await measure(
      Number(values.viewers),
      Number(values.seconds),
      options,
    );
    const what = 'shadow' in options ? 'in shadow, would be' : 'with peers';
    console.log(what, `${Math.round(offload * 100)} % from peers`, JSON.stringify(rest));
  }
}
