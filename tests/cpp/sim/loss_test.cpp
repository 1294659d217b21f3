#include "cpp/sim/twin.hpp"

namespace hlsmesh::sim {
namespace {

// A player's figures beside those of the same player without P2P in the same world.
void require_never_worse(const ViewerFigures& figures, const ViewerFigures& plain) {
  require_sound(figures);
  CHECK(figures.player.first_frame.has_value());
  CHECK(figures.player.stalls <= plain.player.stalls);
  // The engine decides at whole milliseconds.
  CHECK(figures.player.stalled <= plain.player.stalled + std::chrono::milliseconds(5));
  CHECK(figures.player.skips <= plain.player.skips);
  CHECK(figures.player.finished == plain.player.finished);
}

// Runs until the second viewer has had some from its parent, and is in the middle of a transfer. Of
// pieces no more is in the channel than is to arrive soon.
bool until_mid_transfer(Room room, Swarm& swarm, double from, double to) {
  const size_t queued = room == Room::kWhole ? 100'000 : 30'000;
  swarm.run_until(from);
  return swarm.run_until(to, [&] {
    return swarm.viewer(1).figures().p2p_bytes > 0 && swarm.rtc().buffered(ViewerId(1)) > queued;
  });
}

// Whether a load waits for what is on its way: pieces of a live segment come before the player asks
// for it.
bool falls_back(Room room, bool live) { return room == Room::kWhole || !live; }

double end_of(bool live) { return live ? kLiveEnd : kVodEnd; }

}  // namespace

TEST_CASE("tracker gone and back 20 s later: peers stay, a newcomer is introduced afterwards") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = two_viewers(live);
  config.viewers.resize(3);
  config.viewers[2].join_at = at_second(45);
  Swarm swarm(in_room(room, config));
  swarm.run_until(20);
  REQUIRE(swarm.rtc().open_channels(ViewerId(2)) == 1);
  const uint64_t before = swarm.viewer(1).figures().p2p_bytes;
  swarm.tracker().stop();
  swarm.run_until(39.9);
  CHECK(swarm.rtc().open_channels(ViewerId(2)) == 1);
  CHECK(swarm.viewer(1).figures().p2p_bytes > before);
  swarm.at(40, [&] { swarm.tracker().start(); });
  swarm.run_until(44);
  CHECK(swarm.rtc().open_channels(ViewerId(2)) >= 1);
  // Reconnecting is jittered: a newcomer meets those who have come back by then, or the first who
  // does.
  swarm.run_until(live ? 110 : 200);
  const SwarmFigures figures = swarm.figures();
  for (const ViewerFigures& viewer : figures.viewers) {
    require_sound(viewer);
    require_no_stall(viewer);
    CHECK(viewer.player.finished == !live);
  }
  CHECK(figures.viewers[2].p2p_bytes > 0);
  CHECK(p2p_share(figures.viewers[1]) >= 0.7);
  require_figures_agree(swarm);
  require_never_worse(swarm, config, {}, live ? kLeastLiveBuffer : 0.8);
}

TEST_CASE("a tracker that is never there costs nothing") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  const SwarmConfig config = two_viewers(live);
  Swarm swarm(in_room(room, config));
  swarm.tracker().stop();
  swarm.run_until(end_of(live));
  for (size_t i = 0; i < 2; ++i) {
    const ViewerFigures figures = swarm.figures().viewers[i];
    require_never_worse(figures, plain_player(config, i, end_of(live)));
    require_no_stall(figures);
    CHECK(figures.p2p_bytes == 0);
  }
  require_figures_agree(swarm);
}

