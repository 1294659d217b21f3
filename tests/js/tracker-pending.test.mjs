/** Which connections that have asked for nothing make room for others. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';

import { Pending } from '../../js/tracker/pending.js';
import { standStill } from './fake-clock.mjs';

/** @param {number} port @returns {any} a connection of one address */
function socket(port) {
  const own = Object.assign(new EventEmitter(), { remoteAddress: '192.0.2.1', remotePort: port });
  return Object.assign(own, { localPort: 80, destroyed: false, destroy: () => own.emit('gone') });
}

/** Three connections where one is allowed, and what was dropped of them. */
function crowd() {
  const pending = new Pending(1, 512, () => false);
  /** @type {number[]} */
  const dropped = [];
  for (const port of [1, 2, 3]) {
    const one = socket(port);
    one.on('gone', () => dropped.push(port));
    pending.add(one);
  }
  return { pending, dropped };
}

test('of connections that say nothing for a second the oldest make room, the last one stays', (t) => {
  const pass = standStill(t);
  const { pending, dropped } = crowd();
  for (let i = 0; i < 6; ++i) {
    pending.sweep();
    pass(250);
  }
  assert.deepEqual(dropped, [1, 2]);
  assert.equal(pending.size, 1);
});

test('after a pause of the process itself none is dropped: what they ask may lie unread', (t) => {
  const pass = standStill(t);
  const { pending, dropped } = crowd();
  pending.sweep();
  pass(1_300);
  pending.sweep();
  assert.deepEqual(dropped, []);
  pending.remove(socket(1));
  pending.remove(socket(2));
  pass(100);
  pending.sweep();
  assert.deepEqual(dropped, [], 'both have asked by then');
});
