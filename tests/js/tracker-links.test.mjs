import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Directory } from '../../js/tracker/cluster/directory.js';
import { Links } from '../../js/tracker/cluster/links.js';

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
