import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

// The vectors are what a party in any language may hold itself to, so they are checked here without any of our own code:
// JSON.parse must read from every canonical text just the fields that the vector declares.

/**
 * A text is a string, or a list of [part, times].
 * @typedef {string | [string, number][]} Text
 * @typedef {{ name: string, wire?: Text, wire_hex?: string, type?: string, fields?: Record<string, any>,
 *   canonical?: Text, to_string?: string, error?: string }} Vector
 */

// Every message of both tables of the 2018 protocol, and what has been seen beside them.
const EVENTS = ['KEEPALIVE', 'KEEPALIVE-ACK', 'REQUEST', 'BINARY', 'LACK', 'CLOSE', 'ERROR'];
const PEER_ACTIONS = [
  'enter',
  'leave',
  'signal',
  'dc_opened',
  'dc_closed',
  'dc_failed',
  'statistics',
  'ping',
];
const TRACKER_ACTIONS = ['accept', 'connect', 'signal', 'reject', 'disconnect', 'pong'];

const ERRORS = [
  'too long',
  'not JSON',
  'nested too deep',
  'not an object',
  'missing field',
  'wrong type',
  'out of range',
];

// Numbers are written to six decimals.
const NUMBER_TOLERANCE = 1e-6;

/** @param {string} name */
const load = async (name) =>
  JSON.parse(await readFile(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'));

const peer = await load('peer');
const tracker = await load('tracker');

/** @param {Text} text */
const spellOut = (text) =>
  typeof text === 'string' ? text : text.map(([part, times]) => part.repeat(times)).join('');

/** @param {Vector} vector */
const wireOf = (vector) =>
  vector.wire_hex === undefined ? spellOut(vector.wire ?? '') : Buffer.from(vector.wire_hex, 'hex');

/** A declared value as JSON.parse would give it. @param {any} value */
const declared = (value) => {
  if (Array.isArray(value)) return spellOut(value);
  return typeof value === 'object' ? Number(value.number) : value;
};

/** @param {unknown} actual @param {unknown} expected @param {string} where */
const assertSame = (actual, expected, where) => {
  if (typeof actual === 'number' && typeof expected === 'number' && !Number.isInteger(expected)) {
    assert.ok(Math.abs(actual - expected) <= NUMBER_TOLERANCE, `${where}: ${actual}, ${expected}`);
  } else {
    assert.equal(actual, expected, where);
  }
};

/** @param {string} nameField @param {Vector} vector */
const checkWellFormed = (nameField, vector) => {
  const { [nameField]: name, ...fields } = JSON.parse(spellOut(vector.canonical ?? ''));
  const expected = { ...vector.fields };
  if (vector.type === 'unknown') {
    assert.equal(name, expected[nameField], vector.name);
    delete expected[nameField];
  } else {
    assert.equal(name, vector.type, vector.name);
  }
  assert.deepEqual(Object.keys(fields).sort(), Object.keys(expected).sort(), vector.name);
  for (const key of Object.keys(fields)) {
    assertSame(fields[key], declared(expected[key]), `${vector.name}: ${key}`);
  }
  // The received text was JSON too.
  assert.equal(typeof JSON.parse(String(wireOf(vector))), 'object', vector.name);
};

for (const { title, nameField, names, vectors } of [
  { title: 'peer', nameField: 'event', names: EVENTS, vectors: peer.messages },
  { title: 'peer → tracker', nameField: 'action', names: PEER_ACTIONS, vectors: tracker.from_peer },
  {
    title: 'tracker → peer',
    nameField: 'action',
    names: TRACKER_ACTIONS,
    vectors: tracker.from_tracker,
  },
]) {
  /** @type {Vector[]} */
  const list = vectors;

  describe(`vectors ${title}`, () => {
    test('have unique names and are either well formed or in error', () => {
      assert.equal(new Set(list.map((vector) => vector.name)).size, list.length);
      for (const vector of list) {
        assert.ok((vector.canonical === undefined) !== (vector.error === undefined), vector.name);
      }
    });

    test('cover every message of the table, and no other', () => {
      for (const name of [...names, 'unknown']) {
        const ofType = list.filter((vector) => vector.type === name);
        assert.ok(ofType.length > 0, `no vector of ${name}`);
      }
      const types = new Set(list.flatMap((vector) => vector.type ?? []));
      assert.deepEqual([...types].sort(), [...names, 'unknown'].sort());
    });

    test('are canonical where they say so: JSON.parse reads the declared fields', () => {
      for (const vector of list) {
        if (vector.canonical !== undefined) checkWellFormed(nameField, vector);
      }
    });

    test('of errors name one that exists, and "not JSON" is what JSON.parse refuses too', () => {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      for (const vector of list) {
        if (vector.error === undefined) continue;
        assert.ok([...ERRORS, `no ${nameField}`].includes(vector.error), vector.name);
        // A lone surrogate is JSON to JavaScript, whose strings can hold it; UTF-8 cannot.
        if (vector.error !== 'not JSON' || vector.name.includes('lone')) continue;
        const wire = wireOf(vector);
        assert.throws(
          () => JSON.parse(typeof wire === 'string' ? wire : decoder.decode(wire)),
          vector.name,
        );
      }
    });
  });
}

test('vectors together show every kind of error', () => {
  const seen = new Set(
    [...peer.messages, ...tracker.from_peer, ...tracker.from_tracker].map((vector) => vector.error),
  );
  for (const error of [...ERRORS, 'no event', 'no action']) assert.ok(seen.has(error), error);
});

test('signal vectors call an offer only what a browser would take for one', () => {
  for (const { name, data, kind } of tracker.signals) {
    /** @type {any} */
    let signal;
    try {
      signal = JSON.parse(spellOut(data));
    } catch {
      signal = undefined;
    }
    if (kind === 'offer' || kind === 'answer') {
      assert.equal(signal.type, kind, name);
      assert.equal(typeof signal.sdp, 'string', name);
    } else if (kind === 'candidate') {
      assert.ok(signal.candidate !== undefined && signal.candidate !== null, name);
    } else if (kind === 'refusal') {
      assert.equal(signal.refused, true, name);
    } else {
      assert.equal(kind, 'other', name);
    }
  }
  assert.deepEqual(
    [
      ...new Set(tracker.signals.map((/** @type {{ kind: string }} */ signal) => signal.kind)),
    ].sort(),
    ['answer', 'candidate', 'offer', 'other', 'refusal'],
  );
});

test('every message that docs/PROTOCOL.md shows is a canonical vector', async () => {
  const page = await readFile(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
  const shown = page.split('\n').filter((line) => /^\{"(event|action)"/.test(line));
  assert.ok(shown.length >= EVENTS.length + PEER_ACTIONS.length + TRACKER_ACTIONS.length);
  const known = new Set(
    [...peer.messages, ...tracker.from_peer, ...tracker.from_tracker]
      .filter((vector) => vector.canonical !== undefined)
      .map((vector) => spellOut(vector.canonical)),
  );
  for (const line of shown) assert.ok(known.has(line), line);
});
