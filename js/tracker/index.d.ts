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
  /** The same on a mobile device; default 4. */
  maxChildrenMobile?: number;
  /** Time between two pings of a silent socket; default 20 000. */
  pingIntervalMs?: number;
  /** Silence after which a socket is closed; default 28 000. */
  deadAfterMs?: number;
  /** Time in which a socket must enter a channel; default 10 000. */
  enterTimeoutMs?: number;
  /** The most connections of one address; default 512. */
  maxConnectionsPerAddress?: number;
  /** The most enters of one address a minute; default 600. */
  entersPerAddressPerMinute?: number;
  /** Parents that a viewer gets, unless it asks for another number; default 3. */
  parentsWanted?: number;
  /** The most that one is given that asks for more; default 8. */
  maxParents?: number;
  /** Viewers of one room; a larger channel has several, and viewers of different rooms are not introduced; default 5000. */
  roomPeers?: number;
  /** Percent of a room's other viewers whose first parent may be of one address, of IPv6 one /48; default 10. */
  addressShare?: number;
  /** Independent addresses (/24s of IPv4, /48s of IPv6) whose reports of wrong pieces ban an address for ten minutes; 0: none do; default 3. */
  agree?: number;
  /** Messages a second that one connection may send, with a burst of five seconds' worth; 0: no limit; default 100. */
  messagesPerSecond?: number;
  /** The same of all connections of one address together; 0: no limit; default 5000. */
  messagesPerAddress?: number;
  /** Bytes a second that one connection may send, with a burst of five seconds' worth; 0: no limit; default 65 536. */
  bytesPerSecond?: number;
  /** The same of all connections of one address together; 0: no limit; default 1 048 576. */
  bytesPerAddress?: number;
  /** Bytes of signals a second from one viewer to another, with a burst of five seconds' worth; 0: no limit; default 16 384. */
  bytesPerPair?: number;
  /** What a viewer may report having loaded, in kbit/s on average; 0: no limit; default 50 000. */
  reportKbps?: number;
  /** The most changes of channel of one connection a minute; 0: no limit; default 6. */
  channelSwitches?: number;
  /** Connections of all addresses together; 0: no limit; default 100 000. */
  maxConnections?: number;
}

export interface TrackerOptions {
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  /** 0 for any free one; default 8000. */
  port?: number;
  /** UDP port on which viewers are told their address (STUN), on `host`; default 0: none. */
  stunPort?: number;
  /**
   * An HTTP server of yours to attach to, instead of `host` and `port`. It must be listening already. Only WebSocket upgrades on
   * `path` are taken from it.
   */
  server?: Server;
  /** With `server`: the path of the tracker; default `/`. */
  path?: string;
  /** The URL or path of hlsmesh-tracker.wasm, or its bytes; default: that of the package. */
  wasm?: URL | string | ArrayBuffer | ArrayBufferView;
  limits?: TrackerLimits;

  /** Files with certificate chain and private key in PEM: players connect with wss. Read again when they change. */
  tlsCert?: string;
  tlsKey?: string;

  /**
   * Networks whose `proxyHeader` is trusted: addresses, CIDR ranges, `loopback`, `private`. Default: none, so that a viewer's address
   * is that of its connection.
   */
  trustedProxies?: readonly string[];
  /** The header in which trusted proxies name the viewer; default x-forwarded-for. */
  proxyHeader?: 'x-forwarded-for' | 'forwarded';
  /** Files in MaxMind format that know the network, and the province, of an address. Read again when they change. */
  asnDb?: string;
  cityDb?: string;
  /**
   * A file with lines such as `10.1.0.0/16 berlin`: viewers meet only viewers of their site, and those of the site `-` nobody. Read
   * again when it changes; viewers keep the site that they had when they connected.
   */
  groups?: string;

  /** Secret of HS256 tokens, 32 bytes or more. With it, or with keys, viewers need a token. */
  tokenSecret?: string;
  /** A file that holds it. Read again when it changes. */
  tokenSecretFile?: string;
  /** Files with keys of tokens: PEM with public keys of Ed25519, JWK, JWKS. Read again when they change. */
  tokenKeys?: readonly string[];
  /** The `iss` and the `aud` that tokens must have. */
  tokenIssuer?: string;
  tokenAudience?: string;
  /** The most viewers at once of one `sub`, or else `jti`, or else token; default 0: no limit. */
  viewersPerToken?: number;
  /** Origins whose pages may connect, `https://*.site.example` among them; none: all. */
  allowedOrigins?: readonly string[];
  /** Channels that may be entered, in which `*` stands for any characters; none: all. */
  allowedChannels?: readonly string[];

  /** The most requests of one address a minute for a WebSocket; default 3000. */
  handshakesPerAddress?: number;
  /** The most connections of one address that have asked for nothing yet; default 128. */
  pendingPerAddress?: number;
  /** The most other requests of one address a minute, unless `server` is yours; default 600. */
  requestsPerAddress?: number;
  /** The most bytes of one message; default 65,536, which is also the highest value. */
  maxMessageBytes?: number;
  /** The most bytes that wait for one viewer; default 1,048,576. */
  maxPendingBytes?: number;
  /** Time for TLS and the request that asks for a WebSocket, unless `server` is yours; default 10. */
  handshakeSeconds?: number;

