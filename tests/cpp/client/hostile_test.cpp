#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A hostile parent p1 that is being asked for segment 5, an honest child c1 beside it, no other
// parent in sight.
struct HostileRoom {
  Harness h;
  int32_t parent = 0;
  int32_t child = 0;

  explicit HostileRoom(EngineConfig config = Harness::default_config()) : h(std::move(config)) {
    h.add_renditions(true);
    h.join();
    child = h.open_child("c1");
    parent = h.open_parent("p1", true);
    h.playhead(0, 3.5);  // enough to ask, too little to wait for a fresh parent afterwards
    h.load(1, 5);
    REQUIRE(h.sent<peer::Request>(parent).size() == 1);
    h.advance(1'150);
    h.clear();
  }
  peer::Binary header(int64_t attachments, int64_t size) const {
    return peer::Binary{attachments, "seg5.ts", MediaSequence(5), size, std::nullopt, rendition()};
  }
  static std::string rendition() { return Harness::asking(0, 5); }
  // The parent is counted, named, closed and reported; its load is at the CDN; the child lives.
  void check_dropped(std::optional<FallbackReason> reason = std::nullopt) const {
    CHECK(h.engine.stats().malformed == 1);
    REQUIRE(h.events(EventCode::kPeerMisbehaved).size() == 1);
    CHECK(h.events(EventCode::kPeerMisbehaved)[0].peer == parent);
    CHECK_FALSE(h.events(EventCode::kPeerMisbehaved)[0].text.empty());
    const auto closes = h.all(CommandKind::kPeerClose);
    REQUIRE(closes.size() == 1);
    CHECK(closes[0].peer == parent);
    CHECK(h.sent<peer::Error>(parent).size() == 1);
    CHECK(h.told_tracker<tracker_wire::DcClosed>().at(0).dc_id == "me-p1");
    CHECK(h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kMisbehaved));
    CHECK(h.went_to_cdn(1));
    if (reason) {
      CHECK(h.events(EventCode::kFallback).at(0).aux == static_cast<double>(*reason));
    }
    CHECK(h.engine.stats().children == 1);
    CHECK(h.engine.stats().parents == 0);
    CHECK(h.engine.stats().cache_bytes == 0);
  }
};

}  // namespace

TEST_CASE("hostile: text that is no message drops the peer and nobody else") {
  for (const char* text :
       {"", "hello", "null", "[]", "{}", R"({"event":7})",
        R"({"event":"BINARY","url":"seg5.ts","sn":"five"})", R"({"event":"REQUEST"})"}) {
    CAPTURE(text);
    HostileRoom r;
    r.h.peer_says_text(r.parent, text);
    r.check_dropped(FallbackReason::kProtocol);
  }
}

