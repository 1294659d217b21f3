#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

TrackerConfig asking_who_enters() {
  TrackerConfig config;
  config.authorize = true;
  return config;
}

wire::Enter full_enter() {
  wire::Enter enter;
  enter.browser = "Chrome";
  enter.os = "Linux";
  enter.hlsmesh = 1;
  enter.live = true;
  enter.up_bw = 5000;
  enter.wants = 5;
  enter.token = "secret";
  return enter;
}

wire::Enter enter_in(const std::string& text) {
  const auto parsed = wire::parse_from_peer(text);
  const auto* message = std::get_if<wire::PeerMessage>(&parsed);
  REQUIRE(message != nullptr);
  REQUIRE(std::holds_alternative<wire::Enter>(*message));
  return std::get<wire::Enter>(*message);
}

const std::string kAnswer = R"({"type":"answer","sdp":"v=0"})";

}  // namespace

TEST_CASE("what a peer elsewhere says is passed on, its enter first and without the token") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c", full_enter());
  h.send_elsewhere(conn);
  REQUIRE(h.box[conn].forwarded.size() == 1);
  const wire::Enter enter = enter_in(h.box[conn].forwarded[0]);
  CHECK(enter.channel == "c");
  CHECK(enter.browser == "Chrome");
  CHECK(enter.hlsmesh == 1);
  CHECK(enter.up_bw == 5000);
  CHECK(enter.wants == 5);
  CHECK(enter.token.empty());
  CHECK(h.tracker.stats().peers == 0);

  const std::string text = R"({"action":"signal","to_peer_id":"b","data":"{}","more":1})";
  h.text(conn, text);
  CHECK(h.box[conn].forwarded.at(1) == text);
  CHECK(h.tracker.stats().signals_refused == 0);
  CHECK(h.box[conn].messages.empty());
}

TEST_CASE("D6: the ping of a peer elsewhere is answered here and goes no further") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c", full_enter());
  h.send_elsewhere(conn);
  h.say(conn, wire::Ping{});
  CHECK(h.box[conn].all<wire::Pong>().size() == 1);
  CHECK(h.box[conn].forwarded.size() == 1);  // its enter
}

TEST_CASE("a peer elsewhere is kept alive and within its limits here") {
  TrackerConfig config = asking_who_enters();
  config.messages_per_second = 1;
  Harness h(config);
  const int32_t conn = h.join("c");
  h.send_elsewhere(conn);
  h.advance(seconds(60));
  CHECK(h.box[conn].pings > 0);
  CHECK_FALSE(h.box[conn].close_code);
  h.text(conn, "null");
  CHECK(h.tracker.stats().malformed == 1);
  CHECK(h.box[conn].forwarded.size() == 1);
  for (int i = 0; i < 20; ++i) h.say(conn, wire::DcOpened{"x-y"});
  CHECK(h.box[conn].close_code == 1008);
  CHECK(h.box[conn].forwarded.size() < 10);
}

TEST_CASE("leave is passed on and ends the peer's stay elsewhere") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c");
  h.send_elsewhere(conn);
  h.say(conn, wire::Leave{});
  CHECK(h.box[conn].forwarded.size() == 2);
  h.say(conn, wire::DcOpened{"x-y"});
  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  CHECK(h.box[conn].forwarded.size() == 2);
  CHECK(h.box[conn].questions.size() == 1);
}

TEST_CASE("a peer that comes back from elsewhere brings the connections it had") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c", full_enter());
  h.send_elsewhere(conn);
  const std::string self = "0123456789abcdef0000000000000001";
  h.say(conn, wire::DcOpened{self + "-p1"});
  h.say(conn, wire::DcOpened{self + "-p2"});
  h.say(conn, wire::DcClosed{self + "-p2"});
  h.say(conn, wire::SignalTo{{"c1", false}, wire::SignalData(kAnswer)});
  h.say(conn, wire::SignalTo{{"c1", false}, wire::SignalData(kAnswer)});
  h.say(conn, wire::SignalTo{{"c2", false}, wire::SignalData(kAnswer)});
  h.say(conn, wire::SignalTo{{"c3", false}, wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  h.say(conn, wire::DcFailed{"c2-" + self});

  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  REQUIRE(h.box[conn].questions.size() == 2);
  CHECK(h.box[conn].questions[1].second == "c\n");
  h.send_elsewhere(conn);
  const wire::Enter enter = enter_in(h.box[conn].forwarded.back());
  CHECK(enter.parents == 1);
  CHECK(enter.children == 1);
  CHECK(enter.hlsmesh == 1);

  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  h.authorize(conn, true);
  CHECK(h.id(conn) == self);
  CHECK(h.tracker.stats().peers == 1);
  h.say(conn, wire::SignalTo{{"c1", false}, wire::SignalData(kAnswer)});
  CHECK(h.tracker.stats().signals_refused == 1);
}

TEST_CASE("a connection that the other engine ended is none that a peer brings along") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c", full_enter());
  h.send_elsewhere(conn);
  const std::string self = "0123456789abcdef0000000000000001";
  h.say(conn, wire::DcOpened{self + "-p1"});
  h.say(conn, wire::DcOpened{self + "-p2"});
  h.say(conn, wire::SignalTo{{"c1", false}, wire::SignalData(kAnswer)});
  const auto told = [&](const wire::TrackerMessage& message) {
    h.tracker.on_told(h.now, ConnId(conn), wire::serialize(message));
    h.drain();
  };
  told(wire::Disconnect{{"p1", false}});
  told(wire::Disconnect{{"p1", false}});
  told(wire::Disconnect{{"c1", false}});
  told(wire::Connect{{"p2", false}});
  h.tracker.on_told(h.now, ConnId(conn), "no message");
  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  h.send_elsewhere(conn);
  const wire::Enter enter = enter_in(h.box[conn].forwarded.back());
  CHECK(enter.parents == 1);
  CHECK_FALSE(enter.children);

  // Of a peer that is here, or not at all, nothing is noted.
  h.tracker.on_told(h.now, ConnId(conn + 1), R"({"action":"disconnect","to_peer_id":"p2"})");
}

