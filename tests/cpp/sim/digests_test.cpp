// Rooms with viewers that send wrong bytes, with and without their publisher's digests.

#include "cpp/sim/liars.hpp"

namespace hlsmesh::sim {
namespace {

// The liars change one bit of all that they send.
Honest play_digested(Room kind, bool live, bool digests, size_t liars) {
  SwarmConfig config = with_liars(live, 400'000, ParentFault::kFlipsBits, liars);
  config.content.digests = digests;
  return play_to(kSlowBuild ? 60 : 100, in_room(kind, config));
}

}  // namespace

TEST_CASE("digests: of liars that enter first, no byte reaches the player of anybody else") {
  // Where a run is slow, the room that has both ways.
  const Room kind = kSlowBuild ? Room::kMixed : GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  const bool live = GENERATE(false, true);
  CAPTURE(name_of(kind), live);
  const Honest with = play_digested(kind, live, true, kRoomOfLiars / 5);
  CHECK(with.wrong == 0);
  // Each of them costs who meets it a connection and a piece, and a short run is mostly meetings.
  CHECK(with.share > (kSlowBuild ? 0.4 : 0.5));
  // They do harm where nothing shows what they send for what it is.
  CHECK(play_digested(kind, live, false, kRoomOfLiars / 5).wrong > 0);
}

TEST_CASE("digests: the tracker keeps out whom several report, and nobody else") {
  const bool live = GENERATE(false, true);
  constexpr size_t kLiars = kRoomOfLiars / 5;
  Honest with[2];
  for (const bool bans : {false, true}) {
    SwarmConfig config = with_liars(live, 400'000, ParentFault::kFlipsBits, kLiars);
    config.content.digests = true;
    if (!bans) config.tracker.agree = 0;
    with[bans ? 1 : 0] = play_to(kSlowBuild ? 60 : 100, config);
  }
  const auto& [none, some] = with;
  CAPTURE(live, some.tracker.reports, some.tracker.reports_ignored);
  WARN((live ? "live" : "VOD") << ": banned " << some.tracker.bans << "; connections dropped "
                               << some.dropped << ", without bans " << none.dropped << "; of peers "
                               << some.share << ", without " << none.share);
  CHECK(none.tracker.bans == 0);
  CHECK(some.tracker.bans > 0);
  // Everybody has an address of its own.
  CHECK(some.tracker.bans <= kLiars);
  CHECK(some.tracker.banned <= static_cast<int32_t>(kLiars));
  CHECK(some.wrong == 0);
  CHECK(some.dropped < none.dropped);
}

TEST_CASE("digests: in an honest room they cost little of what peers bring") {
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  const Honest with = play_digested(Room::kPieces, live, true, 0);
  const Honest without = play_digested(Room::kPieces, live, false, 0);
  CHECK(with.wrong == 0);
  CHECK(with.share > 0.9 * without.share);
  WARN("of peers: " << with.share << ", without digests " << without.share);
}

}  // namespace hlsmesh::sim
