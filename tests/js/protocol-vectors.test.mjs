import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

// The vectors are what a party in any language may hold itself to, so they are checked here without any of our own code:
// JSON.parse must read from every canonical text just the fields that the vector declares.

/**
 * A text is a string, or a list of [part, times].
 * @typedef {string | [string, number][]} Text
 * @typedef {{ name: string, wire?: Text, wire_hex?: Text, type?: string, fields?: Record<string, any>,
 *   canonical?: Text, to_string?: string, error?: string }} Vector
 */

// A piece, and the most bytes of pieces in a frame of DATA.
const PIECE_BYTES = 16 * 1024;
const FRAME_BYTES = 60 * 1024;
const HEADER_BYTES = 16;
const MOST_PIECES = 4096;
const MOST_RUNS = 64;

// Every message of the tables of docs/PROTOCOL.md.
const EVENTS = [
  'KEEPALIVE',
  'KEEPALIVE-ACK',
  'REQUEST',
  'BINARY',
  'LACK',
  'WANT',
  'CANCEL',
  'HAVE',
  'CLOSE',
  'ERROR',
];
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
  vector.wire_hex === undefined
    ? spellOut(vector.wire ?? '')
    : Buffer.from(spellOut(vector.wire_hex), 'hex');

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

// The fields of each form of an event of extension 2, with those that may be missing in brackets (section 5).
const FORMS = {
  WANT: ['transfer url sn rendition within', 'transfer pieces [digests]'],
  HAVE: ['url sn rendition', 'transfer size pieces [digests]'],
  LACK: ['url [sn] [current] [rendition]', 'transfer [current] [pieces]'],
  CANCEL: ['transfer [pieces]'],
};

test('vectors show every form of an event, and no vector is between two', () => {
  for (const [event, forms] of Object.entries(FORMS)) {
    const shown = new Set();
    for (const { name, type, fields } of peer.messages) {
      if (type !== event) continue;
      const form = forms.find((each) => {
        const names = each.split(' ');
        const needed = names.filter((field) => !field.startsWith('['));
        return (
          needed.every((field) => field in fields) &&
          Object.keys(fields).every(
            (field) => needed.includes(field) || names.includes(`[${field}]`),
          )
        );
      });
      assert.ok(form !== undefined, name);
      shown.add(form);
    }
    assert.deepEqual([...shown].sort(), forms.sort(), event);
  }
});

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

/** What a text of pieces says, by the words of section 5 alone. @param {string} text */
const runsOf = (text) => {
  if (!/^(?:(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*))?,)*(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*)?)?$/.test(text))
    return undefined;
  /** @type {[number, number][]} */
  const runs = text.split(',').map((run) => {
    const [first, last = first] = run.split('-');
    return [Number(first), last === '' ? MOST_PIECES - 1 : Number(last)];
  });
  const sound = runs.every(
    ([first, last], i) =>
      first <= last && last < MOST_PIECES && (i === 0 || first > (runs[i - 1]?.[1] ?? 0)),
  );
  return sound && runs.length <= MOST_RUNS ? runs : undefined;
};

/** @param {[number, number][] | undefined} runs */
const membersOf = (runs) =>
  (runs ?? []).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );

test('vectors of pieces say what they are, and the canonical text says the same', () => {
  assert.equal(
    new Set(peer.pieces.map((/** @type {any} */ vector) => vector.name)).size,
    peer.pieces.length,
  );
  for (const { name, text, runs, canonical, error } of peer.pieces) {
    const read = runsOf(spellOut(text));
    assert.equal(error, read === undefined ? 'malformed' : undefined, name);
    if (error !== undefined) continue;
    assert.deepEqual(membersOf(read), membersOf(runs), name);
    assert.deepEqual(membersOf(runsOf(spellOut(canonical))), membersOf(runs), name);
  }
});

/** What a frame is, by the words of section 5 alone. @param {Buffer} bytes */
const frameOf = (bytes) => {
  const type = bytes.length < HEADER_BYTES ? 0 : bytes.readUInt32LE(0);
  if (type !== 1 && type !== 2) return { error: 'no header' };
  const header = {
    transfer: bytes.readUInt32LE(4),
    piece: bytes.readUInt32LE(8),
    size: bytes.readUInt32LE(12),
  };
  const most = Math.ceil(header.size / PIECE_BYTES);
  if (header.transfer === 0 || header.transfer >= 2 ** 31) return { error: 'no header' };
  if (most > MOST_PIECES || header.piece >= most) return { error: 'no header' };
  if (type === 2) return { header: { ...header, digests: true } };
  const load = bytes.length - HEADER_BYTES;
  if (load > FRAME_BYTES) return { error: 'too long' };
  const end = header.piece * PIECE_BYTES + load;
  const whole = end === header.size || (load % PIECE_BYTES === 0 && end < header.size);
  if (load === 0 || !whole) return { error: 'no whole pieces' };
  return { header, pieces: Math.ceil(load / PIECE_BYTES) };
};

test('vectors of frames are what they say, and show every error', () => {
  const errors = new Set();
  for (const { name, wire_hex: hex, ...expected } of peer.frames) {
    assert.deepEqual(frameOf(Buffer.from(spellOut(hex), 'hex')), expected, name);
    errors.add(expected.error);
  }
  assert.equal(
    new Set(peer.frames.map((/** @type {any} */ vector) => vector.name)).size,
    peer.frames.length,
  );
  for (const error of ['no header', 'no whole pieces', 'too long'])
    assert.ok(errors.has(error), error);
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

test('every frame that docs/PROTOCOL.md shows is the header of a vector', async () => {
  const page = await readFile(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/^((?:[0-9a-f]{8} ){3}[0-9a-f]{8})\b/gm)].map(([, header]) =>
    (header ?? '').replaceAll(' ', ''),
  );
  assert.ok(shown.length > 0);
  const known = new Set(
    peer.frames
      .filter((/** @type {any} */ vector) => vector.error === undefined)
      .map((/** @type {any} */ vector) => spellOut(vector.wire_hex).slice(0, 2 * HEADER_BYTES)),
  );
  for (const header of shown) assert.ok(known.has(header), header);
});
