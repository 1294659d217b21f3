// Generated from wasm/*_abi.hpp and the engines' headers by wasm/abi_dump.cpp; do not edit.

export const ABI_VERSION = 3;

export const Option = Object.freeze({
  defaultChildren: 1,
  defaultChildrenMobile: 2,
  childKbps: 3,
  maxChildren: 4,
  pingIntervalMs: 5,
  deadAfterMs: 6,
  enterTimeoutMs: 7,
  maxConnectionsPerAddress: 8,
  entersPerAddressPerMinute: 9,
  parentsWanted: 10,
  roomPeers: 11,
  messagesPerSecond: 12,
  channelSwitches: 13,
  maxConnections: 14,
  authorize: 15,
});

export const CommandKind = Object.freeze({
  send: 1,
  ping: 2,
  close: 3,
  authorize: 4,
  forward: 5,
});

export const HtCommand = Object.freeze({
  kind: 0,
  conn: 4,
  code: 8,
  text: 12,
  text_size: 16,
});

export const HtStats = Object.freeze({
  connections: 0,
  peers: 8,
  channels: 16,
  enters: 24,
  connects: 32,
  signals: 40,
  signals_refused: 48,
  malformed: 56,
  dead: 64,
  rooms: 72,
  links: 80,
  orphans: 88,
  opened: 96,
  failed: 104,
  rejected: 112,
  unauthorized: 120,
  expired: 128,
  rate_limited: 136,
  limited_total: 144,
  limited_connections: 152,
  limited_enters: 160,
  limited_messages: 168,
  limited_switches: 176,
  cdn_kb: 184,
  p2p_kb: 192,
});

export const HtText = Object.freeze({
  text: 0,
  size: 4,
});
