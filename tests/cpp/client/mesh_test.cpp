// A viewer among neighbors that do as a test says.

#include <catch2/catch.hpp>
#include <string>

#include "two_parents.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("mesh: what another load's fetch brings is asked of nobody") {
  MeshRoom r;
  const std::string bytes = mesh_body();
  const int32_t parent = r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  const uint32_t number = r.transfer(parent);
  r.h.load(2, 5, true);
  r.h.fetch_part(2, bytes, 0, 2 * peer::kWirePieceBytes);
  r.holds(parent, number, kAllPieces, bytes.size());
  CHECK(r.asked(parent, number).empty());
  r.h.fetch_part(2, bytes, 2 * peer::kWirePieceBytes, bytes.size());
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(2), bytes.size());
  r.h.drain();
  CHECK(r.asked(parent, number).empty());
}

TEST_CASE("mesh: a load opens a transfer with each parent, and asks for nothing before it hears") {
  TwoParents r;
  const peer::Want want = r.opened(r.a)[0];
  CHECK(want.url == "seg5.ts");
  CHECK(want.sn == MediaSequence(5));
  CHECK(*want.rendition == Harness::asking(0, 5));
  CHECK(want.within >= 500);
  CHECK(want.within <= 60'000);
  CHECK(r.asked(r.a, r.at_a).empty());
  CHECK_FALSE(r.h.went_to_cdn(1));
}

TEST_CASE("mesh: two parents that hold all bring parts that do not overlap, and then the whole") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  CHECK_FALSE(r.asked(r.a, r.at_a).empty());
  CHECK_FALSE(r.asked(r.b, r.at_b).empty());
  CHECK_FALSE(r.asked(r.a, r.at_a).intersects(r.asked(r.b, r.at_b)));
  r.serve();
  CHECK(r.given(1) == mesh_body());
  CHECK(r.closed(r.a) == std::vector<uint32_t>{r.at_a});
  CHECK(r.closed(r.b) == std::vector<uint32_t>{r.at_b});
  const EngineStats stats = r.h.engine.stats();
  CHECK(stats.p2p_bytes == kMeshBytes);
  CHECK(stats.p2p_segments == 1);
  CHECK(stats.p2p_wasted_bytes == 0);
  CHECK_FALSE(r.h.went_to_cdn(1));
  uint64_t received = 0;
  for (const PeerInfo& info : r.h.engine.peers()) {
    CHECK(info.received_bytes > 0);
    received += info.received_bytes;
  }
  CHECK(received == kMeshBytes);
}

TEST_CASE("mesh: a neighbor is asked only for what it holds, as it comes to hold it") {
  TwoParents r;
  r.holds(r.a, r.at_a, "3-4", kMeshBytes);
  CHECK(r.asked(r.a, r.at_a) == pieces("3-4"));
  r.sends(r.a, r.at_a, 3, 2, mesh_body());
  CHECK(r.asked(r.a, r.at_a) == pieces("3-4"));
  r.holds(r.a, r.at_a, "0,18", kMeshBytes);
  CHECK(r.asked(r.a, r.at_a) == pieces("0,3-4,18"));
  CHECK(r.asked(r.b, r.at_b).empty());
}

TEST_CASE("mesh: what a neighbor says of pieces that no segment of its size has means nothing") {
  TwoParents r;
  r.holds(r.a, r.at_a, "18-", kMeshBytes);
  CHECK(r.asked(r.a, r.at_a) == pieces("18"));
}

TEST_CASE("mesh: pieces in one message, and the last one short, are taken as they are") {
  TwoParents r;
  r.holds(r.a, r.at_a, "16-18", kMeshBytes);
  REQUIRE(r.asked(r.a, r.at_a) == pieces("16-18"));
  r.sends(r.a, r.at_a, 16, 3, mesh_body());
  CHECK(r.is_open(r.a));
  r.holds(r.b, r.at_b, "0-15", kMeshBytes);
  r.serve();
  CHECK(r.given(1) == mesh_body());
}

TEST_CASE("mesh: a parent that lacks the segment is asked for it no more, and others bring it") {
  TwoParents r;
  r.h.peer_says(r.a,
                peer::Lack{"", std::nullopt, std::nullopt, std::nullopt, r.at_a, std::nullopt});
  CHECK_FALSE(r.h.went_to_cdn(1));
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  r.serve();
  CHECK(r.given(1) == mesh_body());
  CHECK(r.opened(r.a).size() == 1);
  CHECK(r.is_open(r.a));
}

