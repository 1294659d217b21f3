#pragma once

#include <algorithm>
#include <string>

#include "two_parents.hpp"

namespace hlsmesh::test {

inline constexpr size_t kWire = peer::kWirePieceBytes;
inline constexpr uint32_t kLastWire = (kMeshBytes - 1) / kWire;

// A viewer who has a second left, and then segment 5, which two parents may have.
struct InNeed : MeshRoom {
  explicit InNeed(bool streams = true, double buffered = 1,
                  const EngineConfig& config = Harness::default_config())
      : MeshRoom(config) {
    h.engine.on_playlist(h.now, TrackKind::kMain, 0);
    h.playhead(0, buffered);
    a = add_parent("a");
    b = add_parent("b");
    h.clear();
    load(1, buffered, streams);
  }

  void load(int32_t id, double start = 1, bool streams = true) {
    SegmentLoad what;
    what.sn = MediaSequence(5);
    what.url = "seg5.ts";
    what.span = MediaSpan{start, 4};
    what.streams = streams;
    h.load(id, what);
  }

  std::string from_cdn(size_t from, size_t to, int32_t id = 1) {
    h.fetch_part(id, mesh_body(), from, to);
    return given(id);
  }

  // The CDN brings what is left from `at` on, and ends.
  void cdn_ends(size_t at) {
    for (; at < kMeshBytes; at += kWire) {
      CHECK(from_cdn(at, std::min(at + kWire, kMeshBytes)).empty());
    }
    h.engine.on_fetch_done(h.now, h.fetch(1), kMeshBytes);
    h.drain();
  }

  int32_t a;
  int32_t b;
};

}  // namespace hlsmesh::test
