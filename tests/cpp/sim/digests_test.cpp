// Rooms with viewers that send wrong bytes, with and without their publisher's digests.

#include "cpp/sim/liars.hpp"
#include "tracker/bans.hpp"

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

TEST_CASE("digests: the tracker keeps out whom several report, and hardly anybody else") {
  const bool live = GENERATE(false, true);
  constexpr size_t kLiars = kRoomOfLiars / 5;
  const auto play = [&](int32_t agree, bool accuse) {
    SwarmConfig config = with_liars(live, 400'000, ParentFault::kFlipsBits, kLiars);
    config.content.digests = true;
    config.tracker.agree = agree;
    for (size_t i = 0; i < kLiars; ++i) config.viewers[i].accuses = accuse;
    return play_to(kSlowBuild ? 60 : 100, config);
  };
  const Honest none = play(0, true);
  for (const bool accuse : {false, true}) {
    const Honest with = play(3, accuse);
    WARN((live ? "live" : "VOD") << (accuse ? ", liars accuse" : "") << ": bans "
                                 << with.tracker.bans << ", honest " << with.banned
                                 << "; connections dropped " << with.dropped << ", without bans "
                                 << none.dropped << "; of peers " << with.share << ", without "
                                 << none.share);
    CHECK(with.tracker.bans > 0);
    CHECK(with.wrong == 0);
    CHECK(with.dropped < none.dropped);
    const auto most = static_cast<int32_t>(tracker::Bans::kMostEach * kLiars / 3);
    CHECK(with.banned <= (accuse ? most : 0));
  }
  CHECK(none.tracker.bans == 0);
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

// Viewers could agree on the digests of segments that several of them fetch whole. Once nobody is
// new in a room, one does.
TEST_CASE("digests: how many viewers of a room fetch a segment whole") {
  const bool live = GENERATE(false, true);
  const size_t viewers = kSlowBuild ? 12 : GENERATE(size_t{30}, size_t{200});
  const double end = kSlowBuild ? 60 : 100;
  const SwarmConfig config = with_liars(live, 400'000, ParentFault::kNone, 0, viewers);
  Swarm swarm(config);
  swarm.run_until(end);
  const double settled = seconds(config.viewers.back().join_at.time_since_epoch()) + 5;
  int32_t by[2][4] = {};
  for (const auto& [segment, copies] : swarm.cdn().copies()) {
    const double listed = seconds(swarm.content().available_at(segment.second).time_since_epoch());
    // The last ones are still on their way when the run ends.
    if (listed > end - 6) continue;
    ++by[listed > settled ? 1 : 0][std::min(copies.whole, 3)];
  }
  for (const int32_t* row : by) {
    WARN(viewers << (live ? ", live" : ", film") << (row == by[1] ? ", settled" : "")
                 << ": segments fetched whole by nobody " << row[0] << ", by one " << row[1]
                 << ", by two " << row[2] << ", by three or more " << row[3]);
  }
  if (live) CHECK(by[1][3] <= (by[1][1] + by[1][2]) / 4);
}

namespace {

void play_large(size_t viewers, size_t percent) {
  const size_t liars = viewers * percent / 100;
  const auto play = [&](ParentFault lie, bool digests, double checks, int32_t agree) {
    SwarmConfig config = with_liars(true, 400'000, lie, liars, viewers);
    config.content.digests = digests;
    config.tracker.agree = agree;
    for (ViewerConfig& viewer : config.viewers) viewer.checks = checks;
    for (size_t i = 0; i < liars; ++i) config.viewers[i].accuses = true;
    const Honest out = play_to(90, config);
    WARN(viewers << ", " << percent << " %: " << (digests ? "digests" : "no digests") << ", checks "
                 << checks << ", agree " << agree << ": wrong " << out.wrong << " of "
                 << out.segments << ", given to " << out.deceived << " of " << viewers - liars
                 << "; bans " << out.tracker.bans << ", honest " << out.banned << "; dropped "
                 << out.dropped << ", of those honest " << out.wronged << "; copies " << out.copies
                 << "; of peers " << out.share << "; control " << out.control << " B/s");
    return out;
  };
  const Honest with = play(ParentFault::kFlipsBits, true, 0.1, 3);
  CHECK(with.wrong == 0);
  CHECK(with.banned <= static_cast<int32_t>(tracker::Bans::kMostEach * liars / 3));
  const Honest without = play(ParentFault::kFlipsBits, true, 0.1, 0);
  CHECK(with.dropped < without.dropped);
  const Honest checked = play(ParentFault::kOtherMedia, false, 0.1, 3);
  CHECK(checked.wrong < play(ParentFault::kOtherMedia, false, 0, 3).wrong);
}

}  // namespace

// Minutes long, so only by tag: tests_sim "[.large]". One of them: -c "1000 viewers, 1 %".
TEST_CASE("liars in rooms of 200 and 1,000", "[.large]") {
  for (const size_t viewers : {size_t{200}, size_t{1'000}}) {
    for (const size_t percent : {size_t{1}, size_t{5}, size_t{20}}) {
      DYNAMIC_SECTION(viewers << " viewers, " << percent << " %") { play_large(viewers, percent); }
    }
  }
}

}  // namespace hlsmesh::sim
