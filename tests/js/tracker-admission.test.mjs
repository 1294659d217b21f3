import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT, exportJWK } from 'jose';
import { Admission, matches } from '../../js/tracker/admission.js';
import { keyFromSecret, keysFromText } from '../../js/tracker/keys.js';

const SECRET = 'a secret of no less than 32 bytes';
const CHANNEL = 'https://cdn.example/live/master.m3u8';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const PUBLIC_PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();

const seconds = () => Math.floor(Date.now() / 1000);

/** @param {object} [rules] */
const admission = (rules = {}) =>
  new Admission({ allowedOrigins: [], allowedChannels: [], ...rules });

/** @param {object} [rules] */
function withSecret(rules) {
  const made = admission(rules);
  made.useKeys('token-secret', [keyFromSecret(SECRET)]);
  return made;
}

/** @param {object} [rules] */
async function withPublicKey(rules) {
  const made = admission(rules);
  made.useKeys('token-keys', await keysFromText(PUBLIC_PEM));
  return made;
}

/**
 * A token made by hand, which may be as wrong as a test wants it.
 * @param {object} header
 * @param {object} claims
 * @param {(signed: string) => Buffer} signature
 */
function token(header, claims, signature) {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${signature(signed).toString('base64url')}`;
}

/** @param {string | Buffer} key */
const hmac = (key) => (/** @type {string} */ signed) =>
  createHmac('sha256', key).update(signed).digest();
const ed25519 = (/** @type {string} */ signed) => sign(null, Buffer.from(signed), privateKey);

const HS256 = { alg: 'HS256', typ: 'JWT' };
const EDDSA = { alg: 'EdDSA', typ: 'JWT' };
const claims = (more = {}) => ({ channel: CHANNEL, exp: seconds() + 600, ...more });

/** @param {Admission} by @param {string} shown @param {RegExp} reason */
async function refused(by, shown, reason) {
  const verdict = await by.check(CHANNEL, shown);
  assert.equal(verdict.granted, false);
  assert.match(verdict.reason, reason);
}

test('a token that a library signed with the secret admits to its channel until it expires', async () => {
  const shown = await new SignJWT({ channel: CHANNEL })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(SECRET));
  const verdict = await withSecret().check(CHANNEL, shown);
  assert.equal(verdict.granted, true);
  assert.ok(verdict.validMs > 590_000 && verdict.validMs < 610_000, String(verdict.validMs));
});

test('a token that a private key signed admits where the public one is known', async () => {
  for (const alg of ['EdDSA', 'Ed25519']) {
    const shown = token({ ...EDDSA, alg }, claims(), ed25519);
    assert.equal((await (await withPublicKey()).check(CHANNEL, shown)).granted, true, alg);
  }
});

test('a token may name several channels', async () => {
  const shown = token(HS256, claims({ channel: ['a', CHANNEL] }), hmac(SECRET));
  assert.equal((await withSecret().check(CHANNEL, shown)).granted, true);
});

test('no token is refused where one is needed', async () => {
  await refused(withSecret(), '', /needed/);
});

test('a forged token is refused', async () => {
  const good = token(HS256, claims(), hmac(SECRET));
  const [header, , signature] = good.split('.');
  const other = Buffer.from(JSON.stringify(claims({ exp: seconds() + 9999 }))).toString(
    'base64url',
  );
  await refused(withSecret(), `${header}.${other}.${signature}`, /not valid/);
  await refused(withSecret(), token(HS256, claims(), hmac(`${SECRET}!`)), /not valid/);
  const backwards = Buffer.from(signature, 'base64url').reverse();
  await refused(
    withSecret(),
    token(HS256, claims(), () => backwards),
    /not valid/,
  );
});

test('an expired token is refused, and one that never expires, and one of tomorrow', async () => {
  await refused(
    withSecret(),
    token(HS256, claims({ exp: seconds() - 60 }), hmac(SECRET)),
    /expired/,
  );
  await refused(withSecret(), token(HS256, { channel: CHANNEL }, hmac(SECRET)), /not valid/);
  const early = claims({ nbf: seconds() + 86_400 });
  await refused(withSecret(), token(HS256, early, hmac(SECRET)), /not valid/);
});

test('a token for another channel is refused, a pattern in it stands for itself', async () => {
  for (const channel of ['https://cdn.example/other.m3u8', '*', [], 7, [[CHANNEL]]]) {
    const shown = token(HS256, claims({ channel }), hmac(SECRET));
    await refused(withSecret(), shown, /another channel/);
  }
  const { channel: _, ...none } = claims();
  await refused(withSecret(), token(HS256, none, hmac(SECRET)), /not valid/);
});

test('a token without a signature is refused, whatever it calls that', async () => {
  for (const alg of ['none', 'None', 'NONE', '']) {
    const shown = token({ alg, typ: 'JWT' }, claims(), () => Buffer.alloc(0));
    await refused(withSecret(), shown, /not valid/);
    await refused(await withPublicKey(), shown, /not valid/);
  }
});

test('a token that is signed with the public key as if it were a secret is refused', async () => {
  const raw = Buffer.from(String((await exportJWK(publicKey)).x), 'base64url');
  for (const secret of [PUBLIC_PEM, PUBLIC_PEM.trim(), raw]) {
    await refused(await withPublicKey(), token(HS256, claims(), hmac(secret)), /not valid/);
  }
});

test('a token of an algorithm that no key is for is refused', async () => {
  for (const alg of ['HS512', 'HS384', 'RS256', 'ES256', 'EdDSA', 'toString']) {
    await refused(withSecret(), token({ ...HS256, alg }, claims(), hmac(SECRET)), /not valid/);
  }
});

test('what is no token at all is refused', async () => {
  for (const shown of ['x', 'a.b.c', '..', '.'.repeat(4000), `${'e30.'.repeat(5)}e30`, 'é.ü.ö']) {
    await refused(withSecret(), shown, /not valid/);
  }
});

test('a line feed cannot pass a token off as part of a channel', async () => {
  const shown = token(HS256, claims(), hmac(SECRET));
  await refused(withSecret(), `${shown}\n`, /not valid/);
  await refused(admission({ allowedChannels: ['*'] }), 'x\n', /not valid/);
});

test('issuer and audience are checked where the operator set them', async () => {
  const rules = { tokenIssuer: 'site', tokenAudience: 'tracker' };
  const good = token(HS256, claims({ iss: 'site', aud: ['tracker', 'x'] }), hmac(SECRET));
  assert.equal((await withSecret(rules).check(CHANNEL, good)).granted, true);
  for (const more of [
    {},
    { iss: 'site' },
    { iss: 'other', aud: 'tracker' },
    { iss: 'site', aud: 'x' },
  ]) {
    await refused(withSecret(rules), token(HS256, claims(more), hmac(SECRET)), /not valid/);
  }
});

test('keys are told apart by kid, and old ones go when the file changes', async () => {
  const pairs = ['old', 'new'].map((kid) => ({ kid, ...generateKeyPairSync('ed25519') }));
  const jwks = async (/** @type {typeof pairs} */ some) =>
    JSON.stringify({
      keys: [
        { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'a key of another kind' },
        ...(await Promise.all(
          some.map(async ({ kid, publicKey: key }) => ({ ...(await exportJWK(key)), kid })),
        )),
      ],
    });
  const [old, fresh] = pairs.map(({ kid, privateKey: key }) =>
    token({ ...EDDSA, kid }, claims(), (signed) => sign(null, Buffer.from(signed), key)),
  );
  const mislabelled = token({ ...EDDSA, kid: 'new' }, claims(), (signed) =>
    sign(null, Buffer.from(signed), pairs[0].privateKey),
  );
  const by = admission();
  by.useKeys('token-keys', await keysFromText(await jwks(pairs)));
  assert.equal((await by.check(CHANNEL, old)).granted, true);
  assert.equal((await by.check(CHANNEL, fresh)).granted, true);
  await refused(by, mislabelled, /not valid/);

  by.useKeys('token-keys', await keysFromText(await jwks(pairs.slice(1))));
  await refused(by, old, /not valid/);
  assert.equal((await by.check(CHANNEL, fresh)).granted, true);
});

test('a key file is refused that holds no usable key, a private one, or a secret that is too short', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const short = Buffer.from('short').toString('base64url');
  /** @type {[string, RegExp][]} */
  const cases = [
    ['', /no key/],
    ['hello', /no key/],
    ['{"keys":[]}', /no key/],
    ['{', /JSON/],
    [privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /private/],
    [JSON.stringify(await exportJWK(privateKey)), /private/],
    [rsa.export({ type: 'spki', format: 'pem' }).toString(), /not of Ed25519/],
    [JSON.stringify({ kty: 'oct', k: short }), /32 bytes/],
  ];
  for (const [text, why] of cases) await assert.rejects(keysFromText(text), why);
  assert.throws(() => keyFromSecret('short'), /32 bytes/);
});

test('only allowed channels may be entered, with a good token too', async () => {
  const by = withSecret({
    allowedChannels: ['https://cdn.example/vod/*', 'https://x.example/*.m3u8'],
  });
  await refused(by, token(HS256, claims(), hmac(SECRET)), /not served/);
  const vod = 'https://cdn.example/vod/a/b.m3u8';
  const shown = token(HS256, claims({ channel: vod }), hmac(SECRET));
  assert.equal((await by.check(vod, shown)).granted, true);
  assert.equal(by.counters.channel, 1);
});

test('pages of other origins are refused, and what sends no origin', () => {
  const by = admission({ allowedOrigins: ['https://site.example', 'https://*.site.example'] });
  assert.ok(by.allowsOrigin('https://site.example'));
  assert.ok(by.allowsOrigin('https://www.site.example'));
  for (const origin of ['http://site.example', 'https://evilsite.example', 'null', undefined]) {
    assert.equal(by.allowsOrigin(origin), false, origin);
  }
  assert.ok(admission().allowsOrigin(undefined));
  assert.equal(by.counters.origin, 4);
});

test('nothing is asked of anybody unless the operator says so', async () => {
  assert.equal(admission().asks, false);
  assert.equal(withSecret().asks, true);
  assert.equal(admission({ allowedChannels: ['*'] }).asks, true);
  assert.deepEqual(await admission().check('c', ''), {
    granted: true,
    validMs: Infinity,
    reason: '',
  });
});

test('a star in a pattern stands for any characters', () => {
  for (const [pattern, text] of [
    ['*', ''],
    ['a*', 'a'],
    ['a*c', 'abcbc'],
    ['*a*b*', 'xxaxxbxx'],
    ['a**b', 'ab'],
    ['*.m3u8', 'a*.m3u8'],
  ]) {
    assert.ok(matches(pattern, text), `${pattern} ${text}`);
  }
  for (const [pattern, text] of [
    ['', 'a'],
    ['a', ''],
    ['a*c', 'abcb'],
    ['*a*b', 'xbxa'],
    ['a.c', 'abc'],
    ['A', 'a'],
  ]) {
    assert.equal(matches(pattern, text), false, `${pattern} ${text}`);
  }
});

test('a token, or a subject, admits as many viewers at once as the operator says', async () => {
  const by = withSecret({ viewersPerToken: 2 });
  const of = (/** @type {object} */ more) => token(HS256, claims(more), hmac(SECRET));
  /** @param {string} shown @param {number} viewer */
  const enters = async (shown, viewer) => (await by.check(CHANNEL, shown, viewer)).granted;
  // By subject, whatever the token.
  assert.equal(await enters(of({ sub: 'ann', jti: '1' }), 1), true);
  assert.equal(await enters(of({ sub: 'ann', jti: '2' }), 2), true);
  assert.equal(await enters(of({ sub: 'ann', jti: '3' }), 3), false);
  assert.equal(await enters(of({ sub: 'bob', jti: '1' }), 3), true);
  // Who renews is counted once, and one who has gone makes room.
  assert.equal(await enters(of({ sub: 'ann', jti: '4' }), 1), true);
  by.left(2);
  by.left(2);
  assert.equal(await enters(of({ sub: 'ann' }), 4), true);
  assert.equal(await enters(of({ sub: 'ann' }), 2), false);
  // By jti, and by the token itself.
  for (const shown of [of({ jti: 'x' }), of({}), of({ sub: 7, jti: '' })]) {
    const viewers = [11, 12, 13].map((viewer) => viewer + shown.length * 100);
    // At once, whose signature is verified first is anybody's.
    const granted = await Promise.all(viewers.map((viewer) => enters(shown, viewer)));
    assert.equal(granted.filter(Boolean).length, 2);
    // One after the other, the third is refused.
    for (const viewer of viewers) by.left(viewer);
    assert.equal(await enters(shown, viewers[0]), true);
    assert.equal(await enters(shown, viewers[1]), true);
    assert.equal(await enters(shown, viewers[2]), false);
  }
  // Who changes to another token leaves the first to others; one that is refused keeps what it had.
  const [first, second] = [of({ sub: 'cem' }), of({ sub: 'dan' })];
  assert.equal(await enters(first, 21), true);
  assert.equal(await enters(first, 22), true);
  assert.equal(await enters(second, 21), true);
  assert.equal(await enters(first, 23), true);
  assert.equal(await enters(first, 21), false);
  assert.equal(await enters(second, 24), true);
  assert.equal(await enters(second, 25), false);
  assert.match((await by.check(CHANNEL, second, 25)).reason, /too many viewers use this token/);
  assert.equal(by.counters.shared, 11);
});

test('without the limit nobody is remembered', async () => {
  const by = withSecret();
  const shown = token(HS256, claims({ sub: 'ann' }), hmac(SECRET));
  for (let viewer = 1; viewer < 20; ++viewer) {
    assert.equal((await by.check(CHANNEL, shown, viewer)).granted, true);
  }
  assert.equal(by.holders, 0);
});
