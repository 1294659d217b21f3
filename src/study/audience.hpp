#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "study/spread.hpp"

namespace hlsmesh::study {

// The most that a scenario may ask for.
inline constexpr double kMostSeconds = 24 * 3600;
inline constexpr int32_t kMostViewers = 100'000;

// Viewers on one kind of access line.
struct Access {
  std::string name;
  double share = 1;        // of the audience, beside the others'
  Spread up;               // Mbit/s
  Spread down;             // Mbit/s
  Spread one_way;          // ms from the viewer to the middle of the network
  double loss = 0;         // share of packets
  bool metered = false;    // uploads nothing, as on a mobile line
  int32_t behind_one = 1;  // so many share a line and reach each other without it: an office
};

// Kinds of NAT among the viewers, as shares beside one another, and how long connections take.
struct NatMix {
  double open = 0.25;  // IPv6 too
  double port_restricted = 0.57;
  double symmetric = 0.15;
  double udp_blocked = 0.03;
  double signalling = 0.6;  // seconds, at least, from dialling to the handshake
  double give_up = 3;       // seconds, from dialling, until a connection that cannot open fails
};

// The share of random pairs whose connection opens.
double connecting_share(const NatMix& mix);

struct Audience {
  int32_t viewers = 50;
  std::vector<Access> access;
  double join_within = 10;    // seconds, evenly
  std::optional<NatMix> nat;  // nullopt: no NAT stands between any two
  int32_t isps = 0;  // providers, the second half as large as the first and so on; 0: nobody knows
  double unreachable = 0;   // share with whom no connection ever opens
  double silent = 0;        // share whose pages say nothing to any peer from `silent_after` on
  double silent_after = 0;  // seconds after joining
  double freeloading = 0;   // share that uploads nothing
  double checks = 0;        // EngineConfig::checks of all
  double older = 0;         // share that knows extension 1 alone: whole segments
  double paused = 0;        // share that pauses after playing for `pause_after` seconds
  double pause_after = 15;
  // How long a viewer stays, in seconds; nullopt: until the end.
  std::optional<Spread> stay;
  // Of those who leave, the share that goes without a word: a browser killed, a battery empty.
  double vanishing = 0;
  double buffer_seconds = 30;  // hls.js maxBufferLength
};

// The member `audience` of a scenario. The first fault is put into `error`.
void read_audience(const nlohmann::json& from, Audience& out, std::string& error);

// With every default written out.
nlohmann::json audience_json(const Audience& audience);

// A line that most households have.
Access any_access();

}  // namespace hlsmesh::study
