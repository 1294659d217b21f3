// A load that CDN and neighbors bring together, of which something goes wrong.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "in_need.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

EngineConfig sampling() {
  EngineConfig config = Harness::default_config();
  config.checks = 1;
  return config;
}

// What the driver does with bytes that may not be wanted.
bool offer(Harness& h, FetchId fetch, const std::string& body, size_t from, size_t to,
           size_t total) {
  const MutableBytes room = h.engine.reserve_fetch(fetch, from, to - from, total);
  if (room.empty()) return false;
  std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(from), to - from, room.begin());
  h.engine.on_fetch_bytes(h.now, fetch, to - from);
  h.drain();
  return true;
}

// The CDN has brought the first two pieces, and a neighbor brings the rest.
void bring_by_peer(InNeed& r, const std::string& body, uint32_t from = 2) {
  const uint32_t number = r.transfer(r.a);
  r.h.advance(1'000);
  r.from_cdn(0, 2 * kWire);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  PieceSet sent;
  while (true) {
    PieceSet due = r.asked(r.a, number);
    due.remove(sent);
    if (due.empty() || due.last() < from) break;
    r.sends(r.a, number, due.last(), 1, body);
    sent.add(due.last());
  }
}

}  // namespace

TEST_CASE("joint: a segment that is whole is asked of nobody again, and stays") {
  InNeed r;
  bring_by_peer(r, mesh_body());
  size_t at = 2 * kWire;
  while (r.given(1).empty()) {
    REQUIRE(at < kMeshBytes);
    r.from_cdn(at, at + kWire);
    at += kWire;
  }
  CHECK(r.opened(r.a).size() == 1);
  CHECK(r.opened(r.b).size() == 1);
  r.h.advance(4'000);
  CHECK(r.h.engine.cache().segment_count() == 1);
  CHECK(r.h.engine.stats().p2p_wasted_bytes == 0);
}

TEST_CASE("joint: of a fetch that failed before its head the next load has what neighbors hold") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  SECTION("failed") { r.h.fetch_failed(1); }
  SECTION("aborted") { r.h.load_aborted(1); }
  r.h.playhead(0, 20);
  r.load(2, 20);
  REQUIRE_FALSE(r.h.went_to_cdn(2));
  r.serves(r.a, number, mesh_body());
  CHECK(r.given(2) == mesh_body());
}

TEST_CASE("joint: while a sample of what neighbors brought is looked at, the CDN goes on") {
  InNeed r(true, 2.4, sampling());
  bring_by_peer(r, mesh_body());
  size_t at = 2 * kWire;
  const FetchId fetch = r.h.fetch(1);
  while (r.h.fetch(1) == fetch) {
    REQUIRE(at < kMeshBytes);
    offer(r.h, fetch, mesh_body(), at, at + kWire, kMeshBytes);
    at += kWire;
  }
  const Seen check = r.h.all(CommandKind::kFetch).back();
  REQUIRE(check.code < 0);
  REQUIRE(r.given(1).empty());
  for (int i = 0; i < 3; ++i, at += kWire) {
    offer(r.h, fetch, mesh_body(), at, at + kWire, kMeshBytes);
  }
  const auto from = static_cast<size_t>(check.t0);
  const auto to = static_cast<size_t>(check.t1);
  std::string origin = mesh_body();
  const bool right = GENERATE(true, false);
  if (!right) origin[from] = static_cast<char>(origin[from] ^ 1);
  REQUIRE(offer(r.h, FetchId(check.code), origin, from, to, kMeshBytes));
  r.h.engine.on_fetch_done(r.h.now, FetchId(check.code), to - from);
  r.h.drain();
  const EngineStats stats = r.h.engine.stats();
  if (right) {
    CHECK(r.given(1) == mesh_body());
    CHECK(stats.cdn_bytes == at + (to - from));
    return;
  }
  CHECK(r.given(1).empty());
  CHECK(r.h.engine.cache().segment_count() == 0);
  for (; at < kMeshBytes; at += kWire) {
    offer(r.h, fetch, mesh_body(), at, std::min(at + kWire, kMeshBytes), kMeshBytes);
  }
  r.h.engine.on_fetch_done(r.h.now, fetch, kMeshBytes);
  r.h.drain();
  CHECK(r.given(1).empty());
  CHECK(r.h.engine.stats().cdn_bytes == kMeshBytes + (to - from));
}

