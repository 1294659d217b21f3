#pragma once

#include <cstdint>
#include <string>

#include "common/ids.hpp"

namespace hlsmesh {

// Counts of one engine since it was made.
struct EngineStats {
  uint64_t cdn_bytes = 0;         // media bytes that came from the CDN
  uint64_t p2p_bytes = 0;         // media bytes of segments received whole from peers
  uint64_t upload_bytes = 0;      // media bytes handed to data channels
  uint64_t p2p_wasted_bytes = 0;  // received from peers and thrown away
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t cache_evictions = 0;
  uint64_t cache_bytes = 0;
  uint64_t fallbacks = 0;
  uint64_t malformed = 0;  // messages from peers or tracker that were not understood
  int32_t parents = 0;     // open connections on which we ask
  int32_t children = 0;    // open connections on which we serve
  int32_t cdn_segments = 0;
  int32_t p2p_segments = 0;
};

struct PeerInfo {
  PeerHandle handle;
  std::string id;
  bool is_parent = false;
  bool open = false;
  bool version1 = false;        // has not shown an extension level
  uint64_t received_bytes = 0;  // media
  uint64_t sent_bytes = 0;      // media
  double rtt_ms = -1;           // of KEEPALIVE; negative while unknown
};

}  // namespace hlsmesh
