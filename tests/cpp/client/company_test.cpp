// Whether there is anybody to share with, and anything to share.
#include <catch2/catch.hpp>
#include <optional>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

void conditions(Harness& h, std::optional<bool> parts) {
  PlayerConditions player;
  player.parts = parts;
  h.engine.on_conditions(h.now, player);
  h.drain();
}

void load_part(Harness& h, int32_t id, TrackKind kind = TrackKind::kMain, bool whole = false) {
  SegmentLoad what;
  what.kind = kind;
  what.sn = MediaSequence(id);
  what.url = "part.mp4";
  what.span = {0, 1};
  what.shareable = whole;
  h.load(id, what);
  h.drain();
}

EngineConfig starting(std::optional<bool> parts) {
  EngineConfig config = Harness::default_config();
  config.parts = parts;
  return config;
}

}  // namespace

TEST_CASE("C10: a player that loads parts gets no tracker and no peer, and the page hears why") {
  Harness h(starting(true));
  h.start();
  h.add_renditions(true);
  for (int32_t id = 1; id < 100; ++id) {
    conditions(h, true);
    load_part(h, id);
    CHECK(h.went_to_cdn(id));
    h.advance(1000);
  }
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  CHECK(h.events(EventCode::kPartsOnly).size() == 1);
}

TEST_CASE("C10: before the first playlist nothing is opened; one without parts opens at once") {
  Harness h(starting(std::nullopt));
  h.start();
  conditions(h, std::nullopt);
  h.advance(5000);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  conditions(h, false);
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
  // Another level, another source: until their playlists are there, all stays as it is.
  conditions(h, std::nullopt);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
  CHECK(h.events(EventCode::kPartsOnly).empty());
}

TEST_CASE("C10: a first playlist with parts is said, and nothing is opened") {
  Harness h(starting(std::nullopt));
  h.start();
  conditions(h, std::nullopt);
  CHECK(h.events(EventCode::kPartsOnly).empty());
  conditions(h, true);
  conditions(h, true);
  CHECK(h.events(EventCode::kPartsOnly).size() == 1);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
}

TEST_CASE("C10: a player that goes over to parts leaves, and comes back with whole segments") {
  Harness h;
  h.join();
  h.add_renditions(true);
  const int32_t parent = h.open_parent("p", true);
  const int32_t child = h.open_child("c");
  h.clear();
  conditions(h, true);
  CHECK(h.told_tracker<tracker_wire::Leave>().size() == 1);
  CHECK(h.all(CommandKind::kSocketClose).size() == 1);
  REQUIRE(h.all(CommandKind::kPeerClose).size() == 2);
  CHECK(h.all(CommandKind::kPeerClose)[0].peer == parent);
  CHECK(h.all(CommandKind::kPeerClose)[1].peer == child);
  CHECK(h.events(EventCode::kPartsOnly).size() == 1);
  h.clear();
  conditions(h, false);
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
}

TEST_CASE(
    "C10: segments loaded whole far behind the live edge are shared, for as long as they are") {
  Harness h(starting(true));
  h.start();
  h.add_renditions(true);
  load_part(h, 1, TrackKind::kSubtitle, true);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  h.load(2, 2);
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
  h.socket_open();
  tracker_wire::Accept accept;
  accept.peer_id = PeerId{"me"};
  h.tracker_says(accept);
  h.advance(30'000);
  conditions(h, true);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
  h.clear();
  h.advance(30'000);
  conditions(h, true);
  CHECK(h.all(CommandKind::kSocketClose).size() == 1);
}

TEST_CASE("C10: a page that switched peers off stays off whatever is loaded") {
  Harness h(starting(true));
  h.engine.set_p2p(h.now, false);
  h.start();
  h.add_renditions(true);
  h.load(1, 1);
  conditions(h, false);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  h.engine.set_p2p(h.now, true);
  h.drain();
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
}

TEST_CASE("C6: a viewer who is alone for a minute is told once") {
  Harness h;
  h.join();
  h.advance(59'000);
  CHECK(h.events(EventCode::kAlone).empty());
  h.advance(1'000);
  REQUIRE(h.events(EventCode::kAlone).size() == 1);
  CHECK(h.events(EventCode::kAlone)[0].aux == 0);
  h.advance(600'000);
  CHECK(h.events(EventCode::kAlone).size() == 1);
}

TEST_CASE("C6: who was introduced to others and reached none is told how many they were") {
  Harness h;
  h.join();
  for (const char* id : {"a", "b"}) {
    h.tracker_says(tracker_wire::Connect{PeerId{id}});
    h.peer_closed(h.all(CommandKind::kPeerDial).back().peer);
  }
  h.advance(60'000);
  REQUIRE(h.events(EventCode::kAlone).size() == 1);
  CHECK(h.events(EventCode::kAlone)[0].aux == 2);
}

TEST_CASE("C6: who had company, or no tracker for a whole minute, is not told of being alone") {
  Harness together;
  together.join();
  const int32_t child = together.open_child("c");
  together.peer_closed(child);
  together.advance(120'000);
  CHECK(together.events(EventCode::kAlone).empty());

  Harness away;
  away.join();
  away.advance(59'000);
  away.socket_closed();
  away.advance(60'000);
  CHECK(away.events(EventCode::kAlone).empty());
}

TEST_CASE("before the first frame nobody is connected, whatever is loaded; then all stays") {
  EngineConfig config = Harness::default_config();
  config.shown = false;
  Harness h(config);
  h.start();
  h.add_renditions(true);
  PlayerConditions player;
  player.shown = false;
  h.engine.on_conditions(h.now, player);
  h.drain();
  // It waits for a click; then it loads.
  h.advance(60'000);
  load_part(h, 1, TrackKind::kMain, true);
  h.advance(1'000);
  CHECK(h.went_to_cdn(1));
  h.fetch_done(1, Harness::body(1, 1'000));
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  CHECK(h.engine.next_timeout() == std::nullopt);

  player.shown = true;
  h.engine.on_conditions(h.now, player);
  h.drain();
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
  // What was loaded before is there for others.
  CHECK(h.engine.cache().bytes() == 1'000);

  // While it seeks, or another source begins, the element has no frame for a moment.
  player.shown = false;
  h.engine.on_conditions(h.now, player);
  h.drain();
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
}
