/**
 * The metrics of a tracker.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { NO_PEERS } from './groups.js';
import { Metrics } from './metrics.js';

/** @typedef {import('./engine.js').EngineStats} EngineStats */

const PREFIX = 'hlsmesh_tracker_';

// Node reports the whole time between two samples of the event loop; this part of it is no delay.
const LOOP_RESOLUTION_MS = 10;
const LOOP_WINDOW_MS = 10_000;

/** The engine's gauges. @type {Partial<Record<keyof EngineStats, string>>} */
const SIZES = {
  connections: 'Connections that are open.',
  peers: 'Viewers in channels.',
  channels: 'Channels with viewers.',
  rooms: 'Rooms that channels are split into.',
  banned:
    'Viewers in channels who get no peers, since others reported wrong pieces from their address.',
  excluded: 'Viewers in channels who get no peers, since a line of --groups says so.',
  shadows: 'Viewers in channels who play from the CDN and try what peers would bring.',
  links: 'Current introductions.',
  orphans: 'Viewers that nobody feeds, including the first of each room.',
};

/** The engine's counters. @type {Partial<Record<keyof EngineStats, [name: string, help: string]>>} */
const COUNTERS = {
  enters: ['enters', 'Times a channel was entered.'],
  connects: ['introductions', 'Introductions made.'],
  opened: ['introductions_opened', 'Introductions that opened.'],
  promoted: ['promotions', 'Introductions to a parent nearer to the CDN.'],
  failed: ['introductions_failed', 'Introductions that ended before they opened.'],
  signals: ['signals', 'Signals relayed.'],
  signals_refused: ['signals_refused', 'Signals to an unknown viewer or to one that has left.'],
  malformed: ['malformed_messages', 'Malformed messages.'],
  rejected: ['rejects', 'Viewers that were sent reject.'],
  unauthorized: ['unauthorized', 'Enters that were not authorized.'],
  expired: ['expired', 'Viewers whose token expired.'],
  reports: ['reports', 'Reports of wrong pieces that counted.'],
  reports_ignored: [
    'reports_ignored',
    'Reports of wrong pieces that did not count: repeated, too many, or of nobody that the reporter was connected to.',
  ],
  bans: ['bans', 'Addresses that get no peers for 10 minutes, by reports.'],
};

/** The engine's limits, by the flag that sets each. @type {Partial<Record<keyof EngineStats, string>>} */
const LIMITS = {
  limited_connections: 'max-connections-per-address',
  limited_enters: 'enters-per-address',
  limited_messages: 'messages-per-second',
  limited_switches: 'channel-switches',
  limited_address_messages: 'messages-per-address',
  limited_enter_time: 'enter-seconds',
  limited_bytes: 'bytes-per-second',
  limited_address_bytes: 'bytes-per-address',
  limited_pair_bytes: 'bytes-per-pair',
  limited_reports: 'report-kbps',
  limited_facts: 'facts',
  limited_address_share: 'address-share',
  dead: 'idle-seconds',
};

/** Why introductions failed, by the words that viewers say. @type {Partial<Record<keyof EngineStats, string>>} */
const FAILURES = {
  failed_refused: 'refused',
  failed_silent: 'silent',
  failed_permission: 'permission',
  failed_udp: 'udp',
  failed_nat: 'nat',
  failed_policy: 'policy',
};

/** The engine's statistics that are in none of these tables because another metric has them. */
export const TOLD_OTHERWISE = [
  ...['rate_limited', 'limited_total', 'cdn_kb', 'p2p_kb'],
  ...['shadow_cdn_kb', 'shadow_p2p_kb', 'shadow_loads', 'shadow_missed', 'shadow_wrong'],
];

export const TOLD = [SIZES, COUNTERS, LIMITS, FAILURES].flatMap((table) => Object.keys(table));

/**
 * @typedef {object} Measured
 * @property {import('./sockets.js').Sockets} sockets
 * @property {Record<'handshakes' | 'requests', import('./gate.js').Gate>} gates
 * @property {import('./listener.js').ListenerCounters} listening
 * @property {import('./admission.js').Admission} admission
 * @property {import('./files.js').WatchedFiles} files
 * @property {import('./routes.js').Bearer} bearer
 * @property {() => boolean} draining
 * @property {import('./stun.js').StunCounters} [stun]
 * @property {import('./cluster/cluster.js').Cluster | null} cluster
 * @property {() => EngineStats | null} stats
 * @property {() => [site: string | null, viewers: number][]} [sites]
 */

/**
 * @param {Measured} measured
 * @returns {{ metrics: Metrics, stop: () => void }}
 */
