// Films: parents that come to what we play at the same time as we do.

#include <catch2/catch.hpp>
#include <string>

#include "in_need.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

SegmentLoad film_segment(int64_t sn, double start) {
  SegmentLoad what;
  what.sn = MediaSequence(sn);
  what.url = "seg" + std::to_string(sn) + ".ts";
  what.span = {start, 4};
  what.streams = true;
  return what;
}

// A viewer in need whose CDN took 3 s for a segment of 4 s. Meanwhile a parent said, 300 ms after
// it was asked, that it had `told` of it.
struct SlowLine : InNeed {
  explicit SlowLine(const std::string& told) {
    const uint32_t transfer = this->transfer(a);
    h.advance(300);
    holds(a, transfer, told, kMeshBytes);
    size_t at = 0;
    for (; at < kMeshBytes / 2; at += kWire) {
      h.advance(300);
      from_cdn(at, at + kWire);
    }
    cdn_ends(at);
    h.clear();
    next(2);
  }

  // The next segment is asked for, with three seconds left.
  void next(int32_t id) {
    h.playhead(4.0 * id - 2, 4.0 * id + 1);
    h.load(id, film_segment(4 + id, 4.0 * id + 1));
  }
  bool waits(int32_t id) const { return !h.went_to_cdn(id); }
};

// A viewer with a full buffer and a parent that has given it segment 5 and refused segment 6.
struct FullBuffer : MeshRoom {
  int32_t parent = 0;

  explicit FullBuffer(int64_t later = 0, bool newer = false) {
    parent = add_parent("a");
    h.playhead(0, 26);
    h.clear();
    says_word(parent, 5);
    h.load(5, film_segment(5, 26));
    const uint32_t at = transfer(parent);
    holds(parent, at, "0-6", 100'000);
    serves(parent, at, Harness::body(5, 100'000));
    REQUIRE(given(5) == Harness::body(5, 100'000));
    h.advance(later);
    if (newer) says_word(parent, 7);
    h.playhead(0, 30);
    h.clear();
    h.load(6, film_segment(6, 30));
    peer::Lack lack;
    lack.transfer = transfer(parent);
    h.peer_says(parent, lack);
  }
};

}  // namespace

TEST_CASE("beside: a parent that fetches what we fetch is waited for, where the line is slow") {
  SlowLine r("0");
  REQUIRE(r.waits(2));
  const uint32_t transfer = r.transfer(r.a);
  SECTION("it comes, and the CDN is not asked") {
    r.h.advance(400);
    r.holds(r.a, transfer, "0-9", kMeshBytes);
    CHECK(r.serves(r.a, transfer, Harness::body(6, kMeshBytes)) == 10);
    r.h.clear();
    r.h.advance(200);
    r.holds(r.a, transfer, kAllPieces, kMeshBytes);
    CHECK(r.serves(r.a, transfer, Harness::body(6, kMeshBytes)) == 9);
    CHECK(r.given(2) == Harness::body(6, kMeshBytes));
    CHECK(r.waits(2));
    r.h.clear();
    r.next(3);
    CHECK(r.waits(3));
  }
  SECTION("it does not, and is not waited for again for 8 s") {
    int64_t waited = 0;
    for (; r.waits(2); waited += 10) r.h.advance(10);
    CHECK(waited > 500);
    CHECK(waited < 2'300);
    r.h.fetch_done(2, Harness::body(6, kMeshBytes));
    r.h.clear();
    r.next(3);
    CHECK_FALSE(r.waits(3));
  }
}

TEST_CASE("beside: who has all of the segment fetches nothing that could be waited for") {
  SlowLine r(kAllPieces);
  CHECK_FALSE(r.waits(2));
}

TEST_CASE("beside: a full buffer waits for the parent that comes to the segment next") {
  SECTION("which says so, and brings it") {
    FullBuffer r;
    CHECK_FALSE(r.h.went_to_cdn(6));
    r.h.advance(300);
    r.h.clear();
    r.says_word(r.parent, 6);
    const uint32_t at = r.transfer(r.parent);
    r.holds(r.parent, at, "0-6", 100'000);
    r.serves(r.parent, at, Harness::body(6, 100'000));
    CHECK(r.given(6) == Harness::body(6, 100'000));
    CHECK_FALSE(r.h.went_to_cdn(6));
  }
  SECTION("until it has shrunk to 85 percent, and then not for the next one") {
    FullBuffer r;
    int64_t waited = 0;
    for (; !r.h.went_to_cdn(6); waited += 10) {
      r.h.advance(10);
      if (waited % 1'000 == 0) r.h.peer_says(r.parent, peer::KeepAliveAck{std::nullopt, 2});
    }
    CHECK(waited == 4'500);
  }
  SECTION("not for one that is behind it") {
    FullBuffer r(0, true);
    CHECK(r.h.went_to_cdn(6));
  }
  SECTION("not for one that came to the segment before long ago") {
    FullBuffer r(8'010);
    CHECK(r.h.went_to_cdn(6));
  }
}
