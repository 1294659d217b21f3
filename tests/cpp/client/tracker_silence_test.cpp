// A tracker whose connection stands, and which says nothing any more.

#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

void join(Harness& h, std::optional<int32_t> level) {
  h.start();
  h.socket_open();
  tracker_wire::Accept accept;
  accept.peer_id = PeerId{"me"};
  accept.hlsmesh = level;
  h.tracker_says(accept);
  h.clear();
}

size_t pings(const Harness& h) { return h.told_tracker<tracker_wire::Ping>().size(); }

}  // namespace

TEST_CASE("D6: a tracker that fell silent is noticed within minutes, and the next one tried") {
  EngineConfig config = Harness::default_config();
  config.tracker_count = 2;
  const int answered = GENERATE(0, 3);
  Harness h(config);
  join(h, 2);
  h.open_parent("p1", true);
  h.clear();
  for (int i = 0; i < answered; ++i) {
    h.advance(60'000);
    CHECK(pings(h) == 1);
    h.tracker_says(tracker_wire::Pong{});
    h.clear();
  }
  h.advance(59'999);
  CHECK(pings(h) == 0);
  h.advance(1);
  CHECK(pings(h) == 1);
  h.advance(14'999);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
  h.advance(1);
  CHECK(h.all(CommandKind::kSocketClose).size() == 1);
  REQUIRE(h.events(EventCode::kTrackerDisconnected).size() == 1);
  h.advance(2'000);
  REQUIRE(h.all(CommandKind::kSocketOpen).size() == 1);
  CHECK(h.all(CommandKind::kSocketOpen)[0].code == 1);
}

TEST_CASE("D6: hours of silence: the session is gone after 75 s, not after six hours") {
  Harness h;
  join(h, 2);
  h.advance(6 * 3'600'000);
  REQUIRE(h.events(EventCode::kTrackerDisconnected).size() >= 1);
  CHECK(h.events(EventCode::kTrackerDisconnected)[0].at - TimeMs(DurationMs(1'000'000)) ==
        DurationMs(75'000));
}

TEST_CASE("D6: whatever a tracker says spares it the question") {
  Harness h;
  join(h, 2);
  const std::string text = GENERATE(
      std::string(R"({"action":"connect","to_peer_id":"x"})"), std::string(R"({"action":"new"})"),
      std::string(R"({"action":"accept","live":false,"peer_id":"me","hlsmesh":2})"));
  for (int minute = 0; minute < 60; ++minute) {
    h.advance(59'000);
    h.tracker_says_text(text);
  }
  CHECK(pings(h) == 0);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
}

TEST_CASE("D6: a tracker that answers is asked once a minute, and left alone otherwise") {
  Harness h;
  join(h, 2);
  for (int minute = 0; minute < 60; ++minute) {
    h.advance(60'000);
    h.tracker_says(tracker_wire::Pong{});
  }
  CHECK(pings(h) == 60);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
}

TEST_CASE("D6: a tracker that shows no such level is never asked, and never given up for silence") {
  Harness h;
  join(h, GENERATE(std::optional<int32_t>(), std::optional<int32_t>(1)));
  h.advance(6 * 3'600'000);
  CHECK(pings(h) == 0);
  CHECK_FALSE(h.has(CommandKind::kSocketClose));
}

TEST_CASE("D6: peers stay connected while the tracker is found to be gone") {
  Harness h;
  join(h, 2);
  const int32_t parent = h.open_parent("p1", true);
  h.clear();
  for (int second = 0; second < 120; ++second) {
    h.advance(1'000);
    h.peer_says(parent, peer::KeepAliveAck{MediaSequence(1), 1});
  }
  CHECK(h.has(CommandKind::kSocketClose));
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
  CHECK(h.engine.stats().parents == 1);
}
