// Neighbours that are of no use, and what becomes of them.

#include "cpp/sim/twin.hpp"

namespace hlsmesh::sim {
namespace {

// Viewers of one stream, one every `apart` seconds.
SwarmConfig crowd(size_t viewers, bool live, double apart, uint64_t seed = 1) {
  SwarmConfig out = two_viewers(live, 10, seed);
  out.content.vod_segments = 100;
  out.viewers.resize(viewers);
  Random random(seed);
  for (size_t i = 0; i < viewers; ++i) {
    ViewerConfig& viewer = out.viewers[i];
    viewer.join_at = at_second(apart * (static_cast<double>(i) + 0.01 * random.below(50)));
    viewer.latency = std::chrono::milliseconds(5 + random.below(30));
    viewer.up_bits_per_second = 1e6 * (10 + random.below(20));
    viewer.down_bits_per_second = 1e6 * (20 + random.below(60));
  }
  return out;
}

double failed_share(const TrackerStats& stats) {
  return static_cast<double>(stats.failed) / static_cast<double>(stats.connects);
}

double least_buffer(bool live) { return live ? kLeastLiveBuffer : 0.8; }

double offload(const SwarmFigures& figures) {
  uint64_t p2p = 0;
  uint64_t all = 0;
  for (const ViewerFigures& viewer : figures.viewers) {
    p2p += viewer.p2p_bytes;
    all += viewer.p2p_bytes + viewer.cdn_bytes;
  }
  return static_cast<double>(p2p) / static_cast<double>(all);
}

}  // namespace

TEST_CASE("C2: a newcomer whose first parents are paused is fed by the one who plays") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  // Four that pause soon after they came, then one who plays, then the newcomer.
  SwarmConfig config = crowd(6, live, 2);
  config.viewers[5].join_at = at_second(60);
  Swarm swarm(in_room(room, config));
  const Prepare pauses = [](Swarm& world) {
    for (size_t i = 0; i < 4; ++i) {
      world.at(12 + static_cast<double>(i), [&world, i] { world.viewer(i).pause(); });
    }
  };
  pauses(swarm);
  swarm.run_until(180);
  const SwarmFigures figures = swarm.figures();
  for (const ViewerFigures& viewer : figures.viewers) require_sound(viewer);
  // Of a live stream's pieces the one who knows first may fetch for both.
  const bool either = live && room != Room::kWhole;
  CHECK(p2p_share(figures.viewers[5]) + (either ? p2p_share(figures.viewers[4]) : 0) >= 0.8);
  require_never_worse(swarm, config, pauses, least_buffer(live));
}

TEST_CASE("C2: a crowd most of which is paused offloads as one that plays") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = crowd(40, live, 2);
  Swarm swarm(in_room(room, config));
  // Seven of ten, half a minute after each came.
  const Prepare pauses = [viewers = config.viewers.size()](Swarm& world) {
    for (size_t i = 0; i < viewers; ++i) {
      if (i % 10 >= 7) continue;
      world.at(2 * static_cast<double>(i) + 30, [&world, i] { world.viewer(i).pause(); });
    }
  };
  pauses(swarm);
  swarm.run_until(400);
  const SwarmFigures figures = swarm.figures();
  for (const ViewerFigures& viewer : figures.viewers) require_sound(viewer);
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    UNSCOPED_INFO(i << ": " << p2p_share(figures.viewers[i]));
  }
  // Each viewer's first seconds are the CDN's; in live those are more of what it plays.
  CHECK(offload(figures) >= (live ? 0.82 : 0.9));
  require_never_worse(swarm, config, pauses, least_buffer(live));
}

TEST_CASE("C2: who plays on after a pause is fed again") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = crowd(6, live, 2);
  Swarm swarm(in_room(room, config));
  const Prepare pauses = [](Swarm& world) {
    for (size_t i = 0; i < 5; ++i) {
      world.at(30, [&world, i] { world.viewer(i).pause(); });
      world.at(100, [&world, i] { world.viewer(i).resume(); });
    }
  };
  pauses(swarm);
  swarm.run_until(250);
  const SwarmFigures figures = swarm.figures();
  for (const ViewerFigures& viewer : figures.viewers) require_sound(viewer);
  for (size_t i = 1; i < 5 && room == Room::kWhole; ++i) {
    CHECK(p2p_share(figures.viewers[i]) >= 0.5);
  }
  CHECK(offload(figures) >= 0.6);
  require_never_worse(swarm, config, pauses, least_buffer(live));
}

