/** The dashboard's data: who may read it, what it says, that it stays small, and that the comparison of viewers does not lie. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';

import { alertsAbout } from '../../js/tracker/dashboard/alerts.js';
import { compare } from '../../js/tracker/dashboard/comparison.js';
import { csvOfRows } from '../../js/tracker/dashboard/csv.js';
import { Ledger, DIMENSIONS } from '../../js/tracker/dashboard/ledger.js';
import { openApi } from '../../js/tracker/dashboard/openapi.js';
import { Series, sumOfSeries } from '../../js/tracker/dashboard/series.js';
import { createTracker } from '../../js/tracker/index.js';
import { CHANNEL, Peer, get, startTracker, until } from './tracker-peers.mjs';

const API_TOKEN = 'a-token-of-the-api';
const BEARER = { authorization: `Bearer ${API_TOKEN}` };
const STATISTICS = { action: 'statistics', level: 0, cdn: 1e3, p2p: 3e3, up: 0 };

/** @type {import('../../js/tracker/index.js').Tracker[]} */
const trackers = [];
after(() => Promise.all(trackers.map((tracker) => tracker.close())));

/** @param {import('../../js/tracker/index.js').TrackerOptions} options */
async function open(options) {
  const tracker = await createTracker({ port: 0, ...options });
  trackers.push(tracker);
  return tracker;
}

/**
 * A request with any headers, `Host` too.
 * @param {number} port
 * @param {string} path
 * @param {Record<string, string>} [headers]
 * @param {string} [method]
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, body: string }>}
 */
function request(port, path, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    const asked = http.request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    asked.on('error', reject).end();
  });
}

test('without a token the dashboard is for this machine, by a name of this machine, and no proxy', async () => {
  const tracker = await open({ dashboard: true });
  const status = async (/** @type {Record<string, string>} */ headers) =>
    (await request(tracker.port, '/api/overview', headers)).status;
  assert.equal(await status({}), 200);
  assert.equal(await status({ host: `localhost:${tracker.port}` }), 200);
  assert.equal(await status({ host: 'tracker.example' }), 403);
  assert.equal(await status({ 'x-forwarded-for': '127.0.0.1' }), 403);
  assert.equal(await status({ forwarded: 'for=127.0.0.1' }), 403);
  // The page holds no figure, and may load nothing from elsewhere.
  const page = await request(tracker.port, '/dashboard', { host: 'tracker.example' });
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-security-policy']), /^default-src 'none'/);
  assert.doesNotMatch(page.body, /(?:src|href)="https?:/);
  for (const [, path] of page.body.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"/g)) {
    assert.equal((await get(tracker.port, path)).status, 200, path);
  }
});

test('with a token everybody needs it; pages of other origins may read where the operator allows them', async () => {
  const origin = 'https://desk.example';
  const tracker = await open({
    dashboard: true,
    apiToken: API_TOKEN,
    apiOrigins: ['https://*.example'],
  });
  const { port } = tracker;
  assert.equal((await request(port, '/api/overview')).status, 401);
  const allowed = await request(port, '/api/overview', { ...BEARER, origin });
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers['access-control-allow-origin'], origin);
  const others = await request(port, '/api/overview', { ...BEARER, origin: 'https://other.test' });
  assert.equal(others.headers['access-control-allow-origin'], undefined);
  const preflight = await request(port, '/api/overview', { origin }, 'OPTIONS');
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-headers'], 'Authorization');
  assert.equal((await request(port, '/metrics', { origin }, 'OPTIONS')).status, 405);
  const plain = await open({ apiToken: API_TOKEN });
  assert.equal((await request(plain.port, '/dashboard', BEARER)).status, 404);
  assert.equal((await request(plain.port, '/api/overview', { origin }, 'OPTIONS')).status, 405);
});

