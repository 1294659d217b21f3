#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/swarm.hpp"
#include "study/scenario.hpp"
#include "study/world.hpp"

namespace hlsmesh::study {

// One viewer at one moment of the quiet phase; bytes and seconds are since its start.
struct Mark {
  bool there = false;      // has joined and not left
  bool playing = false;    // neither paused nor at the end of a film
  bool connected = false;  // to any peer
  uint64_t cdn_bytes = 0;
  uint64_t p2p_bytes = 0;
  double stalled = 0;
  double loaded = 0;  // of a film, seconds from its beginning
};

// What a run with a quiet phase is judged by: all viewers when half of that phase has passed, by
// when the swarm must have settled, and at its end.
struct Quiet {
  std::vector<Mark> settled;
  std::vector<Mark> end;
  int32_t segments = 0;  // live: listed in between, but for the last ones
  double copies = 0;     // of them, from the origin
};

std::vector<Mark> mark(sim::Swarm& swarm, const World& world);

// Live: counts what the origin sent of the segments listed since half of the quiet phase.
void count_copies(sim::Swarm& swarm, const Scenario& scenario, Quiet& out);

// Of the second half of the quiet phase.
struct QuietFigures {
  double offload = 0;
  double most_offload = 0;  // as the uplinks of those who play then allow
  double origin_copies = 0;
  double stall_seconds = 0;
  double twin_stall_seconds = 0;
  double media_bytes = 0;
  int32_t viewers = 0;     // who play
  int32_t stranded = 0;    // of them, who could be connected to a peer that uploads and are to none
  std::string first_late;  // a viewer that stalled beyond its twin; empty: none
};

QuietFigures quiet_figures(const Scenario& scenario, const World& world, const Quiet& mesh,
                           const Quiet& twin);

// What has not converged by then; empty: all has.
std::string not_converged(const QuietFigures& figures);

}  // namespace hlsmesh::study
