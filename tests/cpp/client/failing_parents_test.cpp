#include <catch2/catch.hpp>

#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("request: LACK from the only parent sends the load to the CDN in the same turn") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  r.h.advance(50);
  SECTION("with sn") {
    r.h.peer_says(r.parent, peer::Lack{request.url, request.sn, std::nullopt, request.rendition});
  }
  SECTION("with current in place of sn") {
    r.h.peer_says_text(r.parent, R"({"event":"LACK","url":"seg5.ts","current":3})");
  }
  REQUIRE(r.h.went_to_cdn(1));
  REQUIRE(r.h.events(EventCode::kFallback).size() == 1);
  CHECK(r.h.events(EventCode::kFallback)[0].aux == code(FallbackReason::kLack));
  CHECK(r.h.engine.stats().fallbacks == 1);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
}

TEST_CASE("request: after LACK another parent is asked, and the first not again") {
  ParentRoom r(true);
  const int32_t second = r.h.open_parent("p2", true);
  const peer::Request request = r.request(1, 5);
  r.h.peer_says(r.parent, peer::Lack{request.url, request.sn, std::nullopt, std::nullopt});
  REQUIRE(r.h.sent<peer::Request>(second).size() == 1);
  CHECK_FALSE(r.h.went_to_cdn(1));
  r.h.peer_says(second, peer::Lack{request.url, request.sn, std::nullopt, std::nullopt});
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
}

