#include <catch2/catch.hpp>

#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

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
  CHECK_FALSE(r.h.has(CommandKind::kFetch));
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
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), 600'000, 40, 100);
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
