// A load in need, of which the CDN brings the beginning and neighbors the end.

#include <catch2/catch.hpp>
#include <string>

#include "in_need.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("joint: what is needed comes from the CDN at once, and its end from who holds it") {
  InNeed r;
  const auto fetches = r.h.all(CommandKind::kFetch);
  REQUIRE(fetches.size() == 1);
  CHECK(fetches[0].t0 == 0);
  CHECK(fetches[0].t1 == 0);
  const uint32_t number = r.transfer(r.a);
  SECTION("it holds it before the CDN has answered") {
    r.holds(r.a, number, kAllPieces, kMeshBytes);
    CHECK(r.asked(r.a, number).empty());
    r.h.advance(100);
    r.from_cdn(0, kWire);
  }
  SECTION("it holds it later") {
    r.h.advance(100);
    r.from_cdn(0, kWire);
    r.holds(r.a, number, kAllPieces, kMeshBytes);
  }
  CHECK(r.asked(r.a, number).has(kLastWire));
  CHECK_FALSE(r.asked(r.a, number).has(1));
  // While it brings the end, the CDN goes on.
  size_t at = kWire;
  uint32_t end = kLastWire;
  while (r.given(1).empty()) {
    REQUIRE(at < kMeshBytes);
    r.h.advance(40);
    if (r.asked(r.a, number).has(end)) {
      r.sends(r.a, number, end--, 1, mesh_body());
    }
    if (!r.given(1).empty()) break;
    r.from_cdn(at, at + kWire);
    at += kWire;
  }
  CHECK(r.given(1) == mesh_body());
  CHECK(at < kMeshBytes * 2 / 3);
  CHECK(r.closed(r.a).size() == 1);
  const EngineStats stats = r.h.engine.stats();
  CHECK(stats.cdn_bytes + stats.p2p_bytes == kMeshBytes);
  CHECK(stats.cdn_bytes == at);
  CHECK(stats.p2p_wasted_bytes == 0);
  // What the driver still says of the fetch is about nothing.
  r.h.clear();
  CHECK(r.h.engine.reserve_fetch(r.h.fetch(1), at, kWire, kMeshBytes).empty());
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), kMeshBytes);
  r.h.drain();
  CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
}

TEST_CASE("joint: nobody holds it, and the CDN brings it all as without us") {
  InNeed r;
  for (size_t at = 0; at < kMeshBytes; at += kWire) {
    r.h.advance(40);
    CHECK(r.from_cdn(at, std::min(at + kWire, kMeshBytes)).empty());
  }
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), kMeshBytes);
  r.h.drain();
  CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
  CHECK(r.h.engine.stats().cdn_bytes == kMeshBytes);
  CHECK(r.h.engine.stats().cdn_segments == 1);
}

TEST_CASE("joint: pieces that the CDN is about to bring are taken back, and come only once") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.h.advance(100);
  r.from_cdn(0, kWire);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  const PieceSet asked = r.asked(r.a, number);
  REQUIRE_FALSE(asked.empty());
  // It sends nothing.
  for (size_t at = kWire; at < kMeshBytes; at += kWire) {
    r.h.advance(20);
    r.from_cdn(at, std::min(at + kWire, kMeshBytes));
    CHECK_FALSE(r.asked(r.a, number).has(static_cast<uint32_t>(at / kWire)));
  }
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), kMeshBytes);
  r.h.drain();
  CHECK(r.h.engine.stats().cdn_bytes == kMeshBytes);
}

TEST_CASE("joint: neighbors that say another size than the CDN are not believed") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  const size_t other = GENERATE(kMeshBytes + 1, kMeshBytes - 1, kMeshBytes / 2, kMeshBytes * 2);
  CAPTURE(other);
  SECTION("before the CDN has answered") {
    r.holds(r.a, number, "0-3", other);
    r.h.advance(100);
    r.from_cdn(0, kWire);
  }
  SECTION("afterwards") {
    r.h.advance(100);
    r.from_cdn(0, kWire);
    r.holds(r.a, number, "0-3", other);
  }
  CHECK(r.asked(r.a, number).empty());
  r.cdn_ends(kWire);
  CHECK_FALSE(r.h.events(EventCode::kSegmentCached).empty());
  CHECK(r.h.engine.stats().cdn_bytes == kMeshBytes);
}