TEST_CASE("mesh: when all lack the segment, the CDN is asked at once") {
  TwoParents r;
  for (const int32_t peer : {r.a, r.b}) {
    CHECK_FALSE(r.h.went_to_cdn(1));
    const uint32_t number = peer == r.a ? r.at_a : r.at_b;
    r.h.peer_says(peer,
                  peer::Lack{"", std::nullopt, std::nullopt, std::nullopt, number, std::nullopt});
  }
  CHECK(r.h.went_to_cdn(1));
  r.h.fetch_done(1, mesh_body());
  CHECK(r.is_open(r.a));
  CHECK(r.is_open(r.b));
}

TEST_CASE("mesh: pieces that a neighbor lacks after all are asked of another") {
  TwoParents r;
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  REQUIRE(r.asked(r.a, r.at_a) == pieces("0-3"));
  r.holds(r.b, r.at_b, "0-3", kMeshBytes);
  CHECK(r.asked(r.b, r.at_b).empty());
  r.h.peer_says(r.a, peer::Lack{"", std::nullopt, std::nullopt, std::nullopt, r.at_a, "1-2"});
  CHECK(r.asked(r.b, r.at_b) == pieces("1-2"));
  // They do not come from the first one any more.
  r.sends(r.a, r.at_a, 1, 1, mesh_body());
  CHECK_FALSE(r.is_open(r.a));
}

TEST_CASE("mesh: of two sizes the first counts, and nothing of the other is asked for") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.holds(r.b, r.at_b, "0-12", 200'000);
  CHECK(r.asked(r.b, r.at_b).empty());
  r.serve();
  CHECK(r.given(1) == mesh_body());
  CHECK(r.is_open(r.b));
}

TEST_CASE("mesh: a size that changes within a transfer ends it") {
  TwoParents r;
  r.holds(r.a, r.at_a, "0", kMeshBytes);
  r.holds(r.a, r.at_a, "1", kMeshBytes + 1);
  CHECK(r.closed(r.a) == std::vector<uint32_t>{r.at_a});
  CHECK(r.is_open(r.a));
}