TEST_CASE("hostile: a message beyond its limits drops the peer") {
  HostileRoom r;
  r.h.peer_says_text(r.parent, std::string(200'000, '['));
  r.check_dropped();
}

TEST_CASE("hostile: an event that is not known is ignored") {
  HostileRoom r;
  r.h.peer_says_text(r.parent, R"({"event":"HELLO","br":3,"urgent":true})");
  CHECK(r.h.log.empty());
  CHECK(r.h.engine.stats().malformed == 0);
}

TEST_CASE("hostile: binary without a header drops the peer") {
  HostileRoom r;
  r.h.peer_sends(r.parent, "media?");
  r.check_dropped(FallbackReason::kProtocol);
}

TEST_CASE("hostile: binary from a child drops it") {
  HostileRoom r;
  r.h.peer_sends(r.child, "media?");
  REQUIRE(r.h.all(CommandKind::kPeerClose).size() == 1);
  CHECK(r.h.all(CommandKind::kPeerClose)[0].peer == r.child);
  CHECK_FALSE(r.h.went_to_cdn(1));
}

TEST_CASE("hostile: BINARY from a child drops it") {
  HostileRoom r;
  r.h.peer_says(r.child, r.header(1, 100));
  REQUIRE(r.h.all(CommandKind::kPeerClose).size() == 1);
  CHECK(r.h.all(CommandKind::kPeerClose)[0].peer == r.child);
}

TEST_CASE("hostile: an answer to something else drops the peer") {
  HostileRoom r;
  peer::Binary header = r.header(1, 100);
  SECTION("another url") { header.url = "seg6.ts"; }
  SECTION("another sn") { header.sn = MediaSequence(6); }
  SECTION("another rendition") { header.rendition = "other"; }
  SECTION("no rendition") { header.rendition.reset(); }
  r.h.peer_says(r.parent, header);
  r.check_dropped(FallbackReason::kWrongSegment);
}

TEST_CASE("hostile: BINARY that nobody asked for drops the peer") {
  HostileRoom r;
  r.h.peer_serves(r.parent, peer::Request{"seg5.ts", MediaSequence(5), HostileRoom::rendition()},
                  Harness::body(5, 4));
  REQUIRE(r.h.has(CommandKind::kLoadDone));
  r.h.clear();
  r.h.peer_says(r.parent, r.header(1, 100));
  CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
  CHECK(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("hostile: a gigabyte announced drops the peer and costs no memory") {
  HostileRoom r;
  r.h.peer_says(r.parent, r.header(1, 1'000'000'000));
  r.check_dropped();
}

TEST_CASE(
    "C4: a segment above the cache's budget goes to the player unkept, and nobody is blamed") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 100'000;
  HostileRoom r(config);
  const std::string body = Harness::body(5, 150'000);
  r.h.peer_serves(r.parent, peer::Request{"seg5.ts", MediaSequence(5), HostileRoom::rendition()},
                  body);
  const auto done = r.h.all(CommandKind::kLoadDone);
  REQUIRE(done.size() == 1);
  CHECK(done[0].data == body);
  CHECK(done[0].code == static_cast<int32_t>(LoadSource::kPeer));
  CHECK(r.h.engine.stats().cache_bytes == 0);
  CHECK(r.h.engine.stats().malformed == 0);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
  CHECK_FALSE(r.h.went_to_cdn(1));
}

TEST_CASE("hostile: an empty segment is refused") {
  HostileRoom r;
  r.h.peer_says(r.parent, r.header(1, 0));
  r.check_dropped();
}

TEST_CASE("hostile: more bytes than announced drop the peer") {
  HostileRoom r;
  r.h.peer_says(r.parent, r.header(2, 100));
  r.h.peer_sends(r.parent, std::string(60, 'x'));
  r.h.peer_sends(r.parent, std::string(41, 'x'));
  r.check_dropped(FallbackReason::kProtocol);
  CHECK(r.h.engine.stats().p2p_wasted_bytes == 60);
}

TEST_CASE("hostile: fewer bytes than announced drop the peer") {
  HostileRoom r;
  r.h.peer_says(r.parent, r.header(2, 100));
  r.h.peer_sends(r.parent, std::string(60, 'x'));
  r.h.peer_sends(r.parent, std::string(39, 'x'));
  r.check_dropped(FallbackReason::kProtocol);
}

TEST_CASE("hostile: more binary messages than announced drop the peer") {
  HostileRoom r;
  r.h.peer_says(r.parent, r.header(2, 100));
  const std::string body = Harness::body(5, 100);
  r.h.peer_sends(r.parent, body.substr(0, 60));
  r.h.peer_sends(r.parent, body.substr(60));
  REQUIRE(r.h.has(CommandKind::kLoadDone));
  r.h.clear();
  r.h.peer_sends(r.parent, "x");
  CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
  CHECK(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("hostile: a header within a transfer drops the peer") {
  HostileRoom r;
  r.h.peer_says(r.parent, r.header(2, 100));
  r.h.peer_says(r.parent, r.header(2, 100));
  r.check_dropped(FallbackReason::kProtocol);
}

TEST_CASE("hostile: bytes that look like control are bytes") {
  HostileRoom r;
  const std::string body = "WEBVTT\n\n{\"event\":\"CLOSE\"}";
  r.h.peer_serves(r.parent, peer::Request{"seg5.ts", MediaSequence(5), HostileRoom::rendition()},
                  body);
  REQUIRE(r.h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(r.h.all(CommandKind::kLoadDone)[0].data == body);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("hostile: LACK for what was not asked changes nothing") {
  HostileRoom r;
  r.h.peer_says(r.parent, peer::Lack{"seg6.ts", MediaSequence(6), std::nullopt, std::nullopt});
  CHECK(r.h.log.empty());
  r.h.peer_says(r.child, peer::Lack{"seg5.ts", MediaSequence(5), std::nullopt, std::nullopt});
  CHECK(r.h.log.empty());
}

TEST_CASE("hostile: a peer that makes us talk without end is dropped") {
  HostileRoom r;
  const std::string url(4'000, 'u');
  int rounds = 0;
  while (!r.h.has(CommandKind::kPeerClose) && rounds < 1'000) {
    r.h.peer_says(r.child, peer::Request{url, MediaSequence(1), std::nullopt});
    ++rounds;
  }
  CHECK(rounds < 20);
  CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
}

TEST_CASE("hostile: a cache that is full of what is in use sends the load to the CDN, no blame") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 4'100'000;
  Harness h(config);
  h.add_renditions(true);
  h.join();
  const int32_t child = h.open_child("c1");
  const int32_t other_child = h.open_child("c2");
  const int32_t parent = h.open_parent("p1", true);
  // Two segments on their way to children, which may not be evicted.
  h.cache_segment(3, 4'000'000);
  h.peer_says(child, peer::Request{"seg3.ts", MediaSequence(3), std::nullopt});
  h.cache_segment(4, 4'000'000);
  h.peer_says(other_child, peer::Request{"seg4.ts", MediaSequence(4), std::nullopt});
  h.playhead(0, 3.5);
  h.load(1, 5);
  h.clear();
  h.peer_says(parent, peer::Binary{66, "seg5.ts", MediaSequence(5), 4'000'000, std::nullopt,
                                   HostileRoom::rendition()});
  REQUIRE(h.went_to_cdn(1));
  CHECK(h.events(EventCode::kFallback).at(0).aux == static_cast<double>(FallbackReason::kNoMemory));
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
  CHECK(h.engine.stats().malformed == 0);
}
