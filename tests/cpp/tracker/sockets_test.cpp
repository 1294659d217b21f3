#include "harness.hpp"
#include "tracker/address_limits.hpp"
#include "tracker/channel.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

TEST_CASE("a silent socket is found dead within 30 s and its children get another parent") {
  Harness h;
  h.answer_pings = false;
  const int32_t dead = h.join();
  const int32_t other = h.join();
  const int32_t child = h.join();
  h.opened(child, dead);
  for (int second = 0; second < 30; ++second) {
    h.advance(seconds(1));
    h.say(other, wire::Statistics{});
    h.tracker.on_pong(h.now, ConnId(child));
  }
  CHECK(h.box[dead].close_code == 1008);
  CHECK(h.box[dead].pings == 2);
  CHECK(h.tracker.stats().dead == 1);
  CHECK(h.tracker.stats().peers == 2);
  CHECK(h.box[child].connects().back() == h.id(other));
  CHECK_FALSE(h.box[child].close_code);
  // Frames of any kind spare a socket its pings.
  CHECK(h.box[other].pings == 0);
  CHECK(h.box[child].pings == 0);
}

TEST_CASE("a socket that answers its pings lives") {
  Harness h;
  const int32_t conn = h.join();
  h.advance(seconds(600));
  CHECK(h.box[conn].pings == 60);
  CHECK_FALSE(h.box[conn].close_code);
}

