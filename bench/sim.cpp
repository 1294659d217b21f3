// The simulator as a native program: a scenario on standard input, or drawn from the seed; figures
// as JSON on standard output. `npx -p hlsmesh hlsmesh-sim` is the same as WebAssembly.

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "study/study.hpp"

namespace {

constexpr int kUsage = 2;

uint64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1'024;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace hlsmesh::study;
  if (argc < 2 || argc > 4) {
    std::cerr << "hlsmesh-sim SEED [VIEWERS] [draw] <scenario.json\n"
                 "  draw: draws the scenario from the seed instead of reading one\n";
    return kUsage;
  }
  const uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  Scenario scenario;
  if (std::string_view(argv[argc - 1]) == "draw") {
    scenario = draw_scenario(seed);
  } else {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    auto parsed = parse_scenario(text);
    if (const auto* error = std::get_if<std::string>(&parsed)) {
      std::cerr << "hlsmesh-sim: " << *error << '\n';
      return kUsage;
    }
    scenario = std::get<Scenario>(std::move(parsed));
    if (argc > 2) scenario.audience.viewers = std::atoi(argv[2]);
    if (scenario.audience.viewers < 1) {
      std::cerr << "hlsmesh-sim: VIEWERS must be a whole number above 0\n";
      return kUsage;
    }
  }
  std::cerr << to_json(scenario) << '\n';
  const auto began = std::chrono::steady_clock::now();
  Study study(scenario, seed);
  while (!study.done()) study.advance(5);
  auto figures = nlohmann::json::parse(study.figures());
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
  figures["wallSeconds"] = wall.count();
  figures["peakBytes"] = peak_bytes();
  std::cout << figures.dump(2) << '\n';
  return study.violations().empty() ? 0 : static_cast<int>(study.violations().front().property);
}