TEST_CASE("parent gone in mid-transfer: the rest comes from the CDN in time") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  const bool orderly = GENERATE(false, true);
  CAPTURE(live, orderly);
  SwarmConfig config = two_viewers(live);
  // A slow uplink, so that there is a middle.
  config.viewers[0].up_bits_per_second = 6e6;
  Swarm swarm(in_room(room, config));
  REQUIRE(until_mid_transfer(room, swarm, 15, 40));
  if (orderly) {
    swarm.viewer(0).leave();
  } else {
    swarm.viewer(0).vanish();
  }
  swarm.run_until(end_of(live));
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_sound(figures);
  require_no_stall(figures);
  CHECK(figures.player.finished == !live);
  if (falls_back(room, live)) CHECK(figures.engine.fallbacks >= 1);
  CHECK(figures.engine.parents == 0);
  require_never_worse(swarm, config, {}, live ? kLeastLiveBuffer : 0.8);
}

TEST_CASE("a parent that misbehaves: every segment is right and in time all the same") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  const ParentFault fault = GENERATE(
      ParentFault::kSilent, ParentFault::kIgnores, ParentFault::kLacks, ParentFault::kClaimsMore,
      ParentFault::kClaimsLess, ParentFault::kWrongSegment, ParentFault::kWrongBytes,
      ParentFault::kNeverSends, ParentFault::kStopsMidway, ParentFault::kClosesMidway,
      ParentFault::kCuts, ParentFault::kGarbage, ParentFault::kEmptyPackets, ParentFault::kBoasts);
  // Who says that it has the newest segment answers REQUEST all the same.
  if (fault == ParentFault::kBoasts && room == Room::kWhole) return;
  CAPTURE(live, static_cast<int>(fault));
  SwarmConfig config = two_viewers(live);
  config.viewers[0].fault = fault;
  Swarm swarm(in_room(room, config));
  swarm.run_until(end_of(live));
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_never_worse(figures, plain_player(config, 1, end_of(live)));
  require_no_stall(figures);
  // Of pieces what came before the lie counts; the CDN brings the rest.
  CHECK(figures.p2p_bytes <= (room == Room::kWhole ? 0 : figures.cdn_bytes / 10));
  // The engine does not count what it has refused of a range.
  CHECK(figures.engine.cdn_bytes <= figures.cdn_bytes);
  CHECK(figures.engine.cdn_bytes + 256 * 1024 >= figures.cdn_bytes);
  CHECK(figures.engine.fallbacks >= 1);
}

TEST_CASE("a parent that turns bad midway: what came before counts, the rest is the CDN's") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  const ParentFault fault = GENERATE(ParentFault::kSilent, ParentFault::kStopsMidway);
  CAPTURE(live, static_cast<int>(fault));
  SwarmConfig config = two_viewers(live);
  config.viewers[0].up_bits_per_second = 6e6;
  Swarm swarm(in_room(room, config));
  REQUIRE(until_mid_transfer(room, swarm, 15, 40));
  swarm.viewer(0).set_fault(fault);
  swarm.run_until(end_of(live));
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_sound(figures);
  require_no_stall(figures);
  CHECK(figures.p2p_bytes > 0);
  CHECK(figures.player.finished == !live);
  require_never_worse(swarm, config, {}, live ? kLeastLiveBuffer : 0.8);
}

TEST_CASE("a data channel that closes in mid-transfer: playback goes on, and peers meet again") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = two_viewers(live);
  config.viewers[0].up_bits_per_second = 6e6;
  Swarm swarm(in_room(room, config));
  REQUIRE(until_mid_transfer(room, swarm, 15, 40));
  swarm.rtc().break_channels(ViewerId(1));
  const uint64_t before = swarm.viewer(1).figures().p2p_bytes;
  swarm.run_until(end_of(live));
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_sound(figures);
  require_no_stall(figures);
  if (falls_back(room, live)) CHECK(figures.engine.fallbacks >= 1);
  // dc_closed from a child means that it needs another parent (protocol section 3).
  CHECK(figures.p2p_bytes > before);
  CHECK(figures.engine.cdn_bytes == figures.cdn_bytes);
  require_never_worse(swarm, config, {}, live ? kLeastLiveBuffer : 0.8);
}

