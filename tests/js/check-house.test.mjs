/** Each house rule, on a tree that keeps it and on one that breaks it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHouse } from '../../scripts/check-house.mjs';
import { arrows, checkCircles, checkOrder } from '../../scripts/house/arrows.mjs';
import { checkLinks, checkNames } from '../../scripts/house/citations.mjs';
import { checkEngines } from '../../scripts/house/engines.mjs';
import { MOST_LINES, checkLength } from '../../scripts/house/length.mjs';
import { checkMap } from '../../scripts/house/map.mjs';
import { projectTree } from '../../scripts/house/tree.mjs';

const tree = (/** @type {Record<string, string>} */ files) => new Map(Object.entries(files));

/**
 * The complaints about one file that uses one other.
 * @param {string} path
 * @param {string} target
 */
function arrow(path, target) {
  const cpp = path.endsWith('pp');
  const text = cpp
    ? `#include "${target.replace('src/', '')}"\n`
    : `import { a } from '${'../'.repeat(path.split('/').length - 1)}${target}';\n`;
  const made = tree({ [path]: text, [target]: '' });
  assert.deepEqual(arrows(made).get(path), [target]);
  return checkOrder(made, undefined, []);
}

/** @param {string} path @param {string} target */
const allowed = (path, target) => assert.deepEqual(arrow(path, target), []);

/** @param {string} path @param {string} target */
function forbidden(path, target) {
  const complaints = arrow(path, target);
  assert.equal(complaints.length, 1, `${path} → ${target}`);
  assert.ok(complaints[0].startsWith(`${path}: `) && complaints[0].includes(target));
}

test('the project keeps every rule, and the rules see its files', () => {
  assert.deepEqual(checkHouse(), []);
  const found = arrows(projectTree());
  assert.ok(found.size > 300);
  assert.ok(found.get('js/attach.js')?.includes('js/mesh.js'));
  assert.ok(found.get('src/client/engine.cpp')?.includes('src/client/engine.hpp'));
  assert.ok(found.get('wasm/client_state.hpp')?.includes('src/client/engine.hpp'));
});

test('the whole check applies each rule', () => {
  const broken = checkHouse(
    tree({
      'js/errors.js': "import './mesh.js';\n",
      'js/mesh.js': "import './errors.js';\n",
      'src/client/clock.hpp': '#include <random>\n',
      'src/common/long.hpp': '\n'.repeat(MOST_LINES + 1),
      'docs/A.md': '[b](B.md), and `src/gone.hpp`\n',
    }),
  ).join('\n');
  for (const complaint of [
    /js\/errors\.js: js: ground may not use js\/mesh\.js/,
    /a circle: js\/errors\.js/,
    /may not include <random>/,
    /src\/common\/long\.hpp: 451 lines/,
    /names src\/gone\.hpp/,
    /links to B\.md/,
    /has no row for js\/mesh\.js/,
  ]) {
    assert.match(broken, complaint);
  }
});

test('client and tracker never use each other, in C++ or in JavaScript', () => {
  forbidden('src/client/engine.cpp', 'src/tracker/tracker.hpp');
  forbidden('src/tracker/tracker.cpp', 'src/client/engine.hpp');
  forbidden('js/mesh.js', 'js/tracker/engine.js');
  forbidden('js/tracker/sockets.js', 'js/driver.js');
  allowed('js/tracker/engine.js', 'js/core.js');
});

test('no C++ module uses one above it', () => {
  forbidden('src/cache/segment_cache.cpp', 'src/client/engine.hpp');
  forbidden('src/common/time.hpp', 'src/protocol/json_reader.hpp');
  forbidden('src/client/clock.hpp', 'src/client/engine.hpp');
  forbidden('src/tracker/outbox.hpp', 'src/tracker/tracker.hpp');
  forbidden('src/client/engine.cpp', 'src/sim/swarm.hpp');
  forbidden('src/client/engine.cpp', 'wasm/client_abi.hpp');
  allowed('src/client/engine.cpp', 'src/cache/segment_cache.hpp');
  allowed('src/tracker/tracker.cpp', 'src/tracker/channel.hpp');
  allowed('wasm/client_state.hpp', 'src/client/engine.hpp');
  allowed('src/sim/swarm.hpp', 'src/client/engine.hpp');
});

test('the modules of the client keep their order', () => {
  allowed('src/client/engine.cpp', 'src/client/peers/table.hpp');
  allowed('src/client/peers/table.hpp', 'src/client/download/downloads.hpp');
  allowed('src/client/player/loads.hpp', 'src/client/download/downloads.hpp');
  allowed('src/client/upload/uploader.hpp', 'src/client/link/channel.hpp');
  allowed('src/client/link/channel.hpp', 'src/client/command_queue.hpp');
  forbidden('src/client/download/downloads.hpp', 'src/client/peers/table.hpp');
  forbidden('src/client/download/downloads.hpp', 'src/client/player/loads.hpp');
  forbidden('src/client/link/channel.hpp', 'src/client/download/downloads.hpp');
  forbidden('src/client/clock.hpp', 'src/client/link/channel.hpp');
  forbidden('src/client/peers/table.hpp', 'src/client/engine.hpp');
});

