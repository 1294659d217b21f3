/** A mesh through the proxies in which frameworks wrap players, meshes and options. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attach } from '../../js/index.js';
import { fragmentContext } from './fake-hls.mjs';
import {
  FakeSocket,
  SOURCE,
  TRACKER,
  WASM,
  deepProxy,
  isUntouched,
  meshes,
  newPlayer,
  onFreshPages,
  plays,
  setUp,
  until,
} from './fake-page.mjs';

onFreshPages();

/** Ways in which frameworks wrap objects. @type {[string, (target: any) => any][]} */
const PROXIES = [
  ['a Proxy without traps', (target) => new Proxy(target, {})],
  [
    'a Proxy that gets through itself',
    (target) =>
      new Proxy(target, {
        get: (of, key, receiver) => Reflect.get(of, key, receiver),
        set: (of, key, value, receiver) => Reflect.set(of, key, value, receiver),
      }),
  ],
  ['a Proxy that wraps whatever it gives', deepProxy],
  ['an object that inherits from it', (target) => Object.create(target)],
];

for (const [name, wrap] of PROXIES) {
  test(`B9: every member of a mesh works through ${name}`, async () => {
    const { hls, mesh, made } = setUp();
    const wrapped = wrap(mesh);
    let heard = 0;
    const listener = () => void heard++;
    wrapped.on('segment', listener);
    wrapped.once('segment', listener).on('stats', () => {});
    plays(hls, made);
    wrapped.off('segment', listener);
    plays(hls, made);
    assert.equal(heard, 2);
    assert.equal(wrapped.stats.cdnSegments, 2);
    assert.deepEqual([...wrapped.peers], []);
    assert.equal(wrapped.channel, mesh.channel);
    wrapped.upload = false;
    wrapped.enabled = false;
    assert.deepEqual(
      [mesh.upload, wrapped.upload, mesh.enabled, wrapped.enabled],
      [false, false, false, false],
    );
    wrapped.update({ upload: true });
    assert.equal(mesh.upload, true);
    wrapped.detach();
    isUntouched(hls);
  });

  test(`B9: a player in ${name} plays and is left as it was`, async () => {
    const { hls, made } = newPlayer();
    const wrapped = wrap(hls);
    const mesh = attach(wrapped, { tracker: TRACKER, wasm: WASM, logger: null });
    meshes.push(mesh);
    hls.loadSource(SOURCE);
    await until(() => FakeSocket.made.length === 1);
    // Of a player in a Proxy hls.js calls loaders through one.
    const Loader = hls.config.fLoader;
    const loader = wrap(new Loader(hls.config));
    /** @type {string[]} */
    const heard = [];
    loader.load(fragmentContext(), {}, { onSuccess: () => heard.push('success') });
    assert.equal(loader.getCacheAge(), 7);
    assert.equal(loader.getResponseHeader('age'), 'value of age');
    made.at(-1).answer(new ArrayBuffer(10));
    assert.deepEqual(heard, ['success']);
    loader.abort();
    loader.destroy();
    mesh.detach();
    assert.equal(hls.config.fLoader, undefined);
  });
}

test('B9: methods taken off a mesh work, and it can be copied, printed and extended', () => {
  const { mesh } = setUp();
  const { on, off, once, update, detach } = mesh;
  const listener = () => {};
  assert.equal(on('segment', listener), mesh);
  assert.equal(once('segment', listener), mesh);
  assert.equal(off('segment', listener), mesh);
  assert.equal(update({ upload: false }), mesh);
  assert.equal(JSON.stringify({ mesh }), '{"mesh":{}}');
  structuredClone({ mesh });
  Object.assign(mesh, { note: 'mine' });
  Object.freeze(mesh);
  assert.equal(mesh.upload, false);
  detach();
});
