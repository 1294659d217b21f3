#pragma once

#include <functional>

#include "cpp/sim/scenario.hpp"

namespace hlsmesh::sim {

// What is done to a world before it runs, to both alike.
using Prepare = std::function<void(Swarm&)>;

// A live player has little buffered, and its parent may hear of the newest segment as much later
// as a segment lasts: it waits for that long.
inline constexpr double kLeastLiveBuffer = 0.55;

// A player's figures beside those of the same player without P2P.
inline void require_never_worse(const PlayerFigures& with, const PlayerFigures& without,
                                double least_buffer = 0.8) {
  CHECK(with.first_frame.has_value() == without.first_frame.has_value());
  // The engine decides at whole milliseconds, and a fetch in parts ends some later: nobody sees
  // half a frame.
  constexpr auto kUnseen = std::chrono::milliseconds(8);
  CHECK(with.stalled <= without.stalled + kUnseen);
  if (with.stalled > kUnseen) CHECK(with.stalls <= without.stalls);
  CHECK(with.skips <= without.skips);
  CHECK(with.mean_buffer >= least_buffer * without.mean_buffer);
}

// Every viewer that is still there beside its twin: the same viewer in the same world, in which
// nobody has P2P.
inline void require_never_worse(Swarm& swarm, SwarmConfig config, const Prepare& prepare = {},
                                double least_buffer = 0.8) {
  for (ViewerConfig& viewer : config.viewers) {
    viewer.p2p = false;
    viewer.observer = nullptr;
  }
  Swarm twins(config);
  if (prepare) prepare(twins);
  twins.run_until(seconds(swarm.now().time_since_epoch()));
  const SwarmFigures with = swarm.figures();
  const SwarmFigures without = twins.figures();
  for (size_t i = 0; i < with.viewers.size(); ++i) {
    if (swarm.viewer(i).engine() == nullptr) continue;
    CAPTURE(i);
    require_sound(with.viewers[i]);
    require_never_worse(with.viewers[i].player, without.viewers[i].player, least_buffer);
  }
}

}  // namespace hlsmesh::sim
