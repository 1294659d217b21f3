// Worlds drawn from a seed: whatever they are like, nobody is worse off than without peers.

#include <cmath>
#include <iterator>

#include "common/random.hpp"
#include "cpp/sim/twin.hpp"

namespace hlsmesh::sim {
namespace {

constexpr uint64_t kSeeds = kSlowBuild ? 8 : 200;

// Not kWrongBytes: what peers bring between the first piece and the end, nobody but a decoder can
// tell from media.
constexpr ParentFault kFaults[] = {
    ParentFault::kSilent,     ParentFault::kLacks,        ParentFault::kClaimsMore,
    ParentFault::kClaimsLess, ParentFault::kWrongSegment, ParentFault::kStopsMidway,
    ParentFault::kGarbage,    ParentFault::kDrips,        ParentFault::kEmptyPackets,
    ParentFault::kLateLacks,  ParentFault::kIgnores,      ParentFault::kChangesSize,
    ParentFault::kNeverSends, ParentFault::kClosesMidway, ParentFault::kCuts,
    ParentFault::kTwice,      ParentFault::kUnasked,      ParentFault::kBoasts,
    ParentFault::kDeaf,
};

struct Drawn {
  SwarmConfig config;
  std::string what;  // for whoever reads a failure
};

Drawn draw(uint64_t seed) {
  Random random(seed + 1);
  // Between the two, evenly.
  const auto between = [&](double low, double high) {
    return low + (high - low) * random.below(1'001) / 1'000.0;
  };
  Drawn out;
  SwarmConfig& config = out.config;
  config.seed = seed;
  config.content.live = random.below(3) == 0;
  config.content.first_sn = config.content.live ? 1'000 : 0;
  const int lasts = config.content.live ? 2 + 2 * static_cast<int>(random.below(3))
                                        : 2 + static_cast<int>(random.below(9));
  config.content.segment_duration = std::chrono::seconds(lasts);
  config.content.vod_segments = 140 / lasts;
  const double rate = between(60'000, random.below(5) == 0 ? 1'200'000 : 300'000);
  config.content.bitrates = {static_cast<int32_t>(rate)};
  config.cdn.latency = std::chrono::milliseconds(static_cast<int>(between(5, 150)));
  if (random.below(2) == 0) {
    config.cdn.hiccup_every = 6 + static_cast<int32_t>(random.below(10));
    const double longest = config.content.live ? lasts : 8;
    config.cdn.hiccup = std::chrono::milliseconds(static_cast<int>(between(500, longest * 1'000)));
  }
  // Live not on top of late answers: one that is late and an error would last longer than a
  // segment.
  const bool errs = random.below(2) == 0 && (!config.content.live || config.cdn.hiccup_every == 0);
  if (errs) config.cdn.error_every = 5 + static_cast<int32_t>(random.below(15));
  config.viewers.resize(2 + random.below(4));
  const double goal = 1 + random.below(2);
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    ViewerConfig& viewer = config.viewers[i];
    viewer.join_at = at_second(i == 0 ? 0 : between(0.5, 25));
    viewer.latency = std::chrono::milliseconds(static_cast<int>(between(2, 80)));
    // From a tenth of the stream to twenty times it.
    viewer.up_bits_per_second = rate * std::pow(10, between(-1, 1.3));
    viewer.down_bits_per_second = rate * between(5, 40);
    viewer.player.buffer_goal = std::chrono::seconds(static_cast<int>(goal * 30));
    if (random.below(3) == 0) viewer.fault = kFaults[random.below(std::size(kFaults))];
    viewer.p2p_refused = random.below(12) == 0;
    out.what += " up " + std::to_string(viewer.up_bits_per_second / rate) + " down " +
                std::to_string(viewer.down_bits_per_second / rate) + " fault " +
                std::to_string(static_cast<int>(viewer.fault)) + ';';
  }
  out.what += " live " + std::to_string(config.content.live) + " segments of " +
              std::to_string(lasts) + " s, rate " + std::to_string(rate) + " hiccup " +
              std::to_string(config.cdn.hiccup_every) + " of " +
              std::to_string(seconds(config.cdn.hiccup)) + " s, error " +
              std::to_string(config.cdn.error_every);
  return out;
}

}  // namespace

// A live viewer waits for pieces of the newest segment as long as it lasts; on lines that carry the
// stream hardly once, beside parents that lie, that costs up to half of its buffer, and no stall.
double least_buffer(Room room, bool live) {
  if (!live) return 0.8;
  return room == Room::kWhole ? 0.7 : 0.5;
}

TEST_CASE("whatever the world, no viewer is worse off than the same player without peers") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Drawn drawn = draw(seed);
    CAPTURE(name_of(room), seed, drawn.what);
    Swarm swarm(in_room(room, drawn.config));
    swarm.run_until(150);
    require_never_worse(swarm, drawn.config, {}, least_buffer(room, drawn.config.content.live));
  }
}

}  // namespace hlsmesh::sim
