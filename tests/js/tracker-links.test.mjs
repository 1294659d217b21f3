import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Directory } from '../../js/tracker/cluster/directory.js';
import { Links } from '../../js/tracker/cluster/links.js';
import { Watch } from '../../js/tracker/cluster/watch.js';

/** Two nodes, and a bus between them that loses what it is told to. */
function pair() {
  /** @type {string[]} */
  const heard = [];
  /** @type {{ to: string, batch: any }[]} */
  const under = [];
  /** @type {Record<string, Links>} */
  const nodes = {};
  for (const name of ['a', 'b']) {
    nodes[name] = new Links((to, batch) => under.push({ to, batch: structuredClone(batch) }), {
      entry: (from, [kind]) => heard.push(`${name} from ${from}: ${kind}`),
      reset: (node) => heard.push(`${name} resets ${node}`),
    });
  }
  const other = (/** @type {string} */ name) => (name === 'a' ? 'b' : 'a');
  return {
    a: nodes.a,
    b: nodes.b,
    under,
    /** Lets everything arrive, what follows from it too. @param {(to: string) => boolean} [lost] */
    settle(lost = () => false) {
      for (let round = 0; round < 20; ++round) {
        nodes.a.flush();
        nodes.b.flush();
        const batches = under.splice(0);
        if (batches.length === 0) return;
        for (const { to, batch } of batches) if (!lost(to)) nodes[to].receive(other(to), batch);
      }
      assert.fail('the two never come to rest');
    },
    take: () => heard.splice(0),
  };
}

test('what is sent within a moment arrives in order, as one message', () => {
  const { a, b, settle, take } = pair();
  a.send('b', ['one']);
  a.send('b', ['two']);
  b.send('a', ['three']);
  settle();
  assert.deepEqual(take(), ['b from a: one', 'b from a: two', 'a from b: three']);
  assert.deepEqual([a.counters.messagesOut, a.counters.entriesOut], [1, 2]);
});

test('a lost message is noticed with the next; both ends begin anew, once, and go on', () => {
  const { a, b, settle, take } = pair();
  a.send('b', ['one']);
  b.send('a', ['two']);
  settle();
  take();
  a.send('b', ['lost']);
  settle(() => true);
  a.send('b', ['void']);
  settle();
  assert.deepEqual(take(), ['b resets a', 'a resets b']);
  a.send('b', ['three']);
  b.send('a', ['four']);
  settle();
  assert.deepEqual(take(), ['b from a: three', 'a from b: four']);
});

test('an end that begins anew is heard, though the other has messages under way', () => {
  const { a, b, settle, take } = pair();
  a.send('b', ['one']);
  b.send('a', ['two']);
  settle();
  take();
  b.send('a', ['late']);
  b.flush();
  a.reset('b');
  settle();
  assert.deepEqual(take(), ['a resets b', 'b resets a']);
  b.send('a', ['three']);
  settle();
  assert.deepEqual(take(), ['a from b: three']);
});

test('a node that was forgotten and speaks on is told to begin anew', () => {
  const { a, b, settle, take } = pair();
  b.send('a', ['one']);
  a.send('b', ['two']);
  settle();
  a.drop('b');
  take();
  b.send('a', ['void']);
  settle();
  assert.deepEqual(take(), ['b resets a']);
  b.send('a', ['three']);
  settle();
  assert.deepEqual(take(), ['a from b: three']);
});

test('if what says so is lost as well, the next message brings it about', () => {
  const { a, b, settle, take } = pair();
  a.send('b', ['one']);
  b.send('a', ['two']);
  settle();
  a.reset('b');
  settle(() => true);
  take();
  b.send('a', ['void']);
  settle();
  assert.ok(take().includes('b resets a'));
  b.send('a', ['three']);
  settle();
  assert.deepEqual(take(), ['a from b: three']);
});

test('two ends that each know an old session of the other begin anew, and go on', () => {
  const { a, b, settle, take, under } = pair();
  a.send('b', ['one']);
  b.send('a', ['two']);
  a.flush();
  b.flush();
  // Both begin anew before they hear what the other said first.
  a.reset('b');
  b.reset('a');
  for (const { to, batch } of under.splice(0))
    (to === 'a' ? a : b).receive(to === 'a' ? 'b' : 'a', batch);
  a.send('b', ['three']);
  settle();
  take();
  a.send('b', ['four']);
  b.send('a', ['five']);
  settle();
  assert.deepEqual(take(), ['b from a: four', 'a from b: five']);
});

for (const what of ['', ', messages are lost', ', messages are lost or forged']) {
  test(`whenever ends begin anew${what}: they come to rest, and agree on who is whose guest`, () => {
    for (let seed = 1; seed <= 300; ++seed)
      storm(seed, what.includes('lost'), what.includes('forged'));
  });
}

