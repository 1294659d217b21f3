#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/commands.hpp"
#include "media/rendition.hpp"

namespace hlsmesh {

// One load of the player that has not ended.
//
//   on_load --> waiting <--LACK, loss, silence, misbehaviour-- asking --> done
//                 |   +----------------ask--------------------> |
//                 |                                             | give-up time
//                 +------------------> at the CDN <-------------+
struct Load {
  enum class State { kWaiting, kAsking, kAtCdn };

  LoadId id;
  Segment segment;
  TrackKind kind = TrackKind::kMain;
  int32_t rendition_index = 0;
  bool shareable = false;  // peers may carry it, and the cache may keep it
  bool secret = false;     // its URL holds credentials, which no peer is told
  State state = State::kWaiting;
  TimeMs began_at{};
  TimeMs due = kNever;                    // waiting: decide again; asking: look at it again
  PeerHandle parent;                      // asking: whom
  std::list<PeerHandle> tried;            // parents that failed it
  std::optional<FallbackReason> failure;  // the last of those failures
  bool refused = false;                   // by the player, which has had its first bytes
  bool from_cdn = false;                  // the driver began the fetch: its beginning is unknown
  TimeMs fetch_began_at{};
  SegmentPtr fetched;  // where the body of the CDN fetch lands

  bool has_tried(PeerHandle peer) const {
    return std::find(tried.begin(), tried.end(), peer) != tried.end();
  }
};

}  // namespace hlsmesh
