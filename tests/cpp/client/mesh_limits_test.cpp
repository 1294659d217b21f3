// What neighbors may cost, and what a viewer is not to give.

#include <catch2/catch.hpp>
#include <string>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {
constexpr size_t kLimitsBytes = 300'000;
const std::string& limits_body() {
  static const std::string bytes = Harness::body(5, kLimitsBytes);
  return bytes;
}
}  // namespace

TEST_CASE("mesh limits: a fetch that fails after some of it was told is lacked") {
  MeshRoom r;
  const int32_t child = r.add_child("c");
  r.h.clear();
  r.h.load(7, 5, true);
  r.wants(child, 1, 5);
  r.h.fetch_part(7, limits_body(), 0, 5 * peer::kWirePieceBytes);
  REQUIRE(r.h.sent<peer::Have>(child).size() == 1);
  r.h.fetch_failed(7);
  const auto lacks = r.h.sent<peer::Lack>(child);
  REQUIRE(lacks.size() == 1);
  CHECK(lacks[0].transfer == 1);
  CHECK(r.is_open(child));
}

TEST_CASE("mesh limits: with upload switched off a parent gets nothing either, and hears so") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  r.h.cache_segment(5, kLimitsBytes);
  SECTION("before it asked") {
    r.h.engine.set_upload(r.h.now, false);
    r.h.drain();
    r.h.clear();
    r.wants(parent, 1, 5);
  }
  SECTION("afterwards") {
    r.wants(parent, 1, 5);
    r.h.clear();
    r.h.engine.set_upload(r.h.now, false);
    r.h.drain();
  }
  r.wants(parent, 1, "0-2");
  CHECK(r.frames(parent).empty());
  const auto lacks = r.h.sent<peer::Lack>(parent);
  REQUIRE(lacks.size() == 1);
  CHECK(lacks[0].transfer == 1);
  CHECK(r.is_open(parent));
}

