/** The package on npm: names that nobody else can take, links that lead somewhere, addresses that others can use. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { serve } from '../../demo/serve.mjs';
import { ROOT, filesIn } from '../../scripts/lib/process.mjs';
import { createTracker } from '../../js/tracker/index.js';
import { cards as cardsOf, reachableHosts } from '../../js/tracker/reachable.js';

const read = (/** @type {string} */ file) => readFile(path.join(ROOT, file), 'utf8');
const manifest = JSON.parse(await read('package.json'));
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  ...(await readdir(path.join(ROOT, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

test('the bundles leave fetch() the names that it knows', async () => {
  for (const file of ['dist/hlsmesh.mjs', 'dist/hlsmesh.js']) {
    assert.match(await read(file), /\bsignal:\w+\.signal\b/, file);
  }
});

test('what the package tells people names no page of docs/, which it does not have, but its address', async () => {
  const files = filesIn(['dist', 'js/dashboard'], ['.js', '.mjs', '.html']);
  const addresses = [];
  for (const file of files) {
    const told = (await read(file)).replace(/^\s*(?:\/\*\*|\*|\/\/).*$/gm, '');
    for (const [, before, page] of told.matchAll(/(\S*)\bdocs\/([A-Z]+\.md)/g)) {
      assert.ok(before.endsWith('/hlsmesh/blob/main/'), `${file}: ${before}docs/${page}`);
      assert.ok(PAGES.includes(`docs/${page}`), page);
      addresses.push(page);
    }
  }
  assert.ok(addresses.length > 4);
});

test('F1: a command for npx names the package that it is in', async () => {
  const files = [
    ...PAGES,
    ...(await readdir(path.join(ROOT, 'deploy'), { recursive: true }))
      .filter((name) => /[A-Za-z]file$|\.\w+$/.test(name))
      .map((name) => `deploy/${name}`),
    ...filesIn(['js', 'demo', 'scripts'], ['.js', '.mjs', '.html', '.ts']),
  ];
  let said = 0;
  for (const file of files) {
    for (const [command, name] of (await read(file)).matchAll(
      /\bnpx (?:-\S+ )*([\w@/-]+)[^`\n]*/g,
    )) {
      said++;
      assert.equal(name, manifest.name, `${file}: ${command}`);
      const bin = /^npx -p hlsmesh ([\w-]+)/.exec(command)?.[1];
      assert.ok(bin && bin in manifest.bin, `${file}: ${command}`);
    }
  }
  assert.ok(said > 3);
});

test('the tracker names each file beside its code as bundlers of servers recognise it, and no bundle fails before one is needed', async () => {
  const named = [];
  for (const name of await readdir(path.join(ROOT, 'dist/tracker'))) {
    const code = await read(`dist/tracker/${name}`);
    const whole = [...code.matchAll(/new URL\("([^"]+)",import\.meta\.url\)/g)];
    assert.equal(whole.length, code.split('import.meta').length - 1, name);
    named.push(...whole.map(([, file]) => path.join('dist/tracker', file)));
  }
  assert.deepEqual(
    [...new Set(named)].sort(),
    ['dist/hlsmesh-dashboard.json.br', 'dist/hlsmesh-tracker.wasm.br', 'package.json'], // prettier-ignore
  );
  for (const file of new Set(named)) await read(file);

  const { build } = await import('esbuild');
  const folder = await mkdtemp(path.join(tmpdir(), 'bundled-'));
  try {
    // In CommonJS there is no import.meta.
    for (const [format, name] of /** @type {const} */ ([
      ['esm', 'e.mjs'],
      ['cjs', 'e.cjs'],
    ])) {
      const outfile = path.join(folder, 'out', 'deep', name);
      const entry = path.join(ROOT, 'dist/tracker/index.js');
      await build({
        stdin: { contents: `export * from ${JSON.stringify(entry)}`, resolveDir: ROOT },
        ...{
          outfile,
          format,
          bundle: true,
          platform: 'node',
          external: ['@redis/client'],
          logLevel: 'silent',
        },
        ...(format === 'esm' && {
          banner: {
            js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
          },
        }),
      });
      const bundled = await import(outfile);
      await assert.rejects(
        bundled.createTracker({ port: 0 }),
        /^Error: a file of the package hlsmesh is not beside its code: if a bundler has moved that, leave hlsmesh out of the bundle \(/,
      );
      const tracker = await bundled.createTracker({
        port: 0,
        wasm: path.join(ROOT, 'dist/hlsmesh-tracker.wasm.br'),
      });
      await tracker.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('F2: who knows no "exports" finds the module, its types, and where it is from', async () => {
  for (const field of ['main', 'module', 'types']) {
    assert.match(manifest[field], /^\.\//);
    await read(manifest[field]);
  }
  const { default: sdk } = await import(path.join(ROOT, manifest.main));
  assert.equal(typeof sdk.attach, 'function');
  assert.equal(manifest.main, manifest.exports['.'].default);
  assert.equal(manifest.types, manifest.exports['.'].types);
  for (const url of [manifest.repository.url, manifest.homepage, manifest.bugs]) {
    assert.match(url, /https:\/\/github\.com\/hlsmesh\/hlsmesh\b/);
  }
});

/** Where pages of this repository are on the web. */
const HERE = 'https://github.com/hlsmesh/hlsmesh/blob/main/';

test('F2: every link leads to what is there, and those of what is packed to a host', async () => {
  const packed = (/** @type {string} */ file) =>
    ['README.md', ...manifest.files].some(
      (entry) => file === entry || file.startsWith(`${entry}/`),
    );
  let links = 0;
  for (const page of PAGES) {
    const text = (await read(page)).replace(/```[^]*?```/g, '');
    for (const [, target] of text.matchAll(/\]:? ?\(?((?:https?:|#|[\w./-]+\.\w+)[^)\s]*)\)?/g)) {
      const [file, anchor] = target.replace(HERE, '/').split('#');
      if (/^https?:/.test(file)) continue;
      links++;
      const relative = !file.startsWith('/');
      const there = !file
        ? page
        : relative
          ? path.posix.join(path.posix.dirname(page), file)
          : file.slice(1);
      assert.ok(!packed(page) || !relative || packed(there), `${page}: ${target} is not packed`);
      const found = await read(there).catch(() => '');
      assert.ok(found, `${page}: ${target} does not exist`);
      if (!anchor) continue;
      const heads = [...found.matchAll(/^#+ (.+)$/gm)].map(([, head]) =>
        head
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      );
      assert.ok(heads.includes(anchor), `${page}: ${target} leads to no heading`);
    }
  }
  assert.ok(links > 100, String(links));
});

const card = (/** @type {string} */ address, internal = false) =>
  /** @type {any} */ ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' });

test('F4: the addresses of a server are those that others can use, and then its own', () => {
  const cards = {
    lo: [card('127.0.0.1', true), card('::1', true)],
    eth0: [card('fe80::1'), card('2001:db8::7'), card('192.168.1.5')],
    usb0: [card('169.254.7.7')],
    gone: undefined,
  };
  assert.deepEqual(reachableHosts('0.0.0.0', cards), ['192.168.1.5', '127.0.0.1']);
  for (const host of ['::', '']) {
    assert.deepEqual(reachableHosts(host, cards), ['192.168.1.5', '[2001:db8::7]', '127.0.0.1']);
  }
  assert.deepEqual(reachableHosts('0.0.0.0', {}), ['127.0.0.1']);
  const refused = () => {
    throw new Error('uv_interface_addresses returned Unknown system error 97');
  };
  assert.deepEqual(cardsOf(refused), {});
  for (const [host, told] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
    ['tracker.example', 'tracker.example'],
  ]) {
    assert.deepEqual(reachableHosts(host, cards), [told]);
  }
});

test('F4: a tracker on all addresses says none that means all, and each that it says is its own', async () => {
  for (const host of ['0.0.0.0', '::']) {
    const tracker = await createTracker({ host, port: 0 });
    const { hostname } = new URL(tracker.url);
    assert.ok(reachableHosts(host).includes(hostname), tracker.url);
    await tracker.close();
  }
  const child = spawn(process.execPath, ['js/tracker/cli.js', '--host', '0.0.0.0', '--port', '0'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const urls = line.match(/ws:\S+/g);
  assert.deepEqual(
    urls.map((/** @type {string} */ url) => new URL(url).hostname),
    reachableHosts('0.0.0.0'),
  );
  const { port } = new URL(urls.at(-1));
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('F4: a page of the demo is told the tracker by the address it came from itself', async () => {
  const mediaDir = await mkdtemp(path.join(tmpdir(), 'hlsmesh-demo-'));
  await writeFile(path.join(mediaDir, 'master.m3u8'), '#EXTM3U\n');
  /** @type {string[]} */
  const said = [];
  const log = (/** @type {string} */ line) => void said.push(line);
  const asked = (/** @type {string} */ port, /** @type {string} */ host) =>
    new Promise((resolve, reject) => {
      const request = { host: '127.0.0.1', port, path: '/config.json', headers: { host } };
      http
        .get(request, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part) => (text += part));
          response.on('end', () => resolve(new URL(JSON.parse(text).tracker).hostname));
        })
        .on('error', reject);
    });
  try {
    const demo = await serve({ host: '0.0.0.0', port: 0, mediaDir, browser: false, log });
    const { port } = new URL(demo.url);
    assert.equal(await asked(port, `phone.local:${port}`), 'phone.local');
    assert.equal(await asked(port, `[2001:db8::7]:${port}`), '[2001:db8::7]');
    assert.equal(await asked(port, '192.168.1.5'), '192.168.1.5');
    assert.ok(!said.join('\n').includes('0.0.0.0'), said.join('\n'));
    for (const host of reachableHosts('0.0.0.0')) assert.ok(said.join(' ').includes(`//${host}:`));
    await demo.close();
    const local = await serve({ host: '127.0.0.1', port: 0, mediaDir, browser: false, log });
    assert.equal(await asked(new URL(local.url).port, 'elsewhere.example'), '127.0.0.1');
    await local.close();
  } finally {
    await rm(mediaDir, { recursive: true, force: true });
  }
});
