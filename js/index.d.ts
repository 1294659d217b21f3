import type Hls from 'hls.js';

/** Where hlsmesh.wasm comes from. A URL is compiled once per page, however many players use it. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module;

/** A media segment, as `segmentId` gets it. */
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

/** `console` is one; `info` and `debug` are optional. */
export interface Logger {
  error(...words: unknown[]): void;
  warn(...words: unknown[]): void;
  info?(...words: unknown[]): void;
  debug?(...words: unknown[]): void;
}

/** The options that `mesh.update` can change. */
export interface MeshUpdate {
  /** false: no tracker, no peers, everything comes from the CDN; default true. Also `mesh.enabled`. */
  enabled?: boolean;
  /** false: no peer is served; default true. Also `mesh.upload`. */
  upload?: boolean;
  /** true: peers are served even on a connection that is metered or saves data (`navigator.connection`); default false. */
  uploadOnMetered?: boolean;
  /**
   * Bytes a second sent to peers, on average; default Infinity, with which peers get four fifths of the measured uplink. A segment
   * is sent whole or refused, so that no peer waits for a slow one.
   */
  uploadBytesPerSecond?: number;
  /** Bytes sent to peers from `attach` to `detach`; default Infinity. */
  uploadBytesPerSession?: number;
  /**
   * Peers that serve us, connected or being connected, 1 to 100; default 4. Another number is requested from the tracker, which
   * may grant fewer.
   */
  maxParents?: number;
  /** Peers that we serve at the same time, 0 to 100; default 8. */
  maxChildren?: number;
  /**
   * Viewers that must be in the channel, this one included, before the first connection, 1 to 1,000,000; default 2. More than 2
   * needs a tracker that knows this option.
   */
  minViewers?: number;
  /**
   * Seconds of media ahead of the playhead that peers are asked for before the player asks; 0: none. Default null: the least that
   * hls.js buffers, its `maxBufferLength`. The CDN is never asked ahead of the player. Peers are not asked while playback is
   * paused, the page is hidden, the player was told not to load, or the connection is metered or saves data.
   */
  prefetchSeconds?: number | null;
  /**
   * STUN and TURN servers. Default: STUN at port 3478 of the first tracker's host (`hlsmesh-tracker --stun-port 3478`); nobody else
   * is asked. Without STUN, viewers behind different routers do not reach each other. With an empty array none is used. Changes
   * apply to new connections.
   */
  iceServers?: RTCIceServer[];
  /** true: peers are reached by TURN servers only, and learn no address of the viewer; default false. Changes apply to new connections. */
  relayOnly?: boolean;
  /** Further settings for each RTCPeerConnection; the option `iceServers` takes precedence over the one in here. */
  rtcConfig?: RTCConfiguration;
  /** Receives the messages; default `console`; null: nobody does. */
  logger?: Logger | null;
  /** The messages that are logged; each level includes those before it. Default `warn`. */
  logLevel?: LogLevel;
}