TEST_CASE("D6: a ping is answered at once, in a channel or not, and counts as a message") {
  TrackerConfig config;
  config.messages_per_second = 10;
  Harness h(config);
  const int32_t in_channel = h.join();
  const int32_t outside = h.open();
  for (const int32_t conn : {in_channel, outside}) {
    h.say(conn, wire::Ping{});
    CHECK(h.box[conn].all<wire::Pong>().size() == 1);
  }
  CHECK(h.tracker.stats().malformed == 0);
  CHECK(h.box[in_channel].all<wire::Accept>().at(0).hlsmesh.value_or(0) == 0);
  for (int i = 0; i < 1'000; ++i) h.say(in_channel, wire::Ping{});
  CHECK(h.box[in_channel].close_code == 1008);
  CHECK(h.box[in_channel].all<wire::Pong>().size() < 100);
}

TEST_CASE("a socket that does not enter within 10 s is closed") {
  Harness h;
  const int32_t idle = h.open();
  h.advance(DurationMs{9'999});
  CHECK_FALSE(h.box[idle].close_code);
  h.advance(DurationMs{1});
  CHECK(h.box[idle].close_code == 1008);
  CHECK_FALSE(h.box[idle].close_reason.empty());
  CHECK(h.tracker.stats().connections == 0);
  CHECK_FALSE(h.tracker.next_timeout());
}

TEST_CASE("messages that cannot be read disturb nobody") {
  Harness h;
  const int32_t parent = h.join();
  const std::vector<std::string> garbage = {
      "",
      "not json",
      "null",
      "[]",
      "42",
      "{}",
      R"({"action":null})",
      R"({"action":7})",
      R"({"action":"enter"})",
      R"({"action":"enter","channel":17})",
      R"({"action":"signal"})",
      R"({"action":"signal","to_peer_id":"x"})",
      R"({"action":"signal","data":"{}"})",
      R"({"action":"dc_closed"})",
      R"({"action":"statistics","level":[],"cdn":"x","p2p":{}})",
      std::string("\xff\xfe{\"action\":\"leave\"}"),
      std::string(200, '['),
      R"({"action":"leave")",
  };
  for (const std::string& text : garbage) {
    const int32_t conn = h.open();
    h.text(conn, text);
    INFO(text);
    // One is forgiven, and the socket is as good as new.
    CHECK_FALSE(h.box[conn].close_code);
    h.text(conn, R"({"action":"enter","channel":"https://cdn.example/a.m3u8"})");
    CHECK(h.box[conn].all<wire::Accept>().size() == 1);
    h.hang_up(conn);
  }
  CHECK(h.tracker.stats().malformed == garbage.size());
  CHECK(h.tracker.stats().peers == 1);
  CHECK_FALSE(h.box[parent].close_code);
}

TEST_CASE("a stream of unreadable messages closes the one socket with a reason") {
  Harness h;
  const int32_t other = h.join();
  const int32_t bad = h.join();
  for (int i = 0; i < 8; ++i) h.text(bad, "null");
  CHECK_FALSE(h.box[bad].close_code);
  h.text(bad, "null");
  CHECK(h.box[bad].close_code == 1008);
  CHECK(h.box[bad].close_reason.find("malformed") != std::string::npos);
  // A close frame has room for 123 bytes of reason (RFC 6455 section 5.5).
  CHECK(h.box[bad].close_reason.size() <= 123);
  CHECK_FALSE(h.box[other].close_code);
  CHECK(h.tracker.stats().peers == 1);
  // Messages that were still on their way are ignored.
  h.text(bad, R"({"action":"enter","channel":"c"})");
  h.hang_up(bad);
  CHECK(h.tracker.stats().connections == 1);
}

TEST_CASE("binary frames and unknown actions are counted and never close a socket") {
  Harness h;
  const int32_t conn = h.join();
  for (int i = 0; i < 50; ++i) {
    h.tracker.on_binary(h.now, ConnId(conn));
    h.text(conn, R"({"action":"to be invented"})");
  }
  CHECK(h.tracker.stats().malformed == 100);
  CHECK_FALSE(h.box[conn].close_code);
}

TEST_CASE("a text beyond the limit closes the socket with 1009") {
  Harness h;
  const int32_t conn = h.join();
  h.text(conn, std::string(wire::kMaxTextBytes + 1, ' '));
  CHECK(h.box[conn].close_code == 1009);
  CHECK(h.box[conn].close_reason.size() <= 123);
}

TEST_CASE("one address may hold only so many connections") {
  TrackerConfig config;
  config.max_connections_per_address = 3;
  Harness h(config);
  const int32_t first = h.open();
  h.open();
  h.open();
  const int32_t refused = h.open();
  CHECK(h.box[refused].close_code == 1013);
  CHECK_FALSE(h.box[refused].close_reason.empty());
  CHECK_FALSE(h.box[h.open("192.0.2.2")].close_code);
  h.hang_up(first);
  CHECK_FALSE(h.box[h.open()].close_code);
  CHECK(h.tracker.stats().connections == 4);
}

TEST_CASE("one address may enter only so often, also on fresh sockets") {
  TrackerConfig config;
  config.enters_per_address_per_minute = 6;
  Harness h(config);
  for (int i = 0; i < 6; ++i) {
    const int32_t conn = h.join();
    CHECK_FALSE(h.box[conn].close_code);
    h.hang_up(conn);
  }
  const int32_t refused = h.join();
  CHECK(h.box[refused].all<wire::Reject>().at(0).reason == "too many enters from this address");
  CHECK(h.box[refused].close_code == 1013);
  h.advance(seconds(10));
  CHECK_FALSE(h.box[h.join()].close_code);
  CHECK(h.box[h.join()].close_code == 1013);
}

TEST_CASE("an address is forgotten a minute after its last connection, and not before") {
  tracker::AddressLimits limits(4, 2, 0, 0);
  tracker::AddressLimits::Spent spent;
  const auto enter = [&](TimeMs at) { return limits.enter(at, "a", spent, true); };
  TimeMs now{DurationMs{5'000}};
  REQUIRE(limits.open(now, "a"));
  CHECK(enter(now));
  CHECK(enter(now));
  CHECK_FALSE(enter(now));
  // However often it comes and goes.
  for (int i = 0; i < 100; ++i) {
    limits.close(now, "a");
    REQUIRE(limits.open(now, "a"));
    CHECK_FALSE(enter(now));
  }
  limits.close(now, "a");
  now += seconds(59);
  REQUIRE(limits.open(now, "b"));
  CHECK(limits.size() == 2);
  now += seconds(1);
  limits.close(now, "b");
  CHECK(limits.size() == 1);
  now += seconds(60);
  REQUIRE(limits.open(now, "c"));
  CHECK(limits.size() == 1);
}

TEST_CASE("the connections of one address may send only so much together") {
  TrackerConfig config;
  config.messages_per_address = 10;
  Harness h(config);
  std::vector<int32_t> conns;
  for (int i = 0; i < 5; ++i) conns.push_back(h.join());
  const auto send = [&] {
    for (const int32_t conn : conns) h.say(conn, wire::Statistics{});
  };
  // Five seconds' worth at once, the enters among them; each connection is far below its own limit.
  for (int i = 0; i < 9; ++i) send();
  for (const int32_t conn : conns) CHECK_FALSE(h.box[conn].close_code);
  // It has gone on beyond its own part of what all may send.
  while (!h.box[conns[3]].close_code) h.say(conns[3], wire::Statistics{});
  CHECK(h.box[conns[3]].close_code == 1013);
  CHECK(h.box[conns[3]].close_reason == "too many messages from this address");
  CHECK(h.tracker.stats().limited_address_messages == 1);
  CHECK(h.tracker.stats().limited_messages == 0);
  const int32_t other = h.open("192.0.2.2");
  h.say(other, wire::Statistics{});
  CHECK_FALSE(h.box[other].close_code);
  conns.erase(conns.begin() + 3);
  for (int i = 0; i < 100; ++i) {
    h.advance(seconds(1));
    send();
    send();
  }
  for (const int32_t conn : conns) CHECK_FALSE(h.box[conn].close_code);
}

TEST_CASE("guests are within the limits of the engine that has their sockets, not of this one") {
  TrackerConfig config;
  config.max_connections = 2;
  config.max_connections_per_address = 1;
  config.enters_per_address_per_minute = 1;
  config.messages_per_second = 1;
  config.messages_per_address = 1;
  config.channel_switches = 1;
  Harness h(config);
  wire::Enter enter;
  std::vector<int32_t> guests;
  for (int i = 0; i < 3; ++i) guests.push_back(h.open_guest());
  for (const char* channel : {"a", "b", "c"}) {
    enter.channel = channel;
    for (const int32_t guest : guests) h.say(guest, enter);
  }
  for (int i = 0; i < 20; ++i) h.say(guests[0], wire::Statistics{});
  // It is not for this engine to find them dead, either.
  h.answer_pings = false;
  h.advance(seconds(600));
  for (const int32_t guest : guests) {
    CHECK_FALSE(h.box[guest].close_code);
    CHECK(h.box[guest].pings == 0);
  }
  CHECK(h.tracker.stats().peers == 3);
  CHECK(h.tracker.stats().connections == 0);
  CHECK(h.tracker.stats().rate_limited == 0);
  const int32_t viewer = h.open();
  CHECK_FALSE(h.box[viewer].close_code);
  CHECK(h.box[h.open()].close_code == 1013);
  CHECK(h.tracker.stats().connections == 1);
  for (const int32_t guest : guests) h.hang_up(guest);
  h.hang_up(viewer);
  CHECK_FALSE(h.box[h.open()].close_code);
  CHECK(h.tracker.stats().connections == 1);
}

TEST_CASE("an IPv6 subscriber is one address, and a mapped IPv4 address is IPv4") {
  const auto key = tracker::AddressLimits::key_of;
  CHECK(key("192.0.2.7") == "192.0.2.7");
  CHECK(key("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(key("2001:db8:1:2::1") == key("2001:0DB8:1:2:ffff:ffff:ffff:ffff"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("2001:db8::1") == key("2001:db8:0:0:1::"));
  CHECK(key("fe80::1%eth0") == key("fe80::2"));
  CHECK(key("::1") == key("::"));
  CHECK(key("::1") != key("1::"));
  for (const char* odd :
       {"", ":", ":::", "1:2", "1:2:3:4:5:6:7:8:9", "12345::", "g::1", "::1::2"}) {
    CHECK(key(odd) == odd);
  }
}

TEST_CASE("the host of a channel is its domain name") {
  CHECK(tracker::host_of("https://user:pw@CDN.Example.com:8443/live/x.m3u8") == "cdn.example.com");
  CHECK(tracker::host_of("http://a.example") == "a.example");
  CHECK(tracker::host_of("http://[2001:db8::1]:80/x") == "[2001:db8::1]");
  CHECK(tracker::host_of("http://[2001:db8::1]/x") == "[2001:db8::1]");
  CHECK(tracker::host_of("my channel") == "");
}

TEST_CASE("events for sockets that are gone or never were are ignored") {
  Harness h;
  const int32_t conn = h.join();
  h.hang_up(conn);
  h.hang_up(conn);
  h.text(conn, R"({"action":"leave"})");
  h.text(12345, R"({"action":"enter","channel":"c"})");
  h.tracker.on_pong(h.now, ConnId(77));
  CHECK(h.tracker.stats().connections == 0);
  CHECK(h.tracker.stats().channels == 0);
  CHECK_FALSE(h.tracker.next_timeout());
}
