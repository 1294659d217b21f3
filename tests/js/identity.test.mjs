import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { shortChannel, withoutCredentials } from '../../js/identity.js';

const base = 'https://cdn.example/live/master.m3u8';

describe('credentials', () => {
  const hex = '3f1e9c0a7b2d4e6f8091a2b3c4d5e6f7';
  for (const [vendor, query] of Object.entries({
    'plain tokens':
      'token=a&access_token=b&accessToken=c&auth_token=d&jwt=e&id_token=f&streamToken=g',
    'plain sessions': 'sessionId=a&session_id=b&PHPSESSID=c&playSessionId=d&session-key=e',
    'a signature with its time': `expires=1764409392&signature=${hex}`,
    Akamai: `hdnea=st=1~exp=2~acl=/*~hmac=${hex}&__gda__=1_${hex}&hdnts=exp=1~hmac=${hex}&hdntl=exp=3`,
    CloudFront: 'Expires=1&Policy=eyJTdGF0ZW1lbnQi&Signature=ab~c_&Key-Pair-Id=K2JC',
    Cloudflare: 'verify=1764409392-Mjg%3D',
    Fastly: `token=1764409392_${hex}`,
    Bunny: 'token=HS256-x&token_path=%2Flive%2F&expires=1764409392&token_countries=DE',
    Azure: 'sv=2022-11-02&sr=c&st=2026-01-01&se=2026-01-02&sp=r&sip=1.2.3.4&spr=https&sig=a%3D',
    'Azure by delegation': 'skoid=1&sktid=2&skt=3&ske=4&sks=b&skv=5&sv=6&sr=b&se=7&sp=r&sig=8',
    'Google Cloud Storage':
      'X-Goog-Algorithm=a&X-Goog-Credential=b&X-Goog-Signature=c&GoogleAccessId=d',
    'Google CDN': 'URLPrefix=aHR0&Expires=1&KeyName=k&Signature=s&edge-cache-token=Expires=1',
    S3: 'X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&AWSAccessKeyId=d',
    MediaTailor: 'aws.sessionId=0d8b2f3e-0000',
    Wowza: 'wowzatokenhash=a&wowzatokenstarttime=1&wowzatokenendtime=2&wowzatokenCustomParameter=3',
    Nimble: 'wmsAuthSign=c2VydmVyX3RpbWU9&nimblesessionid=7',
    'nginx secure_link': 'md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647',
    'nginx secure_link, short': 'st=_e4Nc3iduzkWRm01TBBNYw&e=2147483647',
    SRS: 'hls_ctx=80n42v41',
    'CDNs of China': `auth_key=1-0-0-${hex}&wsSecret=a&wsTime=b&txSecret=c&txTime=d&hwSecret=e&hwTime=f`,
    'hls.js': 'CMCD=br%3D1000&_HLS_msn=5&_HLS_part=1',
  })) {
    test(`of ${vendor} are no identity`, () => {
      for (const one of query.split('&')) {
        if (/^(?:e|st|s[a-z]{1,4}\d?)=/.test(one)) continue; // not without their companion
        assert.equal(withoutCredentials(`${base}?${one}`), base, one);
      }
      assert.equal(withoutCredentials(`${base}?${query}`), base);
      assert.equal(withoutCredentials(`${base}?video=a&${query}`), `${base}?video=a`);
      assert.equal(withoutCredentials(`${base}?${query}&video=b#t=5`), `${base}?video=b`);
    });
  }

  for (const [vendor, directory] of Object.entries({
    Akamai: 'hdntl=exp=1764409392~acl=%2f*~data=hdntl~hmac=abc',
    'Akamai, bare': 'exp=1764409392~acl=%2Flive%2F*~hmac=abc',
    Bunny: 'bcdn_token=HS256-x&expires=1764409392&token_path=%2Flive%2F',
    'Google Media CDN': 'edge-cache-token=Expires=1&KeyName=k&Signature=s',
    'a plain token': 'token=abc',
  })) {
    test(`of ${vendor} as a directory are no identity`, () => {
      const url = `https://cdn.example/${directory}/live/master.m3u8`;
      assert.equal(withoutCredentials(url), base);
      assert.equal(withoutCredentials(`/${directory}/live/720/seg1.ts`), '/live/720/seg1.ts');
    });
  }

  test('behind a semicolon are no identity', () => {
    assert.equal(withoutCredentials(`${base};jsessionid=0AAB`), base);
  });
});

