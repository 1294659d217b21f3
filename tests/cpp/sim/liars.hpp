// Rooms with viewers that send wrong bytes.

#pragma once

#include <string>

#include "cpp/sim/scenario.hpp"

namespace hlsmesh::sim {

inline constexpr size_t kRoomOfLiars = kSlowBuild ? 12 : 30;

// Viewers that enter one after the other within a minute, the first `liars` of which lie.
inline SwarmConfig with_liars(bool live, int32_t bitrate, ParentFault lie, size_t liars,
                              size_t viewers = kRoomOfLiars) {
  SwarmConfig out = two_viewers(live);
  out.content.bitrates = {bitrate};
  out.viewers.resize(viewers);
  Random random(7);
  const double pause = 1.7 * std::min(1.0, 30.0 / static_cast<double>(viewers));
  for (size_t i = 0; i < out.viewers.size(); ++i) {
    ViewerConfig& viewer = out.viewers[i];
    viewer.join_at = at_second(pause * static_cast<double>(i) + 0.01 * random.below(100));
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
  int32_t deceived = 0;  // that were given one of those
  uint64_t dropped = 0;  // connections that they ended over what came
  int32_t wronged = 0;   // of those, to others who do not lie
  int32_t banned = 0;    // that play without peers in the end; none is paused
  // Of the whole room.
  TrackerStats tracker;
  double copies = 0;   // of a segment that left the origin, those at the start included
  double control = 0;  // bytes to and from the tracker, a viewer and second
};

inline Honest play_to(double end, const SwarmConfig& config) {
  Swarm swarm(config);
  swarm.run_until(end);
  const SwarmFigures figures = swarm.figures();
  Honest out;
  out.tracker = swarm.tracker().stats();
  out.copies = figures.origin_copies / figures.distinct;
  double present = 0;
  double p2p = 0;
  double all = 0;
  // In the order of entering, which is that of the viewers to a second.
  const std::string topology = swarm.tracker().topology(swarm.content().channel());
  size_t at = 0;
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    present += end - seconds(config.viewers[i].join_at.time_since_epoch());
    at = topology.find("\"idle\":", at) + 7;
    const bool idle = topology.compare(at, 4, "true") == 0;
    if (config.viewers[i].fault != ParentFault::kNone) continue;
    out.banned += idle ? 1 : 0;
    const ViewerFigures& viewer = figures.viewers[i];
    out.segments += viewer.segments;
    out.wrong += viewer.wrong_bodies;
    out.deceived += viewer.wrong_bodies > 0 ? 1 : 0;
    CHECK(swarm.viewer(i).dropped().size() == viewer.engine.malformed);
    for (const ViewerId each : swarm.viewer(i).dropped()) {
      const auto who = static_cast<size_t>(each.value() - 1);
      if (config.viewers[who].fault == ParentFault::kNone) ++out.wronged;
    }
    out.checks += viewer.engine.checks;
    out.dropped += viewer.engine.malformed;
    p2p += static_cast<double>(viewer.p2p_bytes);
    all += static_cast<double>(viewer.p2p_bytes + viewer.cdn_bytes);
    require_no_stall(viewer);
    CHECK(viewer.stray_commands == 0);
  }
  out.share = p2p / all;
  out.control = static_cast<double>(swarm.tracker().text_bytes()) / present;
  return out;
}

}  // namespace hlsmesh::sim
