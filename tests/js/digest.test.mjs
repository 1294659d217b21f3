/** `hlsmesh-digest`, and what it is made of (docs/DIGESTS.md). */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PIECE_BYTES, digestLine, segmentDigest } from '../../js/digest/digests.js';
import { nameOf, readPlaylist, withTag } from '../../js/digest/playlist.js';
import { Publisher } from '../../js/digest/publisher.js';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../js/digest/cli.js', import.meta.url));
/** @type {string[]} */
const folders = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** @param {Record<string, string | Uint8Array>} files */
async function folderOf(files) {
  const folder = await mkdtemp(path.join(tmpdir(), 'hlsmesh-digest-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

/** @param {number} size @param {number} seed */
const bytesOf = (size, seed) => Uint8Array.from({ length: size }, (_, i) => i * 31 + seed);

/** @param {...string} args */
const digest = (...args) => run(process.execPath, [CLI, ...args]);

/** @param {string[]} args */
async function refused(...args) {
  const error = await digest(...args).then(
    () => assert.fail('it was accepted'),
    (/** @type {any} */ e) => e,
  );
  return { code: error.code, stderr: String(error.stderr) };
}

/** @param {string} folder @param {string} name */
const linesOf = async (folder, name) =>
  (await readFile(path.join(folder, name), 'utf8')).trimEnd().split('\n');

test('the digest of a segment is of its size and the digests of its pieces', () => {
  const sha = (/** @type {Uint8Array[]} */ ...parts) =>
    createHash('sha256').update(Buffer.concat(parts)).digest();
  for (const size of [1, PIECE_BYTES, PIECE_BYTES + 1, 100_000]) {
    const segment = bytesOf(size, 3);
    const pieces = [];
    for (let at = 0; at < size; at += PIECE_BYTES) {
      pieces.push(sha(Buffer.from([0]), segment.subarray(at, at + PIECE_BYTES)));
    }
    const length = Buffer.alloc(8);
    length.writeUInt32BE(size, 4);
    const expected = sha(Buffer.from([1]), length, ...pieces).toString('base64url');
    assert.equal(segmentDigest(segment), expected);
  }
});

test('a playlist gives its segments, with byte ranges as RFC 8216 section 4.3.2.2 counts them', () => {
  const { segments, ended, playlists } = readPlaylist(
    [
      '#EXTM3U',
      '#EXT-X-MAP:URI="init.mp4"',
      '#EXTINF:4,',
      '#EXT-X-BYTERANGE:100@50',
      'film.mp4',
      '#EXTINF:4,',
      '#EXT-X-BYTERANGE:30',
      'film.mp4',
      '#EXTINF:4,',
      '#EXT-X-BYTERANGE:7',
      'other.mp4',
      '#EXTINF:4,',
      'a b.ts?v=1',
      '#EXT-X-ENDLIST',
    ].join('\r\n'),
  );
  assert.deepEqual(
    segments.map((each) => nameOf(each, true)),
    ['film.mp4#50-150', 'film.mp4#150-180', 'other.mp4#0-7', 'a b.ts?v=1'],
  );
  assert.equal(nameOf(segments[3], false), 'a b.ts');
  assert.equal(ended, true);
  assert.deepEqual(playlists, []);
  assert.throws(() => readPlaylist('<html>'), /no playlist/);
});

test('a playlist is read as hls.js reads it: spaces after a colon, comma or the last tag, and gaps, which nobody loads', () => {
  const { segments, ended } = readPlaylist(
    '#EXTM3U\n#EXT-X-GAP\n#EXTINF:4,\ngone.ts\n#EXTINF: 4,\n#EXT-X-BYTERANGE: 10@5\na.ts\n#EXT-X-ENDLIST \n',
  );
  assert.deepEqual(
    segments.map((each) => nameOf(each, true)),
    ['a.ts#5-15'],
  );
  assert.equal(ended, true);
  const media = '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="n", URI="audio.m3u8"\n';
  assert.deepEqual(readPlaylist(media).playlists, ['audio.m3u8']);
});

test('a multivariant playlist leads to all renditions, each of which gets a file and the line', async () => {
  const media = (/** @type {string} */ name) =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n${name}\n#EXT-X-ENDLIST\n`;
  const folder = await folderOf({
    'master.m3u8':
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="audio/en.m3u8"\n' +
      '#EXT-X-STREAM-INF:BANDWIDTH=1\nv/low.m3u8?x=1\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhttps://cdn.example/high.m3u8\n',
    'audio/en.m3u8': media('e%20n.aac'),
    'audio/e n.aac': bytesOf(500, 1),
    'v/low.m3u8': media('../seg.ts'),
    'seg.ts': bytesOf(70_000, 2),
  });
  const { stdout, stderr } = await digest(path.join(folder, 'master.m3u8'));
  assert.match(stdout, /en\.m3u8\.digests: 1 segment\n/);
  assert.match(stderr, /https:\/\/cdn\.example\/high\.m3u8 is no path below it/);
  assert.deepEqual(await linesOf(folder, 'audio/en.m3u8.digests'), [
    '#HLSMESH-DIGESTS:1',
    digestLine('e%20n.aac', bytesOf(500, 1)),
  ]);
  assert.equal(
    (await linesOf(folder, 'v/low.m3u8.digests'))[1],
    digestLine('../seg.ts', bytesOf(70_000, 2)),
  );
  assert.equal((await linesOf(folder, 'v/low.m3u8'))[1], '#EXT-X-HLSMESH-DIGESTS');
  // Once.
  await digest(folder);
  assert.equal(
    (await readFile(path.join(folder, 'v/low.m3u8'), 'utf8')).split('HLSMESH').length,
    2,
  );
  assert.equal(
    withTag('#EXTM3U\r\n#EXTINF:4,\r\n'),
    '#EXTM3U\r\n#EXT-X-HLSMESH-DIGESTS\r\n#EXTINF:4,\r\n',
  );
});

test('queries are part of a name only where files differ by nothing else', async () => {
  const list = (/** @type {string[]} */ ...uris) =>
    `#EXTM3U\n${uris.map((uri) => `#EXTINF:4,\n${uri}\n`).join('')}#EXT-X-ENDLIST\n`;
  const folder = await folderOf({
    'one.m3u8': list('a.ts?token=1', 'b.ts?token=2'),
    'two.m3u8': list('a.ts?part=1', 'a.ts?part=2'),
    'a.ts': bytesOf(10, 1),
    'b.ts': bytesOf(10, 2),
  });
  await digest('--no-tag', folder);
  const names = async (/** @type {string} */ file) =>
    (await linesOf(folder, file)).slice(1).map((line) => line.split(' ')[2]);
  assert.deepEqual(await names('one.m3u8.digests'), ['a.ts', 'b.ts']);
  assert.deepEqual(await names('two.m3u8.digests'), ['a.ts?part=1', 'a.ts?part=2']);
});

test('a segment that is not there, is empty or ends too early is named, and the others have digests', async () => {
  const folder = await folderOf({
    'p.m3u8':
      '#EXTM3U\n#EXTINF:4,\ngone.ts\n#EXTINF:4,\nempty.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@5\na.ts\n#EXTINF:4,\na.ts\n',
    'empty.ts': '',
    'a.ts': bytesOf(50, 1),
  });
  const { stderr } = await digest(path.join(folder, 'p.m3u8'));
  assert.match(stderr, /gone\.ts: ENOENT/);
  assert.match(stderr, /empty\.ts: segments of 0 bytes/);
  assert.match(stderr, /a\.ts: it has 50 bytes, and the range ends later/);
  assert.equal((await linesOf(folder, 'p.m3u8.digests')).length, 2);
  // It may still change.
  assert.doesNotMatch(await readFile(path.join(folder, 'p.m3u8'), 'utf8'), /HLSMESH/);
});

test('with a key the file is signed, and the public half is what the page is given', async () => {
  const folder = await folderOf({
    'p.m3u8': '#EXTM3U\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n',
    'a.ts': bytesOf(50, 1),
  });
  const key = path.join(folder, 'key.pem');
  const { stdout } = await digest('--new-key', key);
  const [, x] = /** @type {RegExpExecArray} */ (/^digestsKey: '([\w-]{43})'\n$/.exec(stdout));
  await digest('--key', key, path.join(folder, 'p.m3u8'));
  const text = await readFile(path.join(folder, 'p.m3u8.digests'), 'utf8');
  const at = text.lastIndexOf('#SIGNATURE:');
  const signature = Buffer.from(text.slice(at + 11).trim(), 'base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  assert.ok(verify(null, Buffer.from(text.slice(0, at)), publicKey, signature));
  assert.equal((await refused('--new-key', key)).code, 1);
  const wrong = await refused('--key', path.join(folder, 'a.ts'), folder);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Ed25519 private key in PEM/);
});

test('what cannot be done is said', async () => {
  const folder = await folderOf({ 'no.m3u8': 'hello', 'sub/x.txt': 'x' });
  assert.match((await refused()).stderr, /name one playlist or folder/);
  assert.equal((await refused('--nonsense', folder)).code, 2);
  assert.match((await refused('--interval', '1', '--watch', folder)).stderr, /10 to 60000/);
  assert.match((await refused(path.join(folder, 'gone.m3u8'))).stderr, /ENOENT/);
  assert.match((await refused(path.join(folder, 'no.m3u8'))).stderr, /no playlist/);
  assert.match((await refused(path.join(folder, 'sub'))).stderr, /has no playlist/);
  await writeFile(path.join(folder, 'empty.m3u8'), '#EXTM3U\n#EXT-X-TARGETDURATION:4\n');
  for (const nothing of ['empty.m3u8', '.']) {
    const { code, stderr } = await refused(path.join(folder, nothing));
    assert.equal(code, 1);
    assert.match(stderr, /leads to no playlist with segments/);
  }
  // What a script passes whose variable is not set: files without a signature would be refused by every page.
  assert.match((await refused('--key', '', folder)).stderr, /Ed25519 private key in PEM/);
  assert.equal((await refused('--new-key', '', folder)).code, 1);
});

test('a playlist that gets the line keeps its mode, and a link stays a link', async () => {
  const list = '#EXTM3U\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n';
  const folder = await folderOf({ 'v1.m3u8': list, 'a.ts': bytesOf(50, 1) });
  const [playlist, link] = ['v1.m3u8', 'now.m3u8'].map((name) => path.join(folder, name));
  await chmod(playlist, 0o640);
  await symlink('v1.m3u8', link);
  await digest(link);
  assert.ok((await lstat(link)).isSymbolicLink());
  assert.equal(await readFile(playlist, 'utf8'), withTag(list));
  assert.equal((await stat(playlist)).mode & 0o777, 0o640);
  assert.equal((await linesOf(folder, 'now.m3u8.digests')).length, 2);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('tmp')),
    [],
  );
});

test('a playlist that began anew while its segments were read is not undone', async () => {
  const list = (/** @type {string} */ name) => `#EXTM3U\n#EXTINF:4,\n${name}\n`;
  const folder = await folderOf({ 'p.m3u8': `${list('gone.ts')}#EXT-X-ENDLIST\n` });
  const playlist = path.join(folder, 'p.m3u8');
  // It is told of the missing segment between the two.
  const publisher = new Publisher({
    tag: true,
    warn: () => writeFileSync(playlist, list('next.ts')),
  });
  await publisher.publish(playlist);
  assert.equal(await readFile(playlist, 'utf8'), list('next.ts'));
});

test('--watch follows a live window, and a name that is used again for other bytes', async () => {
  const list = (/** @type {string[]} */ ...uris) =>
    `#EXTM3U\n${uris.map((uri) => `#EXTINF:4,\n${uri}\n`).join('')}`;
  const folder = await folderOf({ 'a.ts': bytesOf(40, 1), 'b.ts': bytesOf(40, 2) });
  const playlist = path.join(folder, 'live.m3u8');
  const child = spawn(process.execPath, [CLI, '--watch', '--interval', '20', playlist]);
  after(() => child.kill());
  const shows = async (/** @type {string[]} */ ...lines) => {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const text = await readFile(`${playlist}.digests`, 'utf8').catch(() => '');
      if (text === ['#HLSMESH-DIGESTS:1', ...lines, ''].join('\n')) return;
      assert.ok(performance.now() < deadline, `the file is ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await writeFile(playlist, list('a.ts'));
  await shows(digestLine('a.ts', bytesOf(40, 1)));
  await writeFile(playlist, list('a.ts', 'b.ts'));
  await shows(digestLine('a.ts', bytesOf(40, 1)), digestLine('b.ts', bytesOf(40, 2)));
  await writeFile(playlist, list('b.ts'));
  await shows(digestLine('b.ts', bytesOf(40, 2)));
  await writeFile(path.join(folder, 'b.ts'), bytesOf(44, 3));
  await shows(digestLine('b.ts', bytesOf(44, 3)));
});