test('no JavaScript module uses one above it, or what is not shipped', () => {
  forbidden('js/errors.js', 'js/driver.js');
  forbidden('js/rtc.js', 'js/driver.js');
  forbidden('js/driver.js', 'js/hls-loader.js');
  forbidden('js/tracker/local-engine.js', 'js/tracker/sockets.js');
  forbidden('js/tracker/cluster/cluster.js', 'js/tracker/index.js');
  forbidden('js/mesh.js', 'scripts/build.mjs');
  forbidden('js/tracker/index.js', 'demo/serve.mjs');
  forbidden('scripts/lib/steps.mjs', 'scripts/build.mjs');
  allowed('js/mesh.js', 'js/driver.js');
  allowed('tests/js/mesh.test.mjs', 'js/mesh.js');
});

test('exports and records of an engine are known to the one file that marshals its seam', () => {
  const calls = (/** @type {string} */ path) =>
    checkEngines(tree({ [path]: "core.call('hm_start', 0);\n" })).length;
  assert.deepEqual(['js/mesh.js', 'js/tracker/index.js', 'js/engine.js'].map(calls), [1, 1, 0]);
  assert.equal(checkEngines(tree({ 'js/mesh.js': '// hm_start comes later.\n' })).length, 0);
});

test('an import in a comment is no arrow', () => {
  const path = 'js/errors.js';
  const typed = tree({ [path]: "/** @import { A } from './mesh.js' */\n", 'js/mesh.js': '' });
  assert.deepEqual(arrows(typed).get(path), []);
  const commented = tree({ 'src/common/time.hpp': '// #include "client/engine.hpp"\n' });
  assert.deepEqual(arrows(commented).get('src/common/time.hpp'), []);
});

test('a file without a place in the order is named, and so is an order that contradicts itself', () => {
  assert.match(
    checkOrder(tree({ 'js/novel.js': '' }), undefined, [])[0],
    /js\/novel\.js: has no place/,
  );
  const modules = [
    { name: 'low', holds: /low/, uses: ['high'] },
    { name: 'high', holds: /high/, uses: ['low'] },
  ];
  assert.deepEqual(checkOrder(tree({}), modules, []), ['high may use low, which is not below it']);
});

test('an exception is for one arrow, and must go with it', () => {
  const up = tree({
    'js/errors.js': "import './mesh.js';\n",
    'js/mesh.js': "import './errors.js';\n",
  });
  const exception = ['js/errors.js → js/mesh.js'];
  assert.equal(checkOrder(up, undefined, []).length, 1);
  assert.deepEqual(checkOrder(up, undefined, exception), []);
  assert.equal(checkCircles(up, []).length, 1);
  assert.deepEqual(checkCircles(up, exception), []);
  assert.match(checkOrder(tree({ 'js/errors.js': '' }), undefined, exception)[0], /is gone/);
});

test('files that use each other are a circle, over a third one and over a source file too', () => {
  const three = {
    'js/tracker/log.js': "import './files.js';\n",
    'js/tracker/files.js': "export { a } from './http.js';\n",
    'js/tracker/http.js': "await import('./log.js');\n",
  };
  assert.equal(checkCircles(tree(three), []).length, 1);
  assert.equal(checkCircles(tree({ ...three, 'js/tracker/http.js': '' }), []).length, 0);
  const headers = {
    'src/client/a.hpp': '#include "client/b.hpp"\n',
    'src/client/a.cpp': '#include "client/a.hpp"\n',
    'src/client/b.hpp': '',
    'src/client/b.cpp': '#include "client/b.hpp"\n#include "client/a.hpp"\n',
  };
  assert.deepEqual(checkCircles(tree(headers), []), [
    'a circle: src/client/a → src/client/b → src/client/a',
  ]);
  const pimpl = {
    'src/tracker/a.hpp': '',
    'src/tracker/a_impl.hpp': '#include "tracker/a.hpp"\n',
    'src/tracker/a.cpp': '#include "tracker/a_impl.hpp"\n',
  };
  assert.deepEqual(checkCircles(tree(pimpl), []), []);
});

