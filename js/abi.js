// Generated from wasm/*_abi.hpp and the engines' headers by wasm/abi_dump.cpp; do not edit.

export const ABI_VERSION = 7;

export const HEAD_BYTES = 64;

export const LOW_WATER_BYTES = 16384;

export const Option = Object.freeze({
  seedLow: 1,
  seedHigh: 2,
  mobile: 3,
  cacheBytes: 4,
  p2p: 5,
  upload: 6,
  maxChildren: 7,
  maxParents: 8,
  uploadBytesPerSecond: 9,
  uploadBytes: 10,
  trackerCount: 11,
  prefetchSeconds: 12,
  minViewers: 15,
  uploadOnMetered: 13,
  digests: 14,
  control: 19,
  checks: 20,
  stayed: 21,
  channel: 16,
  browser: 17,
  os: 18,
});

export const LoadFlag = Object.freeze({
  shareable: 1,
  fromCdn: 2,
  named: 4,
  opaque: 8,
  streams: 16,
  part: 32,
});

export const Condition = Object.freeze({
  loadsNot: 1,
  hidden: 2,
  saveData: 4,
  metered: 8,
  parts: 16,
  noPlaylist: 32,
  noFrame: 64,
  remote: 128,
  localDenied: 256,
});

export const PlaylistFlag = Object.freeze({
  live: 1,
  digests: 2,
});

export const PeerFlag = Object.freeze({
  parent: 1,
  open: 2,
  version1: 4,
});

export const TrackKind = Object.freeze({
  main: 0,
  audio: 1,
  subtitle: 2,
});

export const CommandKind = Object.freeze({
  socketOpen: 1,
  socketSend: 2,
  socketClose: 3,
  peerDial: 4,
  peerAnswer: 5,
  peerSignal: 6,
  peerClose: 7,
  channelSendText: 8,
  channelSendBinary: 9,
  fetch: 10,
  loadProgress: 11,
  loadDone: 12,
  event: 13,
  listSegments: 14,
  renewToken: 15,
  fetchDigests: 16,
});

export const LoadSource = Object.freeze({
  peer: 1,
  cdn: 2,
});

export const EventCode = Object.freeze({
  trackerConnected: 1,
  trackerDisconnected: 2,
  trackerRejected: 3,
  peerOpened: 4,
  peerClosed: 5,
  segmentCached: 6,
  fallback: 7,
  peerMisbehaved: 8,
  alone: 9,
  partsOnly: 10,
  unlikeDigest: 11,
});

export const PeerEnd = Object.freeze([
  'closed-by-peer',
  'closed-by-us',
  'failed',
  'timed-out',
  'misbehaved',
  'disconnected-by-tracker',
  'refused',
  'useless',
  'no-reply',
  'no-permission',
  'no-udp',
  'no-route',
  'no-webrtc',
]);

export const FallbackReason = Object.freeze([
  'none',
  'lack',
  'timeout',
  'wrong-segment',
  'peer-lost',
  'protocol',
  'no-memory',
]);

export const HmCommand = Object.freeze({
  kind: 0,
  peer: 4,
  load: 8,
  code: 12,
  aux: 16,
  t0: 24,
  t1: 32,
  text: 40,
  text_size: 44,
  data: 48,
  data_size: 52,
});

export const HmFrame = Object.freeze({
  at: 0,
  from: 4,
  head: 8,
});

export const HmStats = Object.freeze({
  cdnBytes: 0,
  p2pBytes: 8,
  uploadBytes: 16,
  wastedBytes: 24,
  cacheHits: 32,
  cacheMisses: 40,
  cacheEvictions: 48,
  cacheBytes: 56,
  fallbacks: 64,
  malformed: 72,
  parents: 80,
  children: 88,
  cdnSegments: 96,
  p2pSegments: 104,
  streamedSegments: 112,
  checks: 120,
});

export const HmPeer = Object.freeze({
  handle: 0,
  flags: 4,
  received_bytes: 8,
  sent_bytes: 16,
  rtt_ms: 24,
  id: 32,
  id_size: 36,
});
