// What a viewer's own line can carry is uploaded so that it is of use.

#include "cpp/sim/twin.hpp"

namespace hlsmesh::sim {
namespace {

struct Usefulness {
  uint64_t uploaded = 0;
  uint64_t used = 0;  // of it, what the children's players were given

  double share() const { return static_cast<double>(used) / static_cast<double>(uploaded); }
};

// One viewer with everything, and children that join one after the other and have no other parent.
SwarmConfig one_parent(int children, double bytes_per_second, size_t segment_bytes, int seconds) {
  SwarmConfig out;
  out.content.segment_duration = std::chrono::seconds(seconds);
  out.content.vod_segments = 160 / seconds;
  out.content.bitrates = {static_cast<int32_t>(segment_bytes * 8 / static_cast<size_t>(seconds))};
  out.viewers.resize(static_cast<size_t>(children) + 1);
  for (int i = 0; i <= children; ++i) {
    ViewerConfig& viewer = out.viewers[static_cast<size_t>(i)];
    viewer.join_at = at_second(i == 0 ? 0 : 20 + i * 0.7);
    viewer.upload = i == 0;
    viewer.up_bits_per_second = bytes_per_second * 8;
  }
  // It has loaded what the children are going to ask for.
  out.viewers[0].player.buffer_goal = std::chrono::seconds(160);
  return out;
}

Usefulness usefulness(Room room, const SwarmConfig& config, double end) {
  Swarm swarm(in_room(room, config));
  swarm.run_until(end);
  Usefulness out;
  const SwarmFigures figures = swarm.figures();
  out.uploaded = figures.viewers[0].engine.upload_bytes;
  for (size_t i = 1; i < figures.viewers.size(); ++i) {
    require_sound(figures.viewers[i]);
    require_no_stall(figures.viewers[i]);
    out.used += figures.viewers[i].p2p_bytes;
  }
  require_never_worse(swarm, config);
  return out;
}

}  // namespace

TEST_CASE("B6: on a slow uplink segments go out one after the other, and in time") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const int children = GENERATE(2, 4, 6);
  CAPTURE(children);
  const Usefulness found = usefulness(room, one_parent(children, 300'000, 1'000'000, 4), 120);
  INFO(found.used << " of " << found.uploaded);
  CHECK(found.share() >= 0.8);
  // The line carries one child and a little: 100 s at 300 KB/s.
  CHECK(found.used >= 15'000'000);
}

TEST_CASE("B6: a fast uplink serves all children side by side") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const int children = GENERATE(2, 6);
  CAPTURE(children);
  const Usefulness found = usefulness(room, one_parent(children, 4'000'000, 1'000'000, 4), 120);
  INFO(found.used << " of " << found.uploaded);
  CHECK(found.share() >= 0.95);
  CHECK(found.used >= static_cast<uint64_t>(children) * 20'000'000);
}

TEST_CASE("B6: with the site's cap set, what is uploaded comes in time all the same") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const int children = kSlowBuild ? 4 : GENERATE(2, 4, 6);
  // Of 250 KB/s that a child takes: with less than the cap on the line, as much, and more.
  const double cap = GENERATE(150'000, 250'000, 300'000, 600'000);
  const double line = GENERATE(300'000, 2'000'000);
  CAPTURE(children, cap, line);
  SwarmConfig config = one_parent(children, line, 1'000'000, 4);
  config.viewers[0].limits.upload_bytes_per_second = cap;
  const Usefulness found = usefulness(room, config, 120);
  INFO(found.used << " of " << found.uploaded);
  // A burst of 4 s, and a segment that was begun, come on top.
  CHECK(static_cast<double>(found.uploaded) <= cap * (100 + 4) + 1'200'000);
  CHECK(found.share() >= 0.75);
  CHECK(static_cast<double>(found.used) >= std::min(cap, line) * 100 * 0.5);
}

TEST_CASE("B6: a line that is too slow for the stream is not filled with segments that come late") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const Usefulness found = usefulness(room, one_parent(4, 100'000, 1'000'000, 4), 120);
  INFO(found.used << " of " << found.uploaded);
  CHECK((found.uploaded <= 5'000'000 || found.share() >= 0.75));
}

}  // namespace hlsmesh::sim
