#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/swarm.hpp"
#include "study/quiet.hpp"
#include "study/scenario.hpp"
#include "study/world.hpp"

namespace hlsmesh::study {

// When each segment of the main track reached each player.
using Arrivals = std::vector<std::vector<sim::Arrival>>;

// The swarm at one moment; byte counts are since the start.
struct Sample {
  double at = 0;  // seconds
  int32_t viewers = 0;
  uint64_t cdn_bytes = 0;
  uint64_t p2p_bytes = 0;
  double stalled = 0;  // seconds, of all viewers
};

// What is kept of a swarm that has run: the swarm itself is large.
struct Run {
  sim::SwarmFigures swarm;
  Arrivals arrivals;
  int32_t steady_segments = 0;  // live: those listed in quiet times
  double steady_copies = 0;     // of them
  uint64_t control_bytes = 0;   // between peers, and with the tracker
  uint64_t peer_media_bytes = 0;
  uint64_t events = 0;                                    // of the simulation
  std::map<std::pair<int32_t, int32_t>, uint64_t> flows;  // media, by kinds of lines, from and to
  uint64_t placed_bytes = 0;    // media between viewers whose providers are known
  uint64_t crossing_bytes = 0;  // of it between two providers
  std::vector<Sample> samples;
  Quiet quiet;  // empty where the scenario has no such phase
};

Sample sample(sim::Swarm& swarm, const World& world);

// By viewer whether it is there and its bytes so far, as JSON.
std::string look_json(sim::Swarm& swarm, const World& world);

// How long a viewer may wait for the picture, at first and in stalls, in seconds.
struct Due {
  double waited = 0;  // as long as that of its twins who waited longest
  double beyond = 0;  // and a fifth of its twin's mean buffer, and what timers are late by
};

// Adds the viewers' twins: first those who ask the CDN at once, then others, who ask later.
void count_due(const Scenario& scenario, const Run& twin, std::vector<Due>& due);

// Reads a swarm at the end of its run.
Run keep(sim::Swarm& swarm, const World& world, const Scenario& scenario);

// One property that does not hold.
struct Violation {
  enum class Property : uint8_t {
    kBytes = 10,     // a player was given other bytes than the origin's
    kAudit = 11,     // an engine or the tracker contradicts itself
    kCommands = 12,  // a command names what is not there
    kWorse = 13,     // a viewer waited longer for the picture than its twin
    kExpect = 14,    // a figure lies outside what the scenario expects
    kLiveness = 15,  // by the end of the quiet phase the swarm has not come to rest
  };

  Property property = Property::kBytes;
  std::string what;
};

// The figures as JSON, with the names that docs/SIMULATOR.md lists.
std::string figures_json(const Scenario& scenario, const World& world, uint64_t seed,
                         const Run& mesh, const Run& twin,
                         const std::vector<Violation>& violations);

// What of `scenario.expect` is missed in figures made by figures_json, and whether a viewer fared
// worse than is due to it.
std::vector<Violation> judge(const Scenario& scenario, const std::string& figures);
std::vector<Violation> compare(const Run& mesh, const std::vector<Due>& due);

}  // namespace hlsmesh::study
