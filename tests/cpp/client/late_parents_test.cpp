// Live: parents that have segments later than a load of ours waits.

#include <catch2/catch.hpp>
#include <string>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kLateBytes = 100'000;

// A live viewer with one parent.
struct LateParent : MeshRoom {
  int32_t parent = 0;

  LateParent() {
    h.engine.set_live(true);
    parent = add_parent("a");
    h.clear();
  }

  // Segment `sn` of 2 s is listed and asked for. Returns its transfer at the parent.
  uint32_t asks_for(int64_t sn, int32_t id = 0) {
    const double start = 20 + 2 * static_cast<double>(sn - 5);
    PlaylistFacts facts;
    facts.newest = static_cast<double>(sn);
    facts.target_duration = 2;
    facts.live = true;
    h.engine.on_playlist_loaded(h.now, TrackKind::kMain, 0, facts);
    h.engine.on_playlist(h.now, TrackKind::kMain, 0);
    h.playhead(start - 12, start);
    SegmentLoad load;
    load.sn = MediaSequence(sn);
    load.url = "seg" + std::to_string(sn) + ".ts";
    load.span = MediaSpan{start, 2};
    h.engine.list_segment(h.now, load);
    h.load(id != 0 ? id : static_cast<int32_t>(sn), load);
    return transfer(parent);
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
