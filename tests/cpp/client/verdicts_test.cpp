#include <catch2/catch.hpp>

#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A parent that gives, and a child that asks.
struct Chain : ParentRoom {
  int32_t child = 0;

  Chain() : ParentRoom(true) {
    child = h.open_child("c");
    h.clear();
  }
  // The player gets segment `sn` from the parent by load `id`.
  void give(int32_t id, int64_t sn) {
    h.peer_serves(parent, request(id, sn), Harness::body(sn, kSize));
    REQUIRE(h.all(CommandKind::kLoadDone).back().load == id);
  }
  // The player gets it from the CDN.
  void fetch(int32_t id, int64_t sn, const std::string& body) {
    h.load(id, sn, true);
    h.fetch_done(id, body);
  }
  void fetch(int32_t id, int64_t sn) { fetch(id, sn, Harness::body(sn, kSize)); }
  bool verdict(int32_t id, double seconds) {
    const bool peers_fault = h.engine.on_verdict(h.now, LoadId(id), seconds);
    h.drain();
    return peers_fault;
  }
  bool dropped() const { return h.events(EventCode::kPeerMisbehaved).size() == 1; }
  // Whether the child gets segment `sn` at once.
  bool shared(int64_t sn) {
    h.clear();
    peer::Request request;
    request.url = "seg" + std::to_string(sn) + ".ts";
    request.sn = MediaSequence(sn);
    h.peer_says(child, request);
    const bool sent = !h.sent<peer::Binary>(child).empty();
    h.writable(child, 0);
    h.advance(2'000);
    return sent;
  }
};

}  // namespace

TEST_CASE("A5: a page in place of a segment is neither kept nor shared, nor is half a segment") {
  Chain r;
  const std::string body = GENERATE(as<std::string>(), "<!doctype html><title>Wait</title>",
                                    "G" + std::string(600, 'x'), std::string(300, '\1'));
  r.fetch(1, 5, body);
  CHECK(r.h.engine.stats().cdn_bytes == body.size());
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK_FALSE(r.shared(5));
  // The player asks again, and gets what it would get without us.
  r.h.load(2, 5);
  CHECK(r.h.went_to_cdn(2));
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  r.h.fetch_done(2, Harness::body(5, kSize));
  CHECK(r.shared(5));
}

TEST_CASE("A5: what is encrypted as a whole is not looked at") {
  Chain r;
  SegmentLoad what;
  what.sn = MediaSequence(5);
  what.url = "seg5.ts";
  what.span = {20, 4};
  what.from_cdn = true;
  what.opaque = true;
  r.h.load(1, what);
  r.h.fetch_done(1, std::string(kSize, '<'));
  CHECK(r.shared(5));
}

TEST_CASE("A5: what the player refuses of the CDN leaves the cache, until it takes another copy") {
  Chain r;
  r.fetch(1, 5);
  REQUIRE(r.shared(5));
  CHECK_FALSE(r.verdict(1, -1));
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK_FALSE(r.shared(5));
  CHECK_FALSE(r.verdict(1, 4));  // hls.js goes on as if it had taken it
  r.h.load(2, 5);
  CHECK(r.h.went_to_cdn(2));
  r.h.fetch_done(2, Harness::body(5, kSize));
  CHECK_FALSE(r.shared(5));
  CHECK_FALSE(r.verdict(2, 4));
  CHECK(r.shared(5));
  CHECK(r.h.engine.stats().parents == 1);
}

TEST_CASE("A5: half of a segment that parses is told by how long it lasts") {
  Chain r;
  r.fetch(1, 5);
  SECTION("not shared") {
    r.verdict(1, 2);
    CHECK_FALSE(r.shared(5));
  }
  SECTION("durations that are rounded are no offence") {
    r.verdict(1, 3.5);
    CHECK(r.shared(5));
  }
  SECTION("nor are those of a playlist that lists others than its segments have") {
    for (int32_t sn = 6; sn < 16; ++sn) {
      r.fetch(sn, sn);
      r.verdict(sn, 2.5);
    }
    CHECK(r.shared(15));
  }
}

