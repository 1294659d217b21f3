import type Hls from 'hls.js';

/** Where hlsmesh.wasm comes from. A URL is compiled once per page, however many players use it. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module;

/** What `segmentId` is told of a media segment. */
export interface SegmentInfo {
  /** Its URL, absolute. */
  url: string;
  /** Its media sequence number. */
  sn: number;
  /** Index of its level, or of its audio or subtitle track. */
  level: number;
  type: 'main' | 'audio' | 'subtitle' | (string & {});
}

export type LogLevel = 'none' | 'error' | 'warn' | 'info' | 'debug';

/** `console` is one; `info` and `debug` are used where they are there. */
export interface Logger {
  error(...words: unknown[]): void;
  warn(...words: unknown[]): void;
  info?(...words: unknown[]): void;
  debug?(...words: unknown[]): void;
}

/** What `mesh.update` can change. */
export interface MeshUpdate {
  /** Whether to use peers at all; default true. Also `mesh.enabled`. */
  enabled?: boolean;
  /** Whether to serve peers; default true. Also `mesh.upload`. */
  upload?: boolean;
  /** Whether to serve peers also on a connection that is metered or saves data (`navigator.connection`); default false. */
  uploadOnMetered?: boolean;
  /**
   * Bytes a second sent to peers, on average; default Infinity, with which peers get four fifths of the measured uplink. A segment
   * is sent whole or refused, so that no peer waits for a slow one.
   */
  uploadBytesPerSecond?: number;
  /** Bytes sent to peers from `attach` to `detach`; default Infinity. */
  uploadBytesPerSession?: number;
  /**
   * Peers that serve us, connected or being connected, 1 to 100; default 4. Another number is asked of the tracker, when it is entered,
   * which may grant fewer.
   */
  maxParents?: number;
  /** Peers that we serve at the same time, 0 to 100; default 8. */
  maxChildren?: number;
  /**
   * How many seconds of media ahead of the playhead peers are asked for before the player asks; 0: none. Default null: as many as
   * hls.js buffers at least, its `maxBufferLength`. The CDN is never asked ahead of the player; and nobody is while playback is
   * paused, the page hidden, the player told not to load, or the viewer's connection is metered or set to save data.
   */
  prefetchSeconds?: number | null;
  /**
   * STUN and TURN servers. Default: a public STUN server, without which viewers behind different routers seldom reach each other;
   * an empty array asks nobody. Changes apply to new connections.
   */
  iceServers?: RTCIceServer[];
  /** Further settings for each RTCPeerConnection; `iceServers` above wins over the one in here. */
  rtcConfig?: RTCConfiguration;
  /** Where messages go; default `console`, null for nowhere. */
  logger?: Logger | null;
  /** Which messages; each level has those before it. Default `warn`. */
  logLevel?: LogLevel;
}

export interface HlsMeshOptions extends MeshUpdate {
  /** The tracker's WebSocket URL, `ws://…` or `wss://…`; or up to 8, the preferred one first. */
  tracker: string | URL | readonly (string | URL)[];
  /**
   * Who shares with whom. Default: the URL of the multivariant playlist without fragment and credentials (docs/IDENTITY.md).
   * Give a name of your own when that URL differs between viewers of the same stream; give a function when the player changes its source.
   */
  channel?: string | ((playlistUrl: string) => string);
  /**
   * What admits this viewer, where the tracker asks for it: a JWT, or a function that gets one. The function is called whenever the
   * tracker is entered, and again before a token runs out.
   */
  token?: string | (() => string | Promise<string>);
  /**
   * A name for a segment, beside its rendition and sequence number: needed when viewers of one channel get different segments
   * under the same number. It also replaces the URL in what peers see. null: do not share it; undefined: as without this option.
   */
  segmentId?: (segment: SegmentInfo) => string | null | undefined;
  /** Bytes of segments kept in memory, 1 MiB to 256 MiB; default 128 MiB, on mobile devices 48 MiB. */
  cacheBytes?: number;
  /** Default: hlsmesh.wasm beside the script. */
  wasm?: WasmSource;
  /**
   * For development: true makes `attach`, `update` and `on` throw where they otherwise log an error, give a warning and let the
   * video play. Default false.
   */
  strict?: boolean;
}

export interface MeshStats {
  /** Media bytes that came from the CDN. */
  cdnBytes: number;
  /** Media bytes of segments received whole from peers. */
  p2pBytes: number;
  /** Media bytes sent to peers. */
  uploadBytes: number;
  /** The part of the media bytes that came from peers, 0 to 1. */
  offload: number;
  /** Open connections; `parents` serve us, `children` are served. */
  peers: number;
  parents: number;
  children: number;
  /**
   * Milliseconds from `loadSource`, or from `attach` when that came later, to the first frame; null before it. Of the present
   * source, all else of all since `attach`.
   */
  firstFrameMs: number | null;
  /** Times that playback ran dry; a seek and the start are none. */
  stalls: number;
  /** How long they lasted, with the one that lasts. */
  stalledMs: number;
  cdnSegments: number;
  p2pSegments: number;
  /** Bytes received from peers and thrown away. */
  wastedBytes: number;
  /** Transfers from a peer that ended in a CDN fetch. */
  fallbacks: number;
  cacheHits: number;
  cacheMisses: number;
  cacheEvictions: number;
  cacheBytes: number;
  /** Messages of peers or tracker that were not understood. */
  malformed: number;
}

export type PeerRole = 'parent' | 'child';

