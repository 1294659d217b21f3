/** The script for engines of ES2017: how it is made, what it needs to be parsed, and that it harms no page where it cannot run. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import vm from 'node:vm';
import { parse } from 'acorn';
import { lowered } from '../../scripts/lib/es2017.mjs';

const script = await readFile(new URL('../../dist/hlsmesh.es2017.js', import.meta.url), 'utf8');

/** @param {string} code an expression */
const valueOf = (code) => vm.runInNewContext(`JSON.stringify(${code})`);

test('the script parses as ES2017, and not because it is an older one', () => {
  parse(script, { ecmaVersion: 2017, sourceType: 'script' });
  assert.throws(() => parse(script, { ecmaVersion: 2016, sourceType: 'script' }));
});

test('private members become properties that do not meet others', () => {
  for (const code of [
    'new (class { #a = 1; a = 2; get both() { return [this.#a, this.a]; } })().both',
    'new (class { #x() { return 1; } static #y = 2; get z() { return [this.#x(), this.constructor.name]; } })().z',
    '((C) => [new C().next(), new C().next()])(class { static #n = 0; #add = () => ++this.constructor.n; static n = 0; next() { return this.#add(); } })',
  ]) {
    const told = lowered(`x = ${code};`).slice('x = '.length, -1);
    assert.ok(!told.includes('#'), told);
    assert.equal(valueOf(told), valueOf(code), told);
  }
  // As many names as two letters give.
  const many = Array.from({ length: 60 }, (_, i) => `#m${i} = ${i};`).join(' ');
  const sum = Array.from({ length: 60 }, (_, i) => `this.#m${i}`).join(' + ');
  const code = `new (class { ${many} sum() { return ${sum}; } })().sum()`;
  assert.equal(valueOf(lowered(`(${code})`)), '1770');
});

test('spread properties become assignments in their order', () => {
  for (const code of [
    '{ ...{ a: 1 } }',
    '{ a: 1, ...{ a: 2, b: 3 }, b: 4 }',
    '{ ...{ a: 1 }, ...{ a: 2 }, c: [...[1, 2]] }',
    '{ ...(0 && { a: 1 }), b: { ...{ c: 1 }, d: 2 }, }',
    '{ ...null, a: ((b, ...rest) => rest)(1, 2), }',
  ]) {
    const told = lowered(`(${code})`);
    parse(told, { ecmaVersion: 2017 });
    assert.equal(valueOf(told), valueOf(`(${code})`), told);
  }
});

test('what would be imported is a promise that says why not', async () => {
  for (const code of ["import('a.mjs')", 'import(/* webpackIgnore: true */ String(1))']) {
    const told = lowered(code);
    parse(told, { ecmaVersion: 2017 });
    await assert.rejects(vm.runInNewContext(told), { message: /ES2017 cannot load (a\.mjs|1)$/ });
  }
});

test('what cannot be lowered so is refused', () => {
  for (const code of [
    'class A { #a; has(b) { return #a in b; } }',
    'class A { #a; b() { return class { #c; }; } }',
    'const $a = 1;',
  ]) {
    assert.throws(() => lowered(code));
  }
});

test('where nothing is that came after ES2017, the script loads, and the player is left as it was', () => {
  const said = /** @type {string[]} */ ([]);
  const page = vm.createContext({
    console: { error: (/** @type {string[]} */ ...words) => said.push(words.join(' ')), warn() {} },
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    URL,
    performance,
    fetch,
    Headers,
    AbortController,
    TextEncoder,
    TextDecoder,
    document: { currentScript: { src: 'https://site.example/hlsmesh.es2017.js' } },
  });
  vm.runInContext(
    `self = this; delete self.globalThis; delete Array.prototype.flatMap; delete Array.prototype.flat;
     delete Object.fromEntries; delete String.prototype.replaceAll; delete Promise.prototype.finally;
     delete Array.prototype.at; delete self.WebAssembly; delete self.queueMicrotask;`,
    page,
  );
  vm.runInContext(script, page);
  const told = vm.runInContext(
    `const hls = { config: { loader: function () {} }, on() {}, once() {}, off() {}, url: null };
     hls.constructor.version = '1.6.0';
     const mesh = HlsMesh.attach(hls, { tracker: 'wss://tracker.example' });
     JSON.stringify([HlsMesh.isSupported(), mesh.enabled, hls.config.fLoader === undefined])`,
    page,
  );
  // A pass-through loader, since nothing is known to be wrong yet.
  assert.deepEqual(JSON.parse(told), [false, true, false]);
  assert.deepEqual(said, []);
});
