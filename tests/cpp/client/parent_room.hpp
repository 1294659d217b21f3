#pragma once

#include "harness.hpp"

namespace hlsmesh::test {

inline constexpr size_t kSize = 150'000;  // three packets, the last one short

inline int32_t code(FallbackReason reason) { return static_cast<int32_t>(reason); }

// Joined, one parent open, 20 s buffered: segment 5 and later have comfortable slack.
struct ParentRoom {
  Harness h;
  int32_t parent = 0;

  explicit ParentRoom(bool extended, bool one_directory = true) {
    h.add_renditions(one_directory);
    h.join();
    parent = h.open_parent("p1", extended);
    h.playhead(0, 20);
    h.clear();
  }
  // Loads segment `sn` and returns the request that it caused.
  peer::Request request(int32_t load, int64_t sn) {
    h.load(load, sn);
    const auto requests = h.sent<peer::Request>(parent);
    REQUIRE(!requests.empty());
    return requests.back();
  }
};

}  // namespace hlsmesh::test
