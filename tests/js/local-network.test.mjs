import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDenied, readPermission } from '../../js/local-network.js';

const { navigator } = globalThis;

/** @param {any} permissions */
const browser = (permissions) =>
  Object.defineProperty(globalThis, 'navigator', { value: { permissions }, configurable: true });

test('the permission for the local network counts as it is at the moment, by its present name or the old one', async (t) => {
  t.after(() =>
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true }),
  );
  await readPermission();
  assert.equal(isDenied(), false, 'there is no browser');
  browser(undefined);
  await readPermission();
  browser({ query: () => Promise.reject(new TypeError('no such permission')) });
  await readPermission();
  assert.equal(isDenied(), false, 'Firefox and Safari have none');

  const status = { state: 'prompt' };
  /** @type {string[]} */
  const asked = [];
  browser({
    query: (/** @type {{ name: string }} */ { name }) => {
      asked.push(name);
      return name === 'local-network'
        ? Promise.reject(new TypeError('older'))
        : Promise.resolve(status);
    },
  });
  await readPermission();
  assert.deepEqual(asked, ['local-network', 'local-network-access']);
  assert.equal(isDenied(), true);
  status.state = 'granted';
  assert.equal(isDenied(), false);
  status.state = 'denied';
  assert.equal(isDenied(), true);
  await readPermission();
  assert.equal(asked.length, 2, 'it is asked for once');
});
