import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Addresses, addressKey, parseNetwork, shownAddress } from '../../js/tracker/addresses.js';
import { Places } from '../../js/tracker/places.js';
import { mmdb } from './mmdb.mjs';

/**
 * @param {string} remoteAddress
 * @param {Record<string, string>} headers
 * @returns {any}
 */
const request = (remoteAddress, headers) => ({ socket: { remoteAddress }, headers });

/**
 * @param {string[]} trusted
 * @param {string} remote
 * @param {string} value
 * @param {string} [header]
 */
const viewerOf = (trusted, remote, value, header = 'x-forwarded-for') =>
  new Addresses(trusted, header).of(request(remote, { [header]: value }));

test('a header is believed from trusted proxies alone', () => {
  assert.equal(viewerOf([], '192.0.2.1', '198.51.100.7'), '192.0.2.1');
  assert.equal(viewerOf(['10.0.0.0/8'], '192.0.2.1', '198.51.100.7'), '192.0.2.1');
  assert.equal(viewerOf(['10.0.0.0/8'], '10.1.2.3', '198.51.100.7'), '198.51.100.7');
  assert.equal(viewerOf(['loopback'], '::1', '198.51.100.7'), '198.51.100.7');
  assert.equal(viewerOf(['private'], '::ffff:192.168.3.4', '2001:DB8::7'), '2001:db8::7');
});

test('the viewer is the nearest hop that is not a trusted proxy, whatever stands before it', () => {
  const trusted = ['10.0.0.0/8', '2001:db8:1::/48'];
  const cases = {
    '203.0.113.9, 198.51.100.7': '198.51.100.7',
    '127.0.0.1, 198.51.100.7, 10.9.9.9': '198.51.100.7',
    '198.51.100.7,2001:db8:1::5, 10.0.0.2': '198.51.100.7',
    'garbage, 198.51.100.7:4711': '198.51.100.7',
    '[2001:db8::7]:443': '2001:db8::7',
    // All proxies: the farthest of them.
    '10.0.0.3, 10.0.0.2': '10.0.0.3',
    // A proxy that does not say whom it serves stands for its viewers.
    unknown: '10.0.0.1',
    '198.51.100.7, unknown, 10.0.0.2': '10.0.0.2',
    // Spellings that some read as addresses and others do not.
    '0x7f000001': '10.0.0.1',
    '017.0.0.1': '10.0.0.1',
    '': '10.0.0.1',
  };
  for (const [value, viewer] of Object.entries(cases)) {
    assert.equal(viewerOf(trusted, '10.0.0.1', value), viewer, value);
  }
});

test('Forwarded is read as RFC 7239 writes it, and only where it was chosen', () => {
  const cases = {
    'for=198.51.100.7': '198.51.100.7',
    'For="[2001:db8:cafe::17]:4711"': '2001:db8:cafe::17',
    'for=203.0.113.9, for=198.51.100.7;proto=https;by=10.0.0.1, for=10.0.0.2': '198.51.100.7',
    'for=_hidden': '10.0.0.1',
    'proto=https': '10.0.0.1',
    // Text that a viewer wrote into its own header does not become a hop or a parameter.
    'for=198.51.100.7;host="a;for=203.0.113.9,for=203.0.113.9"': '198.51.100.7',
    'for=198.51.100.7;host="\\";for=203.0.113.9"': '198.51.100.7',
    // Nor does a quote that it left open swallow the hop that the proxy adds.
    'for=203.0.113.9;by=", for=198.51.100.7': '10.0.0.1',
    'for=203.0.113.9;by=", for="[2001:db8::1]:44"': '10.0.0.1',
  };
  for (const [value, viewer] of Object.entries(cases)) {
    assert.equal(viewerOf(['10.0.0.0/8'], '10.0.0.1', value, 'forwarded'), viewer, value);
  }
  const addresses = new Addresses(['10.0.0.0/8'], 'forwarded');
  const other = request('10.0.0.1', { 'x-forwarded-for': '203.0.113.9' });
  assert.equal(addresses.of(other), '10.0.0.1');
});

test('a network is an address, a range or a word, and nothing else', () => {
  for (const text of ['10.0.0.1', '10.0.0.0/8', '2001:db8::/32', 'loopback', 'private', '::1']) {
    assert.ok(parseNetwork(text), text);
  }
  for (const text of ['', 'proxy.example', '10.0.0.0/33', '10.0.0', 'toString', '/8']) {
    assert.equal(parseNetwork(text), null, text);
  }
});

test('an address is shown without the part that tells households apart', () => {
  assert.equal(shownAddress('198.51.100.7', 'truncated'), '198.51.100.0/24');
  assert.equal(shownAddress('2001:db8:1:2:3:4:5:6', 'truncated'), '2001:db8:1::/48');
  assert.equal(shownAddress('198.51.100.7', 'full'), '198.51.100.7');
  assert.equal(shownAddress('198.51.100.7', 'none'), undefined);
  assert.equal(shownAddress('a pipe', 'truncated'), undefined);
});

test('the /64 of an IPv6 subscriber counts as one address', () => {
  assert.equal(addressKey('2001:db8:1:2::5'), addressKey('2001:db8:1:2:ffff::1'));
  assert.notEqual(addressKey('2001:db8:1:2::5'), addressKey('2001:db8:1:3::5'));
  assert.notEqual(addressKey('198.51.100.7'), addressKey('198.51.100.8'));
});

test('network and province come from databases, as far as these know them', () => {
  const places = new Places();
  assert.deepEqual(places.of('198.51.100.7'), { isp: '', province: '' });
  places.useNetworks(
    mmdb({
      '198.51.100.0/24': { autonomous_system_number: 64500, autonomous_system_organization: 'Net' },
      '203.0.113.0/24': { autonomous_system_number: 64501 },
      '192.0.2.0/25': { isp: 'Provider', autonomous_system_organization: 'Holding' },
      '2001:db8::/32': { isp: 'Six' },
    }),
  );
  places.useCities(
    mmdb({
      '198.51.100.0/24': { country: { iso_code: 'DE' }, subdivisions: [{ iso_code: 'BE' }] },
      '203.0.113.0/24': {
        country: { iso_code: 'CN' },
        subdivisions: [{ names: { en: 'Hunan' } }, { names: { en: 'Changsha' } }],
      },
      '192.0.2.0/25': { country: { iso_code: 'MC' } },
    }),
  );
  assert.deepEqual(places.of('198.51.100.7'), { isp: 'Net', province: 'DE-BE' });
  assert.deepEqual(places.of('203.0.113.1'), { isp: 'AS64501', province: 'CN-Hunan' });
  assert.deepEqual(places.of('192.0.2.1'), { isp: 'Provider', province: 'MC' });
  assert.deepEqual(places.of('192.0.2.200'), { isp: '', province: '' });
  assert.deepEqual(places.of('2001:db8::1'), { isp: 'Six', province: '' });
  assert.deepEqual(places.of('no address'), { isp: '', province: '' });
});

test('a database that cannot be read leaves the one before in use', () => {
  const places = new Places();
  const whole = mmdb({ '198.51.100.0/24': { isp: 'Net' } });
  places.useNetworks(whole);
  for (const broken of [Buffer.from('no database'), whole.subarray(0, whole.length - 40)]) {
    assert.throws(() => places.useNetworks(broken));
    assert.equal(places.of('198.51.100.7').isp, 'Net');
  }
});
