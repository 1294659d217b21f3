// Who is to blame for a bad segment.

#include <catch2/catch.hpp>
#include <vector>

#include "two_parents.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A live viewer that has had all of one parent, which falls silent. Two more parents have nothing
// before this viewer has it of the CDN.
struct WithoutRoot : MeshRoom {
  static constexpr size_t kBytes = 100'000;
  static constexpr const char* kAll = "0-6";

  int32_t root = 0;
  std::vector<int32_t> others;

  WithoutRoot() {
    h.engine.set_live(true);
    root = add_parent("root");
    others = {add_parent("a"), add_parent("b")};
    for (int64_t sn = 5; sn < 9; ++sn) {
      asks(sn);
      const uint32_t at = transfer(root);
      holds(root, at, kAll, kBytes);
      serves(root, at, Harness::body(sn, kBytes));
      REQUIRE(given(static_cast<int32_t>(sn)) == Harness::body(sn, kBytes));
      h.advance(2'000);
    }
  }

  // Segment `sn` of 2 s is listed and asked for, and all parents speak of it.
  void asks(int64_t sn) {
    const SegmentLoad load = lists(sn, {20 + 2 * static_cast<double>(sn - 5), 2}, 12, false);
    h.clear();
    for (const int32_t parent : {root, others[0], others[1]}) {
      if (is_open(parent)) says_word(parent, sn);
    }
    h.load(static_cast<int32_t>(sn), load);
  }

  // Plays six segments. `want`: the others ask for each of them too. `lack`: they refuse each after
  // 1.1 s.
  void plays_on(bool want, bool lack) {
    for (int64_t sn = 9; sn < 15; ++sn) {
      asks(sn);
      const auto id = static_cast<int32_t>(sn);
      for (const int32_t parent : others) {
        if (want && is_open(parent)) wants(parent, static_cast<uint32_t>(sn), sn, 4'000);
      }
      for (int64_t after = 0; after < 2'000; after += 50) {
        if (lack && after == 1'100) refuse();
        if (h.went_to_cdn(id)) h.fetch_done(id, Harness::body(sn, kBytes));
        h.advance(50);
        for (const int32_t parent : others) {
          if (is_open(parent)) h.peer_says(parent, peer::KeepAliveAck{std::nullopt, 2});
        }
      }
    }
  }
  // Four segments are listed that the player does not ask for, and nobody says whether they come.
  void lists_ahead(bool want) {
    for (int64_t sn = 9; sn < 13; ++sn) {
      lists(sn, {20 + 2 * static_cast<double>(sn - 5), 2}, 12, false);
      for (const int32_t parent : others) {
        if (!is_open(parent)) continue;
        says_word(parent, sn);
        if (want) wants(parent, static_cast<uint32_t>(sn), sn, 4'000);
      }
      for (int64_t after = 0; after < 6'000; after += 1'000) {
        h.advance(1'000);
        for (const int32_t parent : others) {
          if (is_open(parent)) h.peer_says(parent, peer::KeepAliveAck{std::nullopt, 2});
        }
      }
    }
  }
  void refuse() {
    for (const int32_t parent : others) {
      if (!is_open(parent) || opened(parent).empty()) continue;
      peer::Lack lack;
      lack.transfer = transfer(parent);
      h.peer_says(parent, lack);
    }
  }
};

}  // namespace

TEST_CASE("mesh: who waits for a segment of us is not to blame when it comes from the CDN") {
  WithoutRoot r;
  const bool lack = GENERATE(false, true);
  CAPTURE(lack);
  SECTION("the other parents ask us for each: they stay") {
    r.plays_on(true, lack);
    CHECK(r.is_open(r.others[0]));
    CHECK(r.is_open(r.others[1]));
  }
  SECTION("they only keep us waiting: they are ended") {
    r.plays_on(false, lack);
    CHECK_FALSE(r.is_open(r.others[0]));
    CHECK_FALSE(r.is_open(r.others[1]));
  }
}

TEST_CASE("mesh: who waits for a segment of us is not to blame when nobody fetches it") {
  WithoutRoot r;
  SECTION("the other parents ask us for each: they stay") {
    r.lists_ahead(true);
    CHECK(r.is_open(r.others[0]));
    CHECK(r.is_open(r.others[1]));
  }
  SECTION("they only say that it comes: they are ended") {
    r.lists_ahead(false);
    CHECK_FALSE(r.is_open(r.others[0]));
    CHECK_FALSE(r.is_open(r.others[1]));
  }
}

TEST_CASE("mesh: of a bad segment of two givers nobody is ended, and the next comes from one") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  r.serve();
  REQUIRE(r.given(1) == mesh_body());
  r.h.engine.on_verdict(r.h.now, LoadId(1), -1);
  r.h.drain();
  CHECK(r.is_open(r.a));
  CHECK(r.is_open(r.b));

  r.h.clear();
  r.h.load(2, 6);
  r.at_a = r.transfer(r.a);
  r.at_b = r.transfer(r.b);
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  CHECK(r.asked(r.a, r.at_a) == pieces("0-3"));
  CHECK(r.asked(r.b, r.at_b).empty());
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.serve();
  REQUIRE(r.given(2) == mesh_body());
  // Now it is known who lies.
  r.h.engine.on_verdict(r.h.now, LoadId(2), -1);
  r.h.drain();
  CHECK_FALSE(r.is_open(r.a));
  CHECK(r.is_open(r.b));
}