TEST_CASE("request: silence ends in the CDN in time for playback") {
  ParentRoom r(true);
  r.h.playhead(0, 4);  // 4,000 − 1.5 × 1,000 − 500 = 2,000 ms
  SECTION("by the give-up time when that comes first") {
    r.h.playhead(0, 3.5);
    r.h.load(1, 5);
    r.h.advance(1'499);
    CHECK_FALSE(r.h.went_to_cdn(1));
    r.h.advance(1);
    CHECK(r.h.went_to_cdn(1));
    CHECK(r.h.events(EventCode::kFallback).at(0).aux == code(FallbackReason::kTimeout));
  }
  SECTION("within 2 s however long the slack") {
    r.h.playhead(0, 28);
    r.h.load(1, 7);
    r.h.advance(1'999);
    CHECK_FALSE(r.h.went_to_cdn(1));
    r.h.advance(1);
    CHECK(r.h.went_to_cdn(1));
  }
}

TEST_CASE("request: a seek takes the time away from a transfer") {
  ParentRoom r(true);
  r.request(1, 5);
  r.h.advance(100);
  r.h.playhead(20, 20);
  CHECK(r.h.went_to_cdn(1));
}

TEST_CASE("request: a stalled transfer is left within 1.5 s") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  r.h.peer_says(r.parent, peer::Binary{3, request.url, request.sn, static_cast<int64_t>(kSize),
                                       std::nullopt, request.rendition});
  const std::string body = Harness::body(5, kSize);
  r.h.peer_sends(r.parent, body.substr(0, 61'440));
  r.h.advance(1'499);
  CHECK_FALSE(r.h.went_to_cdn(1));
  r.h.advance(1);
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.events(EventCode::kFallback).at(0).aux == code(FallbackReason::kTimeout));

  SECTION("and a parent that never goes on is given up") {
    r.h.clear();
    r.h.advance(9'000);
    CHECK(r.h.all(CommandKind::kPeerClose).size() == 1);
    CHECK(r.h.engine.stats().p2p_wasted_bytes == 61'440);
    CHECK(r.h.told_tracker<tracker_wire::DcClosed>().size() == 1);
  }
  SECTION("what arrives after the CDN's copy is wasted, and the channel works again") {
    r.h.fetch_done(1, Harness::body(5, kSize));
    r.h.peer_sends(r.parent, std::string(61'440, 'x'));
    r.h.peer_sends(r.parent, std::string(kSize - 2 * 61'440, 'x'));
    CHECK(r.h.engine.stats().p2p_wasted_bytes == kSize);
    CHECK(r.h.engine.stats().p2p_bytes == 0);
    CHECK(r.h.engine.stats().malformed == 0);
    r.h.clear();
    r.h.load(3, 6);
    CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
  }
  SECTION("what arrives before the CDN's copy is kept") {
    const std::string rest = body.substr(61'440);
    r.h.peer_sends(r.parent, rest.substr(0, 61'440));
    r.h.peer_sends(r.parent, rest.substr(61'440));
    CHECK(r.h.engine.stats().cache_bytes == kSize);
    r.h.fetch_done(1, Harness::body(5, kSize));
    CHECK(r.h.engine.stats().cache_bytes == kSize);
    // And counted once: the player gets the CDN's.
    CHECK(r.h.engine.stats().cdn_bytes == kSize);
    CHECK(r.h.engine.stats().p2p_bytes == 0);
    CHECK(r.h.engine.stats().p2p_wasted_bytes == kSize);
  }
}

TEST_CASE("request: a transfer that would end too late is left as soon as that shows") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  r.h.peer_says(r.parent,
                peer::Binary{100, request.url, request.sn, 100, std::nullopt, request.rendition});
  const std::string body = Harness::body(5, 100);
  for (size_t i = 0; i < 10; ++i) {
    r.h.advance(100);
    r.h.peer_sends(r.parent, body.substr(i, 1));
  }
  CHECK(r.h.went_to_cdn(1));
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));

  SECTION("and ends with its parent when it will not be over soon") {
    r.h.advance(3'100);
    CHECK(r.h.all(CommandKind::kPeerClose).size() == 1);
    CHECK(r.h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kTimedOut));
  }
  SECTION("and goes on to the cache when it will") {
    for (size_t i = 10; i < 100; ++i) {
      r.h.advance(50);
      r.h.peer_sends(r.parent, body.substr(i, 1));
    }
    CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
    CHECK(r.h.engine.stats().cache_bytes == 100);
  }
}

TEST_CASE("request: a long transfer that will end in time is waited for") {
  ParentRoom r(true);
  r.h.playhead(0, 30);
  const peer::Request request = r.request(1, 8);
  r.h.peer_says(r.parent,
                peer::Binary{80, request.url, request.sn, 80, std::nullopt, request.rendition});
  const std::string body = Harness::body(8, 80);
  for (size_t i = 0; i < 80; ++i) {
    r.h.advance(100);
    r.h.peer_sends(r.parent, body.substr(i, 1));
  }
  CHECK_FALSE(r.h.went_to_cdn(1));
  CHECK(r.h.all(CommandKind::kLoadDone).size() == 1);
}

TEST_CASE("request: a parent that refuses late, again and again, is given up") {
  ParentRoom r(true);
  for (int32_t id = 1; id <= 3; ++id) {
    r.h.playhead(0, 30);
    const peer::Request request = r.request(id, 8 + id);
    CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
    while (!r.h.went_to_cdn(id) && !r.h.has(CommandKind::kPeerClose)) {
      r.h.advance(1'900);
      r.h.peer_says(r.parent, peer::Lack{request.url, request.sn, std::nullopt, request.rendition});
    }
    if (r.h.has(CommandKind::kPeerClose)) break;
  }
  CHECK(r.h.all(CommandKind::kPeerClose).size() == 1);
}

TEST_CASE("request: a late answer is no lie, and not wanted any more") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  r.h.advance(2'000);
  REQUIRE(r.h.went_to_cdn(1));
  r.h.advance(300);
  r.h.peer_serves(r.parent, request, Harness::body(5, kSize));
  CHECK(r.h.engine.stats().malformed == 0);
  CHECK(r.h.engine.stats().p2p_wasted_bytes == kSize);
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("request: a live parent whose playlist is refreshed later than ours is asked again") {
  ParentRoom r(true);
  r.h.engine.set_live(true);
  const peer::Request request = r.request(1, 5);
  const peer::Lack lack{request.url, request.sn, MediaSequence(4), request.rendition};
  r.h.advance(1'700);
  r.h.peer_says(r.parent, lack);
  CHECK_FALSE(r.h.went_to_cdn(1));
  REQUIRE(r.h.sent<peer::Request>(r.parent).size() == 2);
  r.h.peer_serves(r.parent, request, Harness::body(5, kSize));
  CHECK(r.h.engine.stats().p2p_bytes == kSize);
}

TEST_CASE("request: a parent that was silent rests 5 s; silent again, it is replaced") {
  ParentRoom r(true);
  r.request(1, 5);
  r.h.advance(2'000);
  r.h.playhead(0, 20);
  r.h.clear();
  r.h.load(2, 6);
  CHECK(r.h.went_to_cdn(2));  // nobody waits for it meanwhile
  r.h.advance(5'000);
  r.h.load(3, 7);
  REQUIRE(r.h.sent<peer::Request>(r.parent).size() == 1);
  r.h.clear();
  r.h.advance(2'000);
  CHECK(r.h.all(CommandKind::kPeerClose).size() == 1);
  CHECK(r.h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kTimedOut));
  CHECK(r.h.told_tracker<tracker_wire::DcClosed>().size() == 1);
}

TEST_CASE("request: the first one to a version-1 parent may be lost, and is repeated once") {
  ParentRoom r(false);
  r.h.advance(300);
  r.h.playhead(0, 28);
  const peer::Request request = r.request(1, 7);
  r.h.advance(2'000);
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 2);
  CHECK_FALSE(r.h.went_to_cdn(1));
  SECTION("an answer to each of the two is fine") {
    r.h.peer_serves(r.parent, request, Harness::body(5, kSize));
    REQUIRE(r.h.all(CommandKind::kLoadDone).size() == 1);
    r.h.peer_serves(r.parent, request, Harness::body(5, kSize));
    CHECK(r.h.engine.stats().malformed == 0);
    CHECK(r.h.engine.stats().p2p_bytes == kSize);
    CHECK(r.h.engine.stats().p2p_wasted_bytes == kSize);
  }
  SECTION("silence after that too sends the load to the CDN") {
    r.h.advance(2'000);
    CHECK(r.h.went_to_cdn(1));
    CHECK(r.h.sent<peer::Request>(r.parent).size() == 2);
  }
}

TEST_CASE("request: a parent that leaves hands its load on") {
  ParentRoom r(true);
  r.request(1, 5);
  SECTION("by CLOSE: a fresh parent may be named within a second") {
    r.h.peer_says(r.parent, peer::Close{});
    CHECK_FALSE(r.h.went_to_cdn(1));
    r.h.advance(1'000);
  }
  SECTION("by ERROR") {
    r.h.peer_says(r.parent, peer::Error{});
    r.h.advance(1'000);
  }
  SECTION("without a word") {
    r.h.peer_closed(r.parent);
    r.h.advance(1'000);
  }
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.events(EventCode::kFallback).at(0).aux == code(FallbackReason::kPeerLost));
  CHECK(r.h.engine.stats().parents == 0);
}

TEST_CASE("request: a parent lost with no slack left sends its load to the CDN at once") {
  ParentRoom r(true);
  r.h.playhead(0, 2.5);
  r.request(1, 5);
  r.h.advance(300);
  r.h.peer_closed(r.parent);
  CHECK(r.h.went_to_cdn(1));
}

TEST_CASE("request: a fresh parent takes over within the slack") {
  ParentRoom r(true);
  r.request(1, 5);
  r.h.peer_closed(r.parent);
  r.h.advance(200);
  const int32_t second = r.h.open_parent("p2", true);
  CHECK(r.h.sent<peer::Request>(second).size() == 1);
  CHECK_FALSE(r.h.went_to_cdn(1));
}
