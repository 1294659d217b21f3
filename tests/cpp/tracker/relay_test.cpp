#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {
wire::SignalTo signal_to(const std::string& id, const std::string& data = R"({"type":"offer"})") {
  return {{id, false}, wire::SignalData(data)};
}
}  // namespace

TEST_CASE("signals pass between introduced peers in both directions, unchanged") {
  Harness h;
  const int32_t parent = h.join();
  const int32_t child = h.join();
  const std::string offer = R"({"type":"offer","sdp":"v=0\r\n\u00e9"})";
  h.say(child, signal_to(h.id(parent), offer));
  h.say(parent, signal_to(h.id(child), R"({"type":"answer"})"));
  const auto at_parent = h.box[parent].all<wire::SignalFrom>();
  const auto at_child = h.box[child].all<wire::SignalFrom>();
  REQUIRE(at_parent.size() == 1);
  CHECK(at_parent[0].from_peer_id == PeerId{h.id(child), false});
  CHECK(at_parent[0].data.text() == offer);
  REQUIRE(at_child.size() == 1);
  CHECK(at_child[0].from_peer_id == PeerId{h.id(parent), false});
  CHECK(h.tracker.stats().signals == 2);
}

TEST_CASE("a signal sent as an object arrives as the string of its JSON") {
  Harness h;
  const int32_t parent = h.join();
  const int32_t child = h.join();
  h.text(child, R"({"action":"signal","to_peer_id":")" + h.id(parent) +
                    R"(","data":{"candidate":{"candidate":"c","sdpMid":"0"}}})");
  const auto received = h.box[parent].all<wire::SignalFrom>();
  REQUIRE(received.size() == 1);
  CHECK(received[0].data.text() == R"({"candidate":{"candidate":"c","sdpMid":"0"}})");
}

TEST_CASE("signals to anyone else are dropped and counted") {
  TrackerConfig config;
  config.default_children = 1;
  Harness h(config);
  const int32_t a = h.join();
  const int32_t b = h.join();
  const int32_t c = h.join();
  const int32_t elsewhere = h.join("other");
  const int32_t outside = h.open();
  h.say(c, signal_to(h.id(a)));
  h.say(a, signal_to(h.id(c)));
  h.say(a, signal_to(h.id(a)));
  h.say(a, signal_to(h.id(elsewhere)));
  h.say(a, signal_to("no such peer"));
  h.say(outside, signal_to(h.id(a)));
  // The right text of the wrong kind names nobody: ids are given out as strings.
  h.say(b, wire::SignalTo{{"12345", true}, wire::SignalData("{}")});
  CHECK(h.tracker.stats().signals_refused == 7);
  CHECK(h.tracker.stats().signals == 0);
  for (const int32_t conn : {a, b, c, elsewhere, outside}) {
    CHECK(h.box[conn].all<wire::SignalFrom>().empty());
    CHECK_FALSE(h.box[conn].close_code);
  }
}

TEST_CASE("a signal to a peer that is gone is dropped and counted") {
  Harness h;
  const int32_t parent = h.join();
  const int32_t child = h.join();
  const std::string id = h.id(parent);
  SECTION("hung up") { h.hang_up(parent); }
  SECTION("left") { h.say(parent, wire::Leave{}); }
  SECTION("reported closed") { h.say(child, wire::DcClosed{h.dc_id(child, parent)}); }
  h.say(child, signal_to(id));
  CHECK(h.tracker.stats().signals_refused == 1);
  CHECK(h.box[parent].all<wire::SignalFrom>().empty());
}

TEST_CASE("the peer_id and channel that a message claims are not believed") {
  Harness h;
  const int32_t a = h.join();
  const int32_t b = h.join();
  h.join();
  h.text(b, R"({"action":"signal","peer_id":")" + h.id(a) + R"(","channel":"x","to_peer_id":")" +
                h.id(a) + R"(","data":"{}"})");
  REQUIRE(h.box[a].all<wire::SignalFrom>().size() == 1);
  CHECK(h.box[a].all<wire::SignalFrom>()[0].from_peer_id.text == h.id(b));
}

TEST_CASE("statistics add up, and nonsense adds nothing") {
  Harness h;
  const int32_t a = h.join();
  h.text(a, R"({"action":"statistics","level":"1.50","cdn":100,"p2p":50})");
  h.text(a, R"({"action":"statistics","level":1,"cdn":11.5,"p2p":0.5})");
  h.text(a, R"({"action":"statistics","level":1,"cdn":-5,"p2p":-1e300})");
  CHECK(h.tracker.stats().cdn_kb == 111.5);
  CHECK(h.tracker.stats().p2p_kb == 50.5);
  CHECK(h.tracker.stats().malformed == 1);
  h.text(a, R"({"action":"statistics","level":1,"cdn":1e308,"p2p":1e308})");
  h.text(a, R"({"action":"statistics","level":1,"cdn":1e308,"p2p":1e308})");
  h.text(a, R"({"action":"statistics","level":1,"cdn":NaN,"p2p":0})");
  CHECK(h.tracker.stats().cdn_kb == 111.5);
  CHECK(h.tracker.stats().malformed == 4);
  CHECK_FALSE(h.box[a].close_code);
}

TEST_CASE("messages before enter and after leave change nothing") {
  Harness h;
  const int32_t a = h.join();
  const int32_t outside = h.open();
  for (const wire::PeerMessage& message : std::vector<wire::PeerMessage>{
           wire::Leave{}, wire::DcOpened{"x-y"}, wire::DcClosed{"x-y"}, wire::DcFailed{"x-y"},
           wire::Statistics{1, 100, 100, std::nullopt}}) {
    h.say(outside, message);
  }
  CHECK(h.box[outside].messages.empty());
  CHECK(h.box[a].messages.size() == 1);
  CHECK(h.tracker.stats().cdn_kb == 0);
  CHECK_FALSE(h.box[outside].close_code);
}