export interface HlsMeshOptions extends MeshUpdate {
  /** The tracker's WebSocket URL, `ws://…` or `wss://…`, or an array of up to 8, the preferred one first. */
  tracker: string | URL | readonly (string | URL)[];
  /**
   * Viewers of the same channel share. Default: the URL of the multivariant playlist without fragment and credentials
   * (docs/IDENTITY.md). Set a name if that URL differs between viewers of the same stream, and a function if the player changes
   * its source.
   */
  channel?: string | ((playlistUrl: string) => string);
  /**
   * Admits this viewer to a tracker that requires tokens: a JWT, or a function that gets one. The function is called whenever the
   * viewer enters a tracker, and again before a token expires.
   */
  token?: string | (() => string | Promise<string>);
  /**
   * Returns a name for a segment, beside its rendition and sequence number: needed if viewers of one channel get different
   * segments under the same number. It also replaces the URL in requests to peers. null: do not share it; undefined: as without
   * this option.
   */
  segmentId?: (segment: SegmentInfo) => string | null | undefined;
  /**
   * The viewer's consent: called before tracker and peers are reached, once for each source. Until it gives true, everything comes
   * from the CDN; if it gives anything else, that stays so until the next source.
   */
  p2p?: () => boolean | Promise<boolean>;
  /**
   * The share of viewers, 0 to 1, that play without peers, so that the tracker's dashboard can compare: they report their
   * playback all the same. Drawn once a page. Default: nobody, and nothing is compared.
   */
  control?: number;
  /**
   * The share of viewers, 0 to 1, that exchange segments with peers and play everything from the CDN all the same, to see before an event
   * what peers would bring: `mesh.stats.shadow`. They are drawn from those that `control` does not draw. Default: none.
   */
  shadow?: number;
  /** Bytes of segments kept in memory, 1 MiB to 256 MiB; default 128 MiB, on mobile devices 48 MiB. */
  cacheBytes?: number;
  /**
   * Whether viewers of one local network are reached within it. 'ask', the default: yes, and a browser that gates it may ask the
   * viewer. 'if-granted': only where the browser has the permission already, or has no such permission. 'never': addresses of the
   * local network are neither told nor used.
   */
  lan?: 'never' | 'if-granted' | 'ask';
  /**
   * Whether segments from peers must have their publisher's digests (docs/DIGESTS.md). 'auto', the default: where the playlist says
   * that there are digests. true: always, from the file beside each media playlist. 'required': the same, and nothing is
   * exchanged where there are none. false: never.
   */
  digests?: 'auto' | 'required' | boolean;
  /**
   * Where no digests show what other viewers send for what it is: one kilobyte of that share of their segments is compared with the
   * CDN's before they are played, besides the first ones of each viewer. Default: 0.1; 0: none.
   */
  checks?: number;
  /** Ed25519 public key, 32 bytes in base64: a file of digests without its signature is refused. Default: no signature is needed. */
  digestsKey?: string;
  /** Default: hlsmesh.wasm beside the script. */
  wasm?: WasmSource;
  /**
   * For development: with true, `attach`, `update` and `on` throw where they otherwise log an error, send a warning and let the
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
   * Milliseconds from `loadSource`, or from `attach` if that was called later, to the first frame of the current source; null
   * before it. Everything else is counted since `attach`.
   */
  firstFrameMs: number | null;
  /** Interruptions of playback for want of data; the start and seeks do not count. */
  stalls: number;
  /** Milliseconds that all stalls lasted, the current one included. */
  stalledMs: number;
  cdnSegments: number;
  p2pSegments: number;
  /** Places in what other viewers sent that were compared with the CDN's. */
  checks: number;
  /** Of `cdnSegments`, those whose bytes were passed on while they arrived; see `docs/ARCHITECTURE.md`. */
  streamedSegments: number;
  /** Bytes received from peers and thrown away. */
  wastedBytes: number;
  /** Transfers from a peer that ended in a CDN fetch. */
  fallbacks: number;
  cacheHits: number;
  cacheMisses: number;
  cacheEvictions: number;
  cacheBytes: number;
  /** Malformed messages of peers or the tracker. */
  malformed: number;
  /** Connections that never opened, by why; those that did not happen are missing. */
  failures: Partial<Record<ConnectFailure, number>>;
  /** Of a viewer whom the option `shadow` has drawn, once there is an engine: what would have been. Everything else is real. */
  shadow?: ShadowStats;
}

/** What peers would have brought to a viewer that played everything from the CDN. */
export interface ShadowStats {
  /** Bytes that would have come from the CDN and from peers; the part of peers, 0 to 1. */
  cdnBytes: number;
  p2pBytes: number;
  offload: number;
  cdnSegments: number;
  p2pSegments: number;
  /** Loads that peers could have answered; of them, those that would have asked the CDN for something. */
  loads: number;
  missed: number;
  /** Answers of peers that were compared with the CDN's; of them, those with other bytes. */
  compared: number;
  wrong: number;
}

export type PeerRole = 'parent' | 'child';

