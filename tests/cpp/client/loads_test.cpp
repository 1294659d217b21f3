#include <catch2/catch.hpp>
#include <cstring>

#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("waiting: a lone viewer waits for an introduction once, and a second at most") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.playhead(0, 20);
  h.load(1, 5);
  h.advance(999);
  CHECK_FALSE(h.went_to_cdn(1));
  h.advance(1);
  CHECK(h.went_to_cdn(1));
  CHECK(h.events(EventCode::kFallback).empty());
  h.fetch_done(1, Harness::body(5, 1'000));
  h.load(2, 6);
  CHECK(h.went_to_cdn(2));
}

TEST_CASE("waiting: who changes channels waits for no introduction, in none of them") {
  EngineConfig config = Harness::default_config();
  SECTION("after seconds in the channel before") {
    config.stayed = 4.9;
    Harness h(config);
    h.add_renditions(true);
    h.start();
    h.playhead(0, 20);
    h.load(1, 5);
    CHECK(h.went_to_cdn(1));
    h.enter();
    h.load(2, 6);
    CHECK(h.went_to_cdn(2));
    h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
    h.load(3, 7);
    CHECK_FALSE(h.went_to_cdn(3));
  }
  SECTION("but as others do after a longer stay") {
    config.stayed = 5;
    Harness h(config);
    h.add_renditions(true);
    h.start();
    h.playhead(0, 20);
    h.load(1, 5);
    CHECK_FALSE(h.went_to_cdn(1));
    h.enter();
    CHECK_FALSE(h.went_to_cdn(1));
  }
}

TEST_CASE("waiting: a dial under way is waited for, and serves when it opens") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.playhead(0, 20);
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  const int32_t parent = h.all(CommandKind::kPeerDial).back().peer;
  h.load(1, 5);
  SECTION("and serves when it opens") {
    h.advance(700);
    h.engine.on_channel_open(h.now, PeerHandle(parent), 0);
    h.drain();
    h.advance(250);
    CHECK(h.sent<peer::Request>(parent).size() == 1);
    CHECK_FALSE(h.went_to_cdn(1));
  }
  SECTION("but not for ever") {
    h.advance(1'500);
    CHECK_FALSE(h.went_to_cdn(1));
    h.advance(100);
    CHECK(h.went_to_cdn(1));
  }
  SECTION("and not with little slack") {
    h.playhead(0, 2);
    CHECK(h.went_to_cdn(1));
  }
}

TEST_CASE("waiting: without tracker nothing is waited for") {
  Harness h;
  h.add_renditions(true);
  h.start();
  h.playhead(0, 20);
  h.load(1, 5);
  CHECK_FALSE(h.went_to_cdn(1));
  h.socket_closed();
  CHECK(h.went_to_cdn(1));
  h.load(2, 6);
  CHECK(h.went_to_cdn(2));
}

TEST_CASE("loads: before start all go to the CDN and are kept") {
  Harness h;
  h.add_renditions(true);
  h.playhead(0, 20);
  h.load(1, 5);
  CHECK(h.went_to_cdn(1));
  h.fetch_done(1, Harness::body(5, 1'000));
  REQUIRE(h.events(EventCode::kSegmentCached).size() == 1);
  CHECK(h.events(EventCode::kSegmentCached)[0].aux == static_cast<double>(LoadSource::kCdn));
  CHECK_FALSE(h.has(CommandKind::kLoadDone));
}

TEST_CASE("loads: what peers do not carry goes to the CDN and is not kept") {
  ParentRoom r(true);
  SegmentLoad what;
  what.sn = MediaSequence(5);
  what.url = "seg5.ts";
  what.span = {20, 4};
  what.shareable = false;
  SECTION("by the driver's word") {}
  SECTION("of a rendition that is not known") {
    what.shareable = true;
    what.rendition_index = 9;
  }
  SECTION("without a media sequence number") {
    what.shareable = true;
    what.sn = MediaSequence(-1);
  }
  r.h.load(1, what);
  r.h.drain();
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.engine.reserve_fetch(r.h.fetch(1), 0, 1'000, 1'000).empty());
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), 1'000);
  CHECK(r.h.engine.stats().cdn_bytes == 1'000);
  CHECK(r.h.engine.stats().cache_bytes == 0);
}

TEST_CASE("loads: one that the driver fetches already causes no command and is kept") {
  ParentRoom r(true);
  r.h.load(1, 5, true);
  CHECK(r.h.log.empty());
  r.h.fetch_done(1, Harness::body(5, 1'000));
  CHECK(r.h.engine.stats().cache_bytes == 1'000);
  CHECK(r.h.engine.stats().cdn_segments == 1);
}

TEST_CASE("loads: a failed fetch leaves nothing behind") {
  ParentRoom r(true);
  r.h.playhead(0, 0);
  r.h.load(1, 0);
  CHECK(r.h.engine.reserve_fetch(r.h.fetch(1), 0, 1'000, 1'000).size() == 1'000);
  r.h.fetch_failed(1);
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK(r.h.engine.stats().cdn_bytes == 0);
}

TEST_CASE("B: what the CDN has refused is asked of a parent at once, and the CDN loses no time") {
  ParentRoom r(true);
  // A fast CDN, long segments and nothing buffered: a parent that needs seconds is no help.
  for (int64_t sn = 100; sn < 110; ++sn) {
    r.h.load(static_cast<int32_t>(sn), sn, true);
    r.h.advance(100);
    r.h.fetch_done(static_cast<int32_t>(sn), Harness::body(sn, kSize));
  }
  r.h.playhead(0, 0);
  r.h.load(1, 0);
  REQUIRE(r.h.went_to_cdn(1));
  r.h.fetch_failed(1);
  const auto requests = r.h.sent<peer::Request>(r.parent);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].sn == MediaSequence(0));
  r.h.clear();
  SECTION("what has come when the player asks again is what it gets") {
    r.h.advance(300);
    r.h.peer_serves(r.parent, requests[0], Harness::body(0, kSize));
    r.h.advance(700);
    r.h.load(2, 0);
    CHECK_FALSE(r.h.went_to_cdn(2));
    CHECK(r.h.has(CommandKind::kLoadDone));
  }
  SECTION("a transfer that the CDN would not overtake is waited for") {
    r.h.peer_says(r.parent, peer::Binary{3, requests[0].url, requests[0].sn, kSize, std::nullopt,
                                         requests[0].rendition});
    r.h.advance(600);
    r.h.peer_sends(r.parent, Harness::body(0, kSize).substr(0, 61'440));
    r.h.advance(390);
    r.h.peer_sends(r.parent, std::string(61'440, 'x'));
    r.h.advance(10);
    r.h.load(2, 0);
    CHECK_FALSE(r.h.went_to_cdn(2));
    r.h.peer_sends(r.parent, std::string(kSize - 122'880, 'x'));
    CHECK(r.h.has(CommandKind::kLoadDone));
  }
  SECTION("of a slow one the CDN, which may be well again, is asked as without us") {
    r.h.peer_says(r.parent, peer::Binary{3, requests[0].url, requests[0].sn, kSize, std::nullopt,
                                         requests[0].rendition});
    r.h.advance(1'000);
    r.h.peer_sends(r.parent, Harness::body(0, kSize).substr(0, 10'000));
    r.h.load(2, 0);
    CHECK(r.h.went_to_cdn(2));
  }
  SECTION("silence costs no time either") {
    r.h.advance(1'000);
    r.h.load(2, 0);
    CHECK(r.h.went_to_cdn(2));
  }
  SECTION("another segment, or the number in another presentation, waits no longer than any") {
    r.h.load(2, 1);
    CHECK(r.h.went_to_cdn(2));
    r.h.engine.on_presentation(r.h.now);
    r.h.drain();
    r.h.load(3, 0);
    CHECK(r.h.went_to_cdn(3));
  }
}

TEST_CASE("B: what the CDN has refused twice is on its way once") {
  ParentRoom r(true);
  r.h.playhead(0, 0);
  for (const int32_t load : {1, 2, 3}) {
    r.h.load(load, 0);
    REQUIRE(r.h.went_to_cdn(load));
    r.h.fetch_failed(load);
  }
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
}

TEST_CASE("loads: a body shorter than reserved is not kept") {
  ParentRoom r(true);
  r.h.load(1, 5, true);
  CHECK(r.h.engine.reserve_fetch(r.h.fetch(1), 0, 1'000, 1'000).size() == 1'000);
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), 999);
  CHECK(r.h.engine.stats().cache_bytes == 0);
}

namespace {

// Hands in `bytes` of a body, from `offset` on; false if they are not wanted.
bool part(Harness& h, int32_t load, size_t offset, std::string_view bytes, size_t total) {
  const MutableBytes space = h.engine.reserve_fetch(h.fetch(load), offset, bytes.size(), total);
  if (space.empty()) return false;
  REQUIRE(space.size() == bytes.size());
  std::memcpy(space.data(), bytes.data(), bytes.size());
  h.engine.on_fetch_bytes(h.now, h.fetch(load), bytes.size());
  return true;
}

}  // namespace

TEST_CASE("loads: a body comes in parts, and its length may be known at its end only") {
  ParentRoom r(true);
  const std::string body = Harness::body(5, 700'000);
  const size_t total = GENERATE(size_t{0}, size_t{700'000}, size_t{90'000});
  r.h.load(1, 5, true);
  for (size_t at = 0; at < body.size(); at += 60'000) {
    REQUIRE(part(r.h, 1, at, std::string_view(body).substr(at, 60'000), total));
    CHECK(r.h.events(EventCode::kSegmentCached).empty());
  }
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), body.size());
  r.h.drain();
  CHECK(r.h.events(EventCode::kSegmentCached).size() == 1);
  r.h.load(2, 5);
  REQUIRE(r.h.went_to_cdn(2));  // the player has had it
}

TEST_CASE("loads: a body with a gap is not kept, and one that begins anew is") {
  ParentRoom r(true);
  const std::string body = Harness::body(5, 1'000);
  const auto piece = [&](size_t at, size_t size) {
    return std::string_view(body).substr(at, size);
  };
  r.h.load(1, 5, true);
  REQUIRE(part(r.h, 1, 0, piece(0, 300), 0));
  CHECK_FALSE(part(r.h, 1, 400, piece(400, 600), 0));
  SECTION("a gap") {
    r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), body.size());
    CHECK(r.h.engine.stats().cache_bytes == 0);
  }
  SECTION("anew") {
    REQUIRE(part(r.h, 1, 0, piece(0, 500), 1'000));
    REQUIRE(part(r.h, 1, 500, piece(500, 500), 1'000));
    r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), body.size());
    CHECK(r.h.engine.stats().cache_bytes == 1'000);
  }
}

TEST_CASE("loads: a fetch that is over, or whose load is gone, has no space and no effect") {
  ParentRoom r(true);
  r.h.playhead(0, 0);
  r.h.load(1, 5);
  const FetchId fetch = r.h.fetch(1);
  CHECK(fetch != FetchId());
  r.h.load_aborted(1);
  CHECK(r.h.engine.reserve_fetch(fetch, 0, 100, 100).empty());
  r.h.engine.on_fetch_done(r.h.now, fetch, 100);
  r.h.engine.on_fetch_failed(r.h.now, fetch);
  CHECK(r.h.engine.reserve_fetch(FetchId(), 0, 100, 100).empty());
  CHECK(r.h.engine.stats().cdn_bytes == 0);
}

TEST_CASE("loads: an aborted one's transfer ends in the cache, or is joined by the next load") {
  ParentRoom r(true);
  const peer::Request request = r.request(1, 5);
  const std::string body = Harness::body(5, kSize);
  r.h.peer_says(r.parent, peer::Binary{3, request.url, request.sn, static_cast<int64_t>(kSize),
                                       std::nullopt, request.rendition});
  r.h.peer_sends(r.parent, body.substr(0, 61'440));
  r.h.load_aborted(1);
  r.h.clear();
  SECTION("ends in the cache") {
    r.h.peer_sends(r.parent, body.substr(61'440, 61'440));
    r.h.peer_sends(r.parent, body.substr(2 * 61'440));
    CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
    CHECK(r.h.events(EventCode::kSegmentCached).size() == 1);
    CHECK(r.h.engine.stats().p2p_bytes == kSize);
  }
  SECTION("is joined") {
    r.h.load(2, 5);
    CHECK(r.h.sent<peer::Request>(r.parent).empty());
    CHECK(r.h.all(CommandKind::kLoadProgress).at(0).code == 61'440);
    r.h.peer_sends(r.parent, body.substr(61'440, 61'440));
    r.h.peer_sends(r.parent, body.substr(2 * 61'440));
    REQUIRE(r.h.all(CommandKind::kLoadDone).size() == 1);
    CHECK(r.h.all(CommandKind::kLoadDone)[0].load == 2);
    CHECK(r.h.all(CommandKind::kLoadDone)[0].data == body);
  }
  SECTION("and an abort of what is gone is ignored") {
    r.h.load_aborted(1);
    r.h.load_aborted(77);
    CHECK(r.h.log.empty());
  }
}

TEST_CASE("loads: two of one segment both end") {
  ParentRoom r(true);
  r.h.playhead(0, 0);
  r.h.load(1, 0);
  r.h.load(2, 0);
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.went_to_cdn(2));
  r.h.fetch_done(1, Harness::body(0, 1'000));
  r.h.fetch_done(2, Harness::body(0, 1'000));
  CHECK(r.h.engine.stats().cache_bytes == 1'000);
  CHECK(r.h.engine.stats().cdn_bytes == 2'000);

  r.h.playhead(0, 20);
  const peer::Request request = r.request(3, 5);
  r.h.load(4, 5);  // waits for the busy channel
  r.h.peer_serves(r.parent, request, Harness::body(5, kSize));
  const auto done = r.h.all(CommandKind::kLoadDone);
  REQUIRE(done.size() == 1);
  CHECK(done[0].load == 3);
  CHECK(r.h.went_to_cdn(4));
}

TEST_CASE("loads: a name of the site's tells apart what shares rendition and number") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const auto load = [&h](int32_t id, const char* name, bool from_cdn) {
    SegmentLoad what;
    what.sn = MediaSequence(5);
    what.url = name;
    what.span = {20, 4};
    what.named = true;
    what.from_cdn = from_cdn;
    h.load(id, std::move(what));
    h.drain();
  };
  load(1, "programme", true);
  h.fetch_done(1, Harness::body(5, 1'000));
  h.load_aborted(1);  // the player has not had it, and may be given it
  h.clear();
  load(2, "advertisement", false);
  CHECK(h.all(CommandKind::kLoadDone).empty());
  load(3, "programme", false);
  REQUIRE(h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(h.all(CommandKind::kLoadDone)[0].load == 3);

  SECTION("and it is all that a parent is told of the address") {
    const int32_t parent = h.open_parent("p1", true);
    h.playhead(0, 16);
    h.clear();
    load(4, "trailer", false);
    const auto requests = h.sent<peer::Request>(parent);
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].url == "trailer");
    REQUIRE(requests[0].rendition);
    CHECK(requests[0].rendition->find("trailer") != std::string::npos);
  }
}

TEST_CASE("loads: a media sequence that starts over is not mistaken for the one before") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const auto load = [&h](int32_t id, const char* url, bool from_cdn) {
    SegmentLoad what;
    what.sn = MediaSequence(5);
    what.url = url;
    what.clean_url = what.url.substr(0, what.url.find('?'));
    what.span = {20, 4};
    what.from_cdn = from_cdn;
    h.load(id, std::move(what));
    h.drain();
  };
  load(1, "a/before5.ts?token=mine", true);
  h.fetch_done(1, Harness::body(5, 1'000));
  h.load_aborted(1);  // the player has not had it, and may be given it
  h.clear();
  load(2, "a/after5.ts?token=mine", false);
  CHECK(h.all(CommandKind::kLoadDone).empty());
  // The same number and file name, but another directory: an advertisement, say.
  load(3, "b/before5.ts?token=mine", false);
  CHECK(h.all(CommandKind::kLoadDone).empty());
  // Host and token differ between viewers.
  load(4, "https://other.example/live/a/before5.ts?token=new", false);
  REQUIRE(h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(h.all(CommandKind::kLoadDone)[0].load == 4);
}

TEST_CASE("loads: what a parent brings is kept if it is whole before the CDN's body") {
  ParentRoom r(true);
  const std::string body = Harness::body(5, kSize);
  const peer::Request request = r.request(1, 5);
  r.h.peer_says(r.parent,
                peer::Binary{3, request.url, request.sn, kSize, std::nullopt, request.rendition});
  r.h.peer_sends(r.parent, body.substr(0, 61'440));
  r.h.load_aborted(1);
  r.h.load(2, 5, true);
  REQUIRE(part(r.h, 2, 0, std::string_view(body).substr(0, 1'000), kSize));
  r.h.clear();
  r.h.peer_sends(r.parent, body.substr(61'440, 61'440));
  r.h.peer_sends(r.parent, body.substr(122'880));
  REQUIRE(r.h.events(EventCode::kSegmentCached).size() == 1);
  CHECK(r.h.events(EventCode::kSegmentCached)[0].aux == static_cast<double>(LoadSource::kPeer));
  REQUIRE(part(r.h, 2, 1'000, std::string_view(body).substr(1'000), kSize));
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(2), kSize);
  r.h.drain();
  CHECK(r.h.engine.stats().cache_bytes == kSize);
}
