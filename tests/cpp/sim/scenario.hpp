#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "common/random.hpp"
#include "sim/swarm.hpp"

namespace hlsmesh::sim {

// Under AddressSanitizer and as WebAssembly a run takes several times as long, so that fewer seeds
// and phases run there, and the largest worlds are smaller. What engines decide is judged by the
// native build, with all of them; the sanitizer looks for errors of memory, and the other build for
// different decisions (tests_study compares digests), which all seeds would meet on the same paths.
#if defined(__SANITIZE_ADDRESS__) || defined(__EMSCRIPTEN__)
inline constexpr bool kSlowBuild = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kSlowBuild = true;
#else
inline constexpr bool kSlowBuild = false;
#endif
#else
inline constexpr bool kSlowBuild = false;
#endif

// Two viewers of one stream, the second `late` seconds after the first. The seed also draws how
// they are attached.
inline SwarmConfig two_viewers(bool live, double late = 10, uint64_t seed = 1) {
  SwarmConfig out;
  out.seed = seed;
  out.content.live = live;
  out.content.vod_segments = 30;
  out.content.first_sn = live ? 1000 : 0;
  if (live) out.content.segment_duration = std::chrono::seconds(2);
  out.viewers.resize(2);
  // Not at a multiple of the segment duration: playlists of live viewers reload out of step.
  Random random(seed);
  out.viewers[1].join_at = at_second(late + (live ? 0.1 * (1 + random.below(18)) : 0));
  for (ViewerConfig& viewer : out.viewers) {
    viewer.latency = std::chrono::milliseconds(5 + random.below(30));
    viewer.up_bits_per_second = 1e6 * (10 + random.below(20));
    viewer.down_bits_per_second = 1e6 * (20 + random.below(60));
  }
  return out;
}

// How the viewers of a room bring each other segments: whole ones by REQUEST (extension 1), pieces
// by WANT (extension 2), or every other viewer knows the second way.
enum class Room : uint8_t { kWhole, kPieces, kMixed };

inline const char* name_of(Room room) {
  if (room == Room::kWhole) return "whole segments";
  return room == Room::kPieces ? "pieces" : "either";
}

inline SwarmConfig in_room(Room room, SwarmConfig config) {
  for (size_t i = 0; i < config.viewers.size(); ++i) {
    if (room == Room::kWhole || (room == Room::kMixed && i % 2 == 1)) {
      config.viewers[i].extension = 1;
    }
  }
  return config;
}

// When both VOD viewers of two_viewers() have played 120 s, with room for startup and loss.
inline constexpr double kVodEnd = 150;
// Live: one minute and more for the second viewer.
inline constexpr double kLiveEnd = 80;

inline double p2p_share(const ViewerFigures& figures) {
  const auto p2p = static_cast<double>(figures.p2p_bytes);
  return p2p / (p2p + static_cast<double>(figures.cdn_bytes));
}

// What must hold of every viewer in every run, whatever was lost.
inline void require_sound(const ViewerFigures& figures) {
  CHECK(figures.wrong_bodies == 0);
  CHECK(figures.stray_commands == 0);
  CHECK(figures.idle_wakeups == 0);
  CHECK_FALSE(figures.player.gave_up);
}

inline void require_no_stall(const ViewerFigures& figures) {
  CHECK(figures.player.first_frame.has_value());
  CHECK(figures.player.stalls == 0);
  CHECK(figures.player.skips == 0);
}

// The engines' own counts of bytes are those of the pages and of the origin.
inline void require_figures_agree(const Swarm& swarm) {
  const SwarmFigures figures = swarm.figures();
  uint64_t cdn = 0;
  uint64_t received = 0;
  uint64_t up = 0;
  for (const ViewerFigures& viewer : figures.viewers) {
    CHECK(viewer.engine.cdn_bytes == viewer.cdn_bytes);
    CHECK(viewer.engine.p2p_bytes == viewer.p2p_bytes);
    cdn += viewer.engine.cdn_bytes;
    received += viewer.engine.p2p_bytes + viewer.engine.p2p_wasted_bytes;
    up += viewer.engine.upload_bytes;
  }
  CHECK(cdn == figures.origin_bytes);
  // What was handed to channels either arrived or got lost on the way.
  CHECK(up >= received);
  CHECK(figures.channel_overflows == 0);
  // EngineConfig::channel_queue_bytes, and one message that may overrun it.
  CHECK(figures.peak_channel_queue <= 1024 * 1024 + 64 * 1024);
}

// The same viewer without P2P: what a plain player would have done in the same world.
inline ViewerFigures plain_player(SwarmConfig config, size_t index, double end) {
  for (ViewerConfig& viewer : config.viewers) {
    viewer.p2p = false;
    viewer.observer = nullptr;
  }
  Swarm swarm(std::move(config));
  swarm.run_until(end);
  return swarm.figures().viewers[index];
}

}  // namespace hlsmesh::sim
