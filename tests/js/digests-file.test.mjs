/** How a page gets its publisher's digests, and who must have signed them. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { digestFile, digestLine, publicKeyOf } from '../../js/digest/digests.js';
import { fetchDigests, saysDigests } from '../../js/digests.js';

/** @param {string} m3u8 @param {string} [url] */
const detailsOf = (m3u8, url = 'https://cdn.example/a/v.m3u8?token=1') =>
  /** @type {any} */ ({ m3u8, url });

/** hls.js's loader, which has these files. @param {Record<string, string>} files */
const configOf = (files) =>
  /** @type {any} */ ({
    loader: class {
      /** @param {any} context @param {any} settings @param {any} told */
      load({ url, responseType }, settings, told) {
        assert.equal(responseType, 'text');
        assert.ok(settings.loadPolicy.maxLoadTimeMs > 0 && settings.timeout > 0);
        if (url in files) told.onSuccess({ data: files[url] });
        else if (url.includes('slow')) told.onTimeout();
        else told.onError({ code: 404, text: 'Not Found' });
      }
    },
  });

const LINES = [digestLine('a.ts', new Uint8Array(5))];
const BESIDE = 'https://cdn.example/a/v.m3u8.digests?token=1';

test('a playlist says that there are digests by a line of its own', () => {
  assert.equal(saysDigests(detailsOf('#EXTM3U\n#EXT-X-HLSMESH-DIGESTS\n')), true);
  assert.equal(saysDigests(detailsOf('#EXTM3U\r\n#EXT-X-HLSMESH-DIGESTS:URI="x"\r\n')), true);
  assert.equal(saysDigests(detailsOf('#EXTM3U\n# see #EXT-X-HLSMESH-DIGESTS\n')), false);
  assert.equal(saysDigests(/** @type {any} */ ({})), false);
});

test('the file stands beside the playlist, in front of its query, or where the playlist says', async () => {
  const text = digestFile(LINES);
  assert.equal(await fetchDigests(detailsOf(''), configOf({ [BESIDE]: text }), undefined), text);
  const named = detailsOf('#EXTM3U\n#EXT-X-HLSMESH-DIGESTS:URI="../d.txt"\n');
  const files = configOf({ 'https://cdn.example/d.txt': text });
  assert.equal(await fetchDigests(named, files, undefined), text);
});

test('why there is no file is said with its URL', async () => {
  const fails = (/** @type {string} */ url) =>
    fetchDigests(detailsOf('', url), configOf({}), undefined);
  await assert.rejects(fails('https://cdn.example/v.m3u8'), /v\.m3u8\.digests: 404 Not Found/);
  await assert.rejects(fails('https://cdn.example/slow.m3u8'), /slow\.m3u8\.digests does not come/);
});

test('with a key, only what it has signed is taken', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519').privateKey;
  const key = publicKeyOf(privateKey);
  const get = (/** @type {string} */ text) =>
    fetchDigests(detailsOf(''), configOf({ [BESIDE]: text }), key);
  const signed = digestFile(LINES, privateKey);
  assert.equal(await get(signed), signed);
  for (const bad of [
    digestFile(LINES),
    digestFile(LINES, other),
    signed.replace('a.ts', 'b.ts'),
    `${signed}x`,
    '',
  ]) {
    await assert.rejects(get(bad), 'it was taken');
  }
});
