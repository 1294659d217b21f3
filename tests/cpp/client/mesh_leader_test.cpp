// Live: who fetches first, and what is wanted on a neighbor's word.

#include <catch2/catch.hpp>
#include <string>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kLiveBytes = 100'000;

// A live viewer, to whom the tracker names no parent any more.
struct LiveNeighbors : MeshRoom {
  LiveNeighbors() {
    h.engine.set_live(true);
    h.advance(1'500);
  }

  // The playlist's newest segment is `sn`, 20 s into the stream, and the player has what is before.
  void follows_to(int64_t sn) {
    lists(sn, {20, 4}, 2);
    h.drain();
    h.clear();
  }

  // What the KEEPALIVEs and their answers since the last clear() have said to the peer, the latest
  // last.
  std::vector<bool> leads(int32_t peer) const {
    std::vector<bool> found;
    for (const peer::Message& message : h.sent_to(peer)) {
      if (const auto* alive = std::get_if<peer::KeepAlive>(&message)) found.push_back(alive->lead);
      if (const auto* ack = std::get_if<peer::KeepAliveAck>(&message)) found.push_back(ack->lead);
    }
    return found;
  }
};

// One that has a child which is a second ahead of it.
struct Led : LiveNeighbors {
  int32_t child = 0;
  int32_t other = 0;