/** @param {any} value @param {any} schema @param {string} where */
function conforms(value, schema, where) {
  if (schema.enum) return assert.ok(schema.enum.includes(value), `${where}: ${value}`);
  const types = [schema.type].flat();
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  assert.ok(types.includes(type), `${where} is ${type}, not ${types}`);
  if (type === 'array') {
    value.forEach((/** @type {any} */ each, /** @type {number} */ at) =>
      conforms(each, schema.items, `${where}[${at}]`),
    );
  }
  if (type !== 'object') return;
  const { properties, additionalProperties } = schema;
  if (properties)
    assert.deepEqual(Object.keys(value).sort(), Object.keys(properties).sort(), where);
  for (const [name, each] of Object.entries(value)) {
    const of = properties?.[name] ?? additionalProperties;
    if (of) conforms(each, of, `${where}.${name}`);
  }
}

test('the API says what it is described to say, of every path', async () => {
  const tracker = await open({ dashboard: true, pricePerGb: 50 });
  const parent = await Peer.enter(tracker.url, { hlsmesh: 2, live: true });
  const child = await Peer.enter(tracker.url, { hlsmesh: 2, browser: '=evil', device: 'mobile' });
  await child.next('connect');
  child.send({ action: 'dc_opened', dc_id: `${child.id}-${parent.id}` });
  child.send({ ...STATISTICS, played: 30, stalled: 1.5, stalls: 2, first: 0.5 });
  await child.settle();

  const { paths } = openApi('1.0.0');
  /** @type {Record<string, string>} */
  const queries = { '/api/breakdown': '?by=browser', '/api/topology': `?channel=${CHANNEL}` };
  /** @type {Record<string, any>} */
  const told = {};
  for (const [path, { get: described }] of Object.entries(paths)) {
    const answer = await get(tracker.port, path + (queries[path] ?? ''));
    assert.equal(answer.status, 200, `${path}: ${answer.body}`);
    told[path] = JSON.parse(answer.body);
    conforms(told[path], described.responses[200].content['application/json'].schema, path);
  }
  const overview = told['/api/overview'];
  assert.deepEqual([overview.viewers, overview.nodes, overview.roots], [2, 1, 1]);
  assert.deepEqual([overview.opened, overview.stalls, overview.offload], [1, 2, 0.75]);
  assert.equal(overview.stalled_per_hour, 180);
  assert.equal(overview.first_frame_seconds.toFixed(3), '0.500');
  assert.equal(overview.saved.toFixed(4), ((3e3 * 1024 * 50) / 1e9).toFixed(4));
  // Two viewers who get a quarter from the CDN: half a copy.
  assert.equal(overview.origin_copies, 0.5);
  const { columns } = told['/api/history'];
  assert.equal(columns.viewers.length, 360);
  assert.equal(columns.viewers.at(-1), 2);
  const [first] = told['/api/breakdown'].rows.filter((/** @type {any} */ row) => row.cdn_gb > 0);
  assert.deepEqual([first.name, first.viewers], ['=evil', 1]);
  // A spreadsheet must not compute what a viewer wrote.
  const { body } = await get(tracker.port, '/api/breakdown?by=browser&format=csv');
  assert.match(body, /^browser,viewers,cdn_gb,.*\r\n/);
  assert.match(body, /\r\n'=evil,1,0\.001024,0\.003072,/);
  const csv = await get(tracker.port, '/api/history?minutes=2&format=csv');
  assert.equal(csv.body.trim().split('\r\n').length, 13);
  const own = await get(tracker.port, `/api/history?channel=${CHANNEL}`);
  assert.equal(JSON.parse(own.body).columns.viewers.at(-1), 2);
  for (const [path, status] of /** @type {const} */ ([
    ['/api/history?minutes=0', 400],
    ['/api/history?minutes=1441', 400],
    ['/api/history?format=xml', 400],
    ['/api/history?channel=none', 404],
    ['/api/breakdown', 400],
    ['/api/breakdown?by=id', 400],
    ['/api/overview?hours=25', 400],
  ])) {
    assert.equal((await get(tracker.port, path)).status, status, path);
  }
});

test('of several processes each tells all', async () => {
  const { url, port } = await startTracker(0, ['--workers', '2', '--dashboard']);
  const channels = Array.from({ length: 6 }, (_, at) => `https://cdn.example/${at}.m3u8`);
  for (const channel of channels) {
    const peer = await Peer.enter(url, { channel, hlsmesh: 2 });
    peer.send({ ...STATISTICS, played: 10, stalled: 0, stalls: 0 });
    await peer.settle();
  }
  /** @type {any} */
  let overview = {};
  let sums = 0;
  let done = false;
  const asking = (async () => {
    while (!done) {
      overview = JSON.parse((await get(port, '/api/overview')).body);
      const { rows } = JSON.parse((await get(port, '/api/breakdown?by=channel')).body);
      sums = rows.reduce(
        (/** @type {number} */ all, /** @type {any} */ row) => all + row.cdn_gb,
        0,
      );
      // Answers are kept for two seconds.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const all = (6 * 1e3 * 1024) / 1e9;
  await until(
    () =>
      overview.viewers === 6 &&
      overview.channels === 6 &&
      Math.abs(sums - all) < 1e-6 &&
      Math.abs(overview.cdn_gb - all) < 1e-6,
    'the sums of both',
  );
  done = true;
  await asking;
  assert.equal(overview.nodes, 2);
});

test('a series keeps an hour in ten seconds and a day in minutes, with gaps where nothing was recorded', () => {
  const series = new Series(['viewers', 'cdn_kb']);
  for (let step = 0; step < 9000; ++step) {
    if (step < 8990 || step > 8994) series.record(step, { viewers: step, cdn_kb: 1 });
  }
  // What comes in the same step is added, and a size replaced.
  series.record(8999, { viewers: 7, cdn_kb: 1 });
  const hour = series.tell(8999, 60);
  assert.equal(hour.step, 10);
  assert.equal(hour.columns.viewers.length, 360);
  assert.deepEqual(hour.columns.viewers.slice(-11, -4), [8989, null, null, null, null, null, 8995]);
  assert.deepEqual([hour.columns.viewers.at(-1), hour.columns.cdn_kb.at(-1)], [7, 2]);
  const day = series.tell(8999, 1440);
  assert.deepEqual([day.step, day.columns.cdn_kb.length], [60, 1440]);
  assert.deepEqual(day.columns.cdn_kb.slice(-3), [6, 2, 6]);
  const other = new Series(['viewers', 'cdn_kb']);
  other.record(8999, { viewers: 1, cdn_kb: 1 });
  const sum = sumOfSeries([series.tell(8999, 1), other.tell(8999, 1)]);
  assert.deepEqual(sum.columns.viewers.slice(-2), [8998, 8]);
});

test('a silent test is told apart from what viewers had from peers, in the API and in the metrics', async () => {
  const tracker = await open({ dashboard: true });
  const overview = async () => JSON.parse((await request(tracker.port, '/api/overview')).body);
  const none = { viewers: 0, cdn_gb: 0, peers_gb: 0, offload: null, loads: 0, missed: 0, wrong: 0 };
  assert.deepEqual((await overview()).shadow, none);
  const shadow = await Peer.enter(tracker.url);
  const other = await Peer.enter(tracker.url);
  shadow.send({ ...STATISTICS, loads: 20, missed: 5, wrong: 1 });
  other.send({ ...STATISTICS, p2p: 500 });
  await shadow.settle();
  await other.settle();
  const stats = tracker.stats();
  assert.deepEqual([stats.cdnKb, stats.p2pKb, stats.shadowP2pKb], [5000, 500, 3000]);
  // Answers are kept for two seconds.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const { shadow: seen, offload, alerts } = await overview();
  assert.deepEqual(
    { ...seen, cdn_gb: 0, peers_gb: 0 },
    { ...none, viewers: 1, offload: 0.75, loads: 20, missed: 5, wrong: 1 },
  );
  assert.ok(Math.abs(seen.peers_gb - (3000 * 1024) / 1e9) < 1e-9);
  assert.ok(Math.abs(offload - 500 / 5500) < 1e-9);
  assert.ok(alerts.some((/** @type {any} */ { id }) => id === 'wrong-bytes'));
  const { body } = await get(tracker.port, '/metrics');
  for (const line of [
    'hlsmesh_tracker_shadows 1',
    'hlsmesh_tracker_shadow_bytes_total{source="peers"} 3072000',
    'hlsmesh_tracker_shadow_loads_total{outcome="all"} 20',
    'hlsmesh_tracker_shadow_loads_total{outcome="missed"} 5',
    'hlsmesh_tracker_shadow_loads_total{outcome="wrong"} 1',
    'hlsmesh_tracker_reported_bytes_total{source="peers"} 512000',
  ]) {
    assert.ok(body.includes(`${line}\n`), `${line} is not in\n${body}`);
  }
});

/** @param {(dimension: string) => any[]} tallies @returns {any} */
function audience(tallies) {
  const side = { ended: new Array(10).fill(1), present: new Array(10).fill(0) };
  return {
    tallies: Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, tallies(dimension)])),
    compared: { peers: side, control: side },
    shadow: [4, 1, 2, 3, 4, 5],
    ends: { unopened: { none: 1 }, opened: {} },
  };
}

test('a ledger forgets what is older than a day, and joins the names that are too many', () => {
  const ledger = new Ledger();
  const days = 3;
  for (let quarter = 0; quarter < days * 96; ++quarter) {
    const rows = Array.from({ length: 300 }, (_, at) => [
      `${quarter} ${at}`,
      0,
      at,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    ledger.record(
      quarter * 900 + 1,
      audience(() => rows),
    );
  }
  const now = days * 86_400 - 1;
  assert.equal(ledger.tallies(now, 'isp', 24).length, 96 * 100 + 1);
  assert.equal(ledger.ends(now, 24).unopened.none, 96);
  assert.equal(ledger.ends(now, 1).unopened.none, 5);
  const [, , joined] = ledger.tallies(now, 'isp', 1).find(([name]) => name === null) ?? [];
  // The two hundred that moved least, of five quarters.
  assert.equal(joined, 5 * ((200 * 199) / 2));
  assert.deepEqual(ledger.compared(now, 1).peers, new Array(10).fill(5));
  assert.deepEqual(ledger.shadow(now, 1), [4, 5, 10, 15, 20, 25]);
});

/** @param {number} seed @returns {() => number} */
function randomFrom(seed) {
  return () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/**
 * The sums of viewers drawn at random, in the order of Sums in src/tracker/audience.hpp: they differ in how often they stall.
 * @param {number} count
 * @param {() => number} random
 * @param {number} delayed further stalls an hour, of a quarter of them, because of a parent that delays
 */
function sumsOf(count, random, delayed) {
  const spread = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const pause = () => -Math.log(1 - random());
  const sums = new Array(10).fill(0);
  for (let viewer = 0; viewer < count; ++viewer) {
    const played = Math.max(10, 1500 * pause());
    const slow = random() < 0.25 ? delayed : 0;
    const rate = (1.5 * Math.exp(spread() - 0.5) + slow) / 3600;
    let [stalled, stalls] = [0, 0];
    for (let at = pause() / rate; at < played; at += pause() / rate) {
      stalled += 2 * Math.exp(0.6 * spread());
      ++stalls;
    }
    stalled = Math.min(stalled, played);
    const first = 0.45 * spread();
    const squares = [played * played, played * stalled, stalled * stalled];
    const row = [1, played, stalled, ...squares, Number(stalls > 0), 1, first, first * first];
    row.forEach((value, at) => (sums[at] += value));
  }
  return sums;
}

test('a parent that delays is found, and nothing is found where there is nothing, at the confidence that is stated', () => {
  const RUNS = 100;
  /** @param {number} delayed */
  const verdicts = (delayed) =>
    Array.from({ length: RUNS }, (_, seed) => {
      const random = randomFrom(seed * 7919 + 1);
      const sides = { peers: sumsOf(4000, random, delayed), control: sumsOf(200, random, 0) };
      return compare(sides).verdict;
    });
  const alarms = verdicts(0).filter((verdict) => verdict !== 'unclear');
  assert.ok(
    alarms.length <= RUNS * (1 - compare({ peers: [], control: [] }).confidence),
    `${alarms}`,
  );
  const found = verdicts(12).filter((verdict) => verdict === 'worse');
  assert.ok(found.length >= 0.95 * RUNS, `${found.length} of ${RUNS}`);
});

test('looking again and again finds nothing either, and few viewers are too few', () => {
  let alarms = 0;
  for (let seed = 1; seed <= 60; ++seed) {
    const random = randomFrom(seed);
    const sides = { peers: new Array(10).fill(0), control: new Array(10).fill(0) };
    let alarmed = false;
    for (let look = 0; look < 60; ++look) {
      sumsOf(200, random, 0).forEach((value, at) => (sides.peers[at] += value));
      sumsOf(10, random, 0).forEach((value, at) => (sides.control[at] += value));
      const { verdict } = compare(sides);
      if (look < 2) assert.equal(verdict, 'too few');
      alarmed ||= verdict === 'worse' || verdict === 'better';
    }
    alarms += Number(alarmed);
  }
  assert.ok(alarms <= 3, `${alarms} of 60`);
  assert.equal(compare({ peers: sumsOf(100, randomFrom(1), 0), control: [] }).verdict, 'none');
});

test('viewers that peers spare a stall do better', () => {
  const random = randomFrom(5);
  const sides = { peers: sumsOf(4000, random, 0), control: sumsOf(400, random, 20) };
  const { verdict, measures } = compare(sides);
  assert.equal(verdict, 'better');
  const [low, high] = measures.stalledPerHour.interval ?? [];
  assert.ok(Number(low) < Number(high) && Number(high) < 0);
  assert.equal(measures.firstFrame.verdict, 'unclear');
});

test('alerts say what is wrong, and nothing where nothing is', () => {
  const calm = {
    ...{ viewers: 100, channels: 1, nodes: 1, hours: 1, uptime: 7200, introductions: 300 },
    ...{ offload: 0.8, stalled_per_hour: 2, unreached: 3, unfed: 1, cutOff: false, split_by: [] },
    ends: { unopened: { none: 40 }, opened: { none: 200 } },
    comparison: { verdict: 'unclear' },
    shadow: { viewers: 0, loads: 50, wrong: 0 },
    recently: { offload: 0.82, stalled_per_hour: 2, watched_hours: 20 },
    recentSums: { cpu: 20 },
    sums: { limited: 0 },
  };
  const ids = (/** @type {object} */ change) =>
    alertsAbout({ ...calm, ...change }).map(({ id }) => id);
  assert.deepEqual(ids({}), []);
  for (const [id, change] of Object.entries({
    'cut-off': { cutOff: true },
    harm: { comparison: { verdict: 'worse' } },
    'wrong-bytes': { shadow: { viewers: 3, loads: 50, wrong: 1 } },
    stalls: { recently: { ...calm.recently, stalled_per_hour: 90 } },
    'offload-fell': { recently: { ...calm.recently, offload: 0.3 } },
    'no-offload': { offload: 0.02, recently: { ...calm.recently, offload: 0.02 } },
    split: { split_by: [{ parameter: 'uid', families: 1 }] },
    unreached: { unreached: 60 },
    network: {
      ends: { unopened: { none: 50, udp: 50, nat: 50, permission: 50 }, opened: { none: 100 } },
    },
    unfed: { unfed: 40 },
    misbehaved: { ends: { unopened: {}, opened: { none: 50, misbehaved: 20 } } },
    busy: { recentSums: { cpu: 500 } },
    limited: { sums: { limited: 40 } },
    'no-control': { viewers: 500, comparison: { verdict: 'none' } },
  })) {
    assert.deepEqual(ids(change), [id]);
  }
  // Where most viewers are to have all from the CDN, it says nothing that all comes from there; where few are, it does.
  const nothing = { ...calm.recently, offload: 0 };
  for (const id of ['offload-fell', 'no-offload']) {
    const fallen = { recently: nothing, offload: id === 'no-offload' ? 0 : 0.5 };
    for (const part of [0.01, 0.4, 0.6, 1]) {
      const some = Math.round(calm.viewers * part);
      for (const change of [{ excluded: some }, { shadow: { ...calm.shadow, viewers: some } }]) {
        const told = ids({ ...fallen, ...change }).includes(id);
        assert.equal(told, part < 0.5, `${id} ${JSON.stringify(change)}`);
      }
    }
  }
});

test('CSV quotes what it must', () => {
  const rows = [
    { name: 'a"b,c', viewers: 1 },
    { name: null, viewers: null },
    { name: '@x', viewers: 2 },
  ];
  assert.equal(csvOfRows('isp', rows), 'isp,viewers\r\n"a""b,c",1\r\n,\r\n\'@x,2\r\n');
});