// The player has nothing left: what the CDN brings meanwhile is waited for anyway.
TEST_CASE("joint: nothing that a stranger brought is played before it was looked at") {
  InNeed r(true, 0, sampling());
  bring_by_peer(r, mesh_body());
  size_t at = 2 * kWire;
  const FetchId fetch = r.h.fetch(1);
  for (; r.h.fetch(1) == fetch; at += kWire) {
    REQUIRE(at < kMeshBytes);
    offer(r.h, fetch, mesh_body(), at, at + kWire, kMeshBytes);
  }
  REQUIRE(r.h.fetch(1) < FetchId());
  r.h.advance(5'000);
  CHECK(r.given(1).empty());
  for (; at < kMeshBytes; at += kWire) {
    offer(r.h, fetch, mesh_body(), at, std::min(at + kWire, kMeshBytes), kMeshBytes);
  }
  r.h.engine.on_fetch_done(r.h.now, fetch, kMeshBytes);
  r.h.drain();
  CHECK(r.given(1).empty());
  CHECK(r.h.engine.cache().segment_count() == 0);
}

// The cache could not keep what it brought before.
TEST_CASE("joint: a neighbor is not found honest by what the CDN alone has brought") {
  EngineConfig config = sampling();
  config.cache_bytes = 100'000;
  InNeed r(true, 20, config);
  std::string wrong = mesh_body();
  for (size_t at = 64; at < wrong.size(); ++at) wrong[at] = static_cast<char>(wrong[at] ^ 1);
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  r.h.load_aborted(1);
  REQUIRE(r.serves(r.a, number, wrong) == kLastWire + 1);
  r.h.clear();
  r.load(2, 20);
  REQUIRE_FALSE(r.h.went_to_cdn(2));
  r.holds(r.a, r.transfer(r.a), "18", kMeshBytes);
  r.h.playhead(19.5, 20);
  r.h.advance(1'000);
  const FetchId fetch = r.h.fetch(2);
  REQUIRE(fetch > FetchId());
  for (size_t at = 0; at < kMeshBytes; at += kWire) {
    offer(r.h, fetch, mesh_body(), at, std::min(at + kWire, kMeshBytes), kMeshBytes);
  }
  for (const Seen& seen : r.h.all(CommandKind::kFetch)) CHECK(seen.code > 0);
}

// Each room draws other places.
TEST_CASE("joint: what the CDN brings too is not looked at, and what stays of a neighbor is") {
  EngineConfig config = sampling();
  config.seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  InNeed r(true, 2.4, config);
  const uint32_t number = r.transfer(r.a);
  r.h.advance(1'000);
  r.from_cdn(0, 2 * kWire);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  const PieceSet first = r.asked(r.a, number);
  REQUIRE(first.count() > 1);
  // It brings its last piece and the first that it was asked for, which the CDN brings too.
  r.sends(r.a, number, first.last(), 1, mesh_body());
  r.sends(r.a, number, first.first(), 1, mesh_body());
  const FetchId fetch = r.h.fetch(1);
  for (size_t at = 2 * kWire; r.h.fetch(1) == fetch; at += kWire) {
    REQUIRE(at < kMeshBytes);
    offer(r.h, fetch, mesh_body(), at, at + kWire, kMeshBytes);
  }
  const Seen check = r.h.all(CommandKind::kFetch).back();
  REQUIRE(check.code < 0);
  CHECK(static_cast<uint32_t>(check.t0) / kWire == first.last());
}

TEST_CASE("joint: what the player asks for again is the CDN's alone") {
  InNeed r;
  bring_by_peer(r, mesh_body());
  size_t at = 2 * kWire;
  while (r.given(1).empty()) {
    REQUIRE(at < kMeshBytes);
    r.from_cdn(at, at + kWire);
    at += kWire;
  }
  r.h.clear();
  r.load(2);
  REQUIRE(r.h.went_to_cdn(2));
  CHECK(r.opened(r.a).empty());
  CHECK(r.opened(r.b).empty());
  for (at = 0; at < kMeshBytes; at += kWire) {
    CHECK(r.from_cdn(at, std::min(at + kWire, kMeshBytes), 2).empty());
  }
}

TEST_CASE("joint: pieces that come once more count once, in however small parts they come") {
  InNeed r(true, 20);
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, "0-1,4-5", kMeshBytes);
  CHECK(r.serves(r.a, number, mesh_body()) == 4);
  r.h.playhead(0, 1);
  r.h.advance(100);
  REQUIRE(r.h.went_to_cdn(1));
  const Seen fetch = r.h.all(CommandKind::kFetch).back();
  for (auto at = static_cast<size_t>(fetch.t0); at < 6 * kWire; at += 1'024) {
    r.from_cdn(at, at + 1'024);
  }
  CHECK(r.h.engine.stats().p2p_wasted_bytes == 2 * kWire);
}

TEST_CASE("joint: an origin that ignores the range brings all of it, and neighbors the end") {
  InNeed r(true, 20);
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, "0-3", kMeshBytes);
  for (uint32_t piece = 0; piece < 4; ++piece) r.sends(r.a, number, piece, 1, mesh_body());
  r.h.playhead(0, 1);
  r.h.advance(100);
  REQUIRE(r.h.all(CommandKind::kFetch).size() == 1);
  REQUIRE(r.h.all(CommandKind::kFetch)[0].t0 == 4 * kWire);
  r.h.advance(500);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  PieceSet sent;
  for (size_t at = 0; r.given(1).empty(); at += kWire) {
    REQUIRE(at < kMeshBytes);
    r.h.advance(40);
    r.from_cdn(at, std::min(at + kWire, kMeshBytes));
    PieceSet due = r.asked(r.a, number);
    due.remove(sent);
    due.remove(pieces("0-3"));
    if (due.empty()) continue;
    r.sends(r.a, number, due.last(), 1, mesh_body());
    sent.add(due.last());
  }
  CHECK(r.given(1) == mesh_body());
  CHECK(r.h.engine.stats().p2p_wasted_bytes <= 4 * kWire);
}

TEST_CASE("joint: what an aborted load has of the CDN is of use to the next one") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.h.advance(100);
  r.from_cdn(0, 4 * kWire);
  const bool told = GENERATE(true, false);
  if (told) r.holds(r.a, number, "18", kMeshBytes);
  r.h.clear();
  r.h.load_aborted(1);
  r.h.playhead(0, 20);
  r.load(2, 20);
  REQUIRE_FALSE(r.h.went_to_cdn(2));
  // What was of no size yet is asked for anew.
  const uint32_t next = told ? number : r.transfer(r.a);
  r.holds(r.a, next, kAllPieces, kMeshBytes);
  r.serves(r.a, next, mesh_body());
  CHECK(r.given(2) == mesh_body());
  CHECK(r.h.engine.cache().segment_count() == 1);
}

TEST_CASE("joint: what is larger than the cache is given, and not kept") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = kMeshBytes - 1;
  InNeed r(true, 20, config);
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, "0-3", kMeshBytes);
  CHECK(r.serves(r.a, number, mesh_body()) == 4);
  r.h.playhead(0, 1);
  r.h.advance(600);
  REQUIRE(r.h.went_to_cdn(1));
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  r.serves(r.a, number, mesh_body());
  for (size_t at = 4 * kWire; r.given(1).empty(); at += kWire) {
    REQUIRE(at < kMeshBytes);
    r.from_cdn(at, std::min(at + kWire, kMeshBytes));
  }
  CHECK(r.given(1) == mesh_body());
  CHECK(r.h.engine.cache().segment_count() == 0);
}

TEST_CASE("joint: where nobody can help, segments are asked for ahead meanwhile") {
  InNeed r;
  const uint32_t number = r.transfer(r.a);
  r.holds(r.a, number, kAllPieces, kMeshBytes);
  // An answer without length has no end that a neighbor could bring.
  const size_t total = GENERATE(size_t{0}, kMeshBytes);
  REQUIRE(offer(r.h, r.h.fetch(1), mesh_body(), 0, 2 * kWire, total));
  SegmentLoad what;
  what.sn = MediaSequence(6);
  what.url = "seg6.ts";
  what.span = MediaSpan{5, 4};
  r.h.engine.list_segment(r.h.now, what);
  r.h.drain();
  const uint32_t ahead = r.transfer(r.a);
  REQUIRE(ahead != number);
  r.holds(r.a, ahead, kAllPieces, kMeshBytes);
  CHECK(r.asked(r.a, ahead).empty() == (total != 0));
}