TEST_CASE("A5: bytes that the player refuses while they arrive are not kept") {
  Chain r;
  r.h.playhead(0, 0);
  r.h.load(1, 0);
  REQUIRE(r.h.went_to_cdn(1));
  r.verdict(1, -1);
  SECTION("to their end") {
    r.h.fetch_done(1, Harness::body(0, kSize));
    CHECK(r.h.engine.stats().cdn_segments == 1);
  }
  SECTION("or aborted") { r.h.load_aborted(1); }
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK_FALSE(r.shared(0));
  r.h.playhead(0, 20);
  r.h.load(2, 0);
  CHECK(r.h.went_to_cdn(2));
}

TEST_CASE("A6: a parent whose segment the player refuses is dropped, with all that it gave") {
  Chain r;
  r.give(1, 5);
  r.give(2, 6);
  r.fetch(3, 7);
  REQUIRE(r.shared(5));
  CHECK(r.verdict(1, -1));
  CHECK(r.dropped());
  CHECK(r.h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kMisbehaved));
  CHECK(r.h.engine.stats().cache_bytes == kSize);
  CHECK_FALSE(r.shared(5));
  CHECK_FALSE(r.shared(6));
  CHECK(r.shared(7));
  const int32_t other = r.h.open_parent("p2", true);
  r.h.clear();
  r.h.load(4, 5);
  CHECK(r.h.went_to_cdn(4));
  CHECK(r.h.sent<peer::Request>(other).empty());
}

TEST_CASE("A6: the player finds half of what a parent gave") {
  Chain r;
  r.give(1, 5);
  CHECK(r.verdict(1, 2));
  CHECK(r.dropped());
}

TEST_CASE("A6: a segment cut where a packet ends is known by how long it lasts") {
  Chain r;
  const double share = GENERATE(0.51, 0.76, 0.89);
  for (int32_t sn = 20; sn < 24; ++sn) {
    r.fetch(sn, sn);
    r.verdict(sn, 4);
  }
  r.give(1, 5);
  REQUIRE(r.shared(5));
  CHECK(r.verdict(1, 4 * share));
  CHECK(r.dropped());
  CHECK_FALSE(r.shared(5));
}

TEST_CASE("A6: before the CDN has shown what is usual, a short segment is not shared, no blame") {
  Chain r;
  // EXTINF a third too long, or frames before the first key frame that were dropped after a seek.
  const double share = GENERATE(0.55, 0.66, 0.75, 0.89);
  SECTION("nothing was measured") {
    r.give(1, 5);
    CHECK_FALSE(r.verdict(1, 4 * share));
  }
  SECTION("what was measured was another presentation") {
    for (int32_t sn = 20; sn < 30; ++sn) {
      r.fetch(sn, sn);
      r.verdict(sn, 4);
    }
    r.h.engine.on_presentation(r.h.now);
    r.h.drain();
    r.h.playhead(0, 20);
    r.h.clear();
    r.give(1, 5);
    CHECK_FALSE(r.verdict(1, 4 * share));
  }
  CHECK_FALSE(r.dropped());
  CHECK(r.h.engine.stats().parents == 1);
  CHECK_FALSE(r.shared(5));
  // And the CDN has the next word.
  r.h.load(2, 5);
  CHECK(r.h.went_to_cdn(2));
  r.h.fetch_done(2, Harness::body(5, kSize));
  r.verdict(2, 4);
  CHECK(r.shared(5));
}

TEST_CASE("A6: durations that are rounded, or a third too long, make no offender") {
  Chain r;
  const auto lasts = [](int32_t sn, bool rounded) {
    return rounded ? (sn % 3 == 0 ? 3.5 : sn % 3 == 1 ? 4.0 : 3.8) : 3.0 + 0.05 * (sn % 3);
  };
  const bool rounded = GENERATE(true, false);
  for (int32_t sn = 20; sn < 60; ++sn) {
    if (sn % 2 == 0) {
      r.fetch(sn, sn);
    } else {
      r.give(sn, sn);
    }
    CHECK_FALSE(r.verdict(sn, lasts(sn, rounded)));
    r.h.clear();
  }
  CHECK(r.h.engine.stats().parents == 1);
  CHECK(r.shared(59));
}

