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
  CHECK(h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kNoAnswer));
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

TEST_CASE("why a connection never opened is told by what was signalled, to page and tracker") {
  Harness h;
  h.join();
  h.tracker_says(tracker_wire::Connect{PeerId{"p"}});
  const int32_t peer = h.all(CommandKind::kPeerDial).back().peer;
  const auto said = [&](std::string_view json) {
    h.engine.on_peer_signal(h.now, PeerHandle(peer), json);
    h.drain();
  };
  const auto permission = [&](bool denied) {
    PlayerConditions player;
    player.local_denied = denied;
    h.engine.on_conditions(h.now, player);
    h.drain();
  };
  const auto answered = [&] {
    h.tracker_says(tracker_wire::SignalFrom{
        PeerId{"p"}, tracker_wire::SignalData(R"({"type":"answer","sdp":"v=0"})")});
  };
  const auto ended = [&](PeerEnd end, std::string_view word) {
    REQUIRE(h.events(EventCode::kPeerClosed).size() == 1);
    CHECK(h.events(EventCode::kPeerClosed)[0].aux == static_cast<double>(end));
    const auto sends = h.all(CommandKind::kSocketSend);
    const std::string wanted = "\"reason\":\"" + std::string(word) + "\"";
    CHECK(sends.back().text.find(wanted) != std::string::npos);
  };
  const std::string local = R"({"type":"offer","sdp":"a=candidate:1 1 udp 1 10.0.0.1 5 typ host"})";
  const std::string mapped =
      R"({"candidate":{"candidate":"candidate:1 1 udp 1 1.1.1.1 5 typ srflx"}})";

  SECTION("no answer") {
    said(local);
    said(mapped);
    permission(true);
    h.advance(10'000);
    ended(PeerEnd::kNoAnswer, "silent");
  }
  SECTION("no permission: ICE has not even begun") {
    said(local);
    answered();
    permission(true);
    h.advance(10'000);
    ended(PeerEnd::kNoPermission, "permission");
  }
  SECTION("a permission that is missing explains nothing once ICE has begun") {
    said(local);
    answered();
    permission(true);
    said("");
    h.advance(10'000);
    ended(PeerEnd::kNoUdp, "silent");
  }
  SECTION("no server told an address") {
    said(local);
    answered();
    h.peer_closed(peer);
    ended(PeerEnd::kNoUdp, "udp");
  }
  SECTION("addresses on both sides, and no way") {
    said(local);
    said(mapped);
    answered();
    said("");
    SECTION("in time") {
      h.advance(10'000);
      ended(PeerEnd::kNoRoute, "silent");
    }
    SECTION("by ICE's own word") {
      h.peer_closed(peer);
      ended(PeerEnd::kNoRoute, "nat");
    }
  }
  SECTION("a relay's address is one, too") {
    said(R"({"type":"offer","sdp":"a=candidate:1 1 udp 1 1.1.1.1 5 typ relay raddr 0.0.0.0"})");
    answered();
    h.advance(10'000);
    ended(PeerEnd::kNoRoute, "silent");
  }
  SECTION("the browser makes none; another is tried half a minute later") {
    h.engine.on_connection_refused(h.now);
    h.peer_closed(peer);
    ended(PeerEnd::kNoWebrtc, "policy");
    h.clear();
    h.advance(29'000);
    h.tracker_says(tracker_wire::Connect{PeerId{"q"}});
    CHECK_FALSE(h.has(CommandKind::kPeerDial));
    h.advance(1'000);
    h.tracker_says(tracker_wire::Connect{PeerId{"r"}});
    CHECK(h.has(CommandKind::kPeerDial));
  }
  // What tells of ICE is not for the tracker.
  for (const auto& signal : h.told_tracker<tracker_wire::SignalTo>()) {
    CHECK_FALSE(signal.data.text().empty());
  }
}

TEST_CASE("a connection that was open ends for the reasons that it always had") {
  Harness h;
  h.join();
  const int32_t parent = h.open_parent("p1", true);
  h.peer_closed(parent);
  CHECK(h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kFailed));
}

TEST_CASE(
    "while another device plays, nobody is dialled or answered, and the tracker hears of it") {
  Harness h;
  h.start();
  h.socket_open();
  h.tracker_says(tracker_wire::Accept{true, PeerId{"me"}, 2, {}});
  h.open_parent("p1", true);
  h.playhead(5, 20);
  h.clear();
  PlayerConditions player;
  player.remote = true;
  h.engine.on_conditions(h.now, player);
  h.drain();
  REQUIRE(h.told_tracker<tracker_wire::Statistics>().size() == 1);
  CHECK(h.told_tracker<tracker_wire::Statistics>()[0].idle == true);
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"c1"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  CHECK_FALSE(h.has(CommandKind::kPeerDial));
  CHECK_FALSE(h.has(CommandKind::kPeerAnswer));
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
  player.remote = false;
  h.engine.on_conditions(h.now, player);
  h.drain();
  h.tracker_says(tracker_wire::Connect{PeerId{"p3"}});
  CHECK(h.all(CommandKind::kPeerDial).size() == 1);
}