describe('A2: whatever may select another resource stays', () => {
  for (const query of [
    'video=a',
    'v=a',
    'id=3f1e9c0a7b2d4e6f8091a2b3c4d5e6f7',
    'quality=720p',
    'stream=main',
    'key=a',
    'session=keynote',
    'sid=4',
    'uid=streamer',
    'tokenless=1',
    'e=4',
    'st=5',
    'sp=1&sr=2&sv=3&se=4',
    's=1',
    't=1',
    'part',
    'part=',
    '=a',
    'a%20b=c',
    'lang=de&angle=2',
    'author=me',
    'design=1',
    'export=1',
    'sign=leo',
    'policy=open',
    'secure=yes',
    'ticket=front-row',
    'exp=A',
    'secret=garden&verify=me',
    'exp=2',
    'secure=1&policy=7',
    'ticket=row-4',
    'sign=h2o&verify=0',
    'secret=2024',
    'st=2&e=4',
    '%E0%A4%A=broken',
  ]) {
    test(query, () => {
      const kept = query.split('&').sort().join('&');
      assert.equal(withoutCredentials(`${base}?${query}`), `${base}?${kept}`);
      assert.equal(withoutCredentials(`${base}?${query}&token=x`), `${base}?${kept}`);
    });
  }

  test('a directory with an equals sign', () => {
    for (const folder of ['id=5/lang=de', 'sign=leo', 'policy=open']) {
      const url = `https://cdn.example/${folder}/master.m3u8`;
      assert.equal(withoutCredentials(url), url);
    }
  });

  test('and in whichever order', () => {
    assert.equal(
      withoutCredentials('a?lang=de&video=b&lang=en'),
      withoutCredentials('a?video=b&lang=de&lang=en'),
    );
    assert.notEqual(withoutCredentials('a?v=1&v=2'), withoutCredentials('a?v=2&v=1'));
  });

  test('an escaped name is the same name', () => {
    assert.equal(withoutCredentials('a?%74oken=x&v=1'), 'a?v=1');
  });
});

test('fragments are dropped, and text that is no URL is left alone', () => {
  assert.equal(withoutCredentials('https://cdn.example/a#b?c'), 'https://cdn.example/a');
  assert.equal(withoutCredentials(''), '');
  assert.equal(withoutCredentials('seg1.ts'), 'seg1.ts');
  assert.equal(withoutCredentials('?part=2'), '?part=2');
  assert.equal(withoutCredentials('a?&&'), 'a');
});

test('C7: channels that fit stay, and of longer ones no two meet', () => {
  const fits = 'x'.repeat(2048);
  assert.equal(shortChannel(fits), fits);
  assert.equal(shortChannel(''), '');
  const seen = new Set([fits]);
  for (let i = 0; i < 3000; i++) {
    const letters = [...'x'.repeat(3000)];
    letters[i] = 'y';
    seen.add(shortChannel(letters.join('')));
  }
  for (const letter of ['é', '界', '😀']) seen.add(shortChannel(letter.repeat(1500)));
  assert.equal(seen.size, 3004);
  for (const channel of seen) assert.ok(new TextEncoder().encode(channel).length <= 2048);
});

test('a name of a megabyte takes no time that anybody notices', () => {
  const name = 'A'.repeat(1 << 20);
  for (const url of [`${name}/seg1.ts`, name, `seg1.ts?${name}`, `seg1.ts?x=${name}`]) {
    // Expressions that look at each character once for each other would take an hour.
    assert.equal(
      runInNewContext('f(url)', { f: withoutCredentials, url }, { timeout: 30_000 }),
      url,
    );
  }
});
