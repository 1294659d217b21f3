#include <algorithm>
#include <catch2/catch.hpp>

#include "client/download/known_playlist.hpp"
#include "harness.hpp"
#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// Segments of the harness last 4 s.
constexpr double kTarget = 4;

PlaylistFacts listed(int64_t first, int64_t newest, bool live = true) {
  return {static_cast<double>(first), static_cast<double>(newest), kTarget, live};
}

// One viewer, one parent and one child of it, all in extension level 1.
struct LiveRoom {
  Harness h;
  int32_t parent = 0;
  int32_t child = 0;

  LiveRoom() {
    h.add_renditions(true);
    h.join();
    parent = h.open_parent("p1", true);
    child = h.open_child("c1");
    h.peer_says(child, peer::KeepAlive{std::nullopt, 1});
    h.playhead(0, 20);
    h.engine.on_playlist(h.now, TrackKind::kMain, 0);
    h.drain();
    h.clear();
  }
  // Both peers stay alive.
  void pass(int64_t ms) {
    for (; ms > 0; ms -= 5'000) {
      h.advance(std::min<int64_t>(ms, 5'000));
      for (const int32_t peer : {parent, child}) {
        h.peer_says(peer, peer::KeepAliveAck{std::nullopt, 1});
      }
    }
  }
  void loaded(const PlaylistFacts& facts, int32_t rendition = 0) {
    h.engine.set_live(facts.live);
    h.engine.on_playlist_loaded(h.now, TrackKind::kMain, rendition, facts);
    h.drain();
  }
  // The key that a child of the same playlist would use.
  std::string key(int64_t sn) {
    h.load(900'000, sn);
    const auto requests = h.sent<peer::Request>(parent);
    REQUIRE(!requests.empty());
    h.load_aborted(900'000);
    h.peer_says(parent, peer::Lack{requests.back().url, requests.back().sn, std::nullopt,
                                   requests.back().rendition});
    h.clear();
    return *requests.back().rendition;
  }
  peer::Request request(int64_t sn, std::string rendition) const {
    return {"seg" + std::to_string(sn) + ".ts", MediaSequence(sn), std::move(rendition)};
  }
  // Whether the child gets it; either answer must have come.
  bool serves(const peer::Request& asked) {
    h.clear();
    h.peer_says(child, asked);
    pass(1'800);
    const bool served = !h.sent<peer::Binary>(child).empty();
    CHECK(h.sent<peer::Lack>(child).size() == (served ? 0 : 1));
    return served;
  }
  std::optional<MediaSequence> told() const {
    const auto words = h.sent<peer::KeepAlive>(child);
    return words.empty() ? std::nullopt : words.back().current;
  }
};

}  // namespace

TEST_CASE("A1: a source that is loaded, the same or another, is not answered from the one before") {
  LiveRoom r;
  r.loaded(listed(0, 29, false));
  const std::string key = r.key(8);
  r.h.cache_segment(8, 1'000);
  REQUIRE(r.serves(r.request(8, key)));
  r.h.clear();
  r.h.engine.on_presentation(r.h.now);
  r.h.drain();
  CHECK(r.told() == MediaSequence(-1));
  CHECK(r.h.sent<peer::KeepAlive>(r.parent).size() == 1);
  CHECK(r.h.engine.cache().segment_count() == 0);
  CHECK_FALSE(r.serves(r.request(8, key)));
  r.h.clear();
  r.loaded(listed(0, 29, false));
  r.h.load(1, 8);
  CHECK(r.h.all(CommandKind::kLoadDone).empty());
  // Peers hear when there is something again, and not at the next KEEPALIVE only.
  r.h.cache_segment(9, 1'000);
  CHECK(r.told() == MediaSequence(9));
}

TEST_CASE("A1: bytes that come late for an earlier presentation reach neither cache nor player") {
  LiveRoom r;
  r.loaded(listed(0, 29, false));
  SECTION("a transfer under way") {
    r.h.load(1, 8);
    const peer::Request asked = r.h.sent<peer::Request>(r.parent).at(0);
    peer::Binary header;
    header.attachments = 2;
    header.url = asked.url;
    header.sn = asked.sn;
    header.size = 2'000;
    header.rendition = asked.rendition;
    r.h.peer_says(r.parent, header);
    r.h.peer_sends(r.parent, Harness::body(8, 1'000));
    r.h.clear();
    r.h.engine.on_presentation(r.h.now);
    r.h.drain();
    CHECK(r.h.went_to_cdn(1));
    r.loaded(listed(0, 29, false));
    r.h.load(2, 8);
    r.h.peer_sends(r.parent, Harness::body(8, 1'000));
    CHECK(r.h.all(CommandKind::kLoadDone).empty());
    CHECK(r.h.engine.cache().segment_count() == 0);
    CHECK(r.h.events(EventCode::kPeerMisbehaved).empty());
    CHECK(r.h.engine.stats().p2p_wasted_bytes == 2'000);
  }
  SECTION("a request without an answer yet, in time or after it was given up") {
    r.h.load(1, 8);
    const peer::Request asked = r.h.sent<peer::Request>(r.parent).at(0);
    if (GENERATE(false, true)) r.h.advance(2'100);
    r.h.engine.on_presentation(r.h.now);
    r.h.drain();
    r.loaded(listed(0, 29, false));
    r.h.load(2, 8);
    r.h.clear();
    r.h.peer_serves(r.parent, asked, Harness::body(8, 1'000));
    CHECK(r.h.all(CommandKind::kLoadDone).empty());
    CHECK(r.h.engine.cache().segment_count() == 0);
    CHECK(r.h.events(EventCode::kPeerMisbehaved).empty());
  }
  SECTION("a fetch from the CDN") {
    r.h.load(1, 8, true);
    r.h.engine.on_presentation(r.h.now);
    r.h.drain();
    r.h.fetch_done(1, Harness::body(8, 1'000));
    CHECK(r.h.engine.cache().segment_count() == 0);
    CHECK(r.h.engine.stats().cdn_bytes == 1'000);
  }
}

TEST_CASE("A3: a live playlist whose newest number falls is another broadcast") {
  LiveRoom r;
  r.loaded(listed(16, 20));
  const std::string key = r.key(20);
  r.h.cache_segment(20, 1'000);
  r.h.cache_segment(18, 1'000);
  REQUIRE(r.serves(r.request(20, key)));
  r.h.clear();
  r.loaded(listed(0, 1));
  CHECK(r.told() == MediaSequence(-1));
  CHECK(r.h.engine.cache().segment_count() == 0);
  CHECK_FALSE(r.serves(r.request(20, key)));
  // What a version-1 child asks for by its name alone as well.
  CHECK_FALSE(r.serves({"seg18.ts", MediaSequence(18), std::nullopt}));
}

TEST_CASE("A3: a playlist of another rendition says nothing of this one's numbers") {
  LiveRoom r;
  r.loaded(listed(1'000, 1'004));
  r.h.cache_segment(1'004, 1'000);
  r.loaded(listed(0, 4), 1);
  CHECK(r.h.engine.cache().segment_count() == 1);
  r.loaded(listed(1'001, 1'005));
  CHECK(r.h.engine.cache().segment_count() == 1);
}

TEST_CASE("A3: renditions that begin anew at different moments are each noticed") {
  LiveRoom r;
  r.loaded(listed(16, 20));
  r.loaded(listed(16, 20), 1);
  r.loaded(listed(0, 0));
  // The other one is not shared, though what it lists still is the old broadcast's.
  const auto load = [&](int32_t id, int64_t sn, int32_t rendition) {
    SegmentLoad what;
    what.rendition_index = rendition;
    what.sn = MediaSequence(sn);
    what.url = "seg" + std::to_string(sn) + ".ts";
    what.span = {static_cast<double>(sn) * 4, 4};
    what.from_cdn = true;
    r.h.load(id, what);
    r.h.fetch_done(id, Harness::body(sn, 1'000));
  };
  load(1, 20, 1);
  CHECK_FALSE(r.serves({"seg20.ts", MediaSequence(20), std::nullopt}));
  SECTION("its number falls too") {
    r.loaded(listed(0, 1), 1);
    CHECK(r.h.engine.cache().segment_count() == 0);
  }
  SECTION("it has passed the old number by then") {
    r.pass(100'000);
    r.loaded(listed(0, 25), 1);
    CHECK(r.h.engine.cache().segment_count() == 0);
  }
}

TEST_CASE("A3: a server of the CDN that lags shows an older state, no other broadcast") {
  LiveRoom r;
  r.loaded(listed(116, 120));
  r.h.cache_segment(120, 1'000);
  r.loaded(listed(114, 118));
  CHECK(r.h.engine.cache().segment_count() == 1);
  r.loaded(listed(117, 121));
  CHECK(r.h.engine.cache().segment_count() == 1);
  // Not so where a broadcast that began since could look the same.
  r.loaded(listed(0, 3), 1);
  r.loaded(listed(0, 2), 1);
  CHECK(r.h.engine.cache().segment_count() == 0);
}

TEST_CASE("A3: a broadcast that passed the old number while nobody refreshed is noticed") {
  LiveRoom r;
  r.loaded(listed(0, 9));
  const std::string key = r.key(8);
  r.h.cache_segment(8, 1'000);
  r.pass(13'000);
  r.loaded(listed(0, 30));
  CHECK(r.h.engine.cache().segment_count() == 0);
  CHECK_FALSE(r.serves(r.request(8, key)));
}

TEST_CASE("A3: what left the window is shared no longer") {
  LiveRoom r;
  r.loaded(listed(6, 10));
  r.h.cache_segment(6, 1'000);
  r.h.cache_segment(8, 1'000);
  r.pass(4'000);
  r.loaded(listed(7, 11));
  CHECK_FALSE(r.serves({"seg6.ts", MediaSequence(6), std::nullopt}));
  CHECK(r.serves({"seg8.ts", MediaSequence(8), std::nullopt}));
}

TEST_CASE("A3: a live viewer whose playlist stopped moving stops answering") {
  LiveRoom r;
  r.loaded(listed(6, 10));
  const std::string key = r.key(10);
  r.h.cache_segment(10, 1'000);
  r.pass(10'000);
  CHECK(r.serves(r.request(10, key)));
  // 12 s are three target durations.
  SECTION("it is not refreshed") { r.pass(1'000); }
  SECTION("it is refreshed, and the same") {
    r.loaded(listed(6, 10));
    r.pass(1'000);
  }
  CHECK_FALSE(r.serves(r.request(10, key)));
  r.h.clear();
  r.pass(12'000);
  CHECK(r.told() == MediaSequence(-1));
  // Nor does it hold a request that it is not going to answer.
  r.h.clear();
  r.h.peer_says(r.child, peer::Request{"seg11.ts", MediaSequence(11), std::nullopt});
  CHECK(r.h.sent<peer::Lack>(r.child).size() == 1);
}

TEST_CASE("A4: a viewer that saw the end of a live broadcast stops answering") {
  LiveRoom r;
  r.loaded(listed(0, 10));
  const std::string key = r.key(10);
  r.h.cache_segment(10, 1'000);
  r.pass(4'000);
  r.loaded(listed(0, 10, false));
  CHECK(r.serves(r.request(10, key)));
  r.pass(8'000);
  CHECK_FALSE(r.serves(r.request(10, key)));
}

TEST_CASE("A4: a VOD viewer answers for ever, and asks whoever has it") {
  LiveRoom r;
  r.loaded(listed(0, 10, false));
  const std::string key = r.key(6);
  r.h.cache_segment(6, 1'000);
  r.pass(600'000);
  CHECK(r.serves(r.request(6, key)));
  r.h.playhead(0, 20);
  r.h.clear();
  r.h.peer_says(r.parent, peer::KeepAlive{MediaSequence(5'000), 1});
  r.h.load(1, 7);
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
}

TEST_CASE("A3: a parent that holds what my playlist cannot have yet is not asked") {
  LiveRoom r;
  r.loaded(listed(0, 4));
  r.h.peer_says(r.parent, peer::KeepAlive{MediaSequence(20), 1});
  r.h.load(1, 4);
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  CHECK(r.h.went_to_cdn(1));
  // Refreshes differ by some segments.
  r.h.peer_says(r.parent, peer::KeepAlive{MediaSequence(7), 1});
  r.h.load(2, 3);
  CHECK(r.h.sent<peer::Request>(r.parent).size() == 1);
  r.h.load_aborted(2);
  // Who stopped refreshing cannot tell, and asks nobody.
  r.pass(13'000);
  r.h.playhead(0, 20);
  r.h.peer_says(r.parent, peer::KeepAlive{MediaSequence(4), 1});
  r.h.clear();
  r.h.load(3, 4);
  CHECK(r.h.went_to_cdn(3));
}

TEST_CASE("A3: an EVENT playlist keeps all it lists, from the first segment") {
  LiveRoom r;
  for (int64_t newest = 0; newest < 40; ++newest) {
    r.loaded(listed(0, newest));
    r.h.cache_segment(newest, 1'000);
    r.pass(4'000);
  }
  CHECK(r.h.engine.cache().segment_count() == 40);
  CHECK(r.serves({"seg0.ts", MediaSequence(0), std::nullopt}));
}

TEST_CASE("a playlist without target duration vouches for seconds") {
  const TimeMs start{DurationMs(1'000)};
  KnownPlaylist known("v", start, {0, 9, 0, true});
  CHECK(known.vouches(start + DurationMs(3'000)));
  CHECK_FALSE(known.vouches(start + DurationMs(3'001)));
}

TEST_CASE("A3: a packager that begins again at its own first number is no server that lags") {
  const TimeMs start{DurationMs(1'000)};
  struct Seen {
    double first;
    double newest;
  };
  struct Case {
    Seen before;
    std::vector<Seen> after;
    bool restarted;
  };
  // Players look once in a segment, and may find the first playlist or a later one.
  const Case cases[] = {
      {{100, 102}, {{100, 100}}, true},
      {{100, 102}, {{100, 101}}, true},
      {{101, 103}, {{100, 100}}, true},
      {{101, 103}, {{100, 101}}, true},
      {{1'000, 1'004}, {{1'000, 1'002}}, true},
      {{10, 12}, {{10, 11}}, true},
      {{1e9, 1e9 + 2}, {{1e9, 1e9}}, true},
      // A server that lags shows the window, or the growing list, that was there before.
      {{100, 102}, {{99, 101}, {98, 100}, {101, 103}}, false},
      {{100, 105}, {{99, 105}}, false},
      {{100, 150}, {{100, 149}, {100, 147}, {100, 151}}, false},
      {{0, 40}, {{0, 38}}, false},
      {{1'000, 1'059}, {{999, 1'057}}, false},
  };
  for (const Case& each : cases) {
    CAPTURE(each.before.first, each.before.newest, each.after[0].first, each.after[0].newest);
    KnownPlaylist known("v", start, {each.before.first, each.before.newest, kTarget, true});
    bool restarted = false;
    int64_t at = 0;
    for (const Seen& seen : each.after) {
      restarted |=
          known.loaded(start + DurationMs(at += 1'000), {seen.first, seen.newest, kTarget, true}) ==
          KnownPlaylist::Change::kRestarted;
    }
    CHECK(restarted == each.restarted);
  }
}
