// Where the publisher gives digests, what peers send is compared with them piece by piece, before
// anybody gets it (docs/DIGESTS.md).

#include <catch2/catch.hpp>
#include <string>

#include "digests_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// Two parents that hold segment 5, and a load of it; its digest is known.
struct Asked : DigestsRoom {
  int32_t a = 0;
  int32_t b = 0;
  uint32_t at_a = 0;
  uint32_t at_b = 0;

  // `agree`: what the tracker's `accept` says.
  explicit Asked(std::optional<int32_t> agree = {}) {
    if (agree) come_to_counting_tracker(*agree);
    digests_come(digest_line("seg5.ts", mesh_body()));
    a = add_parent("a");
    b = add_parent("b");
    h.clear();
    h.load(1, 5);
    at_a = transfer(a);
    at_b = transfer(b);
  }
  void give_digests() {
    holds(a, at_a, kAllPieces, kMeshBytes, true);
    REQUIRE(asked_for_digests(a));
    h.peer_sends(a, digests_of(at_a, mesh_body()));
  }
};

std::string spoilt(std::string bytes, size_t at) {
  bytes[at] ^= 1;
  return bytes;
}

}  // namespace

TEST_CASE("digests: the file is asked for once its playlist says that there is one") {
  MeshRoom plain;
  CHECK_FALSE(plain.h.has(CommandKind::kFetchDigests));
  const DigestsRoom r;
  REQUIRE(r.h.all(CommandKind::kFetchDigests).size() == 1);
  CHECK(r.h.all(CommandKind::kFetchDigests)[0].code == static_cast<int32_t>(TrackKind::kMain));
  CHECK(r.h.all(CommandKind::kFetchDigests)[0].aux == 0);
}

TEST_CASE("digests: they come first, from one neighbor, and then pieces from all") {
  Asked r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes, true);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes, true);
  CHECK(r.asked_for_digests(r.a));
  CHECK_FALSE(r.asked_for_digests(r.b));
  CHECK(r.asked(r.b, r.at_b).empty());
  r.h.peer_sends(r.a, digests_of(r.at_a, mesh_body()));
  CHECK_FALSE(r.asked(r.b, r.at_b).empty());
  CHECK(r.serves(r.a, r.at_a, mesh_body()) > 0);
  CHECK(r.serves(r.b, r.at_b, mesh_body()) > 0);
  CHECK(r.is_open(r.a));
  CHECK(r.is_open(r.b));
}

TEST_CASE("digests: a whole segment of checked pieces is what the player gets") {
  Asked r;
  r.give_digests();
  r.serves(r.a, r.at_a, mesh_body());
  CHECK((r.given(1) == mesh_body()));
  CHECK(r.h.engine.stats().p2p_bytes == kMeshBytes);
}