export interface PeerSnapshot {
  id: string;
  role: PeerRole;
  open: boolean;
  /** True if it has only spoken the protocol of 2018. */
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
  /** The tracker rejected this viewer. */
  | 'tracker-rejected'
  /** The option `token` threw or returned no string; the engine tries again. */
  | 'token'
  /** The page gave an invalid option or argument; the option has its default value. Sent once for each. */
  | 'options'
  /** This version of hls.js is not supported; the player is left alone. */
  | 'hls-version'
  /** The source is a `blob:`, `data:` or `file:` URL: nothing is shared without the option `channel`. */
  | 'channel'
  /** No connection to another viewer within a minute of reaching the tracker. */
  | 'alone'
  /** hls.js loads low-latency parts that are not shared (shorter than 0.9 s, ranges of a file, or of a stream with the publisher's digests): no tracker and no peer is connected. */
  | 'parts-only'
  /** The publisher's digests cannot be had, or the CDN's bytes are not theirs: nothing is exchanged of that rendition, or segment. */
  | 'digests'
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
  /** Each second while there is a listener. */
  stats: MeshStats;
  /** A transfer from a peer ended in a CDN fetch. */
  fallback: { url: string; reason: FallbackReason };
  /** Something is wrong; playback goes on. */
  warning: { code: HlsMeshErrorCode; message: string; error?: Error };
  /** The engine has died; playback goes on from the CDN, and the next source gets another engine. */
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
  | 'useless'
  | 'no-reply'
  | 'no-permission'
  | 'no-udp'
  | 'no-route'
  | 'no-webrtc';

/** Why a connection never opened, as far as this viewer can tell. */
export type ConnectFailure = Extract<PeerCloseReason, `no-${string}`>;

export type FallbackReason =
  'lack' | 'timeout' | 'wrong-segment' | 'peer-lost' | 'protocol' | 'no-memory';

export type FindingCode =
  | 'alone'
  | 'cdn-refuses'
  | 'cdn-unreachable'
  | 'connections-fail'
  | 'control'
  | 'cors'
  | 'disabled'
  | 'engine'
  | 'excluded'
  | 'hls-version'
  | 'metered'
  | 'nat-symmetric'
  | 'no-channel'
  | 'no-prefetch'
  | 'no-range'
  | 'no-stun'
  | 'no-tracker'
  | 'no-udp'
  | 'no-upload'
  | 'nothing-exchanged'
  | 'own-loader'
  | 'parts-only'
  | 'peers'
  | 'permission-denied'
  | 'permission-prompt'
  | 'range'
  | 'range-cors'
  | 'relay-only'
  | 'rtc-unavailable'
  | 'shadow'
  | 'slow-upload'
  | 'small-cache'
  | 'streams-differ'
  | 'streams-match'
  | 'tracker'
  | 'tracker-foreign'
  | 'tracker-rejected'
  | 'tracker-unreachable'
  | 'udp'
  | 'upload-used-up'
  | 'wrong-channel';

/** One thing that `mesh.diagnose()` found. */
export interface Finding {
  /** See "What a diagnosis finds" in docs/API.md. */
  code: FindingCode;
  /** `problem`: peers do not help because of it; `note`: they may help less; `good`: it is as it should be. */
  severity: 'problem' | 'note' | 'good';
  /** What was found, in a sentence. */
  message: string;
  /** What to do about it; empty if nothing is to be done. */
  advice: string;
}

export interface DiagnosisReport {
  /** The worst first. */
  findings: Finding[];
  /** What was seen, by name: versions, channel, rendition, segment, peers and so on. */
  state: Record<string, unknown>;
  /** All of it for people to paste; `String(report)` too. It has no addresses of the viewer and no credentials. */
  text: string;
  toString(): string;
}

/** One attached player. */
export interface Mesh {
  /** Counters since `attach`, as a plain copy. */
  readonly stats: MeshStats;
  readonly peers: PeerSnapshot[];
  /** The name of the channel; empty until hls.js has a source. */
  readonly channel: string;
  /** true: drawn to play without peers, by the option `control`. */
  readonly control: boolean;
  /** false: everything comes from the CDN and no peer is kept. */
  enabled: boolean;
  /** false: peers are not served. */
  upload: boolean;
  on<Name extends keyof MeshEvents>(name: Name, listener: (event: MeshEvents[Name]) => void): this;
  once<Name extends keyof MeshEvents>(
    name: Name,
    listener: (event: MeshEvents[Name]) => void,
  ): this;
  /** Without a listener, it removes all of that name. */
  off<Name extends keyof MeshEvents>(
    name: Name,
    listener?: (event: MeshEvents[Name]) => void,
  ): this;
  /**
   * Changes options while running. An invalid one stays as it was and is a warning; with `strict`, it throws a TypeError and none
   * changes.
   */
  update(options: MeshUpdate): this;
  /**
   * Finds out why peers help or do not, in up to 10 s: permission, UDP, NAT, tracker, channel, identity, CDN, settings. It loads
   * `hlsmesh-diagnose.mjs` from beside the script, and rejects if that is not there.
   */
  diagnose(): Promise<DiagnosisReport>;
  /** Ends the mesh and gives hls.js its own loader back. `hls.destroy()` calls it too. */
  detach(): void;
}

/**
 * Makes a player share its segments, before or after `hls.loadSource`. Never throws unless the option `strict` is true: an
 * invalid option is a warning and has its default value. Without a usable tracker, or with an hls.js that is not supported, the
 * player is left alone and the mesh does nothing. A player that has a mesh keeps it, and that one is returned.
 */
export function attach(hls: Hls, options: HlsMeshOptions): Mesh;
/** True if this browser can share. If it cannot, `attach` still works, and everything comes from the CDN. */
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
/** The defaults of the options that are the same everywhere. */
export const DefaultConfig: Readonly<Required<Omit<MeshUpdate, 'logger' | 'iceServers'>>>;

export const HlsMesh: {
  attach: typeof attach;
  isSupported: typeof isSupported;
  version: typeof version;
  Events: typeof Events;
  DefaultConfig: typeof DefaultConfig;
  HlsMeshError: typeof HlsMeshError;
};
export default HlsMesh;
