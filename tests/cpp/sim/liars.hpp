// Rooms with viewers that send wrong bytes.

#pragma once

#include "cpp/sim/scenario.hpp"

namespace hlsmesh::sim {

inline constexpr size_t kRoomOfLiars = kSlowBuild ? 12 : 30;

// Viewers that enter one after the other within a minute, the first `liars` of which lie.
inline SwarmConfig with_liars(bool live, int32_t bitrate, ParentFault lie, size_t liars) {
  SwarmConfig out = two_viewers(live);
  out.content.bitrates = {bitrate};
  out.viewers.resize(kRoomOfLiars);
  Random random(7);
  for (size_t i = 0; i < out.viewers.size(); ++i) {
    ViewerConfig& viewer = out.viewers[i];
    viewer.join_at = at_second(1.7 * static_cast<double>(i) + 0.01 * random.below(100));
    viewer.latency = std::chrono::milliseconds(5 + random.below(30));
    viewer.up_bits_per_second = 1e6 * (2 + random.below(4));
    viewer.down_bits_per_second = 1e6 * (8 + random.below(20));
    if (i < liars) viewer.fault = lie;
  }
  return out;
}

// What became of those who do not lie.
struct Honest {
  int32_t segments = 0;  // that players were given
  int32_t wrong = 0;     // of those
  int32_t checks = 0;    // places that were compared
  double share = 0;      // of peers in the bytes that they got
  uint64_t dropped = 0;  // connections that they ended over what came
  TrackerStats tracker;
};

inline Honest play_to(double end, const SwarmConfig& config) {
  Swarm swarm(config);
  swarm.run_until(end);
  const SwarmFigures figures = swarm.figures();
  Honest out;
  out.tracker = swarm.tracker().stats();
  double p2p = 0;
  double all = 0;
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    if (config.viewers[i].fault != ParentFault::kNone) continue;
    const ViewerFigures& viewer = figures.viewers[i];
    out.segments += viewer.segments;
    out.wrong += viewer.wrong_bodies;
    out.checks += viewer.engine.checks;
    out.dropped += viewer.engine.malformed;
    p2p += static_cast<double>(viewer.p2p_bytes);
    all += static_cast<double>(viewer.p2p_bytes + viewer.cdn_bytes);
    require_no_stall(viewer);
    CHECK(viewer.stray_commands == 0);
  }
  out.share = p2p / all;
  return out;
}

}  // namespace hlsmesh::sim
