import { createFragmentLoader } from '../../js/hls-loader.js';
import { fakeLoaderClass, fragmentContext, recorder } from './fake-hls.mjs';

/** An engine that records what it is told; the test answers through `sinks`. */
export class FakeDriver {
  plain = false;
  /** @type {any[][]} */
  calls = [];
  /** What came of each load's body. @type {Record<number, number[]>} */
  bodies = {};
  /** @type {import('../../js/driver.js').LoadSink[]} */
  sinks = [];
  /** What load() does before it returns. @type {(sink: import('../../js/driver.js').LoadSink) => void} */
  answer = () => {};
  /** @param {import('../../js/driver.js').LoadSink} sink @param {any} facts */
  load(sink, facts, fetching = false) {
    const load = this.sinks.push(sink);
    const taken = { load, fetch: load, fromCdn: false };
    this.bodies[load] = [];
    this.calls.push(['load', load, facts, fetching]);
    if (!fetching) this.answer({ ...sink, fetchFromCdn: () => (taken.fromCdn = true) });
    return taken;
  }
  /** @param {import('../../js/driver.js').Taken} taken */
  loadAborted({ load }) {
    this.calls.push(['aborted', load]);
  }
  /** @param {import('../../js/driver.js').Taken} taken @param {number} offset @param {Uint8Array} bytes */
  fetchPart({ load }, offset, bytes) {
    this.bodies[load] = [...this.bodies[load].slice(0, offset), ...bytes];
  }
  /** @param {import('../../js/driver.js').Taken} taken @param {number} size */
  fetchDone({ load }, size) {
    const body = this.bodies[load];
    this.calls.push(['done', load, body.length > 0 ? new Uint8Array(body) : null, size]);
    return true;
  }
  /** @param {import('../../js/driver.js').Taken} taken */
  fetchFailed({ load }) {
    this.calls.push(['failed', load]);
  }
  names() {
    return this.calls.map(([name]) => name);
  }
}

/** @param {FakeDriver | null} driver @param {any} config of hls.js */
export function setUp(driver = new FakeDriver(), config = { some: 'configuration' }) {
  const { FakeLoader, made } = fakeLoaderClass();
  /** @type {any[]} */
  const delivered = [];
  const host = {
    driver,
    sourceCount: 1,
    early: null,
    reportPlayhead() {},
    serves: () => true,
    moved: (/** @type {any} */ frag) => Boolean(frag.moved),
    segmentId: () => undefined,
    delivered: (/** @type {any[]} */ ...args) => delivered.push(args),
  };
  const Loader = createFragmentLoader(host, FakeLoader);
  const loader = new Loader(config);
  const seen = recorder();
  seen.destroys(loader);
  const load = (context = fragmentContext(), callbacks = seen.callbacks) =>
    loader.load(context, /** @type {any} */ ({}), callbacks);
  const inner = made[0];
  return {
    /** Another load of the same player. */
    Loader,
    made,
    driver: /** @type {FakeDriver} */ (driver),
    host,
    loader,
    inner,
    load,
    delivered,
    ...seen,
  };
}

export const bytes = (/** @type {number[]} */ ...values) => new Uint8Array(values).buffer;