export interface PeerSnapshot {
  id: string;
  role: PeerRole;
  open: boolean;
  /** Speaks the 2018 protocol only. */
  version1: boolean;
  receivedBytes: number;
  sentBytes: number;
  /** null while unknown */
  rttMs: number | null;
}

export type HlsMeshErrorCode =
  /** hlsmesh.wasm could not be fetched. */
  | 'wasm-fetch'
  /** hlsmesh.wasm could not be compiled, or belongs to another version of the script. */
  | 'wasm-invalid'
  /** The engine died; playback goes on from the CDN. */
  | 'engine-trap'
  /** The browser makes no RTCPeerConnection; everything comes from the CDN. */
  | 'rtc-unavailable'
  /** The tracker cannot be reached; the engine keeps trying. */
  | 'tracker-unreachable'
  /** The tracker turned this viewer away. */
  | 'tracker-rejected'
  /** The option `token` gave none; the tracker is tried again. */
  | 'token'
  /** The page gave an invalid option or argument: an option then has its default value. Once for each. */
  | 'options'
  /** This version of hls.js is not supported; the player was not touched. */
  | 'hls-version'
  /** The source is a `blob:`, `data:` or `file:` URL: nothing is shared without the option `channel`. */
  | 'channel'
  /** No connection to another viewer within a minute of reaching the tracker. */
  | 'alone'
  /** hls.js loads low-latency parts, which are not shared: no tracker and no peer is connected. */
  | 'parts-only'
  /** A peer broke the protocol and was dropped. */
  | 'peer-misbehaved'
  /** The browser did something the SDK did not expect; playback goes on. */
  | 'internal';

export class HlsMeshError extends Error {
  constructor(code: HlsMeshErrorCode, message: string, cause?: unknown);
  readonly code: HlsMeshErrorCode;
}

export interface MeshEvents {
  tracker:
    | { state: 'connected'; url: string; peerId: string }
    | { state: 'disconnected'; url: string; retryInMs: number }
    | { state: 'rejected'; url: string; reason: string };
  peer:
    | { state: 'opened'; id: string; role: PeerRole }
    | { state: 'closed'; id: string; role: PeerRole; reason: PeerCloseReason };
  /** A segment was handed to hls.js. */
  segment: { url: string; source: 'cdn' | 'peer'; bytes: number; durationMs: number };
  /** Each second while somebody listens. */
  stats: MeshStats;
  /** A transfer from a peer ended in a CDN fetch. */
  fallback: { url: string; reason: FallbackReason };
  /** Something is not as it should be; playback goes on. */
  warning: { code: HlsMeshErrorCode; message: string; error?: Error };
  /** The engine has ended; playback goes on from the CDN, and the next source gets another engine. */
  fatal: { error: HlsMeshError };
}

export type PeerCloseReason =
  | 'closed-by-peer'
  | 'closed-by-us'
  | 'failed'
  | 'timed-out'
  | 'misbehaved'
  | 'disconnected-by-tracker'
  | 'refused'
  | 'useless';

export type FallbackReason =
  'lack' | 'timeout' | 'wrong-segment' | 'peer-lost' | 'protocol' | 'no-memory';

/** One attached player. */
export interface Mesh {
  /** Counters since `attach`, as a plain copy. */
  readonly stats: MeshStats;
  readonly peers: PeerSnapshot[];
  /** The channel that is shared; empty until hls.js has a source. */
  readonly channel: string;
  /** false: everything comes from the CDN and no peer is kept. */
  enabled: boolean;
  /** false: peers are not served. */
  upload: boolean;
  on<Name extends keyof MeshEvents>(name: Name, listener: (event: MeshEvents[Name]) => void): this;
  once<Name extends keyof MeshEvents>(
    name: Name,
    listener: (event: MeshEvents[Name]) => void,
  ): this;
  /** Without a listener: all of that name. */
  off<Name extends keyof MeshEvents>(
    name: Name,
    listener?: (event: MeshEvents[Name]) => void,
  ): this;
  /** Changes options while running. An invalid one is a warning and stays as it was; with `strict`, a TypeError and none changes. */
  update(options: MeshUpdate): this;
  /** Takes everything down and gives hls.js its own loader back. Also done by `hls.destroy()`. */
  detach(): void;
}

/**
 * Makes a player share its segments, before or after `hls.loadSource`. Never throws unless the option `strict` is true: an
 * invalid option is a warning and has its default value. Without a usable tracker, or with an hls.js that is not supported, the
 * player is left alone and the mesh does nothing. A player that has a mesh keeps it, and that one is returned.
 */
export function attach(hls: Hls, options: HlsMeshOptions): Mesh;
/** Whether this browser can share at all. Where it cannot, `attach` still works and leaves everything to the CDN. */
export function isSupported(): boolean;
export const version: string;
/** The events' names, as constants. */
export const Events: {
  readonly TRACKER: 'tracker';
  readonly PEER: 'peer';
  readonly SEGMENT: 'segment';
  readonly STATS: 'stats';
  readonly FALLBACK: 'fallback';
  readonly WARNING: 'warning';
  readonly FATAL: 'fatal';
};
/** What options are when they are not given, as far as it is the same everywhere. */
export const DefaultConfig: Readonly<Required<Omit<MeshUpdate, 'logger'>>>;

export const HlsMesh: {
  attach: typeof attach;
  isSupported: typeof isSupported;
  version: typeof version;
  Events: typeof Events;
  DefaultConfig: typeof DefaultConfig;
  HlsMeshError: typeof HlsMeshError;
};
export default HlsMesh;