TEST_CASE("joint: where the CDN's answer is another's, nothing of the neighbors is given") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  // Of an encoded body the head says nothing, and it is longer than what neighbors have.
  const std::string longer = Harness::body(6, kMeshBytes + 5'000);
  for (size_t at = 0; at < longer.size(); at += kWire) {
    const size_t size = std::min(kWire, longer.size() - at);
    const MutableBytes room = r.h.engine.reserve_fetch(r.h.fetch(1), at, size, 0);
    if (!room.empty()) {
      std::copy_n(longer.begin() + static_cast<std::ptrdiff_t>(at), size, room.begin());
      r.h.engine.on_fetch_bytes(r.h.now, r.h.fetch(1), size);
    }
    r.h.drain();
    r.h.advance(10);
  }
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), longer.size());
  r.h.drain();
  CHECK(r.given(1).empty());
}

TEST_CASE("joint: a fetch that fails ends the load, and what came is not lost") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.h.advance(800);
  r.from_cdn(0, 4 * kWire);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  REQUIRE(r.asked(r.a, number).has(kLastWire));
  r.sends(r.a, number, kLastWire, 1, mesh_body());
  r.h.fetch_failed(1);
  r.h.clear();
  r.load(2);
  const auto fetches = r.h.all(CommandKind::kFetch);
  REQUIRE(fetches.size() == 1);
  CHECK(fetches[0].t0 == 4 * kWire);
  CHECK(fetches[0].t1 == kLastWire * kWire);
}

TEST_CASE("joint: a player with time left, or a loader that gives no parts, is served as before") {
  const bool streams = GENERATE(true, false);
  InNeed r(streams, streams ? 20 : 1);
  if (streams) {
    CHECK_FALSE(r.h.went_to_cdn(1));
  } else {
    CHECK(r.h.went_to_cdn(1));
    r.holds(r.a, r.transfer(r.a), kAllPieces, kMeshBytes);
    CHECK(r.asked(r.a, r.transfer(r.a)).empty());
    CHECK(r.closed(r.a).size() == 1);
  }
}

TEST_CASE("joint: of a segment with missing pieces here and there the CDN fills the first gaps") {
  InNeed r(true, 20);
  REQUIRE_FALSE(r.h.went_to_cdn(1));
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  for (const uint32_t piece : {0u, 1u, 2u}) {
    if (r.asked(r.a, number).has(piece)) r.sends(r.a, number, piece, 1, mesh_body());
  }
  r.h.playhead(0, 1);
  r.h.advance(20'000);
  const auto fetches = r.h.all(CommandKind::kFetch);
  REQUIRE(fetches.size() == 1);
  const auto from = static_cast<size_t>(fetches[0].t0);
  CHECK(from % kWire == 0);
  for (size_t at = from; r.given(1).empty() && at < kMeshBytes; at += kWire) {
    r.from_cdn(at, std::min(at + kWire, kMeshBytes));
  }
  CHECK(r.given(1) == mesh_body());
}

TEST_CASE("joint: nothing is asked for ahead while a load needs its line") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.h.advance(100);
  r.from_cdn(0, kWire);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  const auto list = [&r] {
    for (int64_t sn = 6; sn < 9; ++sn) {
      SegmentLoad what;
      what.sn = MediaSequence(sn);
      what.url = "seg" + std::to_string(sn) + ".ts";
      what.span = MediaSpan{1 + static_cast<double>(sn - 5) * 4, 4};
      r.h.engine.list_segment(r.h.now, what);
      r.h.drain();
    }
  };
  list();
  uint32_t ahead = 0;
  for (const peer::Want& want : r.opened(r.a)) {
    if (want.sn == MediaSequence(6)) ahead = want.transfer;
  }
  REQUIRE(ahead != 0);
  r.holds(r.a, ahead, kAllPieces, kMeshBytes);
  CHECK(r.asked(r.a, ahead).empty());
  r.cdn_ends(kWire);
  CHECK_FALSE(r.asked(r.a, ahead).empty());
}
