#pragma once

#include <cstdint>
#include <string>

#include "common/ids.hpp"

namespace hlsmesh {

// The figures of an engine, in the order of the ABI's record: F(type, name, name in JavaScript).
// EngineStats, HmStats, the copy from one to the other, js/abi.js and the lines of a trace are all
// made from this table.
// clang-format off
#define HLSMESH_FIGURES(F)                                                                        \
  F(uint64_t, cdn_bytes, cdnBytes)           /* media bytes that came from the CDN */              \
  F(uint64_t, p2p_bytes, p2pBytes)           /* media bytes of segments received whole from peers */ \
  F(uint64_t, upload_bytes, uploadBytes)     /* media bytes handed to data channels */             \
  F(uint64_t, p2p_wasted_bytes, wastedBytes) /* bytes received from peers and thrown away */       \
  F(uint64_t, cache_hits, cacheHits)                                                               \
  F(uint64_t, cache_misses, cacheMisses)                                                           \
  F(uint64_t, cache_evictions, cacheEvictions)                                                     \
  F(uint64_t, cache_bytes, cacheBytes)                                                             \
  F(uint64_t, fallbacks, fallbacks)                                                                \
  F(uint64_t, malformed, malformed)          /* malformed messages of peers or the tracker */      \
  F(int32_t, parents, parents)               /* open connections on which we ask */                \
  F(int32_t, children, children)             /* open connections on which we serve */              \
  F(int32_t, cdn_segments, cdnSegments)                                                            \
  F(int32_t, p2p_segments, p2pSegments)                                                            \
  F(int32_t, cdn_streamed, streamedSegments) /* of cdnSegments: SegmentLoad::streams */            \
  F(int32_t, checks, checks)                 /* places that SpotChecks looked at */
// clang-format on

// Counts of one engine since it was made.
struct EngineStats {
#define HLSMESH_FIELD(type, name, js) type name = 0;
  HLSMESH_FIGURES(HLSMESH_FIELD)
#undef HLSMESH_FIELD

  // Segments of the main rendition that the player was given, and the sum of their levels.
  int32_t level_segments = 0;
  int64_t levels = 0;

  // Loads that peers could have answered; those that asked the CDN for something; and those whose
  // bytes were wrong.
  int32_t loads = 0;
  int32_t missed = 0;
  int32_t wrong = 0;
};

struct PeerInfo {
  PeerHandle handle;
  std::string id;
  bool is_parent = false;
  bool open = false;
  bool version1 = false;        // has not shown an extension
  uint64_t received_bytes = 0;  // media
  uint64_t sent_bytes = 0;      // media
  double rtt_ms = -1;           // of KEEPALIVE; negative while unknown
};

}  // namespace hlsmesh
