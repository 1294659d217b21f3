// What others can make a viewer pay in connections, messages and memory.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

void offers(Harness& h, const std::string& id) {
  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{id}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
}

void signals(Harness& h, const std::string& id, const std::string& json) {
  h.tracker_says(tracker_wire::SignalFrom{PeerId{id}, tracker_wire::SignalData(json)});
}

std::string candidate(size_t bytes) {
  return R"({"candidate":{"candidate":")" + std::string(bytes, 'c') + R"("}})";
}

// How many connections of the honest are dialled and answered in two minutes in which `greedy`
// offers 20 times a second. Each second one is introduced or comes, opens, and ends.
struct Made {
  int dialled = 0;
  int answered = 0;
};
template <class Greedy>
Made honest_beside(Greedy greedy) {
  Harness h;
  h.join();
  Made made;
  for (int second = 0; second < 120; ++second) {
    for (int i = 0; i < 20; ++i) {
      offers(h, greedy(second * 20 + i));
      h.advance(50);
    }
    h.clear();
    h.tracker_says(tracker_wire::Connect{PeerId{"parent" + std::to_string(second)}});
    for (const Seen& dial : h.all(CommandKind::kPeerDial)) {
      ++made.dialled;
      h.peer_closed(dial.peer);
    }
    offers(h, "child" + std::to_string(second));
    for (const Seen& answer : h.all(CommandKind::kPeerAnswer)) {
      ++made.answered;
      h.peer_closed(answer.peer);
    }
  }
  return made;
}

constexpr int64_t kMiB = 1024 * 1024;

// Ten segments of 2 MiB fill the cache; four parents, each of which was asked for one of the next.
struct FullCache {
  Harness h;
  std::vector<int32_t> parents;

  static EngineConfig config() {
    EngineConfig config = Harness::default_config();
    config.cache_bytes = 20 * kMiB;
    return config;
  }
  FullCache() : h(config()) {
    h.add_renditions(true);
    h.join();
    for (int64_t sn = 0; sn < 10; ++sn) h.cache_segment(sn, 2 * kMiB);
    for (const char* id : {"p1", "p2", "p3", "p4"}) parents.push_back(h.open_parent(id, true));
    h.playhead(30, 60);
    h.clear();
    for (int32_t load = 1; load <= 4; ++load) h.load(load, 9 + load);
    CHECK(h.engine.cache().segment_count() == 10);
  }
  // The parent answers what it was asked with a BINARY of so many bytes, and no packets.
  void announce(int32_t parent, int64_t size) {
    const auto requests = h.sent<peer::Request>(parent);
    REQUIRE(!requests.empty());
    const peer::Request& asked = requests.back();
    h.peer_says(parent, peer::Binary{std::max<int64_t>(size / 61'440, 1), asked.url, asked.sn, size,
                                     std::nullopt, asked.rendition});
  }
};

}  // namespace

TEST_CASE("D1: on a metered line, or to save data, nobody is served unless the site says so") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.cache_segment(1, 200'000);
  PlayerConditions costly;
  costly.metered = GENERATE(true, false);
  costly.save_data = !costly.metered;
  const auto asks = [&h](int32_t child) {
    h.peer_says(child, peer::Request{"seg1.ts", MediaSequence(1), std::nullopt});
  };
  const auto admits = [&h](const char* id) {
    h.clear();
    offers(h, id);
    return h.has(CommandKind::kPeerAnswer);
  };
  SECTION("from the beginning") {
    h.engine.on_conditions(h.now, costly);
    h.drain();
    CHECK_FALSE(admits("c1"));
    h.engine.on_conditions(h.now, PlayerConditions{});
    h.drain();
    CHECK(admits("c1"));
  }
  SECTION("the moment it becomes so, though a child is being served and more is asked for") {
    const int32_t child = h.open_child("c1");
    h.cache_segment(2, 4'000'000);
    h.peer_says(child, peer::Request{"seg2.ts", MediaSequence(2), std::nullopt});
    asks(child);
    h.clear();
    h.engine.on_conditions(h.now, costly);
    h.drain();
    CHECK(h.sent<peer::Close>(child).size() == 1);
    CHECK(h.all(CommandKind::kPeerClose).size() == 1);
    CHECK_FALSE(h.has(CommandKind::kChannelSendBinary));
    CHECK(h.engine.stats().children == 0);
    CHECK_FALSE(admits("c2"));
    EngineLimits limits;
    limits.upload_on_metered = true;
    h.engine.set_limits(h.now, limits);
    CHECK(admits("c2"));
    h.engine.set_limits(h.now, EngineLimits{});
    h.drain();
    CHECK(h.has(CommandKind::kPeerClose));
  }
  SECTION("but whoever serves us goes on") {
    h.open_parent("p1", true);
    h.engine.on_conditions(h.now, costly);
    h.drain();
    CHECK(h.engine.stats().parents == 1);
  }
}

