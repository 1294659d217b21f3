/**
 * Counts the messages between a tracker's nodes over Redis for each introduction of viewers: if viewers connect to any node, and
 * if a proxy sends a channel's viewers to one node. Needs redis-server.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import WebSocket from 'ws';
import { createTracker } from '../js/tracker/index.js';
import { isMain, print } from './report.mjs';

const NODES = 3;
const CHANNELS = 6;
const VIEWERS = 60;
// An offer or an answer of the usual length, with its candidates.
const SDP = 'a=x\r\n'.repeat(300);

const REDIS_PORT = 16_379;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A viewer that does as it is told. */
class Viewer {
  dials = 0;
  #id = '';

  /** @param {string} url @param {string} channel */
  constructor(url, channel) {
    this.ws = new WebSocket(url);
    this.ws.on('open', () => this.#say({ action: 'enter', channel, hlsmesh: 1 }));
    this.ws.on('message', (text) => this.#obey(JSON.parse(String(text))));
  }

  /** @param {object} message */
  #say(message) {
    this.ws.send(JSON.stringify(message));
  }

  /** @param {any} message */
  #obey({ action, peer_id: id, to_peer_id: parent, from_peer_id: from, data }) {
    if (action === 'accept') this.#id = id;
    if (action === 'connect') this.#signal(parent, 'offer');
    if (action !== 'signal') return;
    const { type } = JSON.parse(data);
    if (type === 'offer') this.#signal(from, 'answer');
    if (type === 'answer') {
      ++this.dials;
      this.#say({ action: 'dc_opened', dc_id: `${this.#id}-${from}` });
    }
  }

  /** @param {string} to @param {string} type */
  #signal(to, type) {
    this.#say({ action: 'signal', to_peer_id: to, data: { type, sdp: SDP } });
  }
}

/** @param {import('../js/tracker/index.js').Tracker} node */
async function saidBy({ port }) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (/** @type {string} */ name) =>
    Number(
      new RegExp(`^hlsmesh_tracker_cluster_${name}_total{direction="out"} (\\d+)$`, 'm').exec(
        text,
      )?.[1],
    );
  return { messages: value('messages'), entries: value('entries') };
}

/**
 * @param {string} prefix
 * @param {(viewer: number) => number} nodeOf
 * @returns {Promise<{ messages: number, entries: number }>} between nodes, for each introduction
 */
async function measure(prefix, nodeOf) {
  const redisUrl = `redis://127.0.0.1:${REDIS_PORT}`;
  const nodes = await Promise.all(
    Array.from({ length: NODES }, () => createTracker({ port: 0, redisUrl, redisPrefix: prefix })),
  );
  await pause(2500);
  const viewers = [];
  for (let i = 0; i < VIEWERS; ++i) {
    viewers.push(new Viewer(nodes[nodeOf(i)].url, `c${i % CHANNELS}`));
    await pause(20);
  }
  await pause(6000);
  const said = await Promise.all(nodes.map(saidBy));
  const dials = viewers.reduce((sum, viewer) => sum + viewer.dials, 0);
  for (const { ws } of viewers) ws.terminate();
  await Promise.all(nodes.map((node) => node.close()));
  const sum = (/** @type {'messages' | 'entries'} */ name) =>
    said.reduce((total, one) => total + one[name], 0) / dials;
  return { messages: sum('messages'), entries: sum('entries') };
}

/** @returns {Promise<import('./report.mjs').Figure[]>} */
export async function run() {
  const args = ['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--save', '', '--dir', '/'];
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(redis.stdout, 'data');
  try {
    const anywhere = await measure('anywhere', (viewer) => Math.floor(viewer / CHANNELS) % NODES);
    const together = await measure('together', (viewer) => (viewer % CHANNELS) % NODES);
    /** @param {string} name @param {'messages' | 'entries'} unit */
    const figure = (name, unit) => ({
      name: `${name} between nodes for each introduction, viewers together beside anywhere`,
      unit,
      ours: together[unit],
      baseline: anywhere[unit],
      ratio: together[unit] / anywhere[unit],
    });
    return [figure('entries', 'entries'), figure('messages', 'messages')];
  } finally {
    redis.kill();
  }
}

if (isMain(import.meta.url)) print(await run());
