// Loads that wait for samples of what peers gave (SpotChecks).

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "two_parents.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

EngineConfig checking() {
  EngineConfig config = Harness::default_config();
  config.checks = 1;
  return config;
}

// A load of segment 5, which one parent gives.
struct Sampled : MeshRoom {
  const std::string right = mesh_body();
  std::string wrong = right;
  int32_t parent = 0;

  // `counted`: the tracker counts reports of wrong pieces.
  explicit Sampled(bool counted = false) : MeshRoom(checking()) {
    if (counted) come_to_counting_tracker(3);
    for (size_t i = 64; i < wrong.size(); ++i) wrong[i] = 'x';
    parent = add_parent("a");
    h.clear();
  }
  void load(int32_t id, int64_t sn, bool from_cdn = false) {
    SegmentLoad what;
    what.from_cdn = from_cdn;
    what.sn = MediaSequence(sn);
    what.url = "seg" + std::to_string(sn) + ".ts";
    what.span = MediaSpan{static_cast<double>(sn) * 4, 4};
    what.streams = true;
    h.load(id, what);
  }
  void parent_gives(const std::string& bytes) {
    const uint32_t number = transfer(parent);
    const size_t last = (bytes.size() - 1) / peer::kWirePieceBytes;
    holds(parent, number, "0-" + std::to_string(last), bytes.size());
    serves(parent, number, bytes);
  }
  bool checks(int32_t id) const { return h.fetch(id) < FetchId(); }
  // The player's bytes come from the CDN.
  bool fetches(int32_t id) const {
    for (const Seen& seen : h.all(CommandKind::kFetch)) {
      if (seen.load == id && seen.code > 0) return true;
    }
    return false;
  }
  // The origin, whose segment has these bytes, answers the check of a load.
  void origin_answers(int32_t id, const std::string& bytes) {
    REQUIRE(checks(id));
    const Seen asked = h.all(CommandKind::kFetch).back();
    const auto from = static_cast<size_t>(asked.t0);
    const auto to = static_cast<size_t>(asked.t1);
    h.fetch_part(id, bytes, from, to);
    h.engine.on_fetch_done(h.now, FetchId(asked.code), to - from);
    h.drain();
  }
  // A segment of the CDN's own shows that the origin answers as it should.
  void prove_origin() {
    load(90, 1, true);
    h.fetch_part(90, right, 0, right.size());
    h.engine.on_fetch_done(h.now, h.fetch(90), right.size());
    h.drain();
    origin_answers(90, right);
    h.clear();
  }
};

}  // namespace

TEST_CASE("checked loads: the player gets a segment when its sample fits, and not before") {
  Sampled r;
  r.load(1, 5);
  r.parent_gives(r.right);
  CHECK(r.given(1).empty());
  r.origin_answers(1, r.right);
  CHECK(r.given(1) == r.right);
  CHECK(r.h.engine.stats().checks == 1);
  CHECK(r.is_open(r.parent));
}

TEST_CASE(
    "checked loads: what is not the CDN's comes from the CDN, and its giver is ended if known") {
  Sampled r;
  const bool proven = GENERATE(false, true);
  if (proven) r.prove_origin();
  r.load(1, 5);
  r.parent_gives(r.wrong);
  r.origin_answers(1, r.right);
  CHECK(r.given(1).empty());
  CHECK(r.fetches(1));
  CHECK(r.is_open(r.parent) != proven);
  CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == (proven ? 1 : 0));
}

// An edge of the CDN may have another edition of the segment, which a peer got there in good faith.
TEST_CASE(
    "checked loads: whose bytes are not our edge's loses a connection, and nobody reports it") {
  Sampled r(true);
  r.prove_origin();
  r.load(1, 5);
  r.parent_gives(r.wrong);
  r.origin_answers(1, r.right);
  CHECK_FALSE(r.is_open(r.parent));
  CHECK(r.fetches(1));
  const std::string told = r.h.all(CommandKind::kSocketSend).back().text;
  CAPTURE(told);
  CHECK(told.find(R"("reason":"misbehaved")") != std::string::npos);
}

