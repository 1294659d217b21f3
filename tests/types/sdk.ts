// A site's code against the package's types, right and wrong.
import Hls from 'hls.js';
import HlsMeshByDefault, {
  DefaultConfig,
  Events,
  HlsMesh,
  HlsMeshError,
  attach,
  isSupported,
  version,
  type HlsMeshOptions,
  type Logger,
  type Mesh,
  type MeshEvents,
  type MeshStats,
  type PeerSnapshot,
} from 'hlsmesh';

const hls = new Hls();
const options: HlsMeshOptions = {
  tracker: ['wss://one.example', new URL('wss://two.example')],
  channel: (playlistUrl) => new URL(playlistUrl).pathname,
  segmentId: ({ url, sn, level, type }) =>
    type === 'main' ? `${level}/${sn}/${url.length}` : undefined,
  enabled: true,
  upload: true,
  uploadBytesPerSecond: 250_000,
  uploadBytesPerSession: Infinity,
  maxParents: 2,
  maxChildren: 3,
  cacheBytes: 64 * 1024 * 1024,
  iceServers: [{ urls: 'turn:turn.example', username: 'u', credential: 'c' }],
  rtcConfig: { iceTransportPolicy: 'relay' },
  wasm: new URL('https://cdn.example/hlsmesh.wasm'),
  logger: console,
  logLevel: 'debug',
};
const mesh: Mesh = attach(hls, options);

mesh
  .on('segment', ({ url, source, bytes }) => {
    const from: 'cdn' | 'peer' = source;
    console.log(url.length + bytes, from);
  })
  .once(Events.STATS, (stats: MeshStats) => stats.offload + stats.stalledMs)
  .on('tracker', (event) => {
    if (event.state === 'connected') console.log(event.peerId, event.url);
    // @ts-expect-error: only a connected tracker has told us our id
    else console.log(event.peerId);
  })
  .on('peer', (event) => {
    if (event.state === 'closed') console.log(event.reason satisfies string);
  })
  .on('fatal', ({ error }) => {
    const code: 'engine-trap' | string = error.code;
    console.log(error instanceof HlsMeshError, code);
  })
  .off('segment')
  .update({ upload: false, logger: null })
  .detach();

mesh.enabled = !mesh.enabled;
mesh.upload = false;
const peers: PeerSnapshot[] = mesh.peers;
const first: number | null = mesh.stats.firstFrameMs;
const round: number | null | undefined = peers[0]?.rttMs;
const quiet: Logger = { error() {}, warn() {} };
const same: typeof HlsMesh = HlsMeshByDefault;
const warning = (event: MeshEvents['warning']) => event.message;
console.log(first, round, quiet, same, warning, version, isSupported(), DefaultConfig.maxParents);

// @ts-expect-error: tracker is required
HlsMesh.attach(hls, {});
// @ts-expect-error: not a player
HlsMesh.attach({}, { tracker: 'wss://one.example' });
// @ts-expect-error: no such option
HlsMesh.attach(hls, { tracker: 'wss://one.example', swarmId: 'x' });
// @ts-expect-error: a number of bytes
HlsMesh.attach(hls, { tracker: 'wss://one.example', cacheBytes: '64MB' });
// @ts-expect-error: not a level
HlsMesh.attach(hls, { tracker: 'wss://one.example', logLevel: 'loud' });
// @ts-expect-error: an id is text
HlsMesh.attach(hls, { tracker: 'wss://one.example', segmentId: ({ sn }) => sn });
// @ts-expect-error: no such event
mesh.on('segments', () => {});
// @ts-expect-error: not of this event
mesh.on('segment', ({ peerId }) => peerId);
// @ts-expect-error: cannot change while running
mesh.update({ tracker: 'wss://two.example' });
// @ts-expect-error: read only
mesh.stats = mesh.stats;
// @ts-expect-error: read only
DefaultConfig.upload = false;
