#pragma once

#include <cstdint>

#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// A segment that the player wants, or is going to want.
struct Wish {
  Segment segment;
  TrackKind kind = TrackKind::kMain;
  int32_t rendition_index = 0;
  bool shareable = false;  // peers may carry it, and the cache may keep it
  bool streams = false;    // SegmentLoad::streams
  bool listed = false;     // our playlist shows it; else a neighbor has spoken of it
  bool secret = false;     // its URL holds credentials, which no peer is told
};

}  // namespace hlsmesh
