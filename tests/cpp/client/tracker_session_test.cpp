#include <catch2/catch.hpp>
#include <optional>
#include <set>
#include <utility>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

tracker_wire::Accept accept_as(const char* id) {
  tracker_wire::Accept accept;
  accept.peer_id = PeerId{id};
  return accept;
}

double retry_ms(const Harness& harness) {
  const auto events = harness.events(EventCode::kTrackerDisconnected);
  REQUIRE(!events.empty());
  return events.back().aux;
}

}  // namespace

TEST_CASE("tracker: start opens the socket, open enters, accept is told to the page") {
  Harness h;
  h.engine.set_live(true);
  h.start();
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
  h.start();
  CHECK(h.all(CommandKind::kSocketOpen).size() == 1);
  h.socket_open();
  const auto enters = h.told_tracker<tracker_wire::Enter>();
  REQUIRE(enters.size() == 1);
  CHECK(enters[0].channel == Harness::default_config().channel);
  CHECK(enters[0].browser == "Chromium");
  CHECK(enters[0].os == "Linux");
  CHECK(enters[0].device == tracker_wire::Device::kPc);
  CHECK(enters[0].hlsmesh == tracker_wire::kExtension);
  CHECK(enters[0].live == true);
  CHECK_FALSE(enters[0].parents);
  h.tracker_says(accept_as("me"));
  const auto connected = h.events(EventCode::kTrackerConnected);
  REQUIRE(connected.size() == 1);
  CHECK(connected[0].text == "me");
}

TEST_CASE("tracker: another number of parents than usual is asked for, the usual one is not") {
  EngineConfig config = Harness::default_config();
  for (const auto& [most, wants] :
       {std::pair(4, std::optional<int32_t>()), std::pair(7, std::optional<int32_t>(7))}) {
    config.limits.max_parents = most;
    Harness h(config);
    h.join();
    CHECK(h.told_tracker<tracker_wire::Enter>().at(0).wants == wants);
  }
}