TEST_CASE("signalling that gets lost: the viewer plays from the CDN") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  const SwarmConfig config = two_viewers(live);
  Swarm swarm(in_room(room, config));
  swarm.tracker().lose(
      [](std::string_view text) { return text.find("\"signal\"") != std::string_view::npos; });
  swarm.run_until(end_of(live));
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_never_worse(figures, plain_player(config, 1, end_of(live)));
  require_no_stall(figures);
  CHECK(figures.p2p_bytes == 0);
  require_figures_agree(swarm);
}

TEST_CASE("a CDN that answers errors for a while: peers help, and nobody is worse off") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = two_viewers(live);
  Swarm swarm(in_room(room, config));
  swarm.cdn().add_outage({at_second(24), at_second(29)});
  swarm.run_until(end_of(live));
  SwarmConfig plain_config = config;
  for (ViewerConfig& viewer : plain_config.viewers) viewer.p2p = false;
  Swarm plain(plain_config);
  plain.cdn().add_outage({at_second(24), at_second(29)});
  plain.run_until(end_of(live));
  REQUIRE(swarm.cdn().errors() > 0);
  for (size_t i = 0; i < 2; ++i) {
    require_never_worse(swarm.figures().viewers[i], plain.figures().viewers[i]);
  }
  require_figures_agree(swarm);
}

TEST_CASE("P2P refused by the network: nobody notices") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = two_viewers(live);
  config.viewers[1].p2p_refused = true;
  Swarm swarm(in_room(room, config));
  swarm.run_until(end_of(live));
  for (size_t i = 0; i < 2; ++i) {
    const ViewerFigures figures = swarm.figures().viewers[i];
    require_never_worse(figures, plain_player(config, i, end_of(live)));
    require_no_stall(figures);
    CHECK(figures.p2p_bytes == 0);
  }
  require_figures_agree(swarm);
}

TEST_CASE("a parent with a starved uplink never makes its child stall") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  const bool live = GENERATE(false, true);
  CAPTURE(live);
  SwarmConfig config = two_viewers(live);
  // Half the stream's own rate.
  config.viewers[0].up_bits_per_second = 0.5e6;
  Swarm swarm(in_room(room, config));
  swarm.run_until(end_of(live));
  const ViewerFigures figures = swarm.figures().viewers[1];
  require_never_worse(figures, plain_player(config, 1, end_of(live)));
  require_no_stall(figures);
}

TEST_CASE("upload switched off: the tracker's introductions lead nowhere, and nobody notices") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = two_viewers(false);
  config.viewers[0].upload = false;
  Swarm swarm(in_room(room, config));
  swarm.run_until(kVodEnd);
  for (const ViewerFigures& figures : swarm.figures().viewers) {
    require_sound(figures);
    require_no_stall(figures);
    CHECK(figures.player.finished);
    CHECK(figures.engine.upload_bytes == 0);
  }
  require_never_worse(swarm, config);
}

TEST_CASE("a small cache still plays, and holds its budget") {
  const Room room = GENERATE(Room::kWhole, Room::kPieces);
  CAPTURE(name_of(room));
  SwarmConfig config = two_viewers(false);
  for (ViewerConfig& viewer : config.viewers) viewer.cache_bytes = 4u * 1024 * 1024;
  Swarm swarm(in_room(room, config));
  swarm.run_until(60);
  for (size_t i = 0; i < 2; ++i) {
    const Engine* engine = swarm.viewer(i).engine();
    REQUIRE(engine != nullptr);
    // Segments are under 0.7 MB.
    CHECK(engine->cache().peak_bytes() <= 4u * 1024 * 1024 + 700'000);
    CHECK(engine->cache().counts().evictions > 0);
  }
  swarm.run_until(kVodEnd);
  for (const ViewerFigures& figures : swarm.figures().viewers) {
    require_sound(figures);
    require_no_stall(figures);
    CHECK(figures.player.finished);
  }
  require_never_worse(swarm, config);
}

}  // namespace hlsmesh::sim
