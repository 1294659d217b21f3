import type Hls from 'hls.js';

/** Where hlsmesh.wasm comes from. A URL is compiled once per page, however many players use it. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module;

export interface HlsMeshOptions {
  /** The tracker's WebSocket URL, `ws://…` or `wss://…`. */
  tracker: string | URL;
  /**
   * Who shares with whom. Default: the URL of the multivariant playlist without query and fragment. Give a name of your own when
   * that URL differs between viewers of the same stream; give a function when the player changes its source.
   */
  channel?: string | ((playlistUrl: string) => string);
  /** Whether to use peers at all; default true. Also `mesh.p2p`. */
  p2p?: boolean;
  /** Whether to serve peers; default true. Also `mesh.upload`. */
  upload?: boolean;
  /** Bytes of segments kept in memory, 1 MiB to 256 MiB; default 128 MiB, on mobile devices 48 MiB. */
  cacheBytes?: number;
  /**
   * STUN and TURN servers. Default: a public STUN server, without which viewers behind different routers seldom reach each other;
   * an empty array asks nobody.
   */
  iceServers?: RTCIceServer[];
  /** Further settings for each RTCPeerConnection; `iceServers` above wins over the one in here. */
  rtcConfig?: RTCConfiguration;
  /** Default: hlsmesh.wasm beside the script. */
  wasm?: WasmSource;
  /** Where warnings are printed; default `console`, null for nowhere. */
  logger?: Pick<Console, 'warn' | 'error'> | null;
}

export interface MeshStats {
  /** Media bytes that came from the CDN. */
  cdnBytes: number;
  /** Media bytes of segments received whole from peers. */
  p2pBytes: number;
  /** Media bytes sent to peers. */
  uploadBytes: number;
  /** Open connections; `parents` serve us, `children` are served. */
  peers: number;
  parents: number;
  children: number;
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
    | { state: 'connected'; peerId: string }
    | { state: 'disconnected'; retryInMs: number }
    | { state: 'rejected'; reason: string };
  peer:
    | { state: 'opened'; id: string; role: PeerRole }
    | { state: 'closed'; id: string; role: PeerRole; reason: PeerCloseReason };
  /** A segment was handed to hls.js. */
  segment: { url: string; source: 'cdn' | 'peer' | 'cache'; bytes: number; durationMs: number };
  /** A transfer from a peer ended in a CDN fetch. */
  fallback: { url: string; reason: FallbackReason };
  /** Something is not as it should be; playback goes on. */
  warning: { code: HlsMeshErrorCode; message: string; error?: Error };
  /** The mesh has ended; playback goes on from the CDN. */
  fatal: { error: HlsMeshError };
}

export type PeerCloseReason =
  | 'closed-by-peer'
  | 'closed-by-us'
  | 'failed'
  | 'timed-out'
  | 'misbehaved'
  | 'disconnected-by-tracker';

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
  p2p: boolean;
  /** false: peers are not served. */
  upload: boolean;
  on<Name extends keyof MeshEvents>(name: Name, listener: (event: MeshEvents[Name]) => void): this;
  once<Name extends keyof MeshEvents>(
    name: Name,
    listener: (event: MeshEvents[Name]) => void,
  ): this;
  off<Name extends keyof MeshEvents>(name: Name, listener: (event: MeshEvents[Name]) => void): this;
  /** Takes everything down and gives hls.js its own loader back. Also done by `hls.destroy()`. */
  detach(): void;
}

/**
 * Makes a player share its segments, before or after `hls.loadSource`. Throws a TypeError for an option that cannot be, and an
 * Error when `hls` has a mesh already.
 */
export function attach(hls: Hls, options: HlsMeshOptions): Mesh;
/** Whether this browser can share at all. Where it cannot, `attach` still works and leaves everything to the CDN. */
export function isSupported(): boolean;
export const version: string;

export const HlsMesh: {
  attach: typeof attach;
  isSupported: typeof isSupported;
  version: typeof version;
  HlsMeshError: typeof HlsMeshError;
};
export default HlsMesh;