export function measure(measured) {
  const { sockets, gates, listening, admission, files, bearer, draining, stats } = measured;
  const metrics = new Metrics();
  // The engine counts all rooms for each call, so one call serves all metrics of a request.
  /** @type {EngineStats | null | undefined} */
  let counted;
  const count = () => {
    if (counted === undefined) queueMicrotask(() => (counted = undefined));
    return (counted ??= stats());
  };
  /** @param {keyof EngineStats} name */
  const engine = (name) => () => count()?.[name] ?? 0;

  for (const [name, help] of Object.entries(SIZES)) {
    metrics.gauge(PREFIX + name, help, engine(/** @type {keyof EngineStats} */ (name)));
  }
  for (const [name, [as, help]] of Object.entries(COUNTERS)) {
    metrics.counter(PREFIX + as, help, engine(/** @type {keyof EngineStats} */ (name)));
  }
  metrics.counter(`${PREFIX}reported_bytes`, 'Bytes that viewers report to have loaded.', () => [
    [{ source: 'cdn' }, engine('cdn_kb')() * 1024],
    [{ source: 'peers' }, engine('p2p_kb')() * 1024],
  ]);

  metrics.counter(
    `${PREFIX}shadow_bytes`,
    'Bytes that would have come to viewers who try peers and play from the CDN.',
    () => [
      [{ source: 'cdn' }, engine('shadow_cdn_kb')() * 1024],
      [{ source: 'peers' }, engine('shadow_p2p_kb')() * 1024],
    ],
  );
  metrics.counter(
    `${PREFIX}shadow_loads`,
    'Loads of those viewers: all, those that would have asked the CDN, and those of which peers brought other bytes.',
    () => [
      [{ outcome: 'all' }, engine('shadow_loads')()],
      [{ outcome: 'missed' }, engine('shadow_missed')()],
      [{ outcome: 'wrong' }, engine('shadow_wrong')()],
    ],
  );

  /** @type {(table: Record<string, string>, label: string) => [import('./metrics.js').Labels, number][]} */
  const labelled = (table, label) =>
    Object.entries(table).map(([name, value]) => [
      { [label]: value },
      engine(/** @type {keyof EngineStats} */ (name))(),
    ]);
  metrics.counter(
    `${PREFIX}introductions_failed_by_reason`,
    'Introductions that ended before they opened, by the reason that a viewer gave, if any.',
    () => labelled(FAILURES, 'reason'),
  );

  const { counters } = sockets;
  metrics.counter(`${PREFIX}limited`, 'Refused or closed by a limit, by its option.', () => [
    ...labelled(LIMITS, 'limit'),
    // Connections that the engine refused, and those refused before they reached it.
    [{ limit: 'max-connections' }, engine('limited_total')() + listening.dropped],
    [{ limit: 'handshakes-per-address' }, gates.handshakes.refused],
    [{ limit: 'pending-per-address' }, listening.crowded],
    [{ limit: 'requests-per-address' }, gates.requests.refused],
    [{ limit: 'max-message-bytes' }, counters.tooLong],
    [{ limit: 'max-pending-bytes' }, counters.slow],
    [{ limit: 'handshake-seconds' }, listening.late],
  ]);
  metrics.counter(`${PREFIX}messages`, 'Messages received.', () => [
    [{ kind: 'text' }, counters.messages],
    [{ kind: 'binary' }, counters.binary],
    [{ kind: 'control' }, counters.controls],
  ]);
  metrics.counter(`${PREFIX}received_bytes`, 'Bytes of messages received.', () => counters.bytesIn);
  metrics.counter(`${PREFIX}sent_bytes`, 'Bytes of messages sent.', () => counters.bytesOut);
  metrics.counter(
    `${PREFIX}broken_connections`,
    'Connections that ended in an error, too long messages among them.',
    () => counters.broken,
  );
  metrics.counter(
    `${PREFIX}floods`,
    'Connections cut off because they went on sending after they were closed.',
    () => counters.floods,
  );
  metrics.counter(`${PREFIX}admissions`, 'Decisions about viewers, by outcome.', () =>
    Object.entries(admission.counters).map(([outcome, count]) => [{ outcome }, count]),
  );
  metrics.counter(`${PREFIX}api_refused`, 'Requests without the API token.', () => bearer.refused);
  metrics.counter(`${PREFIX}reloads`, 'Files that were read again.', () => [
    [{ outcome: 'used' }, files.counters.reloads],
    [{ outcome: 'failed' }, files.counters.failures],
  ]);
  metrics.gauge(`${PREFIX}draining`, 'One during a drain.', () => Number(draining()));
  const { sites } = measured;
  if (sites) {
    metrics.gauge(`${PREFIX}site_viewers`, 'Viewers in channels, by the site of --groups.', () =>
      sites().map(([site, viewers]) => [{ site: shownSite(site) }, viewers]),
    );
  }
  const { stun } = measured;
  if (stun) {
    metrics.counter(`${PREFIX}stun_requests`, 'Requests to the STUN port, by outcome.', () => [
      [{ outcome: 'answered' }, stun.answered],
      [{ outcome: 'ignored' }, stun.ignored],
    ]);
  }
  if (measured.cluster) measureCluster(metrics, measured.cluster);
  return { metrics, stop: measureProcess(metrics) };
}

/** No name in the file has parentheses. @param {string | null} site */
function shownSite(site) {
  if (site === null) return '(others)';
  return site === NO_PEERS ? '(no peers)' : site || '(no line)';
}

