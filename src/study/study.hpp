#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "study/figures.hpp"

namespace hlsmesh::study {

// One scenario with one seed: the swarm runs with P2P, then the same world runs without, so that
// every viewer has a twin that plays by the CDN alone.
class Study {
 public:
  Study(Scenario scenario, uint64_t seed);
  Study(const Study&) = delete;
  Study& operator=(const Study&) = delete;

  // Simulates up to that much time, in seconds; stops at the end of either run.
  void advance(double seconds);
  // 0 to 1, of both runs together.
  double progress() const;
  bool done() const { return stage_ == Stage::kDone; }

  // How the run with peers stands, or stood at its end: JSON, by viewer.
  std::string look() const;

  // Once done.
  const std::string& figures() const { return figures_; }
  const std::vector<Violation>& violations() const { return violations_; }

 private:
  enum class Stage : uint8_t { kMesh, kTwin, kLateTwins, kDone };

  void begin(sim::SwarmConfig config);
  void begin_twin(sim::LateLoads late);
  void check();
  void finish();
  void conclude();

  Scenario scenario_;
  uint64_t seed_;
  World world_;
  Stage stage_ = Stage::kMesh;
  std::unique_ptr<sim::Swarm> swarm_;
  std::string last_look_;
  double reached_ = 0;           // seconds of the present run
  std::vector<Sample> samples_;  // of the present run
  Quiet quiet_;                  // of the present run
  Run mesh_;
  Run twin_;
  size_t late_ = 0;       // late twins that have run
  std::vector<Due> due_;  // by viewer
  std::vector<Violation> violations_;
  std::string figures_;
};

}  // namespace hlsmesh::study
