import type { Server } from 'node:http';

/** Limits of the tracker engine, whole numbers, 0 or more. */
export interface TrackerLimits {
  /** Viewers that one viewer on a computer serves while its upload bandwidth is unknown; default 6. */
  defaultChildren?: number;
  /** The same on a mobile device; default 2. */
  defaultChildrenMobile?: number;
  /** Upload that serving one viewer is reckoned to take, in kbit/s; default 1500. */
  childKbps?: number;
  /** Viewers that one viewer serves at most; default 16. */
  maxChildren?: number;
  /** Time between two pings of a silent socket; default 10 000. */
  pingIntervalMs?: number;
  /** Silence after which a socket is closed; default 25 000. */
  deadAfterMs?: number;
  /** Time in which a socket must enter a channel; default 10 000. */
  enterTimeoutMs?: number;
  /** Connections that one address may hold; default 512. */
  maxConnectionsPerAddress?: number;
  /** Times a minute that one address may enter a channel; default 600. */
  entersPerAddressPerMinute?: number;
  /** Parents that a viewer is given, as far as there are any; default 3. */
  parentsWanted?: number;
  /** Viewers of one room; a larger channel has several, and introduces nobody across them; default 5000. */
  roomPeers?: number;
  /** Messages a second that one connection may send, with a burst of five seconds' worth; 0: no limit; default 100. */
  messagesPerSecond?: number;
  /** Times a minute that one connection may enter a channel other than its last; 0: no limit; default 6. */
  channelSwitches?: number;
  /** Connections of all addresses together; 0: no limit, the default. */
  maxConnections?: number;
  /** 1: who enters waits until the server has judged its token; default 0. */
  authorize?: number;
}

export interface TrackerOptions {
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  /** 0 for any free one; default 8000. */
  port?: number;
  /**
   * An HTTP server of yours to attach to, instead of `host` and `port`. It must be listening already. Only WebSocket upgrades on
   * `path` are taken from it.
   */
  server?: Server;
  /** With `server`: the path of the tracker; default `/`. */
  path?: string;
  /** Where hlsmesh-tracker.wasm is, or its bytes; default: where the package has it. */
  wasm?: URL | string | ArrayBuffer | ArrayBufferView;
  limits?: TrackerLimits;
  /** Hears why sockets were closed. */
  log?: (line: string) => void;
  /**
   * The engine died; every socket was closed, and all that helps is a new tracker. Thrown as an uncaught exception unless given.
   */
  onFatal?: (error: Error) => void;
}

export interface TrackerStats {
  connections: number;
  peers: number;
  channels: number;
  enters: number;
  /** Introductions made. */
  connects: number;
  /** Signals relayed. */
  signals: number;
  /** Signals to a stranger or to a peer that is gone. */
  signalsRefused: number;
  /** Messages that could not be read. */
  malformed: number;
  /** Sockets found dead by ping. */
  dead: number;
  /** Reported by the peers. */
  cdnKb: number;
  /** Reported by the peers. */
  p2pKb: number;
}

export interface Tracker {
  /** Where peers connect. */
  readonly url: string;
  readonly port: number;
  stats(): TrackerStats;
  /** Closes every socket, and the HTTP server unless it is yours. */
  close(): Promise<void>;
}

/** A tracker, once it listens. Rejects with the listener's error, EADDRINUSE for one. */
export function createTracker(options?: TrackerOptions): Promise<Tracker>;
