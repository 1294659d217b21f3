#include "study/study.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hlsmesh::study {
namespace {

// An engine that never comes: the player is left to itself.
constexpr double kNoEngine = 1e9;

// Simulated seconds between two samples, and between two checks of everything.
constexpr double kSampleEvery = 1;
constexpr double kCheckEvery = 1;

// What peers may cost, a third of a segment in the mean: each load that much, or one in four a
// segment and a third.
constexpr sim::LateLoads kLate[] = {
    {1, 0, 1.0 / 3}, {4, 0, 4.0 / 3}, {4, 1, 4.0 / 3}, {4, 2, 4.0 / 3}, {4, 3, 4.0 / 3}};

// Few studies need late twins.
constexpr double kNearlyDone = 0.99;

bool is_multiple(double value, double of) { return std::fmod(value, of) == 0; }

}  // namespace

Study::Study(Scenario scenario, uint64_t seed)
    : scenario_(std::move(scenario)), seed_(seed), world_(draw_world(scenario_, seed)) {
  begin(world_.config);
}

void Study::begin(sim::SwarmConfig config) {
  swarm_ = std::make_unique<sim::Swarm>(std::move(config));
  arrange(*swarm_, world_, scenario_, seed_);
  reached_ = 0;
}

void Study::advance(double seconds) {
  if (done()) return;
  const double until = std::min(reached_ + seconds, scenario_.length());
  while (reached_ < until) {
    reached_ = std::min(until, std::floor(reached_ / kSampleEvery) * kSampleEvery + kSampleEvery);
    swarm_->run_until(reached_);
    const bool end = reached_ >= scenario_.length();
    if (end || is_multiple(reached_, kSampleEvery)) samples_.push_back(sample(*swarm_, world_));
    if (scenario_.quiet > 0 && quiet_.settled.empty() &&
        reached_ >= scenario_.seconds + scenario_.quiet / 2) {
      quiet_.settled = mark(*swarm_, world_);
    }
    if (stage_ == Stage::kMesh && (end || is_multiple(reached_, kCheckEvery))) check();
  }
  if (reached_ >= scenario_.length()) finish();
}

double Study::progress() const {
  if (done()) return 1;
  if (stage_ == Stage::kLateTwins) return kNearlyDone;
  return kNearlyDone * ((stage_ == Stage::kTwin ? 1 : 0) + reached_ / scenario_.length()) / 2;
}

std::string Study::look() const {
  return stage_ == Stage::kMesh ? look_json(*swarm_, world_) : last_look_;
}

void Study::check() {
  const auto found = [this](Violation::Property property, std::string what) {
    const bool known =
        std::any_of(violations_.begin(), violations_.end(),
                    [property](const Violation& each) { return each.property == property; });
    if (known) return;  // the first of a kind tells the most
    violations_.push_back({property, "by second " + std::to_string(reached_) + ": " + what});
  };
  for (size_t i = 0; i < swarm_->size(); ++i) {
    const std::string who = "viewer " + std::to_string(i) + " ";
    const sim::Viewer& viewer = swarm_->viewer(i);
    if (viewer.loaded().wrong_bodies > 0) {
      found(Violation::Property::kBytes, who + "was given wrong bytes");
    }
    if (const Engine* engine = viewer.engine()) {
      const std::string broken(engine->audit());
      if (!broken.empty()) found(Violation::Property::kAudit, who + broken);
    }
    if (viewer.stray_commands() > 0) {
      found(Violation::Property::kCommands, who + "was sent a command for what is not there");
    }
  }
  if (const std::string broken = swarm_->tracker().audit(); !broken.empty()) {
    found(Violation::Property::kAudit, "tracker: " + broken);
  }
}

void Study::finish() {
  std::string look = stage_ == Stage::kMesh ? look_json(*swarm_, world_) : std::string();
  Run run = keep(*swarm_, world_, scenario_);
  run.samples = std::exchange(samples_, {});
  run.quiet = std::exchange(quiet_, {});
  if (scenario_.quiet > 0) {
    run.quiet.end = mark(*swarm_, world_);
    count_copies(*swarm_, scenario_, run.quiet);
  }
  swarm_.reset();
  if (stage_ == Stage::kMesh) {
    last_look_ = std::move(look);
    mesh_ = std::move(run);
    stage_ = Stage::kTwin;
    return begin_twin({});
  }
  count_due(scenario_, run, due_);
  if (stage_ == Stage::kTwin) {
    twin_ = std::move(run);
    stage_ = Stage::kLateTwins;
  } else {
    ++late_;
  }
  if (late_ < std::size(kLate) && !compare(mesh_, due_).empty()) {
    return begin_twin(kLate[late_]);
  }
  conclude();
}

void Study::begin_twin(sim::LateLoads late) {
  sim::SwarmConfig config = world_.config;
  for (sim::ViewerConfig& viewer : config.viewers) {
    viewer.core_ready = sim::from_seconds(kNoEngine);
    viewer.late = late;
  }
  begin(std::move(config));
}

void Study::conclude() {
  stage_ = Stage::kDone;
  for (Violation& each : compare(mesh_, due_)) violations_.push_back(std::move(each));
  if (scenario_.quiet > 0) {
    std::string what = not_converged(quiet_figures(scenario_, world_, mesh_.quiet, twin_.quiet));
    if (!what.empty()) {
      violations_.push_back({Violation::Property::kLiveness, "has not come to rest: " + what});
    }
  }
  figures_ = figures_json(scenario_, world_, seed_, mesh_, twin_, violations_);
  for (Violation& each : judge(scenario_, figures_)) violations_.push_back(std::move(each));
  figures_ = figures_json(scenario_, world_, seed_, mesh_, twin_, violations_);
}

}  // namespace hlsmesh::study