TEST_CASE("digests: one flipped bit ends its giver, and the segment comes from another") {
  for (const size_t at : {size_t{0}, size_t{5 * 16'384 + 77}, kMeshBytes - 1}) {
    Asked r;
    r.give_digests();
    r.serves(r.a, r.at_a, spoilt(mesh_body(), at));
    CHECK_FALSE(r.is_open(r.a));
    CHECK(r.given(1).empty());
    r.holds(r.b, r.at_b, kAllPieces, kMeshBytes, true);
    r.serves(r.b, r.at_b, mesh_body());
    CHECK((r.given(1) == mesh_body()));
    CHECK(r.is_open(r.b));
  }
}

TEST_CASE("digests: who sends a wrong piece is reported to a tracker that counts reports") {
  const bool counts = GENERATE(false, true);
  Asked r(counts ? std::optional(3) : std::nullopt);
  // Of a broken protocol nobody is accused.
  const bool wrong = GENERATE(false, true);
  r.give_digests();
  if (wrong) {
    r.serves(r.a, r.at_a, spoilt(mesh_body(), 5 * 16'384 + 77));
  } else {
    r.h.peer_sends(r.a, digests_of(r.at_a, mesh_body()));
  }
  CHECK_FALSE(r.is_open(r.a));
  const std::string told = r.h.all(CommandKind::kSocketSend).back().text;
  CAPTURE(told);
  const char* const word = counts && wrong ? R"("reason":"polluted")" : R"("reason":"misbehaved")";
  CHECK(told.find(word) != std::string::npos);
}

TEST_CASE("digests: digests of other bytes end their giver, and the segment comes from another") {
  Asked r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes, true);
  r.h.peer_sends(r.a, digests_of(r.at_a, Harness::body(6, kMeshBytes)));
  CHECK_FALSE(r.is_open(r.a));
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes, true);
  CHECK(r.asked_for_digests(r.b));
  r.h.peer_sends(r.b, digests_of(r.at_b, mesh_body()));
  r.serves(r.b, r.at_b, mesh_body());
  CHECK((r.given(1) == mesh_body()));
}

TEST_CASE("digests: a segment of another size than the publisher's is not begun") {
  Asked r;
  r.holds(r.a, r.at_a, "0-11", 190'000, true);
  CHECK(r.asked(r.a, r.at_a).empty());
  CHECK(r.closed(r.a) == std::vector<uint32_t>{r.at_a});
}

TEST_CASE("digests: a neighbor that has none is not asked for pieces") {
  Asked r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes, false);
  CHECK(r.asked(r.a, r.at_a).empty());
  CHECK(r.closed(r.a) == std::vector<uint32_t>{r.at_a});
}

TEST_CASE("digests: pieces before them, and digests that nobody asked for, end the connection") {
  {
    Asked r;
    r.holds(r.a, r.at_a, kAllPieces, kMeshBytes, true);
    r.sends(r.a, r.at_a, r.asked(r.a, r.at_a).first(), 1, mesh_body());
    CHECK_FALSE(r.is_open(r.a));
  }
  {
    Asked r;
    r.h.peer_sends(r.a, digests_of(r.at_a, mesh_body()));
    CHECK_FALSE(r.is_open(r.a));
  }
  {
    Asked r;
    r.give_digests();
    r.h.peer_sends(r.a, digests_of(r.at_a, mesh_body()));
    CHECK_FALSE(r.is_open(r.a));
  }
  {
    Asked r;
    r.give_digests();
    r.h.peer_sends(r.a, digests_of(77, mesh_body()));
    CHECK_FALSE(r.is_open(r.a));
  }
}

TEST_CASE("digests: those of a transfer that was ended meanwhile do no harm, once") {
  Asked r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes, true);
  r.h.load_aborted(1);
  r.h.advance(3'000);
  REQUIRE(r.closed(r.a) == std::vector<uint32_t>{r.at_a});
  r.h.peer_sends(r.a, digests_of(r.at_a, mesh_body()));
  CHECK(r.is_open(r.a));
  r.h.peer_sends(r.a, digests_of(r.at_a, mesh_body()));
  CHECK_FALSE(r.is_open(r.a));
}

TEST_CASE("digests: a giver that keeps them back loses its part to another") {
  Asked r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes, true);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes, true);
  REQUIRE(r.asked_for_digests(r.a));
  r.h.advance(700);
  CHECK(r.asked_for_digests(r.b));
  r.h.peer_sends(r.b, digests_of(r.at_b, mesh_body()));
  CHECK(r.serves(r.b, r.at_b, mesh_body()) > 0);
  CHECK(r.is_open(r.b));
}

TEST_CASE("digests: before the file is there, neighbors are heard and nothing is asked of them") {
  DigestsRoom r;
  const int32_t a = r.add_parent("a");
  r.h.clear();
  r.h.load(1, 5);
  const uint32_t at = r.transfer(a);
  r.holds(a, at, kAllPieces, kMeshBytes, true);
  CHECK(r.asked(a, at).empty());
  r.digests_come(digest_line("seg5.ts", mesh_body()));
  CHECK(r.asked_for_digests(a));
  r.h.peer_sends(a, digests_of(at, mesh_body()));
  r.serves(a, at, mesh_body());
  CHECK((r.given(1) == mesh_body()));
}

TEST_CASE("digests: without the file, or without a line of it, the CDN is asked at once") {
  DigestsRoom r;
  const int32_t a = r.add_parent("a");
  r.no_digests();
  r.h.clear();
  r.h.load(1, 5);
  CHECK(r.h.went_to_cdn(1));
  r.h.fetch_done(1, mesh_body());
  r.digests_come(digest_line("seg6.ts", mesh_body()));
  r.h.clear();
  r.h.load(2, 7);
  CHECK(r.h.went_to_cdn(2));
  CHECK(r.opened(a).empty());
}

