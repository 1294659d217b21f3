#include "sim/swarm.hpp"

#include <cmath>
#include <utility>

#include "common/random.hpp"

namespace hlsmesh::sim {

Time at_second(double seconds) {
  return Time{} + Duration(static_cast<int64_t>(std::llround(seconds * 1e6)));
}

Swarm::Swarm(SwarmConfig config)
    : network_(queue_, config.seed),
      content_(std::move(config.content)),
      rtc_(queue_, network_, config.rtc),
      cdn_(queue_, network_, content_, config.cdn),
      tracker_(queue_, config.tracker, config.seed) {
  refuse_memory(config.refused_memory, config.seed);
  Random random(config.seed);
  for (const ViewerConfig& each : config.viewers) {
    const ViewerId id(static_cast<int32_t>(viewers_.size()) + 1);
    viewers_.push_back(
        std::make_unique<Viewer>(World{queue_, network_, content_, rtc_, cdn_, tracker_, offices_},
                                 id, each, random.next()));
  }
}

void Swarm::run_until(double seconds) { queue_.run_until(at_second(seconds)); }

bool Swarm::run_until(double seconds, const std::function<bool()>& condition) {
  const Time end = at_second(seconds);
  while (!condition()) {
    if (!queue_.run_next(end)) return false;
  }
  return true;
}

void Swarm::at(double seconds, std::function<void()> action) {
  queue_.at(at_second(seconds), std::move(action));
}

void Swarm::be_well() {
  cdn_.be_reliable();
  refuse_memory(0, 0);
  for (const auto& viewer : viewers_) viewer->be_well();
}

SwarmFigures Swarm::figures() const {
  SwarmFigures out;
  for (const auto& viewer : viewers_) out.viewers.push_back(viewer->figures());
  out.origin_bytes = cdn_.sent_bytes();
  for (const auto& [segment, copies] : cdn_.copies()) {
    out.origin_copies += copies.sent;
    if (copies.sent > 0) ++out.distinct;
  }
  out.peak_channel_queue = rtc_.peak_buffered();
  out.channel_overflows = rtc_.overflows();
  return out;
}

}  // namespace hlsmesh::sim
