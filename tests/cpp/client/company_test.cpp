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

SegmentLoad part_of(int64_t sn, const std::string& name, double seconds) {
  SegmentLoad what;
  what.sn = MediaSequence(sn);
  what.url = name;
  what.span = {0, seconds};
  what.part = true;
  return what;
}

// Too short for peers.
void load_part(Harness& h, int32_t id) {
  h.load(id, part_of(id, "part.mp4", 0.5));
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

TEST_CASE(
    "C10: of a first playlist with parts nothing is opened, and short parts are said once a "
    "source") {
  Harness h(starting(std::nullopt));
  h.start();
  h.add_renditions(true);
  conditions(h, std::nullopt);
  conditions(h, true);
  CHECK(h.events(EventCode::kPartsOnly).empty());
  load_part(h, 1);
  load_part(h, 2);
  CHECK(h.events(EventCode::kPartsOnly).size() == 1);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  conditions(h, false);
  conditions(h, true);
  load_part(h, 3);
  CHECK(h.events(EventCode::kPartsOnly).size() == 2);
}

TEST_CASE("parts of a second are shared: a session begins, and nobody is told otherwise") {
  Harness h(starting(true));
  h.start();
  h.add_renditions(true);
  conditions(h, true);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  h.load(1, part_of(7, "part7.0.mp4", 1));
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
  conditions(h, true);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
  CHECK(h.events(EventCode::kPartsOnly).empty());
}

TEST_CASE("parts of one segment are told apart by their names") {
  Harness h;
  h.join();
  h.add_renditions(true);
  h.load(1, part_of(7, "part7.0.mp4", 1));
  h.fetch_done(1, Harness::body(1, 1000));
  h.load(2, part_of(7, "part7.1.mp4", 1));
  CHECK(h.went_to_cdn(2));
  h.fetch_done(2, Harness::body(2, 500));
  CHECK(h.engine.stats().cache_bytes == 1500);
}

TEST_CASE("parts that are ranges of a file are the CDN's") {
  Harness h;
  h.join();
  h.add_renditions(true);
  SegmentLoad part = part_of(7, "seg7.mp4", 1);
  part.range = {1000, 1500};
  h.load(1, part);
  CHECK(h.went_to_cdn(1));
  CHECK(h.events(EventCode::kPartsOnly).size() == 1);
}

TEST_CASE("where the publisher's digests are demanded, parts are the CDN's: they are of segments") {
  EngineConfig config = Harness::default_config();
  config.digests = DigestPolicy::kRequired;
  Harness h(config);
  h.join();
  h.add_renditions(true);
  conditions(h, true);
  h.load(1, part_of(7, "part7.0.mp4", 1));
  CHECK(h.went_to_cdn(1));
  CHECK(h.events(EventCode::kPartsOnly).size() == 1);
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
  load_part(h, 1);
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
  SegmentLoad subtitle;
  subtitle.kind = TrackKind::kSubtitle;
  subtitle.sn = MediaSequence(1);
  subtitle.url = "text.vtt";
  h.load(1, subtitle);
  h.drain();
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
  h.load(1, 1);
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
