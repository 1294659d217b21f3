#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("tracker: connect dials once, never ourselves, and not without end") {
  Harness h;
  h.join();
  h.tracker_says(tracker_wire::Connect{PeerId{"me"}});
  CHECK_FALSE(h.has(CommandKind::kPeerDial));
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  CHECK(h.all(CommandKind::kPeerDial).size() == 1);
  for (int i = 2; i < 9; ++i) {
    h.tracker_says(tracker_wire::Connect{PeerId{"p" + std::to_string(i)}});
  }
  CHECK(h.all(CommandKind::kPeerDial).size() == 4);
}

TEST_CASE("tracker: a loop of failing dials is slowed down") {
  Harness h;
  h.join();
  h.clear();
  for (int i = 0; i < 500; ++i) {
    h.tracker_says(tracker_wire::Connect{PeerId{"p" + std::to_string(i)}});
    const auto dials = h.all(CommandKind::kPeerDial);
    if (!dials.empty()) h.peer_closed(dials.back().peer);
    h.advance(10);
  }
  CHECK(h.all(CommandKind::kPeerDial).size() >= 32);
  CHECK(h.all(CommandKind::kPeerDial).size() <= 38);
}

TEST_CASE("tracker: dials that fail or stay silent are reported, so that a fresh parent comes") {
  Harness h;
  h.join();
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  h.peer_closed(h.all(CommandKind::kPeerDial).back().peer);
  REQUIRE(h.told_tracker<tracker_wire::DcFailed>().size() == 1);
  CHECK(h.told_tracker<tracker_wire::DcFailed>()[0].dc_id == "me-p1");
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  h.clear();
  h.advance(9'999);
  CHECK(h.told_tracker<tracker_wire::DcFailed>().empty());
  h.advance(1);
  REQUIRE(h.told_tracker<tracker_wire::DcFailed>().size() == 1);
  CHECK(h.told_tracker<tracker_wire::DcFailed>()[0].dc_id == "me-p2");
  CHECK(h.has(CommandKind::kPeerClose));
  CHECK(h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kTimedOut));
}

TEST_CASE("tracker: only the initiator reports an open channel, both report its end") {
  Harness h;
  h.join();
  const int32_t parent = h.open_parent("p1", true);
  CHECK(h.told_tracker<tracker_wire::DcOpened>().at(0).dc_id == "me-p1");
  const int32_t child = h.open_child("c1");
  CHECK(h.told_tracker<tracker_wire::DcOpened>().size() == 1);
  h.clear();
  h.peer_closed(child);
  CHECK(h.told_tracker<tracker_wire::DcClosed>().at(0).dc_id == "c1-me");
  h.peer_says(parent, peer::Close{});
  CHECK(h.told_tracker<tracker_wire::DcClosed>().at(1).dc_id == "me-p1");
}

TEST_CASE("tracker: from a stranger only an offer is admitted") {
  EngineConfig config = Harness::default_config();
  config.limits.max_children = 2;
  Harness h(config);
  h.join();
  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"x"}, tracker_wire::SignalData(R"({"type":"answer","sdp":"v=0"})")});
  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"x"}, tracker_wire::SignalData(R"({"candidate":{"candidate":"c"}})")});
  CHECK_FALSE(h.has(CommandKind::kPeerAnswer));
  CHECK_FALSE(h.has(CommandKind::kPeerSignal));

  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"x"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  REQUIRE(h.all(CommandKind::kPeerAnswer).size() == 1);
  REQUIRE(h.all(CommandKind::kPeerSignal).size() == 1);
  CHECK(h.all(CommandKind::kPeerSignal)[0].peer == h.all(CommandKind::kPeerAnswer)[0].peer);
  CHECK(h.all(CommandKind::kPeerSignal)[0].text.find("offer") != std::string::npos);

  SECTION("its candidates follow") {
    h.tracker_says(tracker_wire::SignalFrom{
        PeerId{"x"}, tracker_wire::SignalData(R"({"candidate":{"candidate":"c"}})")});
    CHECK(h.all(CommandKind::kPeerSignal).size() == 2);
  }
  SECTION("no more children than allowed") {
    for (const char* id : {"y", "z"}) {
      h.tracker_says(tracker_wire::SignalFrom{
          PeerId{id}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
    }
    CHECK(h.all(CommandKind::kPeerAnswer).size() == 2);
  }
  SECTION("a child that offers anew takes the place of its old connection") {
    h.clear();
    h.tracker_says(tracker_wire::SignalFrom{
        PeerId{"x"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=1"})")});
    CHECK(h.all(CommandKind::kPeerClose).size() == 1);
    CHECK(h.all(CommandKind::kPeerAnswer).size() == 1);
    CHECK(h.told_tracker<tracker_wire::DcClosed>().empty());
  }
  SECTION("one that never opens is let go without a report") {
    h.clear();
    h.advance(10'000);
    CHECK(h.has(CommandKind::kPeerClose));
    CHECK(h.told_tracker<tracker_wire::DcFailed>().empty());
  }
}

TEST_CASE("tracker: without upload nobody is admitted, and children are let go") {
  Harness h;
  h.join();
  const int32_t child = h.open_child("c1");
  h.clear();
  h.engine.set_upload(h.now, false);
  h.drain();
  CHECK(h.sent<peer::Close>(child).size() == 1);
  CHECK(h.has(CommandKind::kPeerClose));
  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"c2"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  CHECK_FALSE(h.has(CommandKind::kPeerAnswer));
}

TEST_CASE("tracker: own signals go to the peer under the id it was named by") {
  Harness h;
  h.join();
  h.tracker_says_text(R"({"action":"connect","to_peer_id":1234})");
  const int32_t peer = h.all(CommandKind::kPeerDial).back().peer;
  h.clear();
  h.engine.on_peer_signal(h.now, PeerHandle(peer), R"({"type":"offer","sdp":"v=0"})");
  h.drain();
  const auto signals = h.told_tracker<tracker_wire::SignalTo>();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].to_peer_id == PeerId{"1234", true});
  CHECK(signals[0].data.text().find("v=0") != std::string::npos);
  // The number came as a number and goes back as one.
  CHECK(h.all(CommandKind::kSocketSend)[0].text.find(R"("to_peer_id":1234)") != std::string::npos);

  SECTION("an answer from the same number reaches the connection") {
    h.tracker_says_text(
        R"({"action":"signal","from_peer_id":1234,"data":{"type":"answer","sdp":"v=0"}})");
    REQUIRE(h.all(CommandKind::kPeerSignal).size() == 1);
    CHECK(h.all(CommandKind::kPeerSignal)[0].peer == peer);
  }
  SECTION("while the tracker is away they are lost") {
    h.socket_closed();
    h.clear();
    h.engine.on_peer_signal(h.now, PeerHandle(peer), R"({"candidate":{}})");
    h.drain();
    CHECK(h.log.empty());
  }
}