TEST_CASE("digests: a file that cannot be had is asked for again, each time after longer") {
  DigestsRoom r;
  std::vector<int64_t> pauses;
  for (int i = 0; i < 7; ++i) {
    r.no_digests();
    r.h.clear();
    const TimeMs from = r.h.now;
    while (!r.h.has(CommandKind::kFetchDigests)) {
      REQUIRE(r.h.now - from < DurationMs(100'000));
      r.h.advance(500);
    }
    pauses.push_back((r.h.now - from).count());
  }
  CHECK(pauses == std::vector<int64_t>{2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000});
}

TEST_CASE(
    "digests: the file of a live stream is asked for with each new segment, or while it lags") {
  DigestsRoom r;
  r.playlist_loaded(10, true);
  r.digests_come(digest_line("seg10.ts", mesh_body()));
  r.h.clear();
  r.playlist_loaded(10, true);
  CHECK_FALSE(r.h.has(CommandKind::kFetchDigests));
  r.playlist_loaded(11, true);
  REQUIRE(r.h.all(CommandKind::kFetchDigests).size() == 1);
  r.digests_come(digest_line("seg10.ts", mesh_body()));
  r.add_parent("a");
  r.h.clear();
  r.h.load(1, 11);
  r.h.advance(600);
  CHECK(r.h.all(CommandKind::kFetchDigests).size() == 1);
}

TEST_CASE("digests: what the CDN gives is shared when it has the publisher's digest") {
  DigestsRoom r;
  r.digests_come(digest_line("seg5.ts", mesh_body()));
  const int32_t child = r.add_child("c");
  r.h.advance(4'000);  // nobody is expected any more
  r.h.load(1, 5);
  r.h.fetch_part(1, mesh_body(), 0, 100'000);
  r.h.clear();
  r.wants(child, 1, 5);
  CHECK(r.h.sent<peer::Have>(child).empty());
  r.h.fetch_part(1, mesh_body(), 100'000, kMeshBytes);
  r.h.fetch_done(1, mesh_body());
  const std::vector<peer::Have> words = r.h.sent<peer::Have>(child);
  REQUIRE_FALSE(words.empty());
  CHECK(words.back().digests);
  CHECK(words.back().pieces == kAllPieces);
  peer::Want want;
  want.transfer = 1;
  want.pieces = "0-1";
  want.digests = true;
  r.h.peer_says(child, want);
  const std::vector<std::string> frames = r.frames(child);
  REQUIRE(frames.size() == 2);
  CHECK((frames[0] == digests_of(1, mesh_body())));
  CHECK(pieces_in({frames[1]}, mesh_body()) == pieces("0-1"));
  // Once.
  want.pieces = "2";
  r.h.clear();
  r.h.peer_says(child, want);
  CHECK(r.frames(child).size() == 1);
}

TEST_CASE("digests: what the CDN gives is played, and is shared only if it is the publisher's") {
  DigestsRoom r;
  r.digests_come(digest_line("seg5.ts", spoilt(mesh_body(), 9'000)));
  const int32_t child = r.add_child("c");
  r.h.advance(4'000);  // nobody is expected any more
  r.h.load(1, 5);
  r.h.clear();
  r.h.fetch_done(1, mesh_body());
  CHECK(r.h.events(EventCode::kUnlikeDigest).size() == 1);
  r.wants(child, 1, 5);
  r.h.advance(3'000);
  CHECK(r.h.sent<peer::Have>(child).empty());
}

TEST_CASE("digests: what is here before the file is shared once the file is there, if it may be") {
  DigestsRoom r;
  const int32_t child = r.add_child("c");
  r.h.advance(4'000);  // nobody is expected any more
  r.h.load(1, 5);
  r.h.fetch_done(1, mesh_body());
  r.h.load(2, 6);
  r.h.fetch_done(2, Harness::body(6, kMeshBytes));
  r.h.clear();
  r.wants(child, 1, 5);
  r.wants(child, 2, 6);
  CHECK(r.h.sent<peer::Have>(child).empty());
  r.digests_come(digest_line("seg5.ts", mesh_body()) + digest_line("seg6.ts", mesh_body()));
  r.wants(child, 3, 5);
  r.wants(child, 4, 6);
  r.h.advance(100);
  const std::vector<peer::Have> words = r.h.sent<peer::Have>(child);
  REQUIRE_FALSE(words.empty());
  for (const peer::Have& word : words) CHECK(word.transfer != 4);
}

TEST_CASE("digests: who asks before the file is there is told once it is") {
  DigestsRoom r;
  const int32_t child = r.add_child("c");
  r.h.advance(4'000);  // nobody is expected any more
  r.h.load(1, 5);
  r.h.fetch_done(1, mesh_body());
  r.h.clear();
  r.wants(child, 1, 5);
  CHECK(r.h.sent<peer::Lack>(child).empty());
  r.digests_come(digest_line("seg5.ts", mesh_body()));
  const std::vector<peer::Have> words = r.h.sent<peer::Have>(child);
  REQUIRE_FALSE(words.empty());
  CHECK(words.back().transfer == 1U);
  CHECK(words.back().digests);
  // Nor is anybody kept waiting for a file that cannot be had.
  r.h.load(2, 6);
  r.h.fetch_done(2, Harness::body(6, kMeshBytes));
  r.wants(child, 2, 6);
  CHECK(r.h.sent<peer::Lack>(child).size() == 1);
}

TEST_CASE("digests: a segment that the file no longer names costs no peer its connection") {
  DigestsRoom r;
  r.playlist_loaded(10, true);
  r.digests_come(digest_line("seg6.ts", Harness::body(6, 90'000)));
  const int32_t old = r.h.open_parent("old", true);
  r.h.clear();
  r.h.load(2, 6);
  REQUIRE(r.h.sent<peer::Request>(old).size() == 1);
  r.playlist_loaded(11, true);
  REQUIRE(r.h.all(CommandKind::kFetchDigests).size() == 1);
  r.digests_come(digest_line("seg7.ts", Harness::body(7, 90'000)));
  r.h.peer_serves(old, r.h.sent<peer::Request>(old)[0], Harness::body(6, 90'000));
  CHECK(r.is_open(old));
  CHECK(r.given(2).empty());
  r.h.advance(1'000);
  CHECK(r.h.went_to_cdn(2));
}

TEST_CASE("digests: what a peer of version 1 sends is compared when it is whole") {
  for (const bool wrong : {false, true}) {
    DigestsRoom r;
    const int32_t old = r.h.open_parent("old", true);
    r.h.clear();
    r.h.load(1, 5);
    CHECK(r.h.sent<peer::Request>(old).empty());
    r.h.load_aborted(1);
    r.digests_come(digest_line("seg6.ts", Harness::body(6, 90'000)));
    r.h.clear();
    r.h.load(2, 6);
    REQUIRE(r.h.sent<peer::Request>(old).size() == 1);
    std::string bytes = Harness::body(6, 90'000);
    if (wrong) bytes = spoilt(bytes, 50'000);
    r.h.peer_serves(old, r.h.sent<peer::Request>(old)[0], bytes);
    CHECK(r.is_open(old) == !wrong);
    CHECK((r.given(2) == (wrong ? std::string() : bytes)));
  }
}

TEST_CASE("digests: another presentation begins without those of the one before") {
  DigestsRoom r;
  r.digests_come(digest_line("seg5.ts", mesh_body()));
  r.h.engine.on_presentation(r.h.now);
  r.h.clear();
  r.playlist_loaded();
  CHECK(r.h.all(CommandKind::kFetchDigests).size() == 1);
}

TEST_CASE("digests: demanded, nothing is exchanged without; off, none are asked for") {
  EngineConfig config = Harness::default_config();
  config.digests = DigestPolicy::kRequired;
  MeshRoom strict(config);
  const int32_t a = strict.add_parent("a");
  strict.h.clear();
  strict.h.load(1, 5);
  CHECK(strict.h.went_to_cdn(1));
  CHECK(strict.opened(a).empty());

  config.digests = DigestPolicy::kOff;
  const DigestsRoom off(config);
  CHECK_FALSE(off.h.has(CommandKind::kFetchDigests));
}
