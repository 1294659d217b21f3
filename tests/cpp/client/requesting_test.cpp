#include <catch2/catch.hpp>

#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

int32_t code(FallbackReason reason) { return static_cast<int32_t>(reason); }

}  // namespace

TEST_CASE("request: a segment with time to spare comes from the parent, byte for byte") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  CHECK(request.url == "seg5.ts");
  CHECK(request.sn == MediaSequence(5));
  REQUIRE(request.rendition);
  r.h.advance(40);
  const TimeMs first_byte = r.h.now;
  const std::string body = Harness::body(5, kSize);
  peer::Binary header{
      3, request.url, request.sn, static_cast<int64_t>(kSize), std::nullopt, request.rendition};
  r.h.peer_says(r.parent, header);
  for (size_t at = 0; at < kSize; at += 61'440) {
    r.h.advance(10);
    r.h.peer_sends(r.parent, std::string_view(body).substr(at, 61'440));
  }
  const auto done = r.h.all(CommandKind::kLoadDone);
  REQUIRE(done.size() == 1);
  CHECK(done[0].load == 1);
  CHECK(done[0].code == static_cast<int32_t>(LoadSource::kPeer));
  CHECK(done[0].data == body);
  CHECK(done[0].t0 == static_cast<double>(first_byte.time_since_epoch().count()));
  CHECK(done[0].t1 - done[0].t0 == 30);
  const auto progress = r.h.all(CommandKind::kLoadProgress);
  REQUIRE(progress.size() == 1);
  CHECK(progress[0].code == 0);
  CHECK(progress[0].aux == static_cast<double>(kSize));
  REQUIRE(r.h.events(EventCode::kSegmentCached).size() == 1);
  CHECK(r.h.events(EventCode::kSegmentCached)[0].text == "seg5.ts");
  CHECK(r.h.events(EventCode::kSegmentCached)[0].aux == static_cast<double>(LoadSource::kPeer));
  CHECK_FALSE(r.h.has(CommandKind::kLoadFromCdn));
  const EngineStats stats = r.h.engine.stats();
  CHECK(stats.p2p_bytes == kSize);
  CHECK(stats.p2p_segments == 1);
  CHECK(stats.p2p_wasted_bytes == 0);
  CHECK(stats.cdn_bytes == 0);

  SECTION("and from the CDN the next time, though the cache has it") {
    r.h.clear();
    r.h.advance(5'000);
    r.h.load(2, 5);
    CHECK(r.h.went_to_cdn(2));
    CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
    CHECK(r.h.engine.stats().cache_bytes == kSize);
    CHECK(r.h.engine.stats().cache_hits == 0);
  }
}

TEST_CASE("request: how far a transfer has come is told with its first byte and each 50 ms") {
  constexpr size_t kPacket = 1'000;
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  const std::string body = Harness::body(5, 30 * kPacket);
  r.h.peer_says(r.parent, peer::Binary{30, request.url, request.sn, 30 * kPacket, std::nullopt,
                                       request.rendition});
  for (size_t at = 0; at < body.size(); at += kPacket) {
    r.h.advance(10);
    r.h.peer_sends(r.parent, std::string_view(body).substr(at, kPacket));
  }
  const auto progress = r.h.all(CommandKind::kLoadProgress);
  REQUIRE(progress.size() == 7);
  for (size_t i = 0; i < progress.size(); ++i) {
    CHECK(progress[i].code == static_cast<int32_t>(i * 5 * kPacket));
    CHECK(progress[i].aux == static_cast<double>(body.size()));
  }
  CHECK(r.h.all(CommandKind::kLoadDone).size() == 1);
}

TEST_CASE("request: packets of any size make up a segment") {
  ParentRoom r(false);
  r.h.advance(250);
  const peer::Request request = r.request(1, 5);
  const std::string body = Harness::body(5, 10'000);
  r.h.peer_says(r.parent, peer::Binary{3, request.url, request.sn, 10'000, std::nullopt, {}});
  r.h.peer_sends(r.parent, body.substr(0, 1));
  r.h.peer_sends(r.parent, body.substr(1, 9'000));
  r.h.peer_sends(r.parent, body.substr(9'001));
  REQUIRE(r.h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(r.h.all(CommandKind::kLoadDone)[0].data == body);
}

TEST_CASE("request: an empty packet drops the parent") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  r.h.peer_says(r.parent,
                peer::Binary{4, request.url, request.sn, 10'000, std::nullopt, request.rendition});
  r.h.peer_sends(r.parent, Harness::body(5, 5'000));
  r.h.peer_sends(r.parent, "");
  REQUIRE(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
  CHECK(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("request: with nothing buffered the CDN is asked at once") {
  ParentRoom r(true);
  r.h.playhead(0, 0);
  r.h.load(1, 0);
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  CHECK(r.h.engine.stats().fallbacks == 0);
}

TEST_CASE("request: a version-1 parent is not asked in its first 250 ms") {
  ParentRoom r(false);
  r.h.load(1, 5);
  r.h.advance(249);
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  CHECK_FALSE(r.h.went_to_cdn(1));
  r.h.advance(1);
  const auto requests = r.h.sent<peer::Request>(r.parent);
  REQUIRE(requests.size() == 1);
  CHECK_FALSE(requests[0].rendition);
}

TEST_CASE("request: a parent that shows its level is asked at once, by rendition") {
  ParentRoom r(false, false);
  r.h.load(1, 5);
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  r.h.peer_says(r.parent, peer::KeepAliveAck{std::nullopt, 1});
  const auto requests = r.h.sent<peer::Request>(r.parent);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].rendition);
}

TEST_CASE("request: a version-1 parent is never asked for a url that is not unique") {
  ParentRoom r(false, false);
  r.h.load(1, 5);
  r.h.advance(1'000);  // its level might have been shown until then
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  CHECK(r.h.went_to_cdn(1));
  r.h.load(2, 6);
  CHECK(r.h.went_to_cdn(2));
}

TEST_CASE("request: one at a time on a channel; the next waits for it") {
  ParentRoom r(true);
  const peer::Request first = r.request(1, 5);
  r.h.load(2, 6);
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
  CHECK_FALSE(r.h.went_to_cdn(2));
  r.h.peer_serves(r.parent, first, Harness::body(5, kSize));
  const auto requests = r.h.sent<peer::Request>(r.parent);
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].url == "seg6.ts");
}

TEST_CASE("request: two parents carry two segments at once") {
  ParentRoom r(true);
  const int32_t second = r.h.open_parent("p2", true);
  r.h.load(1, 5);
  r.h.load(2, 6);
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
  CHECK(r.h.sent<peer::Request>(second).size() == 1);
}

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

TEST_CASE("request: a parent whose cache is far behind is not asked") {
  ParentRoom r(true);
  r.h.peer_says(r.parent, peer::KeepAlive{MediaSequence(1), 1});
  r.h.load(1, 5);
  CHECK(r.h.went_to_cdn(1));
  r.h.load(2, 4);
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
}

TEST_CASE("B3: a slow parent's transfer counts as no longer than the CDN's line takes for it") {
  ParentRoom r(true);
  r.h.playhead(0, 0);
  r.h.load(1, 0);
  r.h.advance(140);
  r.h.engine.on_fetch_done(r.h.now, LoadId(1), 600'000, 40, 100);
  r.h.playhead(0, 28);
  const peer::Request request = r.request(2, 7);
  r.h.peer_says(r.parent, peer::Binary{3, request.url, request.sn, static_cast<int64_t>(kSize),
                                       std::nullopt, request.rendition});
  const std::string body = Harness::body(7, kSize);
  for (size_t at = 0; at < kSize; at += 61'440) {
    r.h.advance(300);
    r.h.peer_sends(r.parent, std::string_view(body).substr(at, 61'440));
  }
  const auto done = r.h.all(CommandKind::kLoadDone);
  REQUIRE(done.size() == 1);
  CHECK(done[0].t1 - done[0].t0 == static_cast<double>(kSize) / 6'000);
  CHECK(done[0].t1 == static_cast<double>(r.h.now.time_since_epoch().count()));
}