TEST_CASE("mesh limits: pieces wait for what the limit on upload allows") {
  EngineConfig config = Harness::default_config();
  config.limits.upload_bytes_per_second = 10'000;
  MeshRoom r(config);
  const int32_t child = r.add_child("c");
  r.h.cache_segment(5, kLimitsBytes);
  r.h.clear();
  r.wants(child, 1, 5);
  r.wants(child, 1, "0-9");
  r.h.writable(child, 0);
  r.h.writable(child, 0);
  const PieceSet at_once = pieces_in(r.frames(child), limits_body());
  CHECK(at_once.has(0));
  CHECK_FALSE(at_once.has(9));
  for (int i = 0; i < 30; ++i) {
    r.h.advance(1'000);
    r.h.writable(child, 0);
  }
  CHECK(pieces_in(r.frames(child), limits_body()) == pieces("0-9"));
  for (const peer::Lack& lack : r.h.sent<peer::Lack>(child)) CHECK_FALSE(lack.pieces);
  CHECK(r.is_open(child));
}

TEST_CASE("mesh limits: no message is longer than the other side takes, header included") {
  const size_t most = GENERATE(16'399u, 16'400u, 40'000u, 49'152u, 49'168u);
  MeshRoom r;
  r.h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"c"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  const int32_t child = r.h.all(CommandKind::kPeerAnswer).back().peer;
  r.h.engine.on_channel_open(r.h.now, PeerHandle(child), most);
  r.h.drain();
  r.h.peer_says(child, peer::KeepAlive{std::nullopt, 2});
  r.h.cache_segment(5, kLimitsBytes);
  r.h.clear();
  r.wants(child, 1, 5);
  r.wants(child, 1, "0-2");
  for (const std::string& frame : r.frames(child)) CHECK(frame.size() <= most);
  if (most < 16'400) {
    CHECK(r.frames(child).empty());
    CHECK(r.h.sent<peer::Lack>(child).size() == 1);
  } else {
    CHECK_FALSE(r.frames(child).empty());
  }
}

TEST_CASE(
    "mesh limits: a transfer in which nothing is asked for holds a segment for a minute at most") {
  MeshRoom r;
  const int32_t child = r.add_child("c");
  r.h.cache_segment(5, kLimitsBytes);
  r.h.clear();
  r.wants(child, 1, 5);
  for (int i = 0; i < 13; ++i) {
    r.h.advance(5'000);
    r.h.peer_says(child, peer::KeepAlive{std::nullopt, 2});
    r.h.peer_says(child, peer::KeepAliveAck{std::nullopt, 2});
  }
  const auto lacks = r.h.sent<peer::Lack>(child);
  REQUIRE(lacks.size() == 1);
  CHECK(lacks[0].transfer == 1);
}

TEST_CASE("mesh limits: WANTs and HAVEs of transfers that are not open are counted") {
  MeshRoom r;
  const int32_t child = r.add_child("c");
  r.h.clear();
  const bool want = GENERATE(true, false);
  for (int i = 0; i < 5'000 && r.is_open(child); ++i) {
    if (want) {
      r.wants(child, 77, "0-3");
    } else {
      r.holds(child, 77, "0-3", kLimitsBytes);
    }
  }
  CHECK_FALSE(r.is_open(child));
}

TEST_CASE("mesh limits: what a peer of extension 1 says of extension 2 is ignored") {
  MeshRoom r;
  const int32_t child = r.h.open_child("c");
  r.h.peer_says(child, peer::KeepAlive{std::nullopt, 1});
  r.h.cache_segment(5, kLimitsBytes);
  r.h.clear();
  r.wants(child, 1, 5);
  CHECK(r.h.sent<peer::Have>(child).empty());
  CHECK(r.h.sent<peer::Lack>(child).empty());
  CHECK(r.is_open(child));
}

TEST_CASE("mesh limits: a load that neighbors lack counts as fallback") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  r.h.peer_says(parent, peer::Lack{"", std::nullopt, std::nullopt, std::nullopt, r.transfer(parent),
                                   std::nullopt});
  CHECK(r.h.went_to_cdn(1));
  CHECK(r.h.engine.stats().fallbacks == 1);
  CHECK(r.h.events(EventCode::kFallback).size() == 1);
}

TEST_CASE("mesh limits: a peer whose DATA breaks the rules costs a load no more than that moment") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  const uint32_t number = r.transfer(parent);
  r.h.advance(1'200);
  r.holds(parent, number, "0-3", kLimitsBytes);
  r.sends(parent, number, 9, 1, limits_body());
  CHECK_FALSE(r.is_open(parent));
  r.h.advance(1'100);
  CHECK(r.h.went_to_cdn(1));
}

TEST_CASE("mesh limits: cancelled pieces that were not sent do not count as sent") {
  EngineConfig config = Harness::default_config();
  config.limits.upload_bytes = 400'000;
  MeshRoom r(config);
  const int32_t child = r.add_child("c");
  r.h.cache_segment(5, kLimitsBytes);
  r.h.clear();
  size_t sent = 0;
  for (uint32_t number = 1; number <= 3; ++number) {
    r.wants(child, number, 5);
    r.wants(child, number, "0-18");
    r.h.peer_says(child, peer::Cancel{number, std::nullopt});
    r.h.writable(child, 0);
  }
  for (const std::string& frame : r.frames(child)) sent += frame.size();
  CHECK(sent < 300'000);
  r.h.clear();
  r.wants(child, 4, 5);
  r.wants(child, 4, "0-2");
  CHECK_FALSE(r.frames(child).empty());
}

TEST_CASE("mesh limits: a size that only one neighbor says does not keep the others' out") {
  MeshRoom r;
  const int32_t liar = r.add_parent("liar");
  const int32_t a = r.add_parent("a");
  const int32_t b = r.add_parent("b");
  r.h.clear();
  r.h.load(1, 5);
  r.holds(liar, r.transfer(liar), "0", kLimitsBytes + 1);
  r.holds(a, r.transfer(a), "0-18", kLimitsBytes);
  r.holds(b, r.transfer(b), "0-18", kLimitsBytes);
  CHECK(r.closed(a).empty());
}
