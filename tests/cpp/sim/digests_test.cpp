// Rooms with viewers that send wrong bytes, with and without their publisher's digests.

#include "cpp/sim/scenario.hpp"

namespace hlsmesh::sim {
namespace {

constexpr size_t kViewers = kSlowBuild ? 12 : 30;
constexpr double kEnd = kSlowBuild ? 60 : 100;

// Viewers that enter within a minute, the first `liars` of which change a bit of all that they
// send.
SwarmConfig room(bool live, bool digests, size_t liars) {
  SwarmConfig out = two_viewers(live);
  out.content.digests = digests;
  out.content.bitrates = {400'000};
  out.viewers.resize(kViewers);
  Random random(7);
  for (size_t i = 0; i < kViewers; ++i) {
    ViewerConfig& viewer = out.viewers[i];
    viewer.join_at = at_second(1.7 * static_cast<double>(i) + 0.01 * random.below(100));
    viewer.latency = std::chrono::milliseconds(5 + random.below(30));
    viewer.up_bits_per_second = 1e6 * (2 + random.below(4));
    viewer.down_bits_per_second = 1e6 * (8 + random.below(20));
    if (i < liars) viewer.fault = ParentFault::kFlipsBits;
  }
  return out;
}

struct Result {
  int32_t wrong = 0;  // bodies that players of honest viewers were given
  double share = 0;   // of peers in what honest viewers got
};

Result play(SwarmConfig config) {
  Swarm swarm(config);
  swarm.run_until(kEnd);
  const SwarmFigures figures = swarm.figures();
  Result out;
  double p2p = 0;
  double all = 0;
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    const ViewerFigures& viewer = figures.viewers[i];
    if (config.viewers[i].fault != ParentFault::kNone) continue;
    out.wrong += viewer.wrong_bodies;
    p2p += static_cast<double>(viewer.p2p_bytes);
    all += static_cast<double>(viewer.p2p_bytes + viewer.cdn_bytes);
    if (config.content.digests) require_no_stall(viewer);
  }
  out.share = p2p / all;
  return out;
}

}  // namespace

TEST_CASE("digests: of liars that enter first, no byte reaches the player of anybody else") {
  // Where a run is slow, the room that has both ways.
  const Room kind = kSlowBuild ? Room::kMixed : GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  const bool live = GENERATE(false, true);
  CAPTURE(name_of(kind), live);
  const size_t liars = kViewers / 5;
  const Result with = play(in_room(kind, room(live, true, liars)));
  CHECK(with.wrong == 0);
  // Each of them costs who meets it a connection and a piece, and a short run is mostly meetings.
  CHECK(with.share > (kSlowBuild ? 0.4 : 0.5));
  // They do harm where nothing shows what they send for what it is.
  CHECK(play(in_room(kind, room(live, false, liars))).wrong > 0);
}

TEST_CASE("digests: in an honest room they cost little of what peers bring") {
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  const Result with = play(in_room(Room::kPieces, room(live, true, 0)));
  const Result without = play(in_room(Room::kPieces, room(live, false, 0)));
  CHECK(with.wrong == 0);
  CHECK(with.share > 0.9 * without.share);
  WARN("of peers: " << with.share << ", without digests " << without.share);
}

}  // namespace hlsmesh::sim