TEST_CASE("tracker: it is entered anew when another number of parents or children is allowed") {
  EngineConfig config = Harness::default_config();
  Harness h(config);
  h.join();
  h.clear();
  h.engine.set_limits(h.now, config.limits);
  h.advance(0);
  CHECK_FALSE(h.has(CommandKind::kRenewToken));
  config.limits.max_parents = 7;
  h.engine.set_limits(h.now, config.limits);
  h.advance(0);
  CHECK(h.all(CommandKind::kRenewToken).size() == 1);
  h.socket_open();
  CHECK(h.told_tracker<tracker_wire::Enter>().at(0).wants == 7);
  h.clear();
  // Not so soon after the last time.
  config.limits.max_children = 1;
  h.engine.set_limits(h.now, config.limits);
  h.advance(9'999);
  CHECK_FALSE(h.has(CommandKind::kRenewToken));
  h.advance(1);
  CHECK(h.all(CommandKind::kRenewToken).size() == 1);
  h.socket_open();
  CHECK(h.told_tracker<tracker_wire::Enter>().at(0).slots == 1);
  h.clear();
  h.advance(60'000);
  CHECK_FALSE(h.has(CommandKind::kRenewToken));
}

TEST_CASE("tracker: before the playlist is known `enter` does not claim live or VOD") {
  Harness h;
  h.start();
  h.socket_open();
  CHECK_FALSE(h.told_tracker<tracker_wire::Enter>().at(0).live);
}

TEST_CASE("tracker: retries double from 1-2 s to at most 60 s") {
  Harness h;
  h.start();
  double least = 1'000;
  for (int attempt = 0; attempt < 12; ++attempt) {
    h.clear();
    h.socket_closed();
    const double delay = retry_ms(h);
    CHECK(delay >= least);
    CHECK(delay < 2 * least);
    CHECK(delay <= 60'000);
    h.advance(static_cast<int64_t>(delay) - 1);
    CHECK_FALSE(h.has(CommandKind::kSocketOpen));
    h.advance(1);
    CHECK(h.has(CommandKind::kSocketOpen));
    least = std::min(least * 2, 30'000.0);
  }
}

TEST_CASE("tracker: clients with other seeds come back at other times, the same seed at the same") {
  std::set<double> delays;
  double first = 0;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    EngineConfig config = Harness::default_config();
    config.seed = seed;
    Harness h(config);
    h.start();
    h.socket_closed();
    delays.insert(retry_ms(h));
    if (seed == 0) first = retry_ms(h);
  }
  CHECK(delays.size() >= 12);
  EngineConfig config = Harness::default_config();
  config.seed = 0;
  Harness again(config);
  again.start();
  again.socket_closed();
  CHECK(retry_ms(again) == first);
}

TEST_CASE(
    "tracker: a session that lasted starts over with the shortest delay, a short one does not") {
  Harness h;
  h.start();
  h.socket_closed();
  h.advance(2'000);
  h.socket_open();
  h.tracker_says(accept_as("me"));
  h.clear();
  h.socket_closed();
  CHECK(retry_ms(h) >= 2'000);
  h.advance(4'000);
  h.socket_open();
  h.tracker_says(accept_as("me"));
  h.advance(10'000);
  h.clear();
  h.socket_closed();
  CHECK(retry_ms(h) < 2'000);
}

TEST_CASE("tracker: a socket that never opens and one that never accepts are given up") {
  Harness h;
  h.start();
  h.advance(15'000);
  CHECK(h.has(CommandKind::kSocketClose));
  CHECK(h.events(EventCode::kTrackerDisconnected).size() == 1);
  h.clear();
  h.advance(2'000);
  REQUIRE(h.has(CommandKind::kSocketOpen));
  h.socket_open();
  h.clear();
  h.advance(15'000);
  CHECK(h.has(CommandKind::kSocketClose));
}

TEST_CASE("tracker: after a reject nothing is tried for a minute") {
  Harness h;
  h.start();
  h.socket_open();
  h.clear();
  h.tracker_says(tracker_wire::Reject{"no token"});
  const auto rejected = h.events(EventCode::kTrackerRejected);
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].text == "no token");
  CHECK(h.has(CommandKind::kSocketClose));
  h.clear();
  h.advance(59'999);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  h.advance(60'001);
  CHECK(h.has(CommandKind::kSocketOpen));
}

TEST_CASE("tracker: peers outlive its absence and are told of on return") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p1", true);
  h.open_child("c1");
  h.clear();
  h.socket_closed();
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
  h.advance(2'000);
  REQUIRE(h.has(CommandKind::kSocketOpen));
  h.clear();
  h.socket_open();
  CHECK(h.told_tracker<tracker_wire::Enter>().at(0).parents == 1);
  h.tracker_says(accept_as("me2"));
  h.playhead(0, 20);
  h.load(1, 5);
  CHECK(h.sent<peer::Request>(parent).size() == 1);

  SECTION("the old connection's end is reported under the names it began with") {
    h.peer_closed(parent);
    const auto closed = h.told_tracker<tracker_wire::DcClosed>();
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].dc_id == "me-p1");
  }
  SECTION("a newcomer gets our new name") {
    h.open_parent("p2", true);
    CHECK(h.told_tracker<tracker_wire::DcOpened>().back().dc_id == "me2-p2");
  }
}

TEST_CASE("tracker: words that mean nothing are counted or passed over, and nothing breaks") {
  Harness h;
  h.start();
  h.socket_open();
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});  // before the accept
  CHECK_FALSE(h.has(CommandKind::kPeerDial));
  h.tracker_says(accept_as("me"));
  h.clear();
  h.tracker_says_text("not json");
  h.tracker_says_text("null");
  h.tracker_says_text(R"({"action":"connect"})");
  CHECK(h.engine.stats().malformed == 3);
  h.tracker_says_text(R"({"action":"dance"})");
  CHECK(h.engine.stats().malformed == 3);
  h.tracker_says(accept_as("other"));
  CHECK(h.log.empty());
}

TEST_CASE("tracker: statistics are whole KB since the last report") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.load(1, 0);
  h.fetch_done(1, Harness::body(0, 1'500));
  h.clear();
  h.advance(30'000);
  auto reports = h.told_tracker<tracker_wire::Statistics>();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].cdn_kb == 1);
  CHECK(reports[0].p2p_kb == 0);
  CHECK_FALSE(reports[0].up_kb);
  h.load(2, 1);
  h.fetch_done(2, Harness::body(1, 1'500));
  h.clear();
  h.advance(30'000);
  reports = h.told_tracker<tracker_wire::Statistics>();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].cdn_kb == 1);  // 3,000 bytes are 2 KB, of which one was told before
  h.clear();
  h.advance(30'000);
  CHECK(h.told_tracker<tracker_wire::Statistics>().at(0).cdn_kb == 0);
}

TEST_CASE("tracker: a tracker of hlsmesh also hears of uploads") {
  Harness h;
  h.add_renditions(true);
  h.start();
  h.socket_open();
  tracker_wire::Accept accept = accept_as("me");
  accept.hlsmesh = 1;
  h.tracker_says(accept);
  h.cache_segment(3, 10'240);
  const int32_t child = h.open_child("c1");
  h.peer_says(child, peer::Request{"seg3.ts", MediaSequence(3), std::nullopt});
  h.clear();
  h.advance(30'000);
  CHECK(h.told_tracker<tracker_wire::Statistics>().at(0).up_kb == 10.0);
}

TEST_CASE("tracker: while it is away no statistics are due") {
  Harness h;
  h.join();
  h.socket_closed();
  h.clear();
  h.advance(60'000);
  CHECK(h.told_tracker<tracker_wire::Statistics>().empty());
}

TEST_CASE("stop: says goodbye to all, sends loads to the CDN and leaves no timer") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p1", true);
  const int32_t child = h.open_child("c1");
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  h.playhead(0, 20);
  h.load(1, 5);
  h.load(2, 6);
  REQUIRE(h.sent<peer::Request>(parent).size() == 1);
  h.clear();
  h.engine.stop(h.now);
  h.drain();
  CHECK(h.told_tracker<tracker_wire::Leave>().size() == 1);
  CHECK(h.all(CommandKind::kSocketClose).size() == 1);
  CHECK(h.sent<peer::Close>(parent).size() == 1);
  CHECK(h.sent<peer::Close>(child).size() == 1);
  CHECK(h.all(CommandKind::kPeerClose).size() == 3);
  CHECK(h.went_to_cdn(1));
  CHECK(h.went_to_cdn(2));
  CHECK_FALSE(h.engine.next_timeout());
  CHECK(h.engine.peers().empty());
  CHECK(h.engine.stats().parents == 0);
  CHECK(h.engine.stats().children == 0);

  h.clear();
  h.load(3, 7);
  CHECK(h.went_to_cdn(3));
  h.fetch_done(3, Harness::body(7, 100));
  // Late events are ignored.
  h.socket_open();
  h.socket_closed();
  h.peer_closed(parent);
  h.peer_says(child, peer::KeepAlive{});
  h.advance(120'000);
  CHECK_FALSE(h.has(CommandKind::kSocketOpen));
  CHECK_FALSE(h.has(CommandKind::kSocketSend));
  CHECK_FALSE(h.has(CommandKind::kChannelSendText));
}

TEST_CASE("p2p off: tracker and peers are left, loads go to the CDN; on again: it starts anew") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.open_parent("p1", true);
  h.clear();
  h.engine.set_p2p(h.now, false);
  h.drain();
  CHECK(h.told_tracker<tracker_wire::Leave>().size() == 1);
  CHECK(h.all(CommandKind::kPeerClose).size() == 1);
  h.playhead(0, 20);
  h.load(1, 5);
  CHECK(h.went_to_cdn(1));
  CHECK_FALSE(h.engine.next_timeout());
  h.clear();
  h.engine.set_p2p(h.now, true);
  h.drain();
  CHECK(h.has(CommandKind::kSocketOpen));
}

TEST_CASE("p2p off from the start: nothing but CDN loads, which are kept all the same") {
  EngineConfig config = Harness::default_config();
  config.p2p = false;
  Harness h(config);
  h.add_renditions(true);
  h.start();
  CHECK(h.log.empty());
  h.load(1, 5);
  CHECK(h.went_to_cdn(1));
  h.fetch_done(1, Harness::body(5, 1'000));
  CHECK(h.engine.stats().cache_bytes == 1'000);
}

TEST_CASE(
    "tracker: of several the next is tried soon, and only a whole round makes the delay grow") {
  EngineConfig config = Harness::default_config();
  config.tracker_count = 3;
  Harness h(config);
  h.start();
  double least = 1'000;
  for (int attempt = 0; attempt < 9; ++attempt) {
    const auto opened = h.all(CommandKind::kSocketOpen);
    REQUIRE(opened.size() == 1);
    CHECK(opened[0].code == attempt % 3);
    h.clear();
    h.socket_closed();
    const bool round_over = attempt % 3 == 2;
    const double delay = retry_ms(h);
    CHECK(delay >= (round_over ? least : 1'000));
    CHECK(delay < 2 * (round_over ? least : 1'000));
    if (round_over) least *= 2;
    h.advance(static_cast<int64_t>(delay));
  }
}

TEST_CASE("tracker: a session that lasted on a later one is followed by the first") {
  EngineConfig config = Harness::default_config();
  config.tracker_count = 2;
  Harness h(config);
  h.start();
  h.socket_closed();
  h.advance(2'000);
  CHECK(h.all(CommandKind::kSocketOpen).back().code == 1);
  h.socket_open();
  h.tracker_says(accept_as("me"));
  h.advance(10'000);
  h.socket_closed();
  h.advance(2'000);
  CHECK(h.all(CommandKind::kSocketOpen).back().code == 0);
}

TEST_CASE("tracker: it is entered with the token, and again with a fresh one before it runs out") {
  Harness h;
  h.start();
  h.socket_open("first");
  REQUIRE(h.told_tracker<tracker_wire::Enter>().size() == 1);
  CHECK(h.told_tracker<tracker_wire::Enter>()[0].token == "first");
  tracker_wire::Accept accept = accept_as("me");
  accept.token_ms = 60'000;
  h.tracker_says(accept);
  h.clear();
  h.advance(44'999);
  CHECK_FALSE(h.has(CommandKind::kRenewToken));
  h.advance(1);
  CHECK(h.all(CommandKind::kRenewToken).size() == 1);

  SECTION("on the same socket, and nobody hears of another session") {
    h.clear();
    h.socket_open("second");
    REQUIRE(h.told_tracker<tracker_wire::Enter>().size() == 1);
    CHECK(h.told_tracker<tracker_wire::Enter>()[0].token == "second");
    h.tracker_says(accept);
    CHECK(h.events(EventCode::kTrackerConnected).empty());
    h.advance(44'999);
    CHECK_FALSE(h.has(CommandKind::kRenewToken));
    h.advance(1);
    CHECK(h.has(CommandKind::kRenewToken));
  }
  SECTION("and is asked for again while it does not come") {
    h.advance(10'000);
    CHECK(h.all(CommandKind::kRenewToken).size() == 2);
    CHECK_FALSE(h.has(CommandKind::kSocketClose));
  }
  SECTION("however little time is left, not at once") {
    h.clear();
    h.socket_open("first");
    accept.token_ms = 0;
    h.tracker_says(accept);
    h.advance(999);
    CHECK_FALSE(h.has(CommandKind::kRenewToken));
    h.advance(1);
    CHECK(h.has(CommandKind::kRenewToken));
  }
  SECTION("a token that is good for ever ends that") {
    h.socket_open("for ever");
    h.tracker_says(accept_as("me"));
    h.clear();
    h.advance(29'000);
    CHECK_FALSE(h.has(CommandKind::kRenewToken));
  }
}
