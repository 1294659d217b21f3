/** The file of `--groups`: networks and their sites. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Groups, NO_PEERS } from '../../js/tracker/groups.js';

/** @param {string[]} lines */
function groups(...lines) {
  const all = new Groups();
  all.use(lines.join('\n'), 'groups.txt');
  return all;
}

/** @param {string} line @param {RegExp} fault */
function refuses(line, fault) {
  assert.throws(
    () => groups('# a comment', line),
    (/** @type {Error} */ { message }) => {
      assert.match(message, fault);
      assert.match(message, /^groups\.txt:2: /);
      return true;
    },
    line,
  );
}

test('an address is of the site of the smallest network that holds it', () => {
  const all = groups(
    '10.0.0.0/8\tall',
    '  10.1.0.0/16   berlin  # the first office',
    '10.1.2.0/24 -',
    '10.1.2.3 lobby',
    '',
    '2001:db8::/32 all',
    '2001:db8:1::/48 München_2',
    '2001:db8:1:2::/64 -',
    '2001:db8:1:2::5 lobby',
  );
  const sites = {
    '10.9.9.9': 'all',
    '10.1.0.0': 'berlin',
    '10.1.255.255': 'berlin',
    '10.1.2.9': NO_PEERS,
    '10.1.2.3': 'lobby',
    '11.0.0.0': '',
    '9.255.255.255': '',
    '2001:db8:ffff::': 'all',
    '2001:db8:1:3::1': 'München_2',
    '2001:db8:1:2:ffff::1': NO_PEERS,
    '2001:db8:1:2::5': 'lobby',
    '2001:db9::': '',
    // IPv4 in the form that a listener on :: sees.
    '::ffff:10.1.0.7': 'berlin',
    '::ffff:a01:203': 'lobby',
    'no address': '',
    '': '',
  };
  for (const [address, site] of Object.entries(sites)) assert.equal(all.of(address), site, address);
});

test('a network of all addresses, one of each kind, and one in mapped form', () => {
  const all = groups('0.0.0.0/0 four', '::/0 six', '::ffff:10.1.0.0/112 berlin');
  assert.equal(all.of('192.0.2.1'), 'four');
  assert.equal(all.of('2001:db8::1'), 'six');
  assert.equal(all.of('10.1.9.9'), 'berlin');
  assert.equal(all.of('::ffff:10.1.9.9'), 'berlin');
});

test('a file of nothing but comments, of Windows, and with a byte order mark', () => {
  assert.equal(groups('# none', '   ').of('10.0.0.1'), '');
  const all = new Groups();
  all.use('\uFEFF10.0.0.0/8 a\r\n192.0.2.0/24 b\r\n', 'groups.txt');
  assert.deepEqual([all.of('10.0.0.1'), all.of('192.0.2.1')], ['a', 'b']);
});

test('a line that cannot be meant is refused, with file, line and what is wrong', () => {
  refuses('10.1.0.0/16', /is a network and a site, such as '10.1.0.0\/16 berlin', not/);
  refuses('10.1.0.0/16 berlin mitte', /not '10.1.0.0\/16 berlin mitte'/);
  for (const range of ['10.1.0.0/33', '10.1/16', '10.1.0.0/', '10.1.0.0/-1', '0x0a000000/8']) {
    refuses(`${range} berlin`, /is neither an address nor a CIDR range/);
  }
  refuses('2001:db8::/129 x', /neither/);
  refuses('::ffff:10.0.0.0/90 x', /neither/);
  refuses('berlin 10.1.0.0/16', /'berlin' is neither/);
  refuses('10.1.0.1/16 berlin', /has bits beyond its prefix of 16/);
  refuses('2001:db8::1/64 berlin', /has bits beyond its prefix of 64/);
  refuses('10.1.0.0/16 -berlin', /'-berlin' is no name of a site.*'-' alone means no peers/);
  refuses('10.1.0.0/16 (none)', /is no name of a site/);
  refuses(`10.1.0.0/16 ${'ü'.repeat(33)}`, /at most 64 bytes/);
  assert.throws(
    () => groups('10.0.0.0/8 a', '10.0.0.0/8 b', '::ffff:10.0.0.0/104 c'),
    /^Error: groups\.txt:2: '10.0.0.0\/8' is in line 1 already\ngroups\.txt:3: .* is in line 1 already$/,
  );
  const many = Array.from({ length: 9 }, () => 'nonsense');
  assert.throws(
    () => groups(...many),
    (/** @type {Error} */ { message }) => {
      assert.equal(message.split('\n').length, 6);
      return /groups\.txt: and 4 more$/.test(message);
    },
  );
});

test('a name is what a reader sees: the same however its marks are typed, in any script, and none is hidden in it', () => {
  const all = groups('10.0.0.0/8 M\u00fcnchen', '11.0.0.0/8 Mu\u0308nchen', '12.0.0.0/8 दिल्ली', '13.0.0.0/8 กรุงเทพ'); // prettier-ignore
  assert.equal(all.of('11.0.0.1'), all.of('10.0.0.1'));
  assert.deepEqual([all.of('12.0.0.1'), all.of('13.0.0.1')], ['दिल्ली', 'กรุงเทพ']);
  for (const name of ['berlin\ufe0f', 'ber\u200blin', 'ber\u034flin', '\u0308a', 'a\u001b[31m']) {
    refuses(`10.1.0.0/16 ${name}`, /is no name of a site/);
  }
});

test('an address with a zone, which means another link on another machine, is refused', () => {
  refuses('fe80::%eth0/64 link', /'fe80::%eth0\/64' is neither/);
  refuses('fe80::1%eth0 link', /is neither/);
  assert.equal(groups('fe80::/10 link').of('fe80::1%eth0'), 'link');
});

test('a trusted network whose viewers could name any site is found', () => {
  const all = groups(
    '10.1.0.0/16 berlin',
    '10.200.0.7 -',
    '2001:db8:2::/48 munich',
    '0.0.0.0/0 rest',
  );
  for (const [trusted, site] of /** @type {const} */ ([
    ['private', '-'],
    ['10.0.0.0/15', 'berlin'],
    ['10.1.0.0/16', 'berlin'],
    ['10.200.0.0/24', '-'],
    ['2001:db8::/32', 'munich'],
    ['0.0.0.0/0', '-'],
    ['::/0', 'munich'],
    // Proxies that stand in a site.
    ['10.1.2.0/24', null],
    ['10.200.0.7', null],
    ['10.1.0.5/32', null],
    ['loopback', null],
    ['192.168.0.0/16', null],
    ['nonsense', null],
  ])) {
    assert.equal(all.forgeable(trusted), site, trusted);
  }
});

test('a file that is something else altogether is told by its beginning', () => {
  assert.throws(
    () => groups('x'.repeat(1e6), `10.0.0.0/8 ${'x'.repeat(1e6)}!`, `1.1.1.1/${'1'.repeat(1e6)} a`),
    ({ message }) => message.length < 1000 && message.split('\n').length === 3,
  );
});

test('a file that cannot be used leaves the one before in use', () => {
  const all = groups('10.0.0.0/8 a');
  assert.throws(() => all.use('10.0.0.0/8 b\nx', 'groups.txt'));
  // As an editor leaves it for a moment.
  for (const text of ['', '\n', '\uFEFF']) {
    assert.throws(
      () => all.use(text, 'groups.txt'),
      /^Error: groups\.txt is empty: is it being written\?/,
    );
  }
  assert.equal(all.of('10.0.0.1'), 'a');
  all.use('# none', 'groups.txt');
  assert.equal(all.of('10.0.0.1'), '');
  all.use('', 'groups.txt');
});
