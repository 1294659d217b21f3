// Generated from wasm/*_abi.hpp and the engines' headers by wasm/abi_dump.cpp; do not edit.

export const ABI_VERSION = 1;

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
});

export const CommandKind = Object.freeze({
  send: 1,
  ping: 2,
  close: 3,
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
  cdn_kb: 72,
  p2p_kb: 80,
});
