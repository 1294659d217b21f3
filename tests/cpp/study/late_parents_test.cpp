// Rooms in which some parents have live segments later than what their children wait after a few
// loads in vain.

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "study/study.hpp"

namespace hlsmesh::study {
namespace {

struct Rooms {
  int viewers;
  uint64_t seed;
};

// The product's `steady`, for a minute, and nobody leaves.
nlohmann::json figures_of(const Rooms& room) {
  std::ifstream file(HLSMESH_TEST_DATA "/../js/sim/scenarios/steady.json");
  nlohmann::json scenario = nlohmann::json::parse(file);
  scenario["seconds"] = 60;
  scenario["audience"]["vanishing"] = 0;
  scenario["audience"]["viewers"] = room.viewers;
  auto parsed = parse_scenario(scenario.dump());
  REQUIRE(std::holds_alternative<Scenario>(parsed));
  Study study(std::get<Scenario>(parsed), room.seed);
  while (!study.done()) study.advance(5);
  REQUIRE(study.violations().empty());
  return nlohmann::json::parse(study.figures());
}

}  // namespace

TEST_CASE("live viewers that waited in vain come back to parents that are only late") {
  constexpr Rooms kRooms[] = {{8, 6}, {8, 22}, {8, 23}, {14, 2}, {14, 36}, {14, 39}};
  double copies = 0;
  for (const Rooms& room : kRooms) {
    CAPTURE(room.viewers, room.seed);
    const nlohmann::json figures = figures_of(room);
    CHECK(figures["stallSeconds"].get<double>() <= figures["twinStallSeconds"].get<double>());
    copies += figures["steadyOriginCopies"].get<double>();
  }
  // 4.2 where whoever waited in vain never waits long enough to learn how late its parents are.
  CHECK(copies / static_cast<double>(std::size(kRooms)) < 3.5);
}

}  // namespace hlsmesh::study
