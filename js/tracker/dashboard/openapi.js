/** The description of the API, as OpenAPI 3.1. */

import { COLUMNS } from './recorder.js';
import { DIMENSIONS } from './ledger.js';

const number = { type: 'number' };
const text = { type: 'string' };
const maybe = { type: ['number', 'null'] };

/** @param {Record<string, unknown>} properties */
const object = (properties) => ({ type: 'object', properties });
/** @param {unknown} items */
const list = (items) => ({ type: 'array', items });
/** @param {string} description @param {object} of */
const described = (description, of) => ({ ...of, description });

const TRAFFIC = {
  cdn_gb: described('GB (10^9 bytes) from the CDN, as viewers report it', number),
  peers_gb: described('GB from other viewers', number),
  uploaded_gb: described('GB that viewers sent to others', number),
  saved: described('peers_gb times the price of a GB', number),
  offload: described('share of peers in all bytes; null: no bytes', maybe),
  origin_copies: described(
    'copies of a segment that the CDN sends, of live channels; null: unknown',
    maybe,
  ),
  watched_hours: described('hours of playing, as viewers report them', number),
  stalled_seconds: number,
  stalls: number,
  stalled_per_hour: described('seconds stalled in an hour of playing', maybe),
  first_frame_seconds: described('geometric mean of the time to the first frame', maybe),
};

const MEASURE = object({
  peers: maybe,
  control: maybe,
  interval: described('of the difference; of firstFrame of the ratio; null: too few viewers', {
    type: ['array', 'null'],
    items: number,
  }),
  verdict: { enum: ['better', 'worse', 'unclear', 'too few'] },
});

const COMPARISON = described(
  'Viewers drawn for peers beside those drawn to go without (the option control of attach)',
  object({
    confidence: described('that all intervals hold, at all times', number),
    viewers: object({ peers: number, control: number }),
    measures: object({ stalledPerHour: MEASURE, stallingShare: MEASURE, firstFrame: MEASURE }),
    verdict: { enum: ['better', 'worse', 'unclear', 'too few', 'none'] },
  }),
);

const SHADOW = described(
  'Viewers who play all from the CDN and try what peers would bring (the option shadow of attach); elsewhere their bytes are the CDN’s',
  object({
    viewers: number,
    cdn_gb: described('GB that would have come from the CDN', number),
    peers_gb: described('GB that would have come from peers', number),
    offload: maybe,
    loads: described('loads that peers could have answered', number),
    missed: described('of them, those that would have asked the CDN', number),
    wrong: described('of them, those with other bytes than the CDN’s', number),
  }),
);

const COUNTS = { type: 'object', additionalProperties: number };

const OVERVIEW = object({
  hours: number,
  nodes: described('processes that answered', number),
  viewers: number,
  channels: number,
  connections: number,
  roots: described('viewers that only the CDN feeds', number),
  uptime: described('seconds', number),
  price_per_gb: number,
  currency: text,
  ...TRAFFIC,
  introductions: number,
  opened: number,
  ends: described(
    'why connections ended, before they opened or afterwards: none, refused, useless, silent, misbehaved, permission, udp, nat, policy',
    object({ unopened: COUNTS, opened: COUNTS }),
  ),
  unreached: described('viewers none of whose connections ever opened', number),
  unfed: described('viewers whose parents had nothing for them', number),
  classes: described('viewers by their distance from the CDN', list(number)),
  comparison: COMPARISON,
  shadow: SHADOW,
  alerts: list(
    object({
      id: text,
      level: { enum: ['critical', 'warning', 'info'] },
      title: text,
      advice: text,
    }),
  ),
});

const HISTORY = object({
  step: described('seconds; the last value of each column is the newest', number),
  columns: {
    type: 'object',
    description: `a list for each of ${COLUMNS.join(', ')}; of one channel without those from enters on`,
    additionalProperties: list(maybe),
  },
});

const BREAKDOWN = object({
  by: { enum: DIMENSIONS },
  hours: number,
  rows: list(
    object({
      name: described('empty: unknown; null: all names that were too many', {
        type: ['string', 'null'],
      }),
      viewers: number,
      ...TRAFFIC,
    }),
  ),
});

const CHANNEL = object({
  id: text,
  type: { enum: ['live', 'vod'] },
  host: text,
  peers: number,
  rooms: number,
  cdn_kb: number,
  p2p_kb: number,
});

const CHANNELS = object({
  total: number,
  offset: number,
  channels: list(CHANNEL),
  split_by: list(object({ parameter: text, families: number })),
});

const TOPOLOGY = object({
  channel: CHANNEL,
  offset: number,
  nodes: list(
    object({
      id: text,
      room: number,
      class: number,
      isp: text,
      province: text,
      site: described('of --groups; empty: none, -: without peers', text),
      device: { enum: ['mobile', 'PC'] },
      browser: text,
      os: text,
      level: number,
      up_bw: maybe,
      idle: described('paused, or without peers', { type: 'boolean' }),
      child_limit: number,
      children: number,
      cdn_kb: number,
      p2p_kb: number,
      seconds: number,
    }),
  ),
  edges: list(object({ child: text, parent: text, opened: { type: 'boolean' } })),
});

/** @param {string} name @param {object} schema @param {boolean} [required] */
const query = (name, schema, required = false) => ({ name, in: 'query', required, schema });
const HOURS = query('hours', { type: 'integer', minimum: 1, maximum: 24, default: 1 });
const MINUTES = query('minutes', { type: 'integer', minimum: 1, maximum: 1440, default: 60 });
const FORMAT = query('format', { enum: ['json', 'csv'], default: 'json' });
const PAGE = [
  query('offset', { type: 'integer', minimum: 0, default: 0 }),
  query('limit', { type: 'integer', minimum: 0, maximum: 10_000, default: 100 }),
];

/**
 * @param {string} summary
 * @param {object} schema
 * @param {ReturnType<typeof query>[]} [parameters]
 */
function path(summary, schema, parameters = []) {
  const csv = parameters.includes(FORMAT) ? { 'text/csv': { schema: text } } : {};
  const error = {
    description: 'why not',
    content: { 'application/json': { schema: object({ error: text }) } },
  };
  const content = { 'application/json': { schema }, ...csv };
  return {
    get: {
      summary,
      parameters,
      responses: { 200: { description: summary, content }, '4XX': error },
    },
  };
}

/** @param {string} version of the tracker */
export function openApi(version) {
  return {
    openapi: '3.1.0',
    info: { title: 'hlsmesh tracker', version, description: 'Read only. Shows no address.' },
    security: [{ token: [] }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/api/overview': path('The audience now and within some hours', OVERVIEW, [HOURS]),
      '/api/history': path('Figures over time, of all channels or of one', HISTORY, [
        MINUTES,
        query('channel', text),
        FORMAT,
      ]),
      '/api/breakdown': path('The same by a part of the audience', BREAKDOWN, [
        query('by', { enum: DIMENSIONS }, true),
        HOURS,
        FORMAT,
      ]),
      '/api/totals': path('All counters', { type: 'object', additionalProperties: number }),
      '/api/channels': path('The channels, by id', CHANNELS, PAGE),
      '/api/topology': path('The viewers of a channel, and who feeds whom', TOPOLOGY, [
        query('channel', text, true),
        ...PAGE,
      ]),
      '/api/openapi.json': path('This description', { type: 'object' }),
    },
  };
}
