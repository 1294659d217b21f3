// The simulator's checks, judged by engines that are broken on purpose (breaks.cmake).

#include <catch2/catch.hpp>
#include <vector>

#include "cpp/sim/scenario.hpp"
#include "study/study.hpp"

// Which of the breaks is in force.
int hlsmesh_broken = 0;

namespace hlsmesh::study {
namespace {

using Property = Violation::Property;

// Every third viewer serves for a while and then says nothing any more. `older`: share that
// exchanges whole segments; 0: all exchange pieces.
Scenario silent_scenario(double older) {
  Scenario out;
  out.seconds = 60;
  out.quiet = 20;
  out.audience.viewers = 12;
  out.audience.silent = 0.33;
  out.audience.silent_after = 25;
  out.audience.access.push_back(any_access());
  out.audience.older = older;
  return out;
}

Scenario drawn(uint64_t seed, double older) {
  Scenario out = draw_scenario(seed);
  out.audience.older = older;
  return out;
}

// What does not hold in that scenario and of that seed.
std::vector<Violation> violations_in(const Scenario& scenario, uint64_t seed, int broken) {
  hlsmesh_broken = broken;
  Study study(scenario, seed);
  while (!study.done()) study.advance(60);
  hlsmesh_broken = 0;
  return study.violations();
}

// `rests`: whether the swarm is expected to come to rest.
void expect_no_violation(const Scenario& scenario, uint64_t seed, bool rests) {
  for (const Violation& each : violations_in(scenario, seed, 0)) {
    if (rests || each.property != Property::kLiveness) FAIL_CHECK(each.what);
  }
}

constexpr uint64_t kSeeds = 20;

// The first of the seeds with which the property does not hold; above all if with none.
template <class ScenarioOf>
uint64_t first_seed(int broken, Property expected, ScenarioOf scenario_of) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const Violation& each : violations_in(scenario_of(seed), seed, broken)) {
      if (each.property == expected) return seed;
    }
  }
  return kSeeds + 1;
}

}  // namespace

TEST_CASE("an engine that is not broken passes where the broken ones are caught") {
  const double older = GENERATE(0, 1);
  CAPTURE(older);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    // In world 10 a third of eleven viewers cannot be reached: with its own seed and many others
    // peers bring less than a fifth of what uplinks allow. No break is caught by that in a drawn
    // world.
    expect_no_violation(drawn(seed, older), seed, seed != 10);
    expect_no_violation(silent_scenario(older), seed, true);
  }
}

TEST_CASE("an engine that never gives up a silent parent makes its viewer stall") {
  const double older = GENERATE(0, 1);
  CAPTURE(older);
  const auto silent = [older](uint64_t) { return silent_scenario(older); };
  CHECK(first_seed(1, Property::kWorse, silent) <= kSeeds);
  CHECK(first_seed(1, Property::kLiveness, silent) <= kSeeds);
}

TEST_CASE("an engine that never has the first segment fetched leaves its viewer without a frame") {
  Scenario scenario;
  scenario.seconds = 30;
  scenario.audience.viewers = 4;
  scenario.audience.access.push_back(any_access());
  // The engine is there before the playlist.
  scenario.audience.access.front().one_way = Spread::constant(200);
  CHECK(first_seed(4, Property::kWorse, [&scenario](uint64_t) { return scenario; }) == 1);
}

TEST_CASE("an engine that serves another segment than was asked for is caught by the bytes") {
  const double older = GENERATE(0, 1);
  CAPTURE(older);
  const auto world = [older](uint64_t seed) { return drawn(seed, older); };
  CHECK(first_seed(2, Property::kBytes, world) <= kSeeds);
}

TEST_CASE("an engine that leaks a slot of its uplink is caught by its audit") {
  const double older = GENERATE(0, 1);
  CAPTURE(older);
  const auto world = [older](uint64_t seed) { return drawn(seed, older); };
  CHECK(first_seed(3, Property::kAudit, world) <= kSeeds);
}

}  // namespace hlsmesh::study