test('a node that has answered before must answer: that it speaks is not enough', async () => {
  /** @type {string[]} */
  const dropped = [];
  let busy = new Set();
  const links = /** @type {any} */ ({
    send: () => {},
    probe: () => {},
    silence: () => 0,
    drop: (/** @type {string} */ node) => dropped.push(node),
  });
  const log = /** @type {any} */ ({ warn: () => {} });
  const listed = new Set(['other']);
  const watch = new Watch(40, links, log, {
    busy: () => busy,
    listed: () => listed,
    back: () => {},
  });
  watch.heard('other', 'told');
  // For a while nobody here has to do with it.
  await sleep(200);
  assert.deepEqual(dropped, []);
  busy = listed;
  const deadline = performance.now() + 60_000;
  while (dropped.length === 0) {
    assert.ok(performance.now() < deadline, 'it is never found out');
    await sleep(10);
  }
  watch.stop();
  assert.deepEqual(dropped, ['other']);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('channels that are asked about together are claimed together, each once', async () => {
  /** @type {string[][]} */
  const claims = [];
  const directory = new Directory('me', async (channels) => {
    claims.push(channels);
    return channels.map((channel) => (channel === 'mine' ? 'me' : 'other'));
  });
  /** @type {(string | null)[]} */
  const found = [];
  for (const channel of ['mine', 'theirs', 'mine']) {
    directory.ownerOf(channel, (owner) => {
      found.push(owner);
      directory.use(channel, found.length);
    });
  }
  await turn();
  assert.deepEqual(claims, [['mine', 'theirs']]);
  assert.deepEqual(found, [null, null, 'other']);
  assert.deepEqual([...directory.owners], ['other']);
  // One that others run is asked about again once nobody here is in it; one of this node is kept until it is given up.
  directory.leave(3);
  assert.deepEqual([...directory.owners], []);
  directory.leave(1);
  assert.deepEqual(directory.dropUnused(), []);
  directory.leave(2);
  assert.deepEqual(directory.dropUnused(), ['mine']);
});

test('a node that cannot ask runs every channel for its own viewers, until another is found to', async () => {
  let away = true;
  const directory = new Directory('me', async (channels) => {
    if (away) throw new Error('alone');
    return channels.map(() => 'other');
  });
  directory.ownerOf('c', (owner) => {
    assert.equal(owner, null);
    directory.use('c', 1);
  });
  await turn();
  assert.deepEqual(await directory.renew(), []);
  assert.equal(directory.owned, 1);
  away = false;
  assert.deepEqual(await directory.renew(), ['c']);
  assert.deepEqual(directory.ownedBy('other'), ['c']);
});

/**
 * Two ends in any order of what can happen to a link, then left alone. Each has seats, which it told the other of, and guests, of
 * whom the other told it; a reset voids both.
 * @param {number} seed @param {boolean} loses @param {boolean} forges messages of sessions that no end has
 */
function storm(seed, loses, forges) {
  const random = mulberry32(seed);
  const ends = ['a', 'b'].map(() => ({
    /** @type {Links} */ links: /** @type {any} */ (null),
    /** @type {Set<number>} */ seats: new Set(),
    /** @type {Set<number>} */ guests: new Set(),
    /** @type {any[]} */ under: [],
  }));
  for (const [i, end] of ends.entries()) {
    const other = ends[1 - i];
    end.links = new Links((_, batch) => other.under.push(structuredClone(batch)), {
      entry: (_, [kind, guest]) =>
        void (kind === 'open' ? end.guests.add(guest) : end.guests.delete(guest)),
      reset: () => [end.seats, end.guests].forEach((all) => all.clear()),
    });
  }
  let guests = 0;
  const seat = (/** @type {typeof ends[0]} */ { links, seats }) => {
    seats.add(++guests);
    links.send('other', ['open', guests]);
  };
  const settle = () => {
    for (
      let round = 0;
      ends.forEach(({ links }) => links.flush()), ends.some(({ under }) => under.length > 0);
      ++round
    ) {
      assert.ok(round < 20, `storm ${seed}: the two never come to rest`);
      for (const { links, under } of ends)
        for (const batch of under.splice(0)) links.receive('other', batch);
    }
  };
  /** @type {[chance: number, happens: (end: typeof ends[0]) => void][]} */
  const events = [
    [0.25, ({ links }) => links.flush()],
    [
      0.3,
      ({ links, under }) => under.splice(0, 1).forEach((batch) => links.receive('other', batch)),
    ],
    [0.15, seat],
    [
      0.05,
      ({ links, seats }) =>
        [...seats]
          .slice(0, 1)
          .forEach((guest) => (seats.delete(guest), links.send('other', ['gone', guest]))),
    ],
    [0.08, ({ links }) => links.reset('other')],
    [0.04, ({ links }) => links.drop('other')],
    [0.03, ({ links }) => links.probe('other')],
    [0.06, ({ under }) => void (loses && under.shift())],
    [
      0.04,
      ({ under }) =>
        void (
          forges &&
          under.unshift({
            s: 1e9 + Math.floor(random() * 3),
            n: 1,
            p: Math.floor(random() * 5),
            e: [],
          })
        ),
    ],
  ];
  for (let step = 5 + Math.floor(random() * 60); step > 0; --step) {
    const end = ends[random() < 0.5 ? 0 : 1];
    let left = random();
    events.find(([chance]) => (left -= chance) < 0)?.[1](end);
  }
  settle();
  // As the watch does: what was lost is noticed with the next message.
  for (let round = 0; round < 3; ++round) {
    for (const { links } of ends) links.send('other', ['ask', 0]);
    for (const { links } of ends) links.probe('other');
    settle();
  }
  ends.forEach(seat);
  settle();
  for (const [i, { seats }] of ends.entries()) {
    assert.deepEqual([...ends[1 - i].guests], [...seats], `storm ${seed}`);
    assert.ok(seats.size > 0, `storm ${seed}`);
  }
}

/** @param {number} seed @returns {() => number} numbers of [0, 1), the same for the same seed */
function mulberry32(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
