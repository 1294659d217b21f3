// Browsers in which something goes wrong: what they play is right all the same, and nobody waits.

#include "cpp/sim/scenario.hpp"

namespace hlsmesh::sim {
namespace {

SwarmConfig swarm_of(int32_t viewers) {
  SwarmConfig out = two_viewers(true);
  out.viewers.resize(static_cast<size_t>(viewers), out.viewers[1]);
  for (size_t i = 1; i < out.viewers.size(); ++i) {
    out.viewers[i].join_at = at_second(3 + 0.7 * static_cast<double>(i));
  }
  return out;
}

SwarmFigures run(Room room, const SwarmConfig& config) {
  Swarm swarm(in_room(room, config));
  swarm.run_until(kLiveEnd);
  SwarmFigures out = swarm.figures();
  for (const ViewerFigures& each : out.viewers) {
    require_sound(each);
    require_no_stall(each);
  }
  return out;
}

}  // namespace

TEST_CASE("a channel whose queue is full is given up, as the driver does, and made again") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = swarm_of(5);
  for (ViewerConfig& viewer : config.viewers) viewer.browser.send_queue_bytes = 256 * 1024;
  const SwarmFigures figures = run(room, config);
  // Of pieces no more wait in a channel than it holds.
  CHECK((figures.channel_overflows > 0) == (room == Room::kWhole));
  CHECK(figures.peak_channel_queue <= 256 * 1024);
  for (ViewerConfig& viewer : config.viewers) viewer.browser.send_queue_bytes = 0;
  CHECK(run(room, config).channel_overflows == 0);
}

TEST_CASE("timers that come late by up to a second make no viewer wait") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = swarm_of(5);
  for (ViewerConfig& viewer : config.viewers) viewer.browser.late_timers = std::chrono::seconds(1);
  const SwarmFigures figures = run(room, config);
  CHECK(p2p_share(figures.viewers[4]) > 0.5);
}

TEST_CASE("a segment for which there is no memory comes from the CDN") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = swarm_of(5);
  const double usual = p2p_share(run(room, config).viewers[4]);
  config.refused_memory = 2;
  const double refused = p2p_share(run(room, config).viewers[4]);
  CHECK(refused > 0);
  CHECK(refused < usual);
}

}  // namespace hlsmesh::sim