TEST_CASE("tracker: disconnect drops that peer and no other") {
  Harness h;
  h.join();
  const int32_t p1 = h.open_parent("p1", true);
  h.open_parent("p2", true);
  h.clear();
  h.tracker_says(tracker_wire::Disconnect{PeerId{"p1"}});
  REQUIRE(h.all(CommandKind::kPeerClose).size() == 1);
  CHECK(h.all(CommandKind::kPeerClose)[0].peer == p1);
  CHECK(h.events(EventCode::kPeerClosed).at(0).aux ==
        static_cast<double>(PeerEnd::kDisconnectedByTracker));
  CHECK(h.engine.stats().parents == 1);
}

TEST_CASE(
    "minViewers: nobody is dialled or answered before the tracker says that so many are there") {
  EngineConfig config = Harness::default_config();
  config.limits.min_viewers = 3;
  Harness h(config);
  h.join();
  CHECK(h.told_tracker<tracker_wire::Enter>().at(0).quorum == 3);
  const auto offers = [&](const char* id) {
    h.tracker_says(tracker_wire::SignalFrom{
        PeerId{id}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  };
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  offers("c1");
  CHECK_FALSE(h.has(CommandKind::kPeerDial));
  CHECK_FALSE(h.has(CommandKind::kPeerAnswer));
  // Neither of them waits for us.
  CHECK(h.told_tracker<tracker_wire::DcFailed>().at(0).dc_id == "me-p1");
  CHECK(h.told_tracker<tracker_wire::SignalTo>().at(0).data.text() == tracker_wire::kRefusal);

  h.tracker_says(tracker_wire::Pong{2});
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  CHECK_FALSE(h.has(CommandKind::kPeerDial));

  h.tracker_says(tracker_wire::Pong{3});
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  offers("c2");
  CHECK(h.all(CommandKind::kPeerDial).size() == 1);
  CHECK(h.all(CommandKind::kPeerAnswer).size() == 1);

  SECTION("and what one tracker said is forgotten with it") {
    h.socket_closed();
    h.advance(60'000);
    h.socket_open();
    h.clear();
    h.tracker_says(tracker_wire::Accept{true, PeerId{"me2"}, 2, {}});
    h.tracker_says(tracker_wire::Connect{PeerId{"p9"}});
    CHECK_FALSE(h.has(CommandKind::kPeerDial));
  }
  SECTION(
      "one who leaves again does not end what is there, and a pong without a number says nothing") {
    h.clear();
    h.tracker_says(tracker_wire::Pong{});
    h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
    CHECK(h.all(CommandKind::kPeerDial).size() == 1);
  }
}

TEST_CASE("minViewers: whoever names somebody says that there are two, and is asked for no more") {
  Harness h;
  h.join();
  CHECK_FALSE(h.told_tracker<tracker_wire::Enter>().at(0).quorum);
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  CHECK(h.all(CommandKind::kPeerDial).size() == 1);
  SECTION("raised while running, it holds for new connections, and the tracker hears of it") {
    h.advance(9'000);
    h.clear();
    EngineLimits limits = Harness::default_config().limits;
    limits.min_viewers = 9;
    h.engine.set_limits(h.now, limits);
    h.drain();
    CHECK_FALSE(h.has(CommandKind::kPeerClose));
    h.advance(10'000);
    CHECK(h.has(CommandKind::kRenewToken));
    h.socket_open();
    CHECK(h.told_tracker<tracker_wire::Enter>().back().quorum == 9);
    h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
    CHECK_FALSE(h.has(CommandKind::kPeerDial));
  }
}
