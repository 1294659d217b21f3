/**
 * A page without a browser, for tests of a whole mesh around the real engine: its sockets, and hls.js, are fakes.
 */
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach } from 'node:test';
import { attach } from '../../js/index.js';
import { FakeHls, fakeLoaderClass } from './fake-hls.mjs';

export const WASM = await readFile(new URL('../../dist/hlsmesh.wasm', import.meta.url));
export const TRACKER = 'wss://tracker.example/';
// Of the channel of SOURCE.
export const ROOM = 'a36484ed';
export const SOURCE = 'https://cdn.example/vod/master.m3u8?token=secret#t=10';

// Node 18 has it, but not as a global.
if (!globalThis.crypto) Object.assign(globalThis, { crypto: webcrypto });

export class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */
  static made = [];
  readyState = 0;
  closed = false;
  /** @type {any[]} */
  sent = [];
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    FakeSocket.made.push(this);
  }
  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
}

/** @type {Map<string, Set<(event: any) => void>>} listeners of the page */
export let page;
/** @type {any[]} what is detached when the test ends */
export let meshes;

/** To be called once by a file: each of its tests begins on a page of its own, and leaves no mesh. */
export function onFreshPages() {
  beforeEach(() => {
    page = new Map();
    meshes = [];
    FakeSocket.made = [];
    Object.assign(globalThis, {
      WebSocket: FakeSocket,
      RTCPeerConnection: class {},
      addEventListener: (/** @type {string} */ name, /** @type {any} */ listener) =>
        page.set(name, (page.get(name) ?? new Set()).add(listener)),
      removeEventListener: (/** @type {string} */ name, /** @type {any} */ listener) =>
        page.get(name)?.delete(listener),
    });
  });

  afterEach(() => {
    for (const mesh of meshes) mesh.detach();
    for (const name of [
      'WebSocket',
      'RTCPeerConnection',
      'addEventListener',
      'removeEventListener',
    ]) {
      Reflect.deleteProperty(globalThis, name);
    }
  });
}

/** @param {object} [options] */
export function setUp(options) {
  const { FakeLoader, made } = fakeLoaderClass();
  const hls = new FakeHls(FakeLoader);
  const mesh = attach(/** @type {any} */ (hls), {
    tracker: TRACKER,
    wasm: WASM,
    logger: null,
    ...options,
  });
  meshes.push(mesh);
  /** @type {any[][]} */
  const events = [];
  for (const name of /** @type {const} */ (['tracker', 'warning', 'fatal', 'segment'])) {
    mesh.on(name, (event) => void events.push([name, event]));
  }
  return { hls, mesh, made, events, FakeLoader };
}

/** @param {() => unknown} condition */
export async function until(condition) {
  const started = Date.now();
  while (!condition()) {
    assert.ok(Date.now() - started < 30_000, `waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * A load that the engine has taken on: its inner loader was not started.
 * @param {FakeHls} hls
 * @param {any[]} made
 */
export async function takenFragment(hls, made) {
  for (const started = Date.now(); Date.now() - started < 30_000;) {
    const fragment = hls.fragment();
    const inner = made.at(-1);
    if (!inner.callbacks) return { ...fragment, inner };
    fragment.loader.destroy();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail('the engine never came up');
}

export const listeners = () => [...page.values()].reduce((sum, set) => sum + set.size, 0);

/** A player that the page made, and what its loaders were asked. */
export function newPlayer() {
  const { FakeLoader, made } = fakeLoaderClass();
  return { hls: new FakeHls(FakeLoader), made };
}

/** Checks that a player loads a fragment. @param {FakeHls} hls @param {any[]} made */
export function plays(hls, made) {
  hls.loadSource(SOURCE);
  const { names } = hls.fragment();
  made.at(-1).answer(new ArrayBuffer(10));
  assert.deepEqual(names(), ['success']);
}

/** Checks that a player is as the page made it. @param {FakeHls} hls */
export function isUntouched(hls) {
  assert.equal(hls.config.fLoader, undefined);
  assert.equal(hls.eventNames().length, 0);
}

/** A Proxy that wraps the objects inside too, as those of Vue do. @param {any} target @returns {any} */
export function deepProxy(target) {
  return new Proxy(target, {
    get(of, key, receiver) {
      const value = Reflect.get(of, key, receiver);
      if (typeof value === 'function' && !/^class/.test(String(value)))
        return (/** @type {any[]} */ ...args) => value.apply(receiver, args);
      return value && typeof value === 'object' ? deepProxy(value) : value;
    },
  });
}
