#pragma once

#include <cstdint>
#include <vector>

#include "sim/swarm.hpp"
#include "study/scenario.hpp"

namespace hlsmesh::study {

// What one seed makes of a scenario: every viewer with its line and its plans.
struct World {
  struct Plan {
    double joins = 0;   // seconds
    double leaves = 0;  // seconds; after the end of the run: never
    bool silently = false;
    double pauses = 0;          // seconds; after the end of the run: never
    double falls_silent = 1e9;  // likewise
  };

  sim::SwarmConfig config;
  std::vector<Plan> plans;  // by viewer
  double last_join = 0;     // seconds; as planned
};

World draw_world(const Scenario& scenario, uint64_t seed);

// Arranges for the plans and the scenario's incidents to happen to a swarm made from
// `world.config`, with or without P2P: whom an incident strikes depends on the seed and on who is
// there, not on what peers did. All three must outlive the swarm's run.
void arrange(sim::Swarm& swarm, const World& world, const Scenario& scenario, uint64_t seed);

// The share of these viewers' media bytes that peers could carry at most: all but one copy of each
// segment, and no more than the uplinks of those who upload and can be reached.
double most_offload(const std::vector<const sim::ViewerConfig*>& viewers, double bits_per_second);

}  // namespace hlsmesh::study
