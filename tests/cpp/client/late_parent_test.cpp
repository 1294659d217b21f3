// Live: for how long parents are waited for that have brought nothing lately.

#include <catch2/catch.hpp>
#include <string>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A live viewer that sees each segment of 4 s before its only parent does, if that does at all.
struct LateParent : MeshRoom {
  static constexpr size_t kBytes = 100'000;
  static constexpr int64_t kEvery = 5'500;  // milliseconds from one load to the next
  int32_t parent = 0;
  int64_t sn = 4;

  LateParent() {
    h.engine.set_live(true);
    h.advance(1'500);
    parent = add_parent("a");
  }

  // The player asks for the next segment, which the parent has `after_ms` later. Whether it brings
  // it.
  bool brings_next(int64_t after_ms) {
    ++sn;
    const auto id = static_cast<int32_t>(sn);
    const auto start = static_cast<double>(4 * sn);
    const std::string bytes = Harness::body(sn, kBytes);
    h.playhead(start - 10, start);
    h.clear();
    h.load(id, sn);
    const int64_t step_ms = 25;
    for (int64_t ms = 0; ms < kEvery; ms += step_ms) {
      if (h.went_to_cdn(id)) {
        h.fetch_done(id, bytes);
        h.advance(kEvery - ms);
        return false;
      }
      if (ms >= after_ms && !opened(parent).empty()) {
        const uint32_t number = transfer(parent);
        holds(parent, number, "0-6", kBytes);
        serves(parent, number, bytes);
        h.advance(kEvery - ms);
        return given(id) == bytes;
      }
      h.advance(step_ms);
    }
    return false;
  }
};

}  // namespace

TEST_CASE(
    "late parent: who has waited in vain learns soon that another parent is but a moment late") {
  LateParent r;
  for (int i = 0; i < 3; ++i) REQUIRE_FALSE(r.brings_next(LateParent::kEvery));
  r.h.peer_closed(r.parent);
  r.parent = r.add_parent("b");
  for (int i = 0; i < 6; ++i) CHECK(r.brings_next(2'000));
}