TEST_CASE("mesh: DATA that breaks the rules ends the connection, and another brings the segment") {
  TwoParents r;
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  REQUIRE(r.asked(r.a, r.at_a) == pieces("0-3"));
  const std::string whole = data_of(r.at_a, 0, 1, mesh_body());
  SECTION("a piece that was not asked for") { r.sends(r.a, r.at_a, 7, 1, mesh_body()); }
  SECTION("one that was asked for beside one that was not") {
    r.sends(r.a, r.at_a, 3, 2, mesh_body());
  }
  SECTION("a piece that came before") {
    r.sends(r.a, r.at_a, 0, 1, mesh_body());
    r.sends(r.a, r.at_a, 0, 1, mesh_body());
  }
  SECTION("of a transfer that never was") { r.sends(r.a, r.at_a + 9, 0, 1, mesh_body()); }
  SECTION("of another size") { r.h.peer_sends(r.a, data_of(r.at_a, 0, 1, mesh_body() + "x")); }
  SECTION("a piece that is not whole") { r.h.peer_sends(r.a, whole.substr(0, 9'000)); }
  SECTION("a header and nothing else") { r.h.peer_sends(r.a, whole.substr(0, 16)); }
  SECTION("less than a header") { r.h.peer_sends(r.a, whole.substr(0, 15)); }
  SECTION("of another type") { r.h.peer_sends(r.a, "\x02" + whole.substr(1)); }
  SECTION("that is not media") {
    const std::string page = "<!doctype html>" + mesh_body().substr(15);
    r.h.peer_sends(r.a, data_of(r.at_a, 0, 1, page));
  }
  CHECK_FALSE(r.is_open(r.a));
  REQUIRE(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
  CHECK(r.h.has(CommandKind::kPeerClose));
  CHECK(r.is_open(r.b));
  CHECK(r.h.engine.stats().malformed == 1);
}

TEST_CASE("mesh: DATA before anything was said of the segment is refused") {
  TwoParents r;
  r.sends(r.a, r.at_a, 0, 1, mesh_body());
  CHECK_FALSE(r.is_open(r.a));
  CHECK(r.is_open(r.b));
}

TEST_CASE("mesh: a HAVE of a transfer that is not open is ignored, whatever it says") {
  TwoParents r;
  r.holds(r.a, r.at_a + 50, kAllPieces, kMeshBytes);
  CHECK(r.is_open(r.a));
  CHECK(r.opened(r.a).size() == 1);
  CHECK(r.h.sent<peer::Want>(r.a).size() == 1);
}

TEST_CASE("mesh: a giver that falls silent loses its pieces to another within a second") {
  TwoParents r;
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  REQUIRE(r.asked(r.a, r.at_a) == pieces("0-3"));
  r.holds(r.b, r.at_b, "0-3", kMeshBytes);
  r.h.advance(300);
  CHECK(r.asked(r.a, r.at_a) == pieces("0-3"));
  r.h.advance(700);
  CHECK(r.asked(r.a, r.at_a).empty());
  CHECK(r.asked(r.b, r.at_b) == pieces("0-3"));
  CHECK(r.is_open(r.a));

  SECTION("what it sends all the same is no offence, and is not counted twice") {
    r.sends(r.b, r.at_b, 0, 1, mesh_body());
    r.sends(r.a, r.at_a, 0, 1, mesh_body());
    CHECK(r.is_open(r.a));
    CHECK(r.h.engine.stats().p2p_wasted_bytes == peer::kWirePieceBytes);
    SECTION("but once only") {
      r.sends(r.a, r.at_a, 0, 1, mesh_body());
      CHECK_FALSE(r.is_open(r.a));
    }
  }
}

TEST_CASE("mesh: a giver that closes its connection loses its pieces to another") {
  TwoParents r;
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  r.sends(r.a, r.at_a, 0, 2, mesh_body());
  r.h.peer_closed(r.a);
  r.serve();
  CHECK(r.given(1) == mesh_body());
}

TEST_CASE("mesh: what comes after the segment is whole was on its way, and is no offence") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  const PieceSet late = r.asked(r.b, r.at_b);
  REQUIRE_FALSE(late.empty());
  r.h.load_aborted(1);
  r.h.engine.on_presentation(r.h.now);
  r.h.drain();
  CHECK(r.closed(r.b) == std::vector<uint32_t>{r.at_b});
  r.sends(r.b, r.at_b, late.first(), 1, mesh_body());
  CHECK(r.is_open(r.b));
  CHECK(r.h.engine.stats().p2p_wasted_bytes == peer::kWirePieceBytes);
  r.sends(r.b, r.at_b, late.first(), 1, mesh_body());
  CHECK_FALSE(r.is_open(r.b));
}

TEST_CASE("mesh: a source that begins anew cancels all transfers") {
  TwoParents r;
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  r.h.engine.on_presentation(r.h.now);
  r.h.drain();
  CHECK(r.closed(r.a) == std::vector<uint32_t>{r.at_a});
  CHECK(r.closed(r.b) == std::vector<uint32_t>{r.at_b});
  CHECK(r.h.went_to_cdn(1));
}

TEST_CASE("mesh: what is under way for a load that is aborted still comes, for others and later") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.h.load_aborted(1);
  r.serve();
  CHECK(r.given(1).empty());
  CHECK(r.h.engine.cache().segment_count() == 1);
  r.h.load(2, 5);
  CHECK(r.given(2) == mesh_body());
}

TEST_CASE("mesh: the player hears how far a load has come, at most every 50 ms") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.h.advance(60);
  const PieceSet first = r.asked(r.a, r.at_a);
  REQUIRE(first.count() >= 2);
  r.sends(r.a, r.at_a, first.first(), 1, mesh_body());
  r.sends(r.a, r.at_a, first.first(first.first() + 1), 1, mesh_body());
  const auto progress = r.h.all(CommandKind::kLoadProgress);
  REQUIRE(progress.size() == 1);
  CHECK(progress[0].code == static_cast<int32_t>(peer::kWirePieceBytes));
  CHECK(progress[0].aux == kMeshBytes);
}

TEST_CASE("mesh: what peers do not bring in time comes from the CDN, only the bytes that miss") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  r.h.clear();
  SegmentLoad what;
  what.sn = MediaSequence(5);
  what.url = "seg5.ts";
  what.span = MediaSpan{20, 4};
  what.streams = true;
  r.h.load(1, what);
  const uint32_t number = r.transfer(parent);
  r.holds(parent, number, "0-1", kMeshBytes);
  r.sends(parent, number, 0, 2, mesh_body());
  r.h.advance(10'000);
  const auto fetches = r.h.all(CommandKind::kFetch);
  REQUIRE(fetches.size() == 1);
  CHECK(fetches[0].t0 == 2 * peer::kWirePieceBytes);
  CHECK(fetches[0].t1 == 0);
  CHECK(r.closed(parent).empty());
  const MutableBytes room = r.h.engine.reserve_fetch(
      r.h.fetch(1), 2 * peer::kWirePieceBytes, kMeshBytes - 2 * peer::kWirePieceBytes, kMeshBytes);
  REQUIRE(room.size() == kMeshBytes - 2 * peer::kWirePieceBytes);
  std::copy_n(mesh_body().begin() + 2 * peer::kWirePieceBytes, room.size(), room.begin());
  r.h.engine.on_fetch_bytes(r.h.now, r.h.fetch(1), room.size());
  r.h.drain();
  CHECK(r.given(1) == mesh_body());
  CHECK(r.closed(parent) == std::vector<uint32_t>{number});
}

TEST_CASE("mesh: nobody waits for what a child is only getting, and what it holds is asked for") {
  MeshRoom r;
  r.h.advance(1'500);  // the tracker may name a parent until then
  const int32_t child = r.add_child("c");
  r.says_word(child, 5);
  r.h.clear();
  SECTION("it holds nothing yet") {
    r.h.load(1, 5);
    CHECK(r.h.went_to_cdn(1));
  }
  SECTION("it holds some while we wait for a parent") {
    const int32_t parent = r.add_parent("a");
    r.h.load(1, 5);
    REQUIRE(r.opened(child).size() == 1);
    r.holds(child, r.transfer(child), kAllPieces, kMeshBytes);
    CHECK_FALSE(r.asked(child, r.transfer(child)).empty());
    r.serves(child, r.transfer(child), mesh_body());
    CHECK(r.given(1) == mesh_body());
    CHECK(r.closed(parent).size() == 1);
  }
}

TEST_CASE("mesh: a child that has not spoken of a segment is not asked for it") {
  MeshRoom r;
  const int32_t child = r.add_child("c");
  r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  CHECK(r.opened(child).empty());
}

TEST_CASE("mesh: a peer of extension 1 is sent none of this, and is asked as before") {
  MeshRoom r;
  const int32_t old = r.h.open_parent("old", true);
  r.h.clear();
  r.h.load(1, 5);
  CHECK(r.h.sent<peer::Want>(old).empty());
  const auto requests = r.h.sent<peer::Request>(old);
  REQUIRE(requests.size() == 1);
  r.h.peer_serves(old, requests[0], mesh_body());
  CHECK(r.given(1) == mesh_body());
  CHECK(r.h.sent<peer::Have>(old).empty());
}

TEST_CASE(
    "mesh: of parents of both levels those that hold pieces are waited for, then the others") {
  MeshRoom r;
  const int32_t old = r.h.open_parent("old", true);
  const int32_t parent = r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  REQUIRE(r.opened(parent).size() == 1);
  CHECK(r.h.sent<peer::Request>(old).empty());
  r.h.peer_says(parent, peer::Lack{"", std::nullopt, std::nullopt, std::nullopt, r.transfer(parent),
                                   std::nullopt});
  const auto requests = r.h.sent<peer::Request>(old);
  REQUIRE(requests.size() == 1);
  CHECK_FALSE(r.h.went_to_cdn(1));
  r.h.peer_serves(old, requests[0], mesh_body());
  CHECK(r.given(1) == mesh_body());
}

TEST_CASE("mesh: a packet of an extension-2 peer that was sent REQUEST is a packet, and no DATA") {
  MeshRoom r;
  const int32_t parent = r.h.open_parent("late", true);  // it has shown extension 1
  r.h.clear();
  r.h.load(1, 5);
  const auto requests = r.h.sent<peer::Request>(parent);
  REQUIRE(requests.size() == 1);
  r.h.peer_says(parent, peer::KeepAlive{std::nullopt, 2});
  r.h.peer_serves(parent, requests[0], mesh_body());
  CHECK(r.given(1) == mesh_body());
  CHECK(r.is_open(parent));
}

TEST_CASE(
    "mesh: a parent that holds a segment is asked for the next ones, whatever it said before") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  r.h.peer_says(parent, peer::KeepAlive{MediaSequence(3), 2});
  r.h.clear();
  for (const int64_t sn : {6, 9, 12}) {
    CAPTURE(sn);
    r.h.load(static_cast<int32_t>(sn), sn);
    REQUIRE(r.opened(parent).size() == 1);
    const uint32_t transfer = r.transfer(parent);
    r.holds(parent, transfer, kAllPieces, kMeshBytes);
    r.serves(parent, transfer, Harness::body(sn, kMeshBytes));
    r.h.clear();
  }
  // It may be of another time of the film, and is not asked for everything.
  r.h.load(30, 30);
  CHECK(r.opened(parent).empty());
}