TEST_CASE("A6: what cannot be decoded is what lies around the playhead, whoever gave it") {
  Chain r;
  r.give(1, 5);  // 20 to 24 s
  r.fetch(2, 6);
  r.fetch(3, 9);
  SECTION("a parent") {
    CHECK(r.verdict(0, 23.9));
    CHECK(r.dropped());
    CHECK_FALSE(r.shared(5));
    CHECK_FALSE(r.shared(6));
    CHECK(r.shared(9));
  }
  SECTION("the CDN") {
    CHECK_FALSE(r.verdict(0, 36.5));
    CHECK_FALSE(r.dropped());
    CHECK_FALSE(r.shared(9));
    CHECK(r.shared(5));
  }
}

TEST_CASE("A6: a parent that has gone is remembered by what it gave") {
  Chain r;
  r.give(1, 5);
  r.give(2, 6);
  r.h.peer_closed(r.parent);
  r.h.clear();
  CHECK(r.verdict(1, -1));
  CHECK_FALSE(r.shared(6));
}

TEST_CASE(
    "A6: what is no media is known by its first packet, and nothing of it reaches the player") {
  Chain r;
  const peer::Request request = r.request(1, 5);
  const std::string body =
      GENERATE(as<std::string>(), "<!doctype html>", "\1\2\3", "") + std::string(kSize, '\x55');
  r.h.peer_says(r.parent,
                peer::Binary{3, request.url, request.sn, static_cast<int64_t>(body.size()),
                             std::nullopt, request.rendition});
  r.h.clear();
  r.h.peer_sends(r.parent, body.substr(0, 61'440));
  CHECK(r.dropped());
  CHECK_FALSE(r.h.has(CommandKind::kLoadProgress));
  CHECK(r.h.engine.stats().p2p_wasted_bytes == 61'440);
  CHECK(r.h.engine.stats().cache_bytes == 0);
  r.h.advance(1'000);  // a fresh parent may be named
  CHECK(r.h.went_to_cdn(1));
}

TEST_CASE("A6: a cut segment is known by its last packet") {
  Chain r;
  const peer::Request request = r.request(1, 5);
  std::string body;
  while (body.size() < kSize) body += "G" + std::string(187, 'x');
  // Two packets, and a page in one.
  body = GENERATE_COPY(body.substr(0, kSize / 2), "<!doctype html><title>Wait</title>");
  r.h.peer_serves(r.parent, request, body);
  CHECK(r.dropped());
  CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
  // It is complete, and must not be here for children to ask for.
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK_FALSE(r.shared(5));
}

TEST_CASE("A6: a second load never gets the copy that the first one had") {
  Chain r;
  SECTION("a peer's") { r.give(1, 5); }
  SECTION("the CDN's") { r.fetch(1, 5); }
  r.h.clear();
  r.h.load(2, 5);
  CHECK(r.h.went_to_cdn(2));
  CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
  // The fresh body takes its place; who is served from the old one keeps that.
  const std::string fresh = Harness::body(77, 50'000);
  r.h.fetch_done(2, fresh);
  CHECK(r.h.engine.stats().cache_bytes == fresh.size());
  CHECK(r.shared(5));
  r.h.load(3, 5);
  CHECK(r.h.went_to_cdn(3));
}

TEST_CASE("A6: a load that was aborted before its answer came was given nothing") {
  Chain r;
  r.give(1, 5);
  r.h.load_aborted(1);
  r.h.clear();
  r.h.load(2, 5);
  CHECK_FALSE(r.h.went_to_cdn(2));
  REQUIRE(r.h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(r.h.all(CommandKind::kLoadDone)[0].load == 2);
}

TEST_CASE("A6: what was given is remembered after it has left the cache, within bounds") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 3'000;
  Harness h(config);
  h.add_renditions(true);
  h.join();
  h.open_parent("p1", true);
  h.playhead(0, 100'000);
  for (int32_t sn = 1; sn <= 1'200; ++sn) h.cache_segment(sn, 1'000);
  h.clear();
  h.load(1, 1'000);
  CHECK(h.went_to_cdn(1));
  h.load(2, 1);
  CHECK_FALSE(h.went_to_cdn(2));
}
