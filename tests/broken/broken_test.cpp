// The simulator's checks, judged by engines that are broken on purpose (breaks.cmake).

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "cpp/sim/scenario.hpp"
#include "study/study.hpp"

// Which of the breaks is in force.
int hlsmesh_broken = 0;

namespace hlsmesh::study {
namespace {

using Property = Violation::Property;

// What does not hold in the world of that seed.
std::set<Property> broken_in(uint64_t seed, int broken) {
  hlsmesh_broken = broken;
  Study study(draw_scenario(seed), seed);
  while (!study.done()) study.advance(60);
  hlsmesh_broken = 0;
  std::set<Property> out;
  for (const Violation& each : study.violations()) out.insert(each.property);
  return out;
}

constexpr uint64_t kSeeds = 20;

// The first of the seeds in which one of these properties does not hold; above all if in none.
uint64_t first_seed(int broken, const std::set<Property>& expected) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const Property each : broken_in(seed, broken)) {
      if (expected.count(each) > 0) return seed;
    }
  }
  return kSeeds + 1;
}

}  // namespace

TEST_CASE("an engine that is not broken passes where the broken ones are caught") {
  for (uint64_t seed = 1; seed <= (sim::kSlowBuild ? 2 : kSeeds); ++seed) {
    CAPTURE(seed);
    CHECK(broken_in(seed, 0).empty());
  }
}

TEST_CASE("an engine that never gives up a silent parent makes its viewer stall") {
  CHECK(first_seed(1, {Property::kWorse, Property::kLiveness}) <= kSeeds);
}

TEST_CASE("an engine that serves another segment than was asked for is caught by the bytes") {
  CHECK(first_seed(2, {Property::kBytes}) <= kSeeds);
}

TEST_CASE("an engine that leaks a slot of its uplink is caught by its audit") {
  CHECK(first_seed(3, {Property::kAudit}) <= kSeeds);
}

}  // namespace hlsmesh::study
