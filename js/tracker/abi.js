// Generated from wasm/*_abi.hpp and the engines' headers by wasm/abi_dump.cpp; do not edit.

export const ABI_VERSION = 7;

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
  messagesPerAddress: 16,
  maxParents: 17,
  maxChildrenMobile: 18,
  addressShare: 19,
  reportKbps: 20,
  bytesPerSecond: 21,
  bytesPerAddress: 22,
  bytesPerPair: 23,
});

export const CommandKind = Object.freeze({
  send: 1,
  ping: 2,
  close: 3,
  authorize: 4,
  forward: 5,
  split: 6,
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
  promoted: 104,
  failed: 112,
  failed_refused: 120,
  failed_silent: 128,
  failed_permission: 136,
  failed_udp: 144,
  failed_nat: 152,
  failed_policy: 160,
  rejected: 168,
  unauthorized: 176,
  expired: 184,
  rate_limited: 192,
  limited_total: 200,
  limited_connections: 208,
  limited_enters: 216,
  limited_messages: 224,
  limited_switches: 232,
  limited_address_messages: 240,
  limited_enter_time: 248,
  limited_bytes: 256,
  limited_address_bytes: 264,
  limited_pair_bytes: 272,
  limited_reports: 280,
  limited_facts: 288,
  limited_address_share: 296,
  cdn_kb: 304,
  p2p_kb: 312,
});

export const HtText = Object.freeze({
  text: 0,
  size: 4,
});
