import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Option } from '../../js/tracker/abi.js';
import {
  ConfigError,
  limitsOf,
  optionsOf,
  printable,
  readCommandLine,
  readOptions,
} from '../../js/tracker/config.js';
import { helpText } from '../../js/tracker/help.js';
import { OPTIONS, argumentOf, camelCase, defaultText, variable } from '../../js/tracker/options.js';

const folder = mkdtempSync(path.join(tmpdir(), 'tracker-config-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {unknown} content */
function file(content) {
  const name = path.join(folder, 'config.json');
  writeFileSync(name, typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

/**
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Record<string, any>}
 */
const read = (args, env = {}) => readCommandLine(args, env).values;

/**
 * @param {() => unknown} reading
 * @param {RegExp[]} lines in any order
 */
function faults(reading, lines) {
  assert.throws(reading, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    for (const line of lines) assert.match(error.message, line);
    assert.equal(error.message.split('\n').length, lines.length, error.message);
    return true;
  });
}

test('without a word everything has its default', () => {
  const values = read([]);
  for (const option of OPTIONS) {
    assert.deepEqual(values[camelCase(option.name)], option.default, option.name);
  }
  assert.deepEqual(
    Object.keys(limitsOf(values)).sort(),
    Object.keys(Option)
      .filter((name) => name !== 'authorize')
      .sort(),
  );
});

test('a flag goes before the environment, that before the file, that before the default', () => {
  const config = file({ port: 1, 'log-level': 'warn', 'max-children': 3, 'child-kbps': 9 });
  const env = { HLSMESH_CONFIG: config, HLSMESH_PORT: '2', HLSMESH_MAX_CHILDREN: '4' };
  const { values, sources } = readCommandLine(['--port', '5'], env);
  assert.deepEqual(
    [values.port, values.maxChildren, values.childKbps, values.logLevel, values.host],
    [5, 4, 9, 'warn', '127.0.0.1'],
  );
  assert.deepEqual(sources, {
    port: 'flag',
    maxChildren: 'environment',
    childKbps: 'file',
    logLevel: 'file',
  });
});

test('a list may come in several flags, in one, and as JSON', () => {
  const both = ['--trusted-proxies', '10.0.0.0/8, ::1', '--trusted-proxies', 'loopback'];
  assert.deepEqual(read(both).trustedProxies, ['10.0.0.0/8', '::1', 'loopback']);
  assert.deepEqual(read([], { HLSMESH_ALLOWED_CHANNELS: 'a* b*' }).allowedChannels, ['a*', 'b*']);
  const config = file({ 'allowed-origins': ['https://a.example', 'https://*.b.example'] });
  assert.deepEqual(read(['--config', config]).allowedOrigins, [
    'https://a.example',
    'https://*.b.example',
  ]);
});

test('what stands in a JSON list is one item, commas and spaces included', () => {
  const config = file({
    'allowed-channels': ['https://a.example/1,2/*'],
    'token-keys': ['/my keys/a.pem'],
  });
  const { allowedChannels, tokenKeys } = read(['--config', config]);
  assert.deepEqual(allowedChannels, ['https://a.example/1,2/*']);
  assert.deepEqual(tokenKeys, ['/my keys/a.pem']);
});

test('what is wrong is said of every option at once: which, what was given, what is allowed', () => {
  const config = file({ 'proxy-header': 'x-real-ip', 'allowed-origins': [1], hots: 'x' });
  faults(
    () =>
      read(['--config', config, '--port', 'http', '--drain-seconds=-1x'], {
        HLSMESH_TRUSTED_PROXIES: '10.0.0.0/8 proxy.example',
        HLSMESH_MAX_MESSAGE_BYTES: '65537',
      }),
    [
      /--port must be a whole number from 0 to 65535, not 'http'/,
      /--drain-seconds must be a number of seconds from 0 to 3600, not '-1x'/,
      /HLSMESH_TRUSTED_PROXIES must be addresses, CIDR ranges .*, not '10.0.0.0\/8 proxy.example'/,
      /HLSMESH_MAX_MESSAGE_BYTES must be a whole number from 1024 to 65536, not '65537'/,
      /config\.json: proxy-header must be one of x-forwarded-for, forwarded, not 'x-real-ip'/,
      /config\.json: allowed-origins must be origins .*, not \[1\]/,
      /config\.json: there is no option 'hots'/,
    ],
  );
});

test('options that only make sense together are asked for together', () => {
  faults(() => read(['--tls-cert', 'c']), [/--tls-cert and --tls-key go together/]);
  faults(() => read(['--metrics', 'token']), [/--metrics may be token only where --api-token/]);
  const twice = ['--api-token', 'x'.repeat(16), '--api-token-file', 'f'];
  faults(() => read(twice), [/--api-token and --api-token-file say the same/]);
});

test('a configuration file is one JSON object', () => {
  for (const content of ['', '[]', 'null', '{"port": 1', '"port"']) {
    faults(() => read(['--config', file(content)]), [/--config: .*config\.json/]);
  }
  faults(() => read(['--config', '/no/such/file']), [/--config: \/no\/such\/file: ENOENT/]);
});

test('no secret is printed, neither in an error nor in the configuration', () => {
  const short = 'tooshort';
  assert.throws(
    () => read(['--token-secret', short, '--api-token', short]),
    (/** @type {Error} */ { message }) =>
      /--token-secret must be a text of at least 32 bytes, not one of 8/.test(message) &&
      !message.includes(short),
  );
  const secret = 's'.repeat(32);
  const text = printable(readCommandLine(['--token-secret', secret, '--port', '7'], {}));
  assert.ok(!text.includes(secret));
  const printed = JSON.parse(text);
  assert.deepEqual(
    [printed['token-secret'], printed['api-token'], printed.port],
    ['***', undefined, 7],
  );
});

test('a printed configuration without secrets is a configuration file', () => {
  const args = ['--port', '7', '--allowed-channels', 'a*', '--tls-cert', 'c', '--tls-key', 'k'];
  const before = readCommandLine(args, {});
  assert.deepEqual(read(['--config', file(printable(before))]), before.values);
});

test('variables of other names are pointed out, since a misspelt one does nothing', () => {
  const { strangers } = readCommandLine([], { HLSMESH_PROT: '1', HLSMESH_PORT: '1', PATH: '' });
  assert.deepEqual(strangers, ['HLSMESH_PROT']);
});

test('createTracker takes the options that are not limits, under camelCase names', () => {
  const given = { port: 1, allowedChannels: ['a*'], maxPendingBytes: 65_536 };
  const options = readOptions({ ...given, log: () => {}, limits: {} });
  assert.deepEqual({ ...options, ...given }, options);
  assert.deepEqual(Object.keys(options).sort(), Object.keys(optionsOf(read([]))).sort());
  assert.throws(() => readOptions({ prot: 1 }), /there is no option prot/);
  assert.throws(() => readOptions({ port: true }), /option port must be .*, not true/);
  assert.throws(() => readOptions({ tlsKey: 'k' }), /tlsCert and tlsKey go together/);
});

test('index.d.ts declares those options', async () => {
  const types = await readFile(new URL('../../js/tracker/index.d.ts', import.meta.url), 'utf8');
  const start = types.indexOf('export interface TrackerOptions {');
  const body = types.slice(start, types.indexOf('\n}', start));
  const declared = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  const objects = ['server', 'path', 'wasm', 'limits', 'log', 'onFatal', 'bus'];
  assert.deepEqual(declared.sort(), [...Object.keys(optionsOf(read([]))), ...objects].sort());
});

test('index.d.ts tells the defaults of the limits', async () => {
  const types = await readFile(new URL('../../js/tracker/index.d.ts', import.meta.url), 'utf8');
  const told = [...types.matchAll(/default ([\d ]+)\. \*\/\n {2}(\w+)\?: number;/g)].map(
    ([, value, name]) => [name, Number(value.replaceAll(' ', ''))],
  );
  const limits = Object.fromEntries(told.filter(([name]) => String(name) in Option));
  assert.deepEqual(limits, limitsOf(read([])));
});

test('the help lists every option in lines that a terminal holds', () => {
  const help = helpText();
  for (const { name } of OPTIONS) assert.match(help, new RegExp(`^  --${name}( |$)`, 'm'));
  for (const line of help.split('\n')) assert.ok(line.length <= 80, line);
});

test('docs/OPERATING.md lists every option, its variable and its default, and no other', async () => {
  const docs = await readFile(new URL('../../docs/OPERATING.md', import.meta.url), 'utf8');
  const rows = [...docs.matchAll(/^\| `--([\w-]+)([^`]*)` \| (.*?) \| (.*) \|$/gm)].map(
    ([, name, argument, initially, help]) => ({ name, argument: argument.trim(), initially, help }),
  );
  const wanted = OPTIONS.map((option) => ({
    name: option.name,
    argument: argumentOf(option).replaceAll('|', '\\|'),
    initially: defaultText(option) === '' ? '' : `\`${defaultText(option)}\``,
    help: option.help,
  }));
  assert.deepEqual(rows, wanted);
  assert.ok(docs.includes(variable('max-connections')));
});