TEST_CASE("D1: a hidden page, and one whose player loads nothing, serves on") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t child = h.open_child("c1");
  h.cache_segment(1, 1'000);
  PlayerConditions conditions;
  conditions.hidden = true;
  conditions.loads = false;
  h.clear();
  h.engine.on_conditions(h.now, conditions);
  h.drain();
  h.peer_says(child, peer::Request{"seg1.ts", MediaSequence(1), std::nullopt});
  CHECK(h.sent<peer::Binary>(child).size() == 1);
}

TEST_CASE("D3: text that draws no answer ends its peer, whatever it is") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const bool is_parent = GENERATE(true, false);
  const int32_t peer = is_parent ? h.open_parent("x", true) : h.open_child("x");
  const std::string text = GENERATE(
      std::string(R"({"event":"HELLO"})"), std::string(R"({"event":"KEEPALIVE-ACK","current":1})"),
      std::string(R"({"event":"KEEPALIVE","current":1})"),
      std::string(R"({"event":"LACK","url":"seg77.ts","sn":77})"),
      R"({"event":"HELLO","more":")" + std::string(16'000, 'x') + R"("})");
  CAPTURE(is_parent, text.substr(0, 40));
  h.clear();
  int said = 0;
  while (said < 10'000 && !h.has(CommandKind::kPeerClose)) {
    h.peer_says_text(peer, text);
    ++said;
  }
  CHECK(said <= 200);
  CHECK(static_cast<size_t>(said) * text.size() <= 256u * 1024);
  CHECK(h.events(EventCode::kPeerMisbehaved).size() == 1);
  CHECK(h.engine.stats().malformed == 1);
  // What the browser had queued meanwhile is for nobody.
  h.clear();
  for (int i = 0; i < 100; ++i) h.peer_says_text(peer, text);
  CHECK(h.log.empty());
}

TEST_CASE("D3: an honest peer may talk for hours, and answer in bursts") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p", true);
  h.playhead(0, 1'000'000);
  // A parent that refuses 500 requests within a second, as one does that is full.
  for (int32_t i = 0; i < 500; ++i) {
    h.clear();
    h.load(i + 1, 10 + i);
    const auto requests = h.sent<peer::Request>(parent);
    REQUIRE(requests.size() == 1);
    h.peer_says(parent,
                peer::Lack{requests[0].url, requests[0].sn, std::nullopt, requests[0].rendition});
    h.load_aborted(i + 1);
    h.advance(2);
  }
  // And one of a later level, which says five things a second that we do not know.
  for (int i = 0; i < 5 * 3'600; ++i) {
    h.peer_says_text(parent, R"({"event":"GOT","first":3,"last":9,"more":[1,2,3,4,5,6,7,8,9]})");
    h.advance(200);
    for (const Seen& seen : h.all(CommandKind::kChannelSendText)) {
      if (seen.text.find("KEEPALIVE\"") != std::string::npos) {
        h.peer_says(parent, peer::KeepAliveAck{MediaSequence(9), 1});
      }
    }
    h.clear();
  }
  CHECK(h.engine.stats().malformed == 0);
  CHECK(h.engine.stats().parents == 1);
}

TEST_CASE("D3: a segment in crumbs ends its peer before the first of them") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p", true);
  h.playhead(0, 20);
  h.load(1, 5);
  const auto request = h.sent<peer::Request>(parent).at(0);
  const bool crumbs = GENERATE(true, false);
  const int64_t packets = crumbs ? 20'000 : 20;  // of 1 byte, or of 1 KB and more
  h.clear();
  h.peer_says(parent, peer::Binary{packets, request.url, request.sn, 20'000, std::nullopt,
                                   request.rendition});
  CHECK(h.has(CommandKind::kPeerClose) == crumbs);
}

