// Rooms whose publisher gives no digests, with viewers that send other media than the publisher's.

#include "cpp/sim/liars.hpp"

namespace hlsmesh::sim {
namespace {

constexpr double kShare = 0.1;

Honest play_checked(Room kind, bool live, double checks, size_t liars,
                    Ranges ranges = Ranges::kServed) {
  SwarmConfig config = with_liars(live, 1'000'000, ParentFault::kOtherMedia, liars);
  for (ViewerConfig& viewer : config.viewers) viewer.checks = checks;
  config.cdn.ranges = ranges;
  return play_to(kSlowBuild ? 60 : 150, in_room(kind, config));
}

}  // namespace

TEST_CASE("spot checks: who sends other media than the publisher's is found out") {
  const Room kind = kSlowBuild ? Room::kMixed : GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  const bool live = GENERATE(false, true);
  const Honest with = play_checked(kind, live, kShare, kRoomOfLiars / 5);
  const Honest without = play_checked(kind, live, 0, kRoomOfLiars / 5);
  WARN(name_of(kind) << (live ? " live" : " VOD") << ": wrong " << with.wrong << " of "
                     << with.segments << ", unchecked " << without.wrong << "; dropped "
                     << with.dropped << ", of those honest " << with.wronged << "; of peers "
                     << with.share << ", unchecked " << without.share << "; checks "
                     << with.checks);
  CHECK(with.banned == 0);
  CHECK(without.checks == 0);
  CHECK(without.wrong > 0.1 * without.segments);
  CHECK(with.wrong == 0);
}

TEST_CASE("spot checks: an honest room loses nobody, whatever the origin makes of ranges") {
  const bool live = GENERATE(false, true);
  const Ranges ranges = GENERATE(Ranges::kServed, Ranges::kIgnored, Ranges::kRefused);
  const Honest with = play_checked(Room::kPieces, live, kShare, 0, ranges);
  const Honest without = play_checked(Room::kPieces, live, 0, 0, ranges);
  CAPTURE(live, with.checks, with.share, without.share);
  CHECK(with.wrong == 0);
  CHECK(with.dropped == 0);
  CHECK((with.checks > 0) == (ranges == Ranges::kServed));
  CHECK(with.checks < with.segments);
  CHECK(with.share > 0.9 * without.share);
}

}  // namespace hlsmesh::sim