  /**
   * Redis through which several trackers are one, `redis://…` or `rediss://…`. Needs the package @redis/client. While Redis is away,
   * this one matches its own viewers.
   */
  redisUrl?: string;
  /** The beginning of all keys and subjects in Redis; default hlsmesh. */
  redisPrefix?: string;
  /** Secret of 32 bytes or more that authenticates what trackers say to one another through Redis, or a file with it. */
  clusterSecret?: string;
  clusterSecretFile?: string;
  /** The name of this process in logs; default: the machine's name. */
  nodeId?: string;
  /** Time between two signs of life, and silence after which a process counts as dead and Redis as lost; default 1 and 5. */
  beatSeconds?: number;
  leaseSeconds?: number;
  /** A bus in place of Redis, as hlsmesh-tracker gives it to its workers (js/tracker/cluster/bus.js). */
  bus?: object;

  /** Who may read /metrics: all, those with the API token, nobody; default open. */
  metrics?: 'open' | 'token' | 'off';
  /** Bearer token of /api/, 16 bytes or more; without one there is no API. */
  apiToken?: string;
  /** A file that holds it. Read again when it changes. */
  apiTokenFile?: string;
  /** Origins whose pages may read /api/; default none. */
  apiOrigins?: readonly string[];
  /** Serves /dashboard, and /api/ to this machine if there is no token; default false. */
  dashboard?: boolean;
  /** What the CDN charges for a GB; default 0.02. */
  pricePerGb?: number;
  /** The currency of that; default USD. */
  currency?: string;
  /** Default length of drain(); default 20. */
  drainSeconds?: number;
  /** Addresses in logs: the /24 of IPv4 and the /48 of IPv6, whole, or not at all; default truncated. */
  logAddresses?: 'truncated' | 'full' | 'none';

  /** The lowest level that `log` gets; default debug, which tells why sockets were closed. */
  logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Gets each log entry, as a line for people and as an object. */
  log?: (line: string, entry: LogEntry) => void;
  /**
   * The engine died; every socket was closed, and all that helps is a new tracker. Thrown as an uncaught exception unless given.
   */
  onFatal?: (error: Error) => void;
}

export interface LogEntry {
  level: 'debug' | 'info' | 'warn' | 'error';
  event: string;
  fields: Record<string, string | number | boolean | undefined>;
}

export interface TrackerStats {
  connections: number;
  peers: number;
  channels: number;
  /** Rooms that channels are split into. */
  rooms: number;
  /** Viewers who get no peers, since others reported wrong pieces from their address. */
  banned: number;
  /** Viewers who get no peers, by `groups`. */
  excluded: number;
  /** Current introductions. */
  links: number;
  /** Peers that nobody feeds, including the first of each room. */
  orphans: number;
  enters: number;
  /** Introductions made. */
  connects: number;
  /** Introductions that opened, and those that ended before they did. */
  opened: number;
  failed: number;
  /** Signals relayed. */
  signals: number;
  /** Signals to an unknown peer or to one that has left. */
  signalsRefused: number;
  /** Malformed messages. */
  malformed: number;
  /** Sockets found dead by ping. */
  dead: number;
  /** `reject` sent, for whatever reason. */
  rejected: number;
  /** Enters that were not authorized. */
  unauthorized: number;
  /** Peers whose token expired. */
  expired: number;
  /** Refused or closed by a limit: the sum of the following. */
  rateLimited: number;
  limitedTotal: number;
  limitedConnections: number;
  limitedEnters: number;
  limitedMessages: number;
  limitedSwitches: number;
  limitedAddressMessages: number;
  limitedEnterTime: number;
  limitedBytes: number;
  limitedAddressBytes: number;
  limitedPairBytes: number;
  /** These close nothing and are not in the sum: reports that were cut, changes of `upBW`, `slots` and `wants` that had to wait, and searches that passed an address over because it had its share. */
  limitedReports: number;
  limitedFacts: number;
  limitedAddressShare: number;
  /** Reports of wrong pieces that counted, that did not, and the bans of addresses that followed. */
  reports: number;
  reportsIgnored: number;
  bans: number;
  /** Reported by the peers. */
  cdnKb: number;
  /** Reported by the peers. */
  p2pKb: number;
  /** Viewers who play from the CDN and try peers (the option `shadow` of the SDK); what they report, which is not in `p2pKb`. */
  shadows: number;
  shadowCdnKb: number;
  shadowP2pKb: number;
  shadowLoads: number;
  shadowMissed: number;
  shadowWrong: number;
}

export interface Tracker {
  /** The URL for peers. If the tracker listens on every address of its machine, it has one that other machines can reach. */
  readonly url: string;
  readonly port: number;
  stats(): TrackerStats;
  /** Reads certificates, keys, secrets and databases again. If one cannot be used, the former one stays in use. */
  reload(): Promise<void>;
  /**
   * Takes no new viewers, and sends those there are elsewhere, in waves, with the close code 1012; then close(). /readyz answers
   * 503 meanwhile.
   * @param seconds by which it is over; default `drainSeconds`
   */
  drain(seconds?: number): Promise<void>;
  /** Closes every socket, and the HTTP server unless it is yours. */
  close(): Promise<void>;
}

/** A tracker, once it listens. Rejects with the listener's error, EADDRINUSE for one. */
export function createTracker(options?: TrackerOptions): Promise<Tracker>;
