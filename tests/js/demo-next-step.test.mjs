// What the demo's page says of other viewers, and what to do next.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nextStep } from '../../demo/next-step.js';

const TOGETHER = {
  streamFailed: false,
  over: false,
  tone: /** @type {const} */ ('good'),
  peers: 1,
  parents: 1,
  children: 0,
  missed: 0,
  gives: false,
  met: true,
};

/** @type {[string, Partial<typeof TOGETHER>, RegExp][]} */
const SITUATIONS = [
  ['a parent feeds it', {}, /^Segments come from another viewer now/],
  ['it feeds a child', { parents: 0, children: 1, missed: 9 }, /^Another viewer takes segments/],
  ['it is fed and feeds', { children: 1 }, /passes them on/],
  ['its parent has nothing', { missed: 3 }, /^The other viewer has nothing.*side by side/],
  [
    'its parent has nothing, nor has its child',
    { missed: 3, children: 1 },
    /^The other viewer has/,
  ],
  ['it fetches first for its parent', { missed: 3, gives: true }, /^Another viewer takes segments/],
  ['it fetches first for all', { missed: 9, children: 2, gives: true }, /^Another viewer takes/],
  ['a few were missed', { missed: 2 }, /^Segments come from another viewer now/],
  ['the other one has left', { peers: 0, parents: 0, missed: 9 }, /^No other viewer plays/],
  ['nobody has come yet', { peers: 0, parents: 0, met: false }, /^You are the only viewer/],
  ['sharing is off', { over: true, gives: true }, /^Sharing is off/],
  ['the stream does not play', { streamFailed: true, gives: true }, /^Once the stream plays/],
];

for (const [what, situation, said] of SITUATIONS) {
  test(`the demo's next step: ${what}`, () => {
    assert.match(nextStep({ ...TOGETHER, ...situation }), said);
  });
}