test('an engine may have no clock, chance, stream or foreign library, but a comment may name them', () => {
  const engine = (/** @type {string} */ text) =>
    checkEngines(tree({ 'src/client/a.cpp': text })).length;
  assert.equal(engine('auto t = std::chrono::steady_clock::now();'), 1);
  assert.equal(engine('#include <random>'), 1);
  assert.equal(engine('#include <iostream>'), 1);
  assert.equal(engine('#include <nlohmann/json.hpp>'), 1);
  assert.equal(engine('// never steady_clock::now()'), 0);
  assert.equal(engine('#include <chrono>'), 0);
});

test('the SDK imports no library, the tracker may', () => {
  const imports = (/** @type {string} */ path) =>
    checkEngines(tree({ [path]: "import Hls from 'hls.js';" }));
  assert.equal(imports('js/mesh.js').length, 1);
  assert.equal(imports('js/tracker/index.js').length, 0);
});

test('a file is too long at one line more than the most', () => {
  const lines = (/** @type {number} */ count) => tree({ 'js/mesh.js': 'a();\n'.repeat(count) });
  assert.deepEqual(checkLength(lines(MOST_LINES), {}), []);
  assert.equal(checkLength(lines(MOST_LINES + 1), {}).length, 1);
  assert.deepEqual(checkLength(lines(500), { 'js/mesh.js': 500 }), []);
  assert.equal(checkLength(lines(501), { 'js/mesh.js': 500 }).length, 1);
  assert.match(checkLength(lines(MOST_LINES), { 'js/mesh.js': 500 })[0], /take it off/);
  assert.match(checkLength(tree({}), { 'js/mesh.js': 500 })[0], /take it off/);
});

test('a comment names files and sections that exist', () => {
  const page = '# The wire\n\n## 1. Reading\n\n## 2. Data channel\n';
  const said = (/** @type {string} */ text, path = 'src/client/a.hpp') =>
    checkNames(tree({ [path]: text, 'docs/PROTOCOL.md': page })).length;
  assert.equal(said('// One request at a time (protocol section 2).\n'), 0);
  assert.equal(said('// One request at a time (protocol section 7).\n'), 1);
  assert.equal(said('// One request at a time (protocol\n// section 7).\n'), 1);
  assert.equal(said('/**\n * Section 7 of docs/PROTOCOL.md\n */\n', 'js/a.js'), 1);
  assert.equal(said('// A list (RFC 8216 section 7).\n'), 0);
  assert.equal(said('// docs/PROTOCOL.md describes it.\n'), 0);
  assert.equal(said('// docs/NOTHING.md describes it.\n'), 1);
  assert.equal(said('/** As src/client/gone.hpp does. */\n', 'js/a.js'), 1);
  assert.equal(said('See `src/client/gone.hpp`.\n', 'docs/A.md'), 1);
  const made = "const path = 'js/made-up.js'; // of src/client/*_test.cpp and dist/x.js\n";
  assert.equal(said(made, 'js/a.js'), 0);
});

test('a link of a page leads to a file or a heading', () => {
  const links = (/** @type {string} */ text) =>
    checkLinks(
      tree({ 'docs/A.md': `# A \`b\`: c, d\n\n${text}\n`, 'docs/B.md': '## Twice told\n' }),
    ).length;
  assert.equal(
    links('[b](B.md) [c](B.md#twice-told) [d](#a-b-c-d) [e](https://example.com/#x)'),
    0,
  );
  assert.equal(links('[b](C.md)'), 1);
  assert.equal(links('[b](B.md#told)'), 1);
  assert.equal(links('[b](#nowhere)'), 1);
  assert.equal(links('```\n[b](C.md)\n```'), 0);
});

test('the map has a row for each module, and each row a module', () => {
  const mapped = (/** @type {string} */ rows) =>
    checkMap(
      tree({
        'docs/ARCHITECTURE.md': `| module | purpose |\n|---|---|\n${rows}`,
        'js/a.js': '',
        'js/b.js': '',
        'src/tracker/c.hpp': '',
        'src/tracker/c.cpp': '',
        'src/common/d.hpp': '',
      }),
    ).map((complaint) => complaint.replace('docs/ARCHITECTURE.md: ', ''));
  const folders = '| `js` | x |\n| `src/tracker` | x |\n| `src/common` | x |\n';
  assert.deepEqual(
    mapped(`${folders}| \`js/a.js\`, \`b.js\` | x |\n| \`src/tracker/c\` | x |\n`),
    [],
  );
  assert.deepEqual(mapped(`${folders}| \`js/a.js\` | \`js/b.js\` |\n`), [
    'has no row for js/b.js',
    'has no row for src/tracker/c',
  ]);
  assert.deepEqual(
    mapped(`${folders}| \`js/a.js\`, \`b.js\`, \`e.js\` | x |\n| \`src/tracker/c\` | x |\n`),
    ['has a row for js/e.js, which does not exist'],
  );
  assert.equal(mapped('| `js/a.js`, `b.js` | x |\n| `src/tracker/c` | x |\n').length, 3);
});