TEST_CASE("checked loads: who is about to stall asks no slow origin to show how it answers") {
  Sampled r;
  const bool short_of = GENERATE(false, true);
  const bool slow = GENERATE(false, true);
  r.load(90, 3, true);
  r.h.advance(slow ? 3'000 : 100);
  if (short_of) r.h.playhead(11, 12);
  r.h.fetch_part(90, r.right, 0, r.right.size());
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(90), r.right.size(), 50, slow ? 2'950 : 50);
  r.h.drain();
  CHECK(r.h.all(CommandKind::kFetch).empty() == (short_of && slow));
}

TEST_CASE("checked loads: a segment that is loaded again while it is checked waits as well") {
  Sampled r;
  r.load(1, 5);
  r.parent_gives(r.wrong);
  REQUIRE(r.checks(1));
  r.h.load_aborted(1);
  r.load(2, 5);
  CHECK(r.given(2).empty());
  // The answer to the first load's check.
  r.origin_answers(1, r.right);
  CHECK(r.given(2).empty());
  CHECK(r.fetches(2));
}

TEST_CASE("checked loads: who has been found honest is not waited for when the answer is late") {
  Sampled r;
  r.load(1, 5);
  r.parent_gives(r.right);
  r.origin_answers(1, r.right);
  r.load(2, 6);
  r.parent_gives(r.right);
  REQUIRE(r.checks(2));
  r.h.advance(1'000);
  CHECK(r.given(2) == r.right);
}

TEST_CASE(
    "checked loads: where the answer about a stranger is late, the CDN brings the segment too") {
  Sampled r;
  r.prove_origin();
  const bool little = GENERATE(false, true);
  const bool liar = GENERATE(false, true);
  if (little) r.h.playhead(16.5, 20);
  r.load(1, 5);
  r.parent_gives(liar ? r.wrong : r.right);
  r.h.advance(little ? 400 : 900);
  CHECK_FALSE(r.fetches(1));
  CHECK(r.given(1).empty());
  const Seen asked = r.h.all(CommandKind::kFetch).back();
  const uint64_t before = r.h.engine.stats().cdn_bytes;
  r.h.advance(200);
  CHECK(r.given(1).empty());
  REQUIRE(r.fetches(1));
  CHECK(r.is_open(r.parent));
  const FetchId fetch = r.h.fetch(1);
  const size_t half = r.right.size() / 2;
  CHECK(r.h.engine.reserve_fetch(fetch, 0, half, r.right.size()).empty());
  const auto answered = [&] {
    const FetchId check(asked.code);
    const auto from = static_cast<size_t>(asked.t0);
    const auto to = static_cast<size_t>(asked.t1);
    const MutableBytes room = r.h.engine.reserve_fetch(check, from, to - from, r.right.size());
    REQUIRE(room.size() == to - from);
    std::copy_n(r.right.begin() + static_cast<std::ptrdiff_t>(from), to - from, room.begin());
    r.h.engine.on_fetch_bytes(r.h.now, check, to - from);
    r.h.engine.on_fetch_done(r.h.now, check, to - from);
    r.h.drain();
    CHECK(r.is_open(r.parent) != liar);
  };
  const auto ended = [&] {
    r.h.engine.on_fetch_done(r.h.now, fetch, r.right.size());
    r.h.drain();
  };
  SECTION("the answer is there before the CDN's segment") {
    answered();
    CHECK(r.given(1) == (liar ? "" : r.right));
    CHECK(r.h.engine.cache().segment_count() == (liar ? 1 : 2));
    if (!liar) {
      CHECK(r.h.engine.stats().cdn_bytes == before + half + SpotChecks::kBytes);
      return;
    }
    r.h.engine.reserve_fetch(fetch, half, r.right.size() - half, r.right.size());
    ended();
  }
  SECTION("the CDN's segment is there first") {
    r.h.engine.reserve_fetch(fetch, half, r.right.size() - half, r.right.size());
    ended();
    answered();
  }
  // The player has had the driver's bytes.
  CHECK(r.given(1).empty());
  CHECK(r.h.engine.cache().segment_count() == 1);
  r.load(2, 5);
  CHECK(r.fetches(2));
}

TEST_CASE("checked loads: only an answer speaks for a stranger, not that none is waited for") {
  Sampled r;
  r.prove_origin();
  const bool lost = GENERATE(false, true);
  PlaylistFacts other;
  other.newest = 9;
  other.target_duration = 1;
  other.live = true;
  r.h.engine.on_playlist_loaded(r.h.now, TrackKind::kMain, 1, other);
  r.h.advance(4'000);
  r.load(1, 5);
  r.parent_gives(r.wrong);
  REQUIRE(r.checks(1));
  if (lost) {
    // Another rendition's playlist moves on after a pause.
    other.newest = 10;
    r.h.engine.on_playlist_loaded(r.h.now, TrackKind::kMain, 1, other);
    r.h.drain();
    CHECK(r.given(1).empty());
    r.h.advance(1'000);
    CHECK(r.given(1).empty());
    CHECK(r.fetches(1));
    return;
  }
  r.h.load_aborted(1);
  r.h.fetch_failed(1);
  r.h.advance(5'000);
  r.load(2, 5);
  CHECK(r.given(2).empty());
  r.parent_gives(r.wrong);
  CHECK(r.given(2).empty());
  CHECK(r.checks(2));
}

TEST_CASE("checked loads: who does without peers gets nothing of a stranger unseen either") {
  Sampled r;
  r.load(1, 5);
  const uint32_t number = r.transfer(r.parent);
  r.holds(r.parent, number, "0-16", r.right.size());
  r.serves(r.parent, number, r.wrong);
  r.h.advance(15'000);
  const Seen part = r.h.all(CommandKind::kFetch).back();
  REQUIRE(part.t0 > 0);
  r.h.engine.set_p2p(r.h.now, false);
  r.h.drain();
  r.h.fetch_part(1, r.right, static_cast<size_t>(part.t0), r.right.size());
  CHECK(r.given(1).empty());
  CHECK(r.h.fetch(1) != FetchId(part.code));
  CHECK(r.h.all(CommandKind::kLoadDone).empty());
}

TEST_CASE("checked loads: of a segment that is not sure two loads wait for one fetch") {
  Sampled r;
  r.load(1, 5);
  r.load(2, 5);
  r.parent_gives(r.right);
  r.h.advance(1'100);
  const FetchId fetch = r.h.fetch(1);
  REQUIRE(fetch > FetchId());
  CHECK_FALSE(r.fetches(2));
  SECTION("the first is aborted") { r.h.load_aborted(1); }
  SECTION("it comes") {
    r.h.engine.reserve_fetch(fetch, 0, r.right.size(), r.right.size());
    r.h.engine.on_fetch_done(r.h.now, fetch, r.right.size());
    r.h.drain();
  }
  SECTION("it fails") { r.h.fetch_failed(1); }
  r.h.advance(100);
  CHECK(r.fetches(2));
}

TEST_CASE("checked loads: what a stranger gave and cannot be looked at comes from the CDN") {
  Sampled r;
  constexpr int32_t kMost = 16;  // checks under way
  for (int32_t id = 1; id <= kMost + 1; ++id) {
    r.load(id, 5 + id);
    r.parent_gives(r.right);
    CHECK(r.checks(id) == (id <= kMost));
    CHECK(r.fetches(id) == (id > kMost));
    CHECK(r.given(id).empty());
  }
}

TEST_CASE(
    "checked loads: a peer that lies about the size is not believed because nothing answers") {
  Sampled r;
  if (GENERATE(false, true)) r.prove_origin();
  for (int32_t id = 1; id <= 4; ++id) {
    r.load(id, 4 + id);
    r.parent_gives(r.wrong + r.wrong);
    REQUIRE(r.checks(id));
    // There is nothing behind its end.
    r.h.fetch_failed(id);
    CHECK(r.given(id).empty());
    REQUIRE(r.fetches(id));
    r.h.fetch_part(id, r.right, 0, r.right.size());
    r.h.engine.on_fetch_done(r.h.now, r.h.fetch(id), r.right.size());
    r.h.drain();
    // The origin shows that it answers for its own.
    if (r.checks(id)) r.origin_answers(id, r.right);
  }
}

// It goes to the player as soon as it is here.
TEST_CASE("checked loads: what the cache cannot hold is taken of nobody who was not found honest") {
  EngineConfig config = checking();
  config.cache_bytes = 100'000;
  const bool checked = GENERATE(false, true);
  if (!checked) config.checks = 0;
  Harness h(config);
  h.add_renditions(true);
  h.join();
  h.playhead(0, 20);
  const int32_t parent = h.open_parent("a", false);
  h.advance(1'500);
  SegmentLoad what;
  what.sn = MediaSequence(5);
  what.url = "seg5.ts";
  what.span = MediaSpan{20, 4};
  what.streams = true;
  h.load(1, what);
  const std::string body = Harness::body(5, 150'000);
  h.peer_serves(parent, peer::Request{"seg5.ts", MediaSequence(5), Harness::asking(0, 5)}, body);
  CHECK(h.all(CommandKind::kLoadDone).size() == (checked ? 0 : 1));
  CHECK(h.went_to_cdn(1) == checked);
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
}

TEST_CASE("checked loads: nobody is told of a segment before its giver has been found honest") {
  Sampled r;
  const int32_t child = r.add_child("c");
  r.load(1, 5);
  r.parent_gives(r.right);
  r.wants(child, 7, 5);
  const auto told = [&] {
    for (const peer::Have& have : r.h.sent<peer::Have>(child)) {
      if (have.transfer == 7 && !have.pieces.empty()) return true;
    }
    return false;
  };
  r.h.advance(50);
  CHECK_FALSE(told());
  r.origin_answers(1, r.right);
  r.h.advance(200);
  CHECK(told());
}