  Led() {
    child = add_child("c1");
    other = add_child("c2");
    says_word(child, 5);
    h.advance(1'000);
    h.clear();
    h.load(1, 5);
  }
};

}  // namespace

TEST_CASE(
    "mesh lead: a child that hears of segments well before us is to fetch first, and no other") {
  Led r;
  CHECK(r.leads(r.child) == std::vector<bool>{true});
  CHECK(r.leads(r.other).empty());
  r.h.clear();
  r.h.peer_says(r.child, peer::KeepAlive{std::nullopt, 2});
  r.h.peer_says(r.other, peer::KeepAlive{std::nullopt, 2});
  CHECK(r.leads(r.child) == std::vector<bool>{true});
  CHECK(r.leads(r.other) == std::vector<bool>{false});
}

TEST_CASE("mesh lead: what the leader is getting is waited for, unlike what another child is") {
  Led r;
  CHECK_FALSE(r.h.went_to_cdn(1));
  const std::string bytes = Harness::body(5, kLiveBytes);
  const uint32_t number = r.transfer(r.child);
  r.holds(r.child, number, "0-6", kLiveBytes);
  r.serves(r.child, number, bytes);
  CHECK(r.given(1) == bytes);
}

TEST_CASE("mesh lead: a leader that says nothing is waited for 0.4 s, and leads no more") {
  Led r;
  const std::string bytes = Harness::body(5, kLiveBytes);
  r.holds(r.child, r.transfer(r.child), "0-6", kLiveBytes);
  r.serves(r.child, r.transfer(r.child), bytes);
  REQUIRE(r.given(1) == bytes);
  r.h.playhead(0, 24);
  r.h.clear();
  r.h.load(2, 6);
  r.h.advance(399);
  CHECK_FALSE(r.h.went_to_cdn(2));
  SECTION("it speaks in time") {
    r.says_word(r.child, 6);
    REQUIRE(r.opened(r.child).size() == 1);
    r.h.advance(100);
    CHECK_FALSE(r.h.went_to_cdn(2));
  }
  SECTION("it does not") {
    r.h.advance(1);
    CHECK(r.h.went_to_cdn(2));
    REQUIRE_FALSE(r.leads(r.child).empty());
    CHECK_FALSE(r.leads(r.child).back());
  }
}

TEST_CASE("mesh lead: whoever has a parent names no leader") {
  LiveNeighbors r;
  const int32_t child = r.add_child("c1");
  r.add_parent("a");
  r.says_word(child, 5);
  r.h.advance(1'000);
  r.h.clear();
  r.h.load(1, 5);
  CHECK(r.leads(child).empty());
}

TEST_CASE("mesh lead: whoever is told to lead by a parent waits only for what the parent holds") {
  LiveNeighbors r;
  const int32_t parent = r.add_parent("a");
  r.h.peer_says(parent, peer::KeepAlive{std::nullopt, 2, true});
  r.h.clear();
  SECTION("for nothing, if that is nothing") {
    r.h.load(1, 5);
    CHECK(r.h.went_to_cdn(1));
  }
  SECTION("and otherwise until it is told so no more") {
    r.h.peer_says(parent, peer::KeepAliveAck{std::nullopt, 2, false});
    r.h.load(1, 5);
    CHECK_FALSE(r.h.went_to_cdn(1));
  }
}

TEST_CASE("mesh lead: a leader fetches the end of a segment, and what is before comes from peers") {
  LiveNeighbors r;
  const int32_t parent = r.add_parent("a");
  r.h.peer_says(parent, peer::KeepAlive{std::nullopt, 2, true});
  r.follows_to(5);
  peer::Have word;
  word.url = "seg6.ts";
  word.sn = MediaSequence(6);
  // As of a playlist that was seen live.
  word.rendition = Harness::asking(0, 6);
  word.rendition.insert(word.rendition.find("seg6.ts") + 7, "#live");
  r.h.peer_says(parent, word);
  const uint32_t number = r.transfer(parent);
  const std::string bytes = Harness::body(6, kLiveBytes);
  r.holds(parent, number, "0-2", kLiveBytes);
  REQUIRE(r.asked(parent, number) == pieces("0-2"));
  r.sends(parent, number, 0, 1, bytes);
  SegmentLoad what;
  what.sn = MediaSequence(6);
  what.url = "seg6.ts";
  what.span = MediaSpan{24, 4};
  what.streams = true;
  r.h.load(1, what);
  const size_t end = 3 * peer::kWirePieceBytes;
  const auto fetches = r.h.all(CommandKind::kFetch);
  REQUIRE(fetches.size() == 1);
  CHECK(fetches[0].t0 == end);
  CHECK(fetches[0].t1 == 0);
  r.h.fetch_part(1, bytes, end, kLiveBytes);
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(1), kLiveBytes - end);
  r.h.drain();
  // Nothing more is fetched while there is time.
  r.h.advance(300);
  CHECK(r.h.all(CommandKind::kFetch).size() == 1);
  SECTION("in time") {
    r.sends(parent, number, 1, 2, bytes);
    CHECK(r.given(1) == bytes);
  }
  SECTION("and if it does not, from the CDN") {
    r.h.advance(10'000);
    REQUIRE(r.h.all(CommandKind::kFetch).size() == 2);
    CHECK(r.h.all(CommandKind::kFetch)[1].t0 == peer::kWirePieceBytes);
    CHECK(r.h.all(CommandKind::kFetch)[1].t1 == end);
  }
}

TEST_CASE("mesh lead: a child has no say in it") {
  LiveNeighbors r;
  const int32_t child = r.add_child("c1");
  r.h.peer_says(child, peer::KeepAlive{std::nullopt, 2, true});
  r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  CHECK_FALSE(r.h.went_to_cdn(1));
}

TEST_CASE("mesh: neighbors hear once that a live segment comes, and of none that is on demand") {
  const bool live = GENERATE(true, false);
  MeshRoom r;
  r.h.engine.set_live(live);
  const int32_t child = r.add_child("c1");
  const int32_t parent = r.add_parent("a");
  const int32_t old = r.h.open_child("old");
  r.h.clear();
  r.h.load(1, 5);
  r.h.advance(200);
  for (const int32_t peer : {child, parent}) {
    const auto words = r.h.sent<peer::Have>(peer);
    REQUIRE(words.size() == (live ? 1 : 0));
    if (!live) continue;
    CHECK_FALSE(words[0].transfer.has_value());
    CHECK(words[0].url == "seg5.ts");
    CHECK(words[0].rendition == Harness::asking(0, 5));
  }
  CHECK(r.h.sent<peer::Have>(old).empty());
}

TEST_CASE("mesh: what a parent says is coming is wanted before our own playlist shows it") {
  LiveNeighbors r;
  const int32_t parent = r.add_parent("a");
  r.follows_to(5);
  r.says_word(parent, 6);
  const auto wants = r.opened(parent);
  REQUIRE_FALSE(wants.empty());
  CHECK(wants.back().sn == MediaSequence(6));
  // One far ahead is nobody's.
  r.h.clear();
  r.says_word(parent, 60);
  CHECK(r.opened(parent).empty());
}
