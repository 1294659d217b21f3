// Loads that wait for samples of what peers gave (SpotChecks).

#include <catch2/catch.hpp>
#include <string>

#include "two_parents.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

EngineConfig checking() {
  EngineConfig config = Harness::default_config();
  config.checks = 1;
  return config;
}

// A load of segment 5, which one parent gives.
struct Sampled : MeshRoom {
  const std::string right = mesh_body();
  std::string wrong = right;
  int32_t parent = 0;

  // `counted`: the tracker counts reports of wrong pieces.
  explicit Sampled(bool counted = false) : MeshRoom(checking()) {
    if (counted) come_to_counting_tracker(3);
    for (size_t i = 64; i < wrong.size(); ++i) wrong[i] = 'x';
    parent = add_parent("a");
    h.clear();
  }
  void load(int32_t id, int64_t sn, bool from_cdn = false) {
    SegmentLoad what;
    what.from_cdn = from_cdn;
    what.sn = MediaSequence(sn);
    what.url = "seg" + std::to_string(sn) + ".ts";
    what.span = MediaSpan{static_cast<double>(sn) * 4, 4};
    what.streams = true;
    h.load(id, what);
  }
  void parent_gives(const std::string& bytes) {
    const uint32_t number = transfer(parent);
    holds(parent, number, kAllPieces, bytes.size());
    serves(parent, number, bytes);
  }
  bool checks(int32_t id) const { return h.fetch(id) < FetchId(); }
  // The origin, whose segment has these bytes, answers the check of a load.
  void origin_answers(int32_t id, const std::string& bytes) {
    REQUIRE(checks(id));
    const Seen asked = h.all(CommandKind::kFetch).back();
    const auto from = static_cast<size_t>(asked.t0);
    const auto to = static_cast<size_t>(asked.t1);
    h.fetch_part(id, bytes, from, to);
    h.engine.on_fetch_done(h.now, FetchId(asked.code), to - from);
    h.drain();
  }
  // A segment of the CDN's own shows that the origin answers as it should.
  void prove_origin() {
    load(90, 1, true);
    h.fetch_part(90, right, 0, right.size());
    h.engine.on_fetch_done(h.now, h.fetch(90), right.size());
    h.drain();
    origin_answers(90, right);
    h.clear();
  }
};

}  // namespace

TEST_CASE("checked loads: the player gets a segment when its sample fits, and not before") {
  Sampled r;
  r.load(1, 5);
  r.parent_gives(r.right);
  CHECK(r.given(1).empty());
  r.origin_answers(1, r.right);
  CHECK(r.given(1) == r.right);
  CHECK(r.h.engine.stats().checks == 1);
  CHECK(r.is_open(r.parent));
}

TEST_CASE(
    "checked loads: what is not the CDN's comes from the CDN, and its giver is ended if known") {
  Sampled r;
  const bool proven = GENERATE(false, true);
  if (proven) r.prove_origin();
  r.load(1, 5);
  r.parent_gives(r.wrong);
  r.origin_answers(1, r.right);
  CHECK(r.given(1).empty());
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.is_open(r.parent) != proven);
  CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == (proven ? 1 : 0));
}

// An edge of the CDN may have another edition of the segment, which a peer got there in good faith.
TEST_CASE(
    "checked loads: whose bytes are not our edge's loses a connection, and nobody reports it") {
  Sampled r(true);
  r.prove_origin();
  r.load(1, 5);
  r.parent_gives(r.wrong);
  r.origin_answers(1, r.right);
  CHECK_FALSE(r.is_open(r.parent));
  CHECK(r.h.went_to_cdn(1));
  const std::string told = r.h.all(CommandKind::kSocketSend).back().text;
  CAPTURE(told);
  CHECK(told.find(R"("reason":"misbehaved")") != std::string::npos);
}

TEST_CASE("checked loads: who is about to stall asks no slow origin to show how it answers") {
  Sampled r;
  const bool short_of = GENERATE(false, true);
  const bool slow = GENERATE(false, true);
  r.load(90, 3, true);
  r.h.advance(slow ? 3'000 : 100);
  if (short_of) r.h.playhead(11, 12);
  r.h.fetch_part(90, r.right, 0, r.right.size());
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(90), r.right.size(), 50, slow ? 2'950 : 50);
  r.h.drain();
  CHECK(r.h.all(CommandKind::kFetch).empty() == (short_of && slow));
}

TEST_CASE("checked loads: a segment that is loaded again while it is checked waits as well") {
  Sampled r;
  r.load(1, 5);
  r.parent_gives(r.wrong);
  REQUIRE(r.checks(1));
  r.h.load_aborted(1);
  r.load(2, 5);
  CHECK(r.given(2).empty());
  // The answer to the first load's check.
  r.origin_answers(1, r.right);
  CHECK(r.given(2).empty());
  CHECK(r.h.went_to_cdn(2));
}

TEST_CASE(
    "checked loads: an answer that does not come is waited for no longer than the buffer allows") {
  Sampled r;
  r.load(1, 5);
  r.parent_gives(r.right);
  r.h.advance(1'000);
  CHECK(r.given(1) == r.right);
}

TEST_CASE("checked loads: nobody is told of a segment before its giver has been found honest") {
  Sampled r;
  const int32_t child = r.add_child("c");
  r.load(1, 5);
  r.parent_gives(r.right);
  r.wants(child, 7, 5);
  const auto told = [&] {
    for (const peer::Have& have : r.h.sent<peer::Have>(child)) {
      if (have.transfer == 7 && !have.pieces.empty()) return true;
    }
    return false;
  };
  r.h.advance(50);
  CHECK_FALSE(told());
  r.origin_answers(1, r.right);
  r.h.advance(200);
  CHECK(told());
}