/** @param {Metrics} metrics @param {import('./cluster/cluster.js').Cluster} cluster */
function measureCluster(metrics, cluster) {
  const { traffic, counters } = cluster;
  const name = `${PREFIX}cluster_`;
  metrics.gauge(`${name}up`, 'One if this process reaches the others.', () =>
    Number(cluster.sizes.up),
  );
  metrics.gauge(`${name}nodes`, 'Processes that are alive.', () => cluster.sizes.nodes);
  metrics.gauge(`${name}channels`, 'Channels that this one runs.', () => cluster.sizes.owned);
  metrics.gauge(
    `${name}forwarded`,
    'Viewers connected here whose channels others run.',
    () => cluster.sizes.forwarded,
  );
  metrics.gauge(
    `${name}guests`,
    'Viewers connected elsewhere whose channels this one runs.',
    () => cluster.sizes.guests,
  );
  metrics.counter(`${name}messages`, 'Messages to and from other processes.', () => [
    [{ direction: 'out' }, traffic.messagesOut],
    [{ direction: 'in' }, traffic.messagesIn],
  ]);
  metrics.counter(`${name}entries`, 'Entries in those messages, such as frames of viewers.', () => [
    [{ direction: 'out' }, traffic.entriesOut],
    [{ direction: 'in' }, traffic.entriesIn],
  ]);
  metrics.counter(
    `${name}link_resets`,
    'Links to other processes that were started again.',
    () => traffic.resets,
  );
  metrics.counter(
    `${name}dropped`,
    'Messages of other processes that were dropped, by reason.',
    () => [
      [{ reason: 'unreadable' }, traffic.unreadable + (cluster.bus.unreadable ?? 0)],
      [{ reason: 'forged' }, cluster.bus.forged ?? 0],
      [{ reason: 'repeated' }, traffic.repeated],
    ],
  );
  metrics.counter(
    `${name}deaf`,
    'Times that a process, this one included, did not hear what was said to it.',
    () => cluster.deaf + (cluster.bus.deaf ?? 0),
  );
  metrics.counter(
    `${name}refusals`,
    'Commands that Redis refused, such as READONLY and OOM.',
    () => cluster.bus.refused ?? 0,
  );
  metrics.counter(
    `${name}owner_changes`,
    'Channels whose viewers here went to another process.',
    () => counters.ownerChanges,
  );
  metrics.counter(
    `${name}outages`,
    'Times that the other processes were out of reach.',
    () => counters.busDown,
  );
}

/**
 * Joins the metrics of several processes in one text, in which each sample has a label with its process.
 * @param {[name: string, text: string][]} texts
 */
export function joined(texts) {
  /** Samples by the comments above them. @type {Map<string, string[]>} */
  const samples = new Map();
  for (const [name, text] of texts) {
    let head = '';
    let samplesOfHead = /** @type {string[]} */ ([]);
    for (const line of text.split('\n')) {
      if (line.startsWith('#')) {
        head += `${line}\n`;
        samplesOfHead = samples.get(head) ?? [];
        continue;
      }
      if (line === '') continue;
      if (head !== '') samples.set(head, samplesOfHead);
      head = '';
      samplesOfHead.push(`${withLabel(line, 'worker', name)}\n`);
    }
  }
  return [...samples].map(([head, lines]) => head + lines.join('')).join('');
}

/** @param {string} line @param {string} label @param {string} value */
function withLabel(line, label, value) {
  const end = line.lastIndexOf(' ');
  const name = line.slice(0, end);
  const pair = `${label}="${value}"`;
  const labelled = name.endsWith('}') ? `${name.slice(0, -1)},${pair}}` : `${name}{${pair}}`;
  return labelled + line.slice(end);
}

/** @param {Metrics} metrics @returns {() => void} */
function measureProcess(metrics) {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  const startedAt = (Date.now() - performance.now()) / 1000;
  metrics.counter('process_cpu_seconds', 'CPU time of the process.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () =>
    process.memoryUsage.rss(),
  );
  metrics.gauge('process_start_time_seconds', 'Start of the process.', () => startedAt);
  // Of fixed stretches of time: several readers must not take one another's maximum away.
  /** @param {number} nanoseconds */
  const late = (nanoseconds) => Math.max(0, nanoseconds / 1e9 - LOOP_RESOLUTION_MS / 1e3);
  let last = { p50: 0, p99: 0, max: 0 };
  const turn = setInterval(() => {
    last = {
      p50: late(delay.percentile(50)),
      p99: late(delay.percentile(99)),
      max: late(delay.max),
    };
    delay.reset();
  }, LOOP_WINDOW_MS);
  turn.unref();
  metrics.gauge(
    'hlsmesh_tracker_event_loop_delay_seconds',
    'Delay of the event loop in the last full 10 s.',
    () => [
      [{ part: 'p50' }, last.p50],
      [{ part: 'p99' }, last.p99],
      [{ part: 'max' }, last.max],
    ],
  );
  return () => {
    clearInterval(turn);
    delay.disable();
  };
}
