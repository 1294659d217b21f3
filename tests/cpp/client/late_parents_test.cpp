// Live: parents that have segments later than a load of ours waits.

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kLateBytes = 100'000;

// A live viewer with one parent.
struct LateParent : MeshRoom {
  int32_t parent = 0;
  // The parent sends its first piece, and of the others the CDN is asked twice.
  bool in_parts = false;
  int parts = 0;

  LateParent() {
    h.engine.set_live(true);
    parent = add_parent("a");
    h.clear();
  }

  // Segment `sn` of 2 s is listed and asked for. Returns its transfer at the parent.
  uint32_t asks_for(int64_t sn, int32_t id = 0) {
    SegmentLoad load = lists(sn, {20 + 2 * static_cast<double>(sn - 5), 2}, 12);
    load.streams = in_parts;
    h.load(id != 0 ? id : static_cast<int32_t>(sn), load);
    return transfer(parent);
  }
  // Segment `sn` is asked for; the parent says `late` milliseconds later that it has some of it,
  // and sends none, or the first piece; the CDN brings the rest; the next one is due. Returns for
  // how many milliseconds the load waited.
  int64_t plays(int64_t sn, int64_t late) {
    h.clear();
    if (!is_open(parent)) parent = add_parent("p" + std::to_string(sn));  // it was of no use
    const uint32_t transfer = asks_for(sn);
    std::optional<int64_t> waited;
    for (int64_t after = 0; after < 2'000 || (!waited && after < 9'000); after += 10) {
      if (after == late) holds(parent, transfer, "0-3", kLateBytes);
      if (after == late + 500 && in_parts && !waited) {
        sends(parent, transfer, 0, 1, Harness::body(sn, kLateBytes));
      }
      if (!waited && h.went_to_cdn(static_cast<int32_t>(sn))) {
        waited = after;
        if (in_parts && h.all(CommandKind::kFetch).back().t0 > 0) {
          h.fetch_failed(static_cast<int32_t>(sn));
          parts += h.all(CommandKind::kFetch).size() > 1 ? 1 : 0;
        }
        h.fetch_done(static_cast<int32_t>(sn), Harness::body(sn, kLateBytes));
      }
      h.advance(10);
    }
    REQUIRE(waited);
    return *waited;
  }
  // The parent refuses segments 5 to 8, each after a time that counts: loads hardly wait any more.
  void refuses_four() {
    for (int64_t sn = 5; sn < 9; ++sn) {
      peer::Lack lack;
      lack.transfer = asks_for(sn);
      h.advance(150);
      h.peer_says(parent, lack);
      h.fetch_done(static_cast<int32_t>(sn), Harness::body(sn, kLateBytes));
      h.advance(1'850);
    }
  }
  // Milliseconds after which the load goes to the CDN, which answers at once.
  int64_t gives_up_after(int64_t sn) {
    int64_t waited = 0;
    while (!h.went_to_cdn(static_cast<int32_t>(sn))) {
      REQUIRE(waited < 10'000);
      h.advance(10);
      waited += 10;
    }
    return waited;
  }
};

}  // namespace

TEST_CASE("late parents: one that had nothing is heard until it has some, and asked for nothing") {
  LateParent r;
  const uint32_t transfer = r.asks_for(5);
  CHECK(r.gives_up_after(5) > 100);
  CHECK(r.closed(r.parent).empty());
  r.h.fetch_done(5, Harness::body(5, kLateBytes));
  r.h.advance(300);
  CHECK(r.closed(r.parent).empty());
  r.holds(r.parent, transfer, "0-3", kLateBytes);
  CHECK(r.closed(r.parent) == std::vector<uint32_t>{transfer});
  CHECK(r.asked(r.parent, transfer).empty());
  // What it says besides crosses the CANCEL.
  r.h.clear();
  r.holds(r.parent, transfer, "4-5", kLateBytes);
  CHECK(r.h.sent_to(r.parent).empty());
  CHECK(r.is_open(r.parent));
}

TEST_CASE("late parents: one that refuses is listened to no longer") {
  LateParent r;
  const uint32_t transfer = r.asks_for(5);
  r.gives_up_after(5);
  peer::Lack lack;
  lack.transfer = transfer;
  r.h.peer_says(r.parent, lack);
  CHECK(r.closed(r.parent).empty());
  r.h.clear();
  r.holds(r.parent, transfer, "0-3", kLateBytes);
  CHECK(r.h.sent_to(r.parent).empty());
}

TEST_CASE("late parents: whoever loads the segment again has one transfer open for it") {
  for (const bool aborted : {false, true}) {
    LateParent r;
    const uint32_t first = r.asks_for(5);
    r.gives_up_after(5);
    if (aborted) {
      r.h.load_aborted(5);
    } else {
      r.h.fetch_failed(5);
    }
    const uint32_t second = r.asks_for(5, 50);
    CHECK(second > first);
    CHECK(r.closed(r.parent) == std::vector<uint32_t>{first});
  }
}

TEST_CASE("late parents: nothing of another presentation is listened to") {
  LateParent r;
  const uint32_t transfer = r.asks_for(5);
  r.gives_up_after(5);
  r.h.engine.on_presentation(r.h.now);
  r.h.drain();
  CHECK(r.closed(r.parent) == std::vector<uint32_t>{transfer});
}

TEST_CASE("late parents: loads wait until a parent usually has some, if a segment lasts as long") {
  for (const bool in_time : {true, false}) {
    LateParent r;
    r.refuses_four();
    const int64_t late = in_time ? 800 : 1'600;
    CHECK(r.plays(9, late) < 800);
    if (in_time) {
      CHECK(r.plays(10, late) >= 800 + 800 / 4 + 400);
    } else {
      CHECK(r.plays(10, late) < 800);
    }
  }
}

TEST_CASE("late parents: who waits for them in vain pauses for 8 s, then for twice as long") {
  LateParent r;
  r.refuses_four();
  std::vector<int64_t> pauses;
  TimeMs last = kNever;
  for (int64_t sn = 9; pauses.size() < 2; ++sn) {
    REQUIRE(sn < 100);
    const TimeMs began = r.h.now;
    if (r.plays(sn, 800) < 1'400) continue;
    if (last != kNever) pauses.push_back((began - last).count() / 1'000);
    last = began;
  }
  CHECK(pauses == std::vector<int64_t>{10, 18});
}

TEST_CASE("late parents: a segment that comes from the CDN in two parts was waited for once") {
  LateParent r;
  r.refuses_four();
  r.in_parts = true;
  r.plays(9, 800);
  const TimeMs began = r.h.now;
  const int64_t waited = r.plays(10, 800);
  REQUIRE(r.parts == 1);
  // Another parent, of which nothing is known yet, is as late.
  r.h.peer_closed(r.parent);
  r.in_parts = false;
  int64_t paused = 0;
  for (int64_t sn = 11; paused == 0; ++sn) {
    REQUIRE(sn < 100);
    const TimeMs at = r.h.now;
    if (r.plays(sn, 800) >= 1'400) paused = (at - began).count() - waited;
  }
  CHECK(paused / 1'000 == 8);
}