TEST_CASE("a peer elsewhere that makes up connections without end is believed a bounded number") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c", full_enter());
  h.send_elsewhere(conn);
  for (int i = 0; i < 70; ++i) {
    const std::string name = "made-up" + std::to_string(i);
    h.say(conn, wire::DcOpened{"0123456789abcdef0000000000000001-" + name});
    h.say(conn, wire::SignalTo{{name, false}, wire::SignalData(kAnswer)});
    h.advance(DurationMs{100});
  }
  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  h.send_elsewhere(conn);
  const wire::Enter enter = enter_in(h.box[conn].forwarded.back());
  CHECK(enter.parents == 64);
  CHECK(enter.children == 64);
}

TEST_CASE("connections from before a peer went elsewhere are told apart from those it made there") {
  Harness h(asking_who_enters());
  wire::Enter enter;
  enter.parents = 1;
  enter.children = 2;
  const int32_t conn = h.join("c", enter);
  h.send_elsewhere(conn);
  h.say(conn, wire::DcOpened{"0123456789abcdef0000000000000001-p1"});
  h.say(conn, wire::DcClosed{"old-gone"});
  h.say(conn, wire::DcClosed{"older-gone"});
  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  h.send_elsewhere(conn);
  const wire::Enter again = enter_in(h.box[conn].forwarded.back());
  CHECK(again.parents == 1);
  CHECK(again.children == 1);
}

TEST_CASE("a channel that moves takes its tree along, and nobody is introduced anew") {
  Harness h(asking_who_enters());
  std::vector<int32_t> conns;
  for (int i = 0; i < 4; ++i) {
    conns.push_back(h.join("c", full_enter()));
    h.authorize(conns.back(), true);
  }
  const int32_t root = conns[0];
  for (int32_t conn : conns) {
    if (conn != root) h.opened(conn, root);
  }
  const int32_t stranger = h.join("d");
  h.authorize(stranger, true);
  const uint64_t made = h.tracker.stats().connects;

  for (int32_t conn : conns) h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  for (int32_t conn : conns) h.send_elsewhere(conn);
  h.advance(seconds(40));
  CHECK(h.tracker.stats().connects == made);
  CHECK(h.tracker.stats().peers == 1);
  CHECK(h.tracker.stats().links == 0);
  CHECK(h.tracker.stats().channels == 1);
  const wire::Enter first = enter_in(h.box[root].forwarded.at(0));
  CHECK_FALSE(first.parents);
  CHECK(first.children == 3);
  CHECK(first.browser == "Chrome");
  CHECK(first.live == true);
  CHECK(first.up_bw == 5000);
  CHECK(first.wants == 5);
  const wire::Enter second = enter_in(h.box[conns[1]].forwarded.at(0));
  CHECK(second.parents == 1);
  CHECK_FALSE(second.children);
}

TEST_CASE("a peer that is asked about again and may stay notices nothing") {
  Harness h(asking_who_enters());
  const int32_t conn = h.join("c");
  h.authorize(conn, true);
  h.tracker.on_ask_again(h.now, ConnId(conn));
  h.drain();
  h.authorize(conn, true, seconds(5));
  CHECK(h.box[conn].messages.size() == 1);
  CHECK(h.tracker.stats().peers == 1);
  h.advance(seconds(6));
  CHECK(h.tracker.stats().expired == 1);
}

TEST_CASE("a peer here that enters a channel elsewhere leaves its own as ever") {
  Harness h(asking_who_enters());
  const int32_t parent = h.join("c");
  h.authorize(parent, true);
  const int32_t child = h.join("c");
  h.authorize(child, true);
  const int32_t grandchild = h.join("c");
  h.authorize(grandchild, true);
  h.opened(child, parent);
  wire::Enter other;
  other.channel = "d";
  h.say(parent, other);
  h.send_elsewhere(parent);
  CHECK(h.tracker.stats().peers == 2);
  CHECK(h.box[parent].forwarded.size() == 1);
  CHECK(enter_in(h.box[parent].forwarded[0]).channel == "d");
}

TEST_CASE("who stays when a parent moves away looks for another, a little later") {
  TrackerConfig config = asking_who_enters();
  config.parents_wanted = 1;
  Harness h(config);
  std::vector<int32_t> conns;
  for (int i = 0; i < 3; ++i) {
    conns.push_back(h.join("c"));
    h.authorize(conns.back(), true);
    h.advance(seconds(2));
  }
  const int32_t root = conns[0];
  const int32_t child = conns[1];
  const int32_t other = conns[2];
  REQUIRE(h.box[child].connects() == std::vector<std::string>{h.id(root)});
  h.tracker.on_ask_again(h.now, ConnId(root));
  h.drain();
  h.send_elsewhere(root);
  CHECK(h.tracker.audit().empty());
  CHECK(h.box[child].connects().size() == 1);
  CHECK(h.box[other].connects().size() == 1);
  const auto told = [&] { return h.box[child].connects().size() + h.box[other].connects().size(); };
  const size_t before = told();
  h.advance(seconds(2));
  // One of the two feeds the other now.
  CHECK(told() == before + 1);
  CHECK(h.tracker.neglected().empty());
  CHECK(h.tracker.audit().empty());
}
