import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPTIONS, variable } from '../../js/tracker/options.js';
import { get, startTracker } from './tracker-peers.mjs';

/** @param {string} name */
const read = (name) => readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

test('alerts and dashboard name only what trackers tell', async () => {
  // Of several processes, since one tells nothing of a cluster.
  const { port } = await startTracker(0, ['--workers', '2']);
  const { body } = await get(port, '/metrics');
  const told = new Set([...body.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));
  const limits = new Set([...body.matchAll(/limit="([\w-]+)"/g)].map(([, name]) => name));
  for (const file of ['monitoring/alerts.yml', 'monitoring/grafana-dashboard.json']) {
    const text = read(file);
    const named = [...text.matchAll(/\b(?:hlsmesh_tracker|process)_\w+/g)].map(([name]) => name);
    assert.ok(named.length > 10, file);
    for (const name of named) assert.ok(told.has(name), `${file}: ${name}`);
  }
  const [, excepted] = /limit!~"([^"]+)"/.exec(read('monitoring/alerts.yml')) ?? [];
  for (const name of ['max-connections', ...excepted.split('|')]) assert.ok(limits.has(name), name);
});

test('what the files set in the environment are options', () => {
  const known = new Set(OPTIONS.map(({ name }) => variable(name)));
  for (const file of ['docker-compose.yml', 'kubernetes.yaml', 'hlsmesh-tracker.service']) {
    const named = [...read(file).matchAll(/HLSMESH_(?!PORT,)\w+/g)].map(([name]) => name);
    assert.ok(named.length > 1, file);
    for (const name of named) assert.ok(known.has(name), `${file}: ${name}`);
  }
});

test('the dashboard has panels for every group of metrics, each within the grid', () => {
  const { panels } = JSON.parse(read('monitoring/grafana-dashboard.json'));
  assert.equal(new Set(panels.map((/** @type {any} */ { id }) => id)).size, panels.length);
  for (const { gridPos, type, targets } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24);
    if (type !== 'row') assert.ok(targets.every((/** @type {any} */ { expr }) => expr !== ''));
  }
});