TEST_CASE("C4: a cache below one segment is nobody's fault") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool huge = GENERATE(false, true);
  CAPTURE(huge);
  SwarmConfig config = two_viewers(false);
  config.viewers[1].cache_bytes = 300'000;
  if (huge) {
    // A phone, and segments that it could keep none of.
    config.content.bitrates = {40'000'000};
    config.content.vod_segments = 10;
    config.viewers[1].mobile = true;
    config.viewers[1].cache_bytes = 16 * 1024 * 1024;
    for (ViewerConfig& viewer : config.viewers) {
      viewer.up_bits_per_second = viewer.down_bits_per_second = 400e6;
    }
  }
  Swarm swarm(in_room(room, config));
  swarm.run_until(huge ? 60 : kVodEnd);
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_sound(figures);
  require_no_stall(figures);
  CHECK(figures.engine.malformed == 0);
  CHECK(swarm.tracker().stats().connects == 1);
  // Of segments that it could keep none of, it asks for nothing ahead, and pieces come late.
  CHECK(p2p_share(figures) >= (!huge ? 0.7 : room == Room::kWhole ? 0.5 : 0.1));
  require_never_worse(swarm, config);
}

TEST_CASE("C8: children that ask for nothing make room for one that does") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = crowd(10, live, 1);
  config.tracker.default_children = 8;
  // Eight that say they play, answer every KEEPALIVE, and never ask.
  for (size_t i = 1; i < 9; ++i) config.viewers[i].player.buffer_goal = Duration{};
  config.viewers[9].join_at = at_second(30);
  Swarm swarm(in_room(room, config));
  swarm.run_until(240);
  const SwarmFigures figures = swarm.figures();
  require_sound(figures.viewers[9]);
  // Of a live stream's pieces the one who knows first may fetch for both.
  const bool either = live && room != Room::kWhole;
  const double least = !live && room == Room::kPieces ? 0.1 : 0.4;
  CHECK(p2p_share(figures.viewers[9]) + (either ? p2p_share(figures.viewers[0]) : 0) >= least);
  require_never_worse(swarm, config, {}, least_buffer(live));
}

TEST_CASE("C9: a parent that wrongs us is left alone, longer each time") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  const ParentFault fault = GENERATE(
      ParentFault::kSilent, ParentFault::kIgnores, ParentFault::kLacks, ParentFault::kClaimsMore,
      ParentFault::kClaimsLess, ParentFault::kChangesSize, ParentFault::kWrongSegment,
      ParentFault::kWrongBytes, ParentFault::kNeverSends, ParentFault::kStopsMidway,
      ParentFault::kClosesMidway, ParentFault::kCuts, ParentFault::kGarbage, ParentFault::kTwice,
      ParentFault::kUnasked, ParentFault::kBoasts);
  CAPTURE(live, static_cast<int>(fault));
  SwarmConfig config = two_viewers(live);
  config.content.vod_segments = 200;
  config.viewers[0].fault = fault;
  Swarm swarm(in_room(room, config));
  swarm.run_until(600);
  require_sound(swarm.figures().viewers[1]);
  // One that only lacks is no parent any more, but may be a child; that a connection broke is
  // nobody's fault.
  const bool may_be_back = fault == ParentFault::kLacks || fault == ParentFault::kClosesMidway;
  CHECK(swarm.tracker().stats().connects <= (may_be_back ? 10 : 5));
  require_never_worse(swarm, config, {}, least_buffer(live));
}

TEST_CASE("C9: peers whose connection cannot be made are introduced ever more rarely") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = two_viewers(false);
  config.content.vod_segments = 200;
  config.viewers[0].p2p_refused = true;
  Swarm swarm(in_room(room, config));
  swarm.run_until(600);
  CHECK(swarm.tracker().stats().connects <= 10);
  require_never_worse(swarm, config);
}

TEST_CASE("C9: an honest peer whose connection broke is back soon") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = two_viewers(true);
  Swarm swarm(in_room(room, config));
  swarm.run_until(40);
  REQUIRE(swarm.rtc().open_channels(ViewerId(2)) == 1);
  swarm.rtc().break_channels(ViewerId(1));
  swarm.run_until(41);
  REQUIRE(swarm.rtc().open_channels(ViewerId(2)) == 0);
  CHECK(swarm.run_until(55, [&] { return swarm.rtc().open_channels(ViewerId(2)) == 1; }));
  require_never_worse(swarm, config, {}, kLeastLiveBuffer);
}

TEST_CASE("C3: introductions do not fail for want of who serves") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces, Room::kMixed);
  CAPTURE(name_of(room));
  // Half of them serve nobody; each serves one; each serves what it will.
  const int variant = GENERATE(0, 1, 2);
  CAPTURE(variant);
  SwarmConfig config = crowd(kSlowBuild ? 30 : 60, false, 1);
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    ViewerConfig& viewer = config.viewers[i];
    if (variant == 0) viewer.upload = i % 2 == 0;
    if (variant == 1) viewer.limits.max_children = 1;
  }
  Swarm swarm(in_room(room, config));
  swarm.run_until(150);
  const TrackerStats stats = swarm.tracker().stats();
  CHECK(stats.connects >= config.viewers.size() - 1);
  CHECK(failed_share(stats) < 0.05);
  CHECK(offload(swarm.figures()) >= (room == Room::kPieces ? 0.8 : 0.85));
  require_never_worse(swarm, config);
}

}  // namespace hlsmesh::sim