TEST_CASE("D4: announcements alone evict nothing, and what comes is cached all the same") {
  FullCache r;
  const int64_t size = GENERATE(2 * kMiB, 8 * kMiB, 16 * kMiB, 20 * kMiB, 64 * kMiB);
  CAPTURE(size);
  for (const int32_t parent : r.parents) r.announce(parent, size);
  CHECK(r.h.engine.cache().segment_count() >= 10);
  CHECK(r.h.engine.stats().cache_evictions == 0);
  CHECK(r.h.engine.stats().cache_bytes == 20 * kMiB);
  // One packet each, and an empty one: less than two segments of the cache.
  for (const int32_t parent : r.parents) {
    r.h.peer_sends(parent, std::string(61'440, 'x'));
  }
  CHECK(r.h.engine.stats().cache_evictions <= 8);
  CHECK(r.h.engine.stats().cache_bytes <= 21 * kMiB);
  r.h.cache_segment(20, 2 * kMiB);
  CHECK(r.h.events(EventCode::kSegmentCached).size() == 1);
}

TEST_CASE("D4: a size far beyond what its rendition has ends the peer") {
  FullCache r;
  r.announce(r.parents[0], 20 * kMiB);  // of 2 MiB: a peak of ten times is odd, but may be
  CHECK(r.h.engine.stats().malformed == 0);
  EngineConfig config = Harness::default_config();
  Harness h(config);
  h.add_renditions(true);
  h.join();
  h.cache_segment(0, 2 * kMiB);
  const int32_t parent = h.open_parent("p", true);
  h.playhead(0, 20);
  h.load(1, 3);
  const auto request = h.sent<peer::Request>(parent).at(0);
  h.peer_says(parent, peer::Binary{1'100, request.url, request.sn, 64 * kMiB, std::nullopt,
                                   request.rendition});
  CHECK(h.events(EventCode::kPeerMisbehaved).size() == 1);
  h.advance(1'500);  // in which another parent may come
  CHECK(h.went_to_cdn(1));
}

TEST_CASE("D4: lies all along, for ten minutes, cost no cached segment its place") {
  FullCache r;
  for (int minute = 0; minute < 10; ++minute) {
    for (const int32_t parent : r.parents) {
      if (!r.h.sent<peer::Request>(parent).empty()) r.announce(parent, 16 * kMiB);
    }
    r.h.advance(60'000);
    r.h.clear();
    r.parents.clear();
    for (int i = 0; i < 4; ++i) {
      r.parents.push_back(
          r.h.open_parent("liar" + std::to_string(minute) + std::to_string(i), true));
      r.h.load(100 + minute * 4 + i, 9 + i);
    }
  }
  CHECK(r.h.engine.stats().cache_evictions == 0);
  r.h.clear();
  r.h.cache_segment(50, 2 * kMiB);
  CHECK(r.h.events(EventCode::kSegmentCached).size() == 1);
}

TEST_CASE("D4: a segment larger than expected grows into its memory, byte by byte the same") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.cache_segment(0, 100'000);
  const int32_t parent = h.open_parent("p", true);
  h.playhead(0, 20);
  h.load(1, 3);
  const auto request = h.sent<peer::Request>(parent).at(0);
  const std::string body = Harness::body(3, 5'000'000);
  h.peer_serves(parent, request, body);
  REQUIRE(h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(h.all(CommandKind::kLoadDone)[0].data == body);
  CHECK(h.engine.stats().cache_bytes == 5'100'000);
}

TEST_CASE("D4: memory that runs out in mid-transfer sends the load to the CDN, no blame") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 4 * kMiB;
  Harness h(config);
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p", true);
  const int32_t child = h.open_child("c");
  h.playhead(0, 20);
  h.load(1, 5);
  const auto request = h.sent<peer::Request>(parent).at(0);
  h.peer_says(parent, peer::Binary{66, request.url, request.sn, 4'000'000, std::nullopt,
                                   request.rendition});
  h.peer_sends(parent, Harness::body(5, 61'440));
  // Meanwhile a segment that the child is being sent takes all there is.
  h.cache_segment(3, 4 * kMiB);
  h.peer_says(child, peer::Request{"seg3.ts", MediaSequence(3), std::nullopt});
  h.clear();
  for (int i = 0; i < 65; ++i) {
    h.peer_sends(parent, std::string(i < 64 ? 61'440 : 4'000'000 - 65 * 61'440, 'x'));
  }
  CHECK(h.went_to_cdn(1));
  CHECK(h.events(EventCode::kFallback).at(0).aux == static_cast<double>(FallbackReason::kNoMemory));
  CHECK(h.engine.stats().malformed == 0);
  CHECK(h.engine.stats().parents == 1);
}

TEST_CASE("D5: a child that offers anew without end takes no connection from others") {
  const Made made = honest_beside([](int) { return std::string("greedy"); });
  CHECK(made.dialled == 120);
  CHECK(made.answered == 120);
}

TEST_CASE("D5: a few that offer without end take no connection from others") {
  const Made made = honest_beside([](int i) { return "greedy" + std::to_string(i % 3); });
  CHECK(made.dialled == 120);
  CHECK(made.answered >= 90);
}

TEST_CASE("D5: offers under ever new names leave dialling alone") {
  const Made made = honest_beside([](int i) { return "greedy" + std::to_string(i); });
  CHECK(made.dialled == 120);
}

TEST_CASE("D5: offers beyond the limit leave the connection that stands alone") {
  Harness h;
  h.join();
  const int32_t child = h.open_child("c1");
  for (int i = 0; i < 2; ++i) offers(h, "c1");  // it lost the connection twice
  CHECK(h.all(CommandKind::kPeerAnswer).size() == 3);
  h.clear();
  for (int i = 0; i < 100; ++i) offers(h, "c1");
  CHECK(h.log.empty());
  h.advance(10'000);
  h.clear();
  offers(h, "c1");
  CHECK(h.all(CommandKind::kPeerAnswer).size() == 1);
  CHECK(child > 0);
}

TEST_CASE("D8: signals without end end the connection, and reach the page no more") {
  Harness h;
  h.join();
  const bool dialled = GENERATE(true, false);
  if (dialled) {
    h.tracker_says(tracker_wire::Connect{PeerId{"x"}});
  } else {
    offers(h, "x");
  }
  h.clear();
  SECTION("candidates, many") {
    for (int i = 0; i < 100; ++i) signals(h, "x", candidate(150));
    CHECK(h.all(CommandKind::kPeerSignal).size() == 100);
    CHECK_FALSE(h.has(CommandKind::kPeerClose));
    for (int i = 0; i < 1'000; ++i) signals(h, "x", candidate(10));
    CHECK(h.all(CommandKind::kPeerSignal).size() <= 128);
  }
  SECTION("candidates, large") {
    for (int i = 0; i < 100; ++i) signals(h, "x", candidate(16'000));
    CHECK(h.all(CommandKind::kPeerSignal).size() <= 4);
  }
  SECTION("answers") {
    for (int i = 0; i < 1'000; ++i) signals(h, "x", R"({"type":"answer","sdp":"v=0"})");
    CHECK(h.all(CommandKind::kPeerSignal).size() <= 128);
  }
  SECTION("what is nothing at all") {
    for (int i = 0; i < 1'000; ++i) signals(h, "x", "{}");
    CHECK(h.all(CommandKind::kPeerSignal).size() <= 128);
  }
  CHECK(h.all(CommandKind::kPeerClose).size() == 1);
  CHECK(h.events(EventCode::kPeerMisbehaved).size() == 1);
}

TEST_CASE("connections: after one that the browser refused there is a pause, and then they go on") {
  Harness h;
  h.join();
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  const int32_t refused = h.all(CommandKind::kPeerDial).at(0).peer;
  h.engine.on_connection_refused(h.now);
  h.peer_closed(refused);
  CHECK(h.told_tracker<tracker_wire::DcFailed>().size() == 1);
  h.clear();
  h.advance(29'999);
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  offers(h, "c1");
  CHECK_FALSE(h.has(CommandKind::kPeerDial));
  CHECK_FALSE(h.has(CommandKind::kPeerAnswer));
  h.advance(1);
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  offers(h, "c1");
  CHECK(h.all(CommandKind::kPeerDial).size() == 1);
  CHECK(h.all(CommandKind::kPeerAnswer).size() == 1);
}
